//! The config is read again while otlet runs: what did not change goes on, what is gone ends in good order, and a config that
//! cannot be used changes nothing.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "everything here is a test, the functions that tests share included"
)]

mod exporters;
mod pipelines;
mod plugins;
mod receivers;
mod refused;
mod signals;
mod watched;

use std::collections::BTreeSet;

use opentelemetry_proto::tonic::trace::v1::Span;
use otlet_tests::backend::{Received, Request};
use otlet_tests::metrics::scrape;
use otlet_tests::program::Program;
use otlet_tests::sender::{Sender, numbers, spans};

/// What the log says of a reload.
pub(crate) const APPLIED: &str = "the config was reloaded";
pub(crate) const UNCHANGED: &str = "the config says what runs already";
pub(crate) const REFUSED: &str = "the config was not reloaded";

pub(crate) fn run(config: &str) -> Program {
    Program::start(env!("CARGO_BIN_EXE_otlet"), config)
}

/// One receiver, `processors` by name with their configs, and exporters by name with their settings; all traces go through all.
pub(crate) fn traces(processors: &[(&str, &str)], exporters: &[(&str, &str)]) -> String {
    let section = |parts: &[(&str, &str)]| {
        let lines = parts
            .iter()
            .map(|(name, keys)| format!("  {name}: {{ {keys} }}\n"));
        lines.collect::<String>()
    };
    let names = |parts: &[(&str, &str)]| {
        let names: Vec<_> = parts.iter().map(|(name, _)| *name).collect();
        names.join(", ")
    };
    format!(
        "
admin: {{ endpoint: 127.0.0.1:0 }}
receivers:
  otlp:
    protocols:
      grpc: {{ endpoint: 127.0.0.1:0 }}
      http: {{ endpoint: 127.0.0.1:0 }}
processors:
{}exporters:
{}service:
  pipelines:
    traces: {{ receivers: [otlp], processors: [{}], exporters: [{}] }}
",
        section(processors),
        section(exporters),
        names(processors),
        names(exporters),
    )
}

/// The settings of an exporter to this backend, which tries again soon.
pub(crate) fn to(endpoint: &str) -> String {
    format!(
        "endpoint: '{endpoint}', retry_on_failure: {{ initial_interval: 50ms, max_interval: 100ms }}"
    )
}

/// A processor that sets the attribute `shop`.
pub(crate) fn shop(value: &str) -> String {
    format!("config: {{ actions: [{{ set: 'record.attributes[\"shop\"]', value: '{value}' }}] }}")
}

/// Sends one span, which must be taken.
pub(crate) async fn send(sender: &Sender, number: u64) {
    let reply = sender
        .send(&Request::Traces(spans([number])))
        .await
        .unwrap();
    assert!([0, 200].contains(&reply.code), "{number}: {reply:?}");
}

/// The numbers of what arrived, of which none may be there twice.
pub(crate) fn once(received: &[Received]) -> BTreeSet<u64> {
    let all = numbers(received);
    let once: BTreeSet<_> = all.iter().copied().collect();
    assert_eq!(once.len(), all.len(), "some arrived twice");
    once
}

/// The spans that arrived.
pub(crate) fn arrived(received: &[Received]) -> Vec<Span> {
    let requests = received.iter().filter_map(|one| match &one.request {
        Request::Traces(request) => Some(request),
        _ => None,
    });
    requests
        .flat_map(|request| &request.resource_spans)
        .flat_map(|resource| &resource.scope_spans)
        .flat_map(|scope| scope.spans.clone())
        .collect()
}

/// How many reloads came to that.
pub(crate) fn reloads(otlet: &Program, outcome: &str) -> u64 {
    scrape(otlet.admin()).count("otlet_config_reloads_total", &[("outcome", outcome)])
}
