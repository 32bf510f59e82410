//! The process holds no more than it may, whatever comes: it refuses, goes on with what its backend takes, and recovers.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "everything here is a test, the functions that tests share included"
)]

mod load;
mod parts;
mod returned;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use otlet::app::App;
use otlet_tests::sender::{Reply, spans};

#[path = "../support/app.rs"]
mod app;

/// What one request weighs.
const WEIGHT: usize = 256 << 10;

/// A request with a number and a weight.
fn heavy(number: u64) -> ExportTraceServiceRequest {
    let mut request = spans([number]);
    request.resource_spans[0].scope_spans[0].spans[0].name = "x".repeat(WEIGHT);
    request
}

/// A refusal that says when to try again, or an acknowledgement.
fn is_taken(reply: &Reply) -> bool {
    match reply.code {
        0 | 200 => true,
        8 | 429 => {
            assert!(reply.retry.is_some(), "{reply:?}");
            assert!(reply.message.contains("the memory of otlet"), "{reply:?}");
            false
        }
        other => panic!("{other}: {reply:?}"),
    }
}

/// A processor that edits every request.
const ENRICH: &str =
    "enrich: { config: { actions: [{ set: 'resource.attributes[\"a\"]', value: b }] } }";

fn in_process(exporter: &str, endpoint: &str, edits: bool) -> App {
    let (processor, processors) = if edits { (ENRICH, "enrich") } else { ("", "") };
    let config = format!(
        "
receivers: {{ otlp: {{ protocols: {{ grpc: {{ endpoint: 127.0.0.1:0 }} }} }} }}
processors: {{ {processor} }}
exporters: {{ otlp: {{ endpoint: '{endpoint}', {exporter} }} }}
service:
  pipelines:
    traces: {{ receivers: [otlp], processors: [{processors}], exporters: [otlp] }}
"
    );
    app::start(&config, &[])
}
