//! What the demo prints.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::sync::Arc;

use opentelemetry_proto::tonic::common::v1::{AnyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;

use super::Telemetry;
use super::shop::{Traffic, hex};
use crate::pipeline::Stage;

/// What was sent, what arrived, and what the processors counted.
pub(super) struct Report {
    pub(super) seed: u64,
    pub(super) requests: usize,
    pub(super) traffic: Traffic,
    pub(super) arrived: Telemetry,
    pub(super) stages: Vec<Arc<Stage>>,
}

/// A record and the service that it comes from.
type Of<'a, T> = (&'a str, &'a T);

impl Report {
    pub(super) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        self.totals(out)?;
        self.processors(out)?;
        self.secrets(out)?;
        self.before_and_after(out)?;
        self.trace(out)
    }

    fn totals(&self, out: &mut impl Write) -> io::Result<()> {
        let sent = &self.traffic.sent;
        writeln!(
            out,
            "A small shop (seed {}) sent {} requests over OTLP/gRPC; this is what its backend got.\n",
            self.seed, self.requests
        )?;
        writeln!(out, "{:<14}{:>8}{:>10}", "", "sent", "arrived")?;
        for (what, of) in [
            ("spans", spans_count as fn(&Telemetry) -> usize),
            ("traces", traces),
            ("log records", logs_count),
            ("data points", points),
        ] {
            writeln!(out, "{what:<14}{:>8}{:>10}", of(sent), of(&self.arrived))?;
        }
        let torn = torn_traces(sent, &self.arrived);
        writeln!(out, "{:<14}{torn:>18}\n", "torn traces")
    }

    fn processors(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(
            out,
            "{:<14}{:>8}{:>10}   its own counters",
            "processor", "in", "out"
        )?;
        for stage in &self.stages {
            let counters = &stage.counters;
            let own: Vec<_> = stage
                .processor()
                .counters()
                .iter()
                .map(|(name, count)| format!("{name} {count}"))
                .collect();
            writeln!(
                out,
                "{:<14}{:>8}{:>10}   {}",
                stage.name(),
                counters.records_in.get(),
                counters.records_out.get(),
                own.join(", ")
            )?;
        }
        writeln!(out)
    }

    fn secrets(&self, out: &mut impl Write) -> io::Result<()> {
        let sent: Vec<_> = self
            .traffic
            .sent
            .encoded()
            .map(|(_, bytes)| bytes)
            .collect();
        let arrived: Vec<_> = self.arrived.encoded().map(|(_, bytes)| bytes).collect();
        let planted = &self.traffic.planted;
        writeln!(
            out,
            "{:<14}{:>8}{:>10}   occurrences, counted in the bytes",
            "planted", "sent", "arrived"
        )?;
        for (what, secrets) in [
            ("e-mails", &planted.emails),
            ("cards", &planted.cards),
            ("tokens", &planted.tokens),
        ] {
            let count = |requests: &[Vec<u8>]| {
                secrets
                    .iter()
                    .map(|secret| occurrences(requests, secret))
                    .sum::<usize>()
            };
            writeln!(out, "{what:<14}{:>8}{:>10}", count(&sent), count(&arrived))?;
        }
        writeln!(out)
    }

    /// One log record that named a card, as it was sent and as it arrived.
    fn before_and_after(&self, out: &mut impl Write) -> io::Result<()> {
        let sent: BTreeMap<_, _> = logs(&self.traffic.sent)
            .map(|(_, log)| (key(log), log))
            .collect();
        let pair = logs(&self.arrived).find_map(|(_, after)| {
            let before = *sent.get(&key(after))?;
            body(before).contains("card").then_some((before, after))
        });
        let Some((before, after)) = pair else {
            return Ok(());
        };
        writeln!(out, "One log record before and after:")?;
        for (when, log) in [("before", before), ("after", after)] {
            let id = |id: &[u8]| {
                if id.is_empty() {
                    "-".to_owned()
                } else {
                    hex(id)
                }
            };
            writeln!(
                out,
                "  {when:<7} trace_id={} span_id={}",
                id(&log.trace_id),
                id(&log.span_id)
            )?;
            writeln!(out, "          {}", body(log))?;
        }
        writeln!(out)
    }

    /// One trace that was kept whole, and the logs that now belong to its spans.
    fn trace(&self, out: &mut impl Write) -> io::Result<()> {
        let mut traces: BTreeMap<&[u8], Vec<Of<'_, Span>>> = BTreeMap::new();
        for (service, span) in spans(&self.arrived) {
            traces
                .entry(&span.trace_id)
                .or_default()
                .push((service, span));
        }
        let linked: BTreeSet<_> = logs(&self.arrived)
            .map(|(_, log)| log.trace_id.as_slice())
            .collect();
        let Some((id, spans)) = traces.into_iter().find(|(id, _)| linked.contains(id)) else {
            return Ok(());
        };
        writeln!(out, "One trace with its linked logs, {}:", hex(id))?;
        for (service, root) in spans
            .iter()
            .filter(|(_, span)| span.parent_span_id.is_empty())
        {
            self.branch(out, &spans, service, root, 1)?;
        }
        Ok(())
    }

    fn branch(
        &self,
        out: &mut impl Write,
        trace: &[Of<'_, Span>],
        service: &str,
        span: &Span,
        depth: usize,
    ) -> io::Result<()> {
        let indent = "  ".repeat(depth);
        let took = span
            .end_time_unix_nano
            .saturating_sub(span.start_time_unix_nano)
            / 1_000_000;
        writeln!(out, "{indent}{service}: {} ({took} ms)", span.name)?;
        for (_, log) in logs(&self.arrived).filter(|(_, log)| log.span_id == span.span_id) {
            writeln!(out, "{indent}  log: {}", message(log))?;
        }
        for (service, child) in trace
            .iter()
            .filter(|(_, child)| child.parent_span_id == span.span_id)
        {
            self.branch(out, trace, service, child, depth + 1)?;
        }
        Ok(())
    }
}

fn spans(telemetry: &Telemetry) -> impl Iterator<Item = Of<'_, Span>> {
    telemetry
        .traces
        .iter()
        .flat_map(|request| &request.resource_spans)
        .flat_map(|of| {
            let spans = of.scope_spans.iter().flat_map(|scope| &scope.spans);
            from(of.resource.as_ref(), spans)
        })
}

