//! How much is said of a request: counts, a line a record, or everything.

use opentelemetry_proto::tonic::logs::v1::{LogRecord, SeverityNumber};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};

use super::metrics;
use super::text::Text;
use super::value::{Hex, Pairs, Plain, Typed};
use super::view::{Records, Request, ResourceView, ScopeView};

/// One line with the counts.
pub(super) fn summary(text: &mut Text, request: &Request) {
    let resources = request.resources();
    let (mut records, mut points) = (0, 0);
    for scope in resources.iter().flat_map(|resource| &resource.scopes) {
        match scope.records {
            Records::Spans(spans) => records += spans.len(),
            Records::Logs(logs) => records += logs.len(),
            Records::Metrics(metrics) => {
                records += metrics.len();
                points += metrics.iter().map(metrics::count).sum::<usize>();
            }
        }
    }
    let resources = resources.len();
    match request {
        Request::Traces(_) => text.line(
            0,
            format_args!("traces: {resources} resources, {records} spans"),
        ),
        Request::Logs(_) => text.line(
            0,
            format_args!("logs: {resources} resources, {records} log records"),
        ),
        Request::Metrics(_) => text.line(
            0,
            format_args!("metrics: {resources} resources, {records} metrics, {points} data points"),
        ),
    }
}

/// One line each for resources, scopes and records.
pub(super) fn normal(text: &mut Text, request: &Request) {
    for resource in request.resources() {
        let attributes = resource.resource.map_or(&[][..], |r| &r.attributes);
        text.line(0, format_args!("resource{}", Pairs(attributes)));
        for of in &resource.scopes {
            if let Some(scope) = of.scope {
                let attributes = Pairs(&scope.attributes);
                text.line(
                    2,
                    format_args!("scope {}@{}{attributes}", scope.name, scope.version),
                );
            }
            match of.records {
                Records::Spans(spans) => {
                    for span in spans {
                        span_line(text, span);
                    }
                }
                Records::Logs(logs) => {
                    for log in logs {
                        log_line(text, log);
                    }
                }
                Records::Metrics(metrics) => {
                    for metric in metrics {
                        metrics::lines(text, metric);
                    }
                }
            }
        }
    }
}

fn span_line(text: &mut Text, span: &Span) {
    text.line(
        4,
        format_args!(
            "{} {} {}{}",
            span.name,
            Hex(&span.trace_id),
            Hex(&span.span_id),
            Pairs(&span.attributes)
        ),
    );
}

fn log_line(text: &mut Text, log: &LogRecord) {
    text.line(
        4,
        format_args!(
            "{} {}{}",
            log.severity_text,
            Plain(log.body.as_ref()),
            Pairs(&log.attributes)
        ),
    );
}

/// Every field of everything.
pub(super) fn detailed(text: &mut Text, request: &Request) {
    for (i, resource) in request.resources().iter().enumerate() {
        resource_fields(text, i, resource);
        for (i, of) in resource.scopes.iter().enumerate() {
            scope_fields(text, i, of);
            match of.records {
                Records::Spans(spans) => {
                    for (i, span) in spans.iter().enumerate() {
                        span_fields(text, i, span);
                    }
                }
                Records::Logs(logs) => {
                    for (i, log) in logs.iter().enumerate() {
                        log_fields(text, i, log);
                    }
                }
                Records::Metrics(metrics) => {
                    for (i, metric) in metrics.iter().enumerate() {
                        metrics::fields(text, i, metric);
                    }
                }
            }
        }
    }
}

fn resource_fields(text: &mut Text, i: usize, of: &ResourceView<'_>) {
    text.line(0, format_args!("resource #{i}"));
    text.text(2, "schema url", of.schema_url);
    let Some(resource) = of.resource else { return };
    let dropped = resource.dropped_attributes_count;
    text.attributes(2, "attributes", &resource.attributes, dropped);
    for entity in &resource.entity_refs {
        text.field(2, "entity", &entity.r#type);
        text.text(4, "schema url", &entity.schema_url);
        text.text(4, "id keys", &entity.id_keys.join(", "));
        text.text(4, "description keys", &entity.description_keys.join(", "));
    }
}

fn scope_fields(text: &mut Text, i: usize, of: &ScopeView<'_>) {
    text.line(2, format_args!("scope #{i}"));
    text.text(4, "schema url", of.schema_url);
    let Some(scope) = of.scope else { return };
    text.text(4, "name", &scope.name);
    text.text(4, "version", &scope.version);
    let dropped = scope.dropped_attributes_count;
    text.attributes(4, "attributes", &scope.attributes, dropped);
}

fn span_fields(text: &mut Text, i: usize, span: &Span) {
    text.line(4, format_args!("span #{i}"));
    text.field(6, "name", &span.name);
    text.field(6, "trace id", Hex(&span.trace_id));
    text.field(6, "span id", Hex(&span.span_id));
    text.field(6, "parent span id", Hex(&span.parent_span_id));
    text.text(6, "trace state", &span.trace_state);
    text.count(6, "flags", span.flags);
    match SpanKind::try_from(span.kind) {
        Ok(kind) => text.field(6, "kind", format_args!("{kind:?}")),
        Err(_unknown) => text.field(6, "kind", span.kind),
    }
    text.time(6, "start", span.start_time_unix_nano);
    text.time(6, "end", span.end_time_unix_nano);
    status_fields(text, &span.status.clone().unwrap_or_default());
    text.attributes(
        6,
        "attributes",
        &span.attributes,
        span.dropped_attributes_count,
    );
    for (i, event) in span.events.iter().enumerate() {
        text.line(6, format_args!("event #{i}"));
        text.field(8, "name", &event.name);
        text.time(8, "time", event.time_unix_nano);
        text.attributes(
            8,
            "attributes",
            &event.attributes,
            event.dropped_attributes_count,
        );
    }
    text.count(6, "dropped events", span.dropped_events_count);
    for (i, link) in span.links.iter().enumerate() {
        text.line(6, format_args!("link #{i}"));
        text.field(8, "trace id", Hex(&link.trace_id));
        text.field(8, "span id", Hex(&link.span_id));
        text.text(8, "trace state", &link.trace_state);
        text.count(8, "flags", link.flags);
        text.attributes(
            8,
            "attributes",
            &link.attributes,
            link.dropped_attributes_count,
        );
    }
    text.count(6, "dropped links", span.dropped_links_count);
}

fn status_fields(text: &mut Text, status: &Status) {
    match StatusCode::try_from(status.code) {
        Ok(code) => text.field(6, "status", format_args!("{code:?}")),
        Err(_unknown) => text.field(6, "status", status.code),
    }
    text.text(6, "status message", &status.message);
}

fn log_fields(text: &mut Text, i: usize, log: &LogRecord) {
    text.line(4, format_args!("log record #{i}"));
    text.time(6, "time", log.time_unix_nano);
    text.time(6, "observed", log.observed_time_unix_nano);
    match SeverityNumber::try_from(log.severity_number) {
        Ok(number) => text.field(
            6,
            "severity number",
            format_args!("{number:?}({})", log.severity_number),
        ),
        Err(_unknown) => text.field(6, "severity number", log.severity_number),
    }
    text.text(6, "severity text", &log.severity_text);
    text.text(6, "event name", &log.event_name);
    text.field(6, "body", Typed(log.body.as_ref()));
    text.attributes(
        6,
        "attributes",
        &log.attributes,
        log.dropped_attributes_count,
    );
    text.field(6, "trace id", Hex(&log.trace_id));
    text.field(6, "span id", Hex(&log.span_id));
    text.count(6, "flags", log.flags);
}
