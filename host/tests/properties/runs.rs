//! Runs: a request at random, then several transactions with random steps, committed or rolled back.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use bytes::Bytes;
use fastrand::Rng;
use otlet::batch::Batch;
use otlet_plugin::{
    Signal,
    testing::{Request, model::Model},
};

use crate::{
    columns::{Column, columns, host_signal},
    generate::Generator,
    leaves,
    same::same_request,
    steps::Run,
};

/// Far more than any of these batches needs.
pub(crate) const BUDGET: usize = 1 << 26;

/// One seed: a request in its bytes, then transactions.
pub(crate) fn run(
    request: &Request,
    message: &Bytes,
    seed: u64,
    columns: &[Column],
    done: &mut Vec<String>,
) {
    let signal = request.signal();
    let mut rng = Rng::with_seed(seed ^ 0x5eed);
    let mut request = request.clone();
    let mut batch = Batch::new(host_signal(signal), message.clone()).unwrap();
    let untouched = batch.clone();
    for _ in 0..rng.usize(1..4) {
        done.push("begin".to_owned());
        let mut run = Run {
            rng: rng.fork(),
            generator: Generator::new(rng.u64(..)),
            columns,
            host: batch.begin(BUDGET),
            model: Model::new(request.clone()),
            done,
        };
        let steps = run.rng.usize(..12);
        let fine = (0..steps).all(|_| run.step());
        if fine {
            run.read_all();
            leaves::compare(&mut run);
        }
        let Run { host, model, .. } = run;
        if fine && rng.u8(..4) > 0 {
            done.push("commit".to_owned());
            batch = host.commit();
            request = model.commit();
        } else {
            done.push("roll back".to_owned());
            batch = host.rollback();
        }
        let out = batch.splice(5);
        assert_eq!(out.get(..5), Some(&[0; 5][..]), "the headroom");
        same_request(signal, out.get(5..).unwrap(), &request.to_protobuf());
        let records = Model::new(request.clone()).rows("record").unwrap();
        assert_eq!(batch.records(), records, "the records");
        if batch.is_untouched() {
            assert_eq!(
                out.get(5..),
                Some(&message[..]),
                "an untouched batch is its message"
            );
        }
    }
    assert!(
        untouched.is_untouched() && untouched.splice(0) == *message,
        "a clone is its own"
    );
}

/// Runs the first seeds, more of them with `SEEDS=20000`; a failure is printed with its seed and with what was done.
pub(crate) fn seeds(signal: Signal, count: u64, message: impl Fn(&Request, u64) -> Bytes) {
    let columns = columns();
    let count = std::env::var("SEEDS").map_or(count, |count| count.parse().unwrap());
    for seed in 0..count {
        let request = Generator::new(seed).request(signal);
        let mut done = Vec::new();
        let message = message(&request, seed);
        let run = AssertUnwindSafe(|| run(&request, &message, seed, &columns, &mut done));
        if let Err(panic) = catch_unwind(run) {
            let done = done.join("\n  ");
            eprintln!("{signal}, seed {seed}:\n  {done}");
            resume_unwind(panic);
        }
    }
}

fn canonical(request: &Request, _seed: u64) -> Bytes {
    request.to_protobuf().into()
}

#[test]
fn edits_of_traces_are_those_of_the_model() {
    seeds(Signal::Traces, 1000, canonical);
}

#[test]
fn edits_of_metrics_are_those_of_the_model() {
    seeds(Signal::Metrics, 1000, canonical);
}

#[test]
fn edits_of_logs_are_those_of_the_model() {
    seeds(Signal::Logs, 1000, canonical);
}
