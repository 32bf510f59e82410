//! A guest that makes whatever calls of the contract the bytes choose, against the host's side of them.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use otlet::batch::{Batch, Signal};
use otlet::plugin::{Engine, Failure, Limits, OnError, Place, Plugin, Processor, Sandbox};
use otlet_tests::{every_field, guests};
use prost::Message;
use serde_json::json;

use crate::Target;
use crate::choices::Choices;

/// Which request the guest is given.
const CHOICES: usize = 1;

/// The host neither panics nor takes longer than it may. What succeeds leaves a request that can be taken, what fails leaves
/// the batch as it was, and the next batch fares well.
pub const TARGET: Target = Target {
    name: "calls",
    run,
    seeds,
    choices: 0..CHOICES,
    words: &[],
};

static PROCESSOR: LazyLock<Processor> = LazyLock::new(|| {
    let engine = Engine::new(2).expect("there is room for two instances");
    let plugin = Plugin::load(&engine, "calls", guests::CALLS).expect("it keeps the contract");
    let sandbox = Sandbox {
        limits: Limits {
            memory: 16 << 20,
            // Not met by 64 calls, but on a machine that does much else.
            deadline: Duration::from_secs(20),
            instances: 2,
            handed: 1 << 20,
            log_lines: 0,
            ..Limits::default()
        },
        ..Sandbox::default()
    };
    let on_error = Some(OnError::Pass);
    Processor::new(Arc::new(plugin), "calls", &json!({}), &sandbox, on_error)
        .expect("any config will do")
});

fn run(data: &[u8]) -> bool {
    let Some((mut choices, calls)) = Choices::split(data, CHOICES) else {
        return false;
    };
    let signal = *choices.pick(&Signal::ALL);
    let before = request(signal, calls);
    let batch = Batch::new(signal, before.clone().into()).expect("it is valid");
    match PROCESSOR.process(batch, Place::Worker) {
        Ok(after) => {
            let after = after.splice(0);
            assert!(after.len() <= 8 * before.len() + (1 << 20), "{calls:?}");
            // A guest may put another request in its place, which is looked at as those of senders are.
            assert!(Batch::new(signal, after.freeze()).is_ok(), "{calls:?}");
            true
        }
        Err(Failure::Failed { batch, reason, .. }) => {
            assert!(batch.is_untouched() && batch.splice(0) == before);
            assert!(!reason.contains("panicked"), "{calls:?}: {reason}");
            assert!(reason.len() < 1_000, "{calls:?}: {reason}");
            // It would be left alone after a while, were there no success in between.
            let innocent = Batch::new(signal, request(signal, &[]).into()).expect("it is valid");
            let fared = PROCESSOR.process(innocent, Place::Worker);
            assert!(fared.is_ok_and(|batch| batch.is_untouched()), "{calls:?}");
            false
        }
        Err(other) => panics(&other),
    }
}

#[expect(clippy::panic, reason = "something does not hold that must hold")]
fn panics(failure: &Failure) -> bool {
    panic!("a worker waits for an instance: {failure:?}")
}

/// A request with every field, whose first resource says what to call.
fn request(signal: Signal, calls: &[u8]) -> Vec<u8> {
    let attribute = KeyValue {
        key: "calls".to_owned(),
        value: Some(AnyValue {
            value: Some(Value::BytesValue(calls.to_vec())),
        }),
        ..KeyValue::default()
    };
    let add = |resource: Option<&mut Option<Resource>>| {
        let resource = resource.expect("every request has a resource");
        let resource = resource.get_or_insert_default();
        resource.attributes.push(attribute);
    };
    match signal {
        Signal::Traces => {
            let mut request = every_field::traces();
            add(request
                .resource_spans
                .first_mut()
                .map(|of| &mut of.resource));
            request.encode_to_vec()
        }
        Signal::Metrics => {
            let mut request = every_field::metrics();
            add(request
                .resource_metrics
                .first_mut()
                .map(|of| &mut of.resource));
            request.encode_to_vec()
        }
        Signal::Logs => {
            let mut request = every_field::logs();
            add(request.resource_logs.first_mut().map(|of| &mut of.resource));
            request.encode_to_vec()
        }
    }
}

/// Calls of each kind: the guest's `call` says what a byte chooses.
fn seeds() -> Vec<Vec<u8>> {
    let reads: Vec<u8> = (0..12).flat_map(|call| [call, 1, 6, 1, 2]).collect();
    let edits: Vec<u8> = (0..8)
        .flat_map(|edit| [12, 3, 6, 1, edit, 1, 7, 1, 9, 3, 200, 2, 1])
        .collect();
    let leaves = vec![20, 3, 0, 3, 4, 3, 0, 1, 5, 0, 1, 7, 255];
    let whole = vec![22, 2, 9, 0, 0, 0, 18, 40, 0, 0, 0, 65, 22, 0];
    let others = vec![24, 1, 9, 25, 0, 1, 0, 0, 0, 26, 200, 27, 9];
    let some = [reads, edits, leaves, whole, others];
    let signals = 0..3;
    signals
        .flat_map(|signal| {
            some.iter()
                .map(move |calls| [&[signal], &calls[..]].concat())
        })
        .collect()
}