fn logs(telemetry: &Telemetry) -> impl Iterator<Item = Of<'_, LogRecord>> {
    telemetry
        .logs
        .iter()
        .flat_map(|request| &request.resource_logs)
        .flat_map(|of| {
            let logs = of.scope_logs.iter().flat_map(|scope| &scope.log_records);
            from(of.resource.as_ref(), logs)
        })
}

/// Records with the service that their resource names.
fn from<'a, T: 'a>(
    resource: Option<&'a Resource>,
    records: impl Iterator<Item = &'a T>,
) -> impl Iterator<Item = Of<'a, T>> {
    let service = resource
        .and_then(|resource| {
            let mut attributes = resource.attributes.iter();
            attributes.find(|attribute| attribute.key == "service.name")
        })
        .and_then(|attribute| text(attribute.value.as_ref()))
        .unwrap_or("?");
    records.map(move |record| (service, record))
}

fn text(value: Option<&AnyValue>) -> Option<&str> {
    match value?.value.as_ref()? {
        any_value::Value::StringValue(text) => Some(text),
        _ => None,
    }
}

fn body(log: &LogRecord) -> &str {
    text(log.body.as_ref()).unwrap_or_default()
}

/// The message in a JSON line.
fn message(log: &LogRecord) -> String {
    let line: serde_json::Value = serde_json::from_str(body(log)).unwrap_or_default();
    line.get("message")
        .and_then(serde_json::Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// What tells a log record apart, before and after.
fn key(log: &LogRecord) -> (u64, usize) {
    let line: serde_json::Value = serde_json::from_str(body(log)).unwrap_or_default();
    let span = line
        .get("span_id")
        .and_then(serde_json::Value::as_str)
        .unwrap_or_default();
    (
        log.time_unix_nano,
        usize::from_str_radix(span, 16).unwrap_or_default(),
    )
}

fn spans_count(telemetry: &Telemetry) -> usize {
    spans(telemetry).count()
}

fn logs_count(telemetry: &Telemetry) -> usize {
    logs(telemetry).count()
}

fn by_trace(telemetry: &Telemetry) -> BTreeMap<&[u8], usize> {
    let mut traces = BTreeMap::new();
    for (_, span) in spans(telemetry) {
        *traces.entry(span.trace_id.as_slice()).or_default() += 1;
    }
    traces
}

fn traces(telemetry: &Telemetry) -> usize {
    by_trace(telemetry).len()
}

/// The traces of which some spans arrived and some did not.
fn torn_traces(sent: &Telemetry, arrived: &Telemetry) -> usize {
    let sent = by_trace(sent);
    by_trace(arrived)
        .iter()
        .filter(|(id, spans)| sent.get(*id) != Some(spans))
        .count()
}

fn points(telemetry: &Telemetry) -> usize {
    telemetry
        .metrics
        .iter()
        .flat_map(|request| &request.resource_metrics)
        .flat_map(|resource| &resource.scope_metrics)
        .flat_map(|scope| &scope.metrics)
        .map(|metric| match &metric.data {
            Some(Data::Sum(sum)) => sum.data_points.len(),
            _ => 0,
        })
        .sum()
}

fn occurrences(requests: &[Vec<u8>], secret: &str) -> usize {
    requests
        .iter()
        .map(|request| memchr::memmem::find_iter(request, secret.as_bytes()).count())
        .sum()
}
