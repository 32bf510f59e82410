//! Plugins seen from the pipeline: guests of tests/guests in a real engine.

mod breaking;
mod bundled;
mod grants;
mod imports;
mod limits;
mod linear;
mod living;
mod loading;
mod modules;
mod parts;
mod places;
mod vices;
mod wasi;

use std::io::{self, Write};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use otlet_tests::guests;
use prost::Message;
use serde_json::json;

use super::{Engine, Failure, Limits, OnError, Place, Plugin, Processor, Sandbox};
use crate::batch::{Batch, Signal};

/// One engine for all tests, as in the program.
static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::new(64).unwrap());

static BAD: LazyLock<Arc<Plugin>> = LazyLock::new(|| load("bad", guests::BAD));
static ECHO: LazyLock<Arc<Plugin>> = LazyLock::new(|| load("echo", guests::ECHO));
static WASI: LazyLock<Arc<Plugin>> = LazyLock::new(|| load("wasi", guests::WASI));

fn load(name: &str, wasm: &[u8]) -> Arc<Plugin> {
    Arc::new(Plugin::load(&ENGINE, name, wasm).unwrap())
}

/// A processor that has `vice` on batches of traces.
fn bad(vice: &str, n: usize, limits: &Limits) -> Processor {
    processor(&BAD, &json!({"vice": vice, "n": n}), limits)
}

fn processor(plugin: &Arc<Plugin>, config: &serde_json::Value, limits: &Limits) -> Processor {
    Processor::new(
        Arc::clone(plugin),
        "test",
        config,
        &within(limits),
        Some(OnError::Pass),
    )
    .unwrap()
}

fn within(limits: &Limits) -> Sandbox {
    Sandbox {
        limits: limits.clone(),
        ..Sandbox::default()
    }
}

/// Two spans, `GET /a` and `GET /b`, of the service `shop`.
fn request() -> ExportTraceServiceRequest {
    let span = |name: &str, id: u8| Span {
        name: name.to_owned(),
        trace_id: vec![id; 16],
        span_id: vec![id; 8],
        kind: i32::from(id),
        start_time_unix_nano: 5,
        attributes: vec![attribute("k", Any::StringValue(format!("v{id}")))],
        ..Span::default()
    };
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource {
                attributes: vec![attribute(
                    "service.name",
                    Any::StringValue("shop".to_owned()),
                )],
                ..Resource::default()
            }),
            scope_spans: vec![ScopeSpans {
                spans: vec![span("GET /a", 1), span("GET /b", 2)],
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    }
}

fn attribute(key: &str, value: Any) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

fn traces() -> Batch {
    Batch::new(Signal::Traces, request().encode_to_vec().into()).unwrap()
}

/// One log record.
fn logs() -> Batch {
    let request = ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            scope_logs: vec![ScopeLogs {
                log_records: vec![LogRecord {
                    severity_text: "INFO".to_owned(),
                    ..LogRecord::default()
                }],
                ..ScopeLogs::default()
            }],
            ..ResourceLogs::default()
        }],
    };
    Batch::new(Signal::Logs, request.encode_to_vec().into()).unwrap()
}

/// The request that a batch of traces leaves as.
fn decoded(batch: &Batch) -> ExportTraceServiceRequest {
    ExportTraceServiceRequest::decode(Bytes::from(batch.splice(0))).unwrap()
}

/// The first value of an attribute of a span.
fn of<'a>(span: &'a Span, key: &str) -> Option<&'a Any> {
    let attribute = span
        .attributes
        .iter()
        .find(|attribute| attribute.key == key)?;
    attribute.value.as_ref()?.value.as_ref()
}

/// Runs a call that has to fail, and holds it to leaving the batch of traces as it was.
fn fails(processor: &Processor) -> String {
    match processor.process(traces(), Place::Worker) {
        Err(Failure::Failed {
            batch,
            reason,
            retryable,
            malformed,
            ..
        }) => {
            assert!(!retryable && malformed.is_none());
            assert!(batch.is_untouched());
            assert_eq!(decoded(&batch), request());
            reason
        }
        other => panic!("it did not fail: {other:?}"),
    }
}

/// What is logged while `run` runs on this thread.
fn logged(run: impl FnOnce()) -> String {
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            log.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, run);
    let bytes = log.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

/// Limits that a guest which never ends meets soon.
fn hasty() -> Limits {
    Limits {
        deadline: Duration::from_millis(30),
        ..Limits::default()
    }
}
