//! One row: its attributes, and its fields by the contract's names.

use opentelemetry_proto::tonic::{
    common::v1::{InstrumentationScope, KeyValue},
    logs::v1::LogRecord,
    metrics::v1::{
        Exemplar, ExponentialHistogramDataPoint, HistogramDataPoint, Metric, NumberDataPoint,
        SummaryDataPoint, metric::Data,
    },
    resource::v1::Resource,
    trace::v1::{
        Span,
        span::{Event, Link},
    },
};
use serde_json::{Value as Json, json};

use super::slot::Slot;
use crate::Value;

/// One row of a table.
pub(super) enum Row<'a> {
    Resource {
        resource: &'a mut Option<Resource>,
        schema_url: &'a mut String,
    },
    Scope {
        scope: &'a mut Option<InstrumentationScope>,
        schema_url: &'a mut String,
    },
    Metric(&'a mut Metric),
    Span(&'a mut Span),
    Log(&'a mut LogRecord),
    Number(&'a mut NumberDataPoint),
    Histogram(&'a mut HistogramDataPoint),
    Exponential(&'a mut ExponentialHistogramDataPoint),
    Summary(&'a mut SummaryDataPoint),
    Event(&'a mut Event),
    Link(&'a mut Link),
    Exemplar(&'a mut Exemplar),
}

/// The message if it is there, or if it is to be made.
fn open<T: Default>(message: &mut Option<T>, create: bool) -> Option<&mut T> {
    if create {
        message.get_or_insert_default();
    }
    message.as_mut()
}

impl<'a> Row<'a> {
    /// The attributes, metadata or filtered attributes. None where there is no message to hold them, unless it is to be made.
    pub(super) fn attributes(self, create: bool) -> Option<&'a mut Vec<KeyValue>> {
        Some(match self {
            Row::Resource { resource, .. } => &mut open(resource, create)?.attributes,
            Row::Scope { scope, .. } => &mut open(scope, create)?.attributes,
            Row::Metric(metric) => &mut metric.metadata,
            Row::Span(span) => &mut span.attributes,
            Row::Log(log) => &mut log.attributes,
            Row::Number(point) => &mut point.attributes,
            Row::Histogram(point) => &mut point.attributes,
            Row::Exponential(point) => &mut point.attributes,
            Row::Summary(point) => &mut point.attributes,
            Row::Event(event) => &mut event.attributes,
            Row::Link(link) => &mut link.attributes,
            Row::Exemplar(exemplar) => &mut exemplar.filtered_attributes,
        })
    }

    /// A field. None where the row is of a kind that lacks it, or where there is no message to hold it, unless that is to be
    /// made.
    pub(super) fn slot(self, field: &str, create: bool) -> Option<Slot<'a>> {
        match self {
            Row::Resource {
                resource,
                schema_url,
            } => match field {
                "schema_url" => Some(Slot::Text(schema_url)),
                _ => Some(Slot::U32(
                    &mut open(resource, create)?.dropped_attributes_count,
                )),
            },
            Row::Scope { scope, schema_url } => match field {
                "schema_url" => Some(Slot::Text(schema_url)),
                "name" => Some(Slot::Text(&mut open(scope, create)?.name)),
                "version" => Some(Slot::Text(&mut open(scope, create)?.version)),
                _ => Some(Slot::U32(
                    &mut open(scope, create)?.dropped_attributes_count,
                )),
            },
            Row::Metric(metric) => of_metric(metric, field),
            Row::Span(span) => of_span(span, field, create),
            Row::Log(log) => of_log(log, field),
            Row::Number(point) => of_number(point, field),
            Row::Histogram(point) => of_histogram(point, field),
            Row::Exponential(point) => of_exponential(point, field),
            Row::Summary(point) => of_summary(point, field),
            Row::Event(event) => of_event(event, field),
            Row::Link(link) => of_link(link, field),
            Row::Exemplar(exemplar) => of_exemplar(exemplar, field),
        }
    }
}

fn of_metric<'a>(metric: &'a mut Metric, field: &str) -> Option<Slot<'a>> {
    let number = match &metric.data {
        None => 0,
        Some(Data::Gauge(_)) => 1,
        Some(Data::Sum(_)) => 2,
        Some(Data::Histogram(_)) => 3,
        Some(Data::ExponentialHistogram(_)) => 4,
        Some(Data::Summary(_)) => 5,
    };
    Some(match (field, &mut metric.data) {
        ("name", _) => Slot::Text(&mut metric.name),
        ("description", _) => Slot::Text(&mut metric.description),
        ("unit", _) => Slot::Text(&mut metric.unit),
        ("type", _) => Slot::Computed((number > 0).then_some(Value::Integer(number))),
        ("is_monotonic", Some(Data::Sum(sum))) => Slot::Boolean(&mut sum.is_monotonic),
        ("aggregation_temporality", Some(Data::Sum(sum))) => {
            Slot::I32(&mut sum.aggregation_temporality)
        }
        ("aggregation_temporality", Some(Data::Histogram(histogram))) => {
            Slot::I32(&mut histogram.aggregation_temporality)
        }
        ("aggregation_temporality", Some(Data::ExponentialHistogram(histogram))) => {
            Slot::I32(&mut histogram.aggregation_temporality)
        }
        _ => return None,
    })
}

fn of_span<'a>(span: &'a mut Span, field: &str, create: bool) -> Option<Slot<'a>> {
    Some(match field {
        "trace_id" => Slot::Id(&mut span.trace_id),
        "span_id" => Slot::Id(&mut span.span_id),
        "parent_span_id" => Slot::Id(&mut span.parent_span_id),
        "flags" => Slot::U32(&mut span.flags),
        "dropped_attributes_count" => Slot::U32(&mut span.dropped_attributes_count),
        "dropped_events_count" => Slot::U32(&mut span.dropped_events_count),
        "dropped_links_count" => Slot::U32(&mut span.dropped_links_count),
        "trace_state" => Slot::Text(&mut span.trace_state),
        "name" => Slot::Text(&mut span.name),
        "kind" => Slot::I32(&mut span.kind),
        "status.message" => Slot::Text(&mut open(&mut span.status, create)?.message),
        "status.code" => Slot::I32(&mut open(&mut span.status, create)?.code),
        "start_time_unix_nano" => Slot::U64(&mut span.start_time_unix_nano),
        "end_time_unix_nano" => Slot::U64(&mut span.end_time_unix_nano),
        "duration" => {
            let (start, end) = (span.start_time_unix_nano, span.end_time_unix_nano);
            let there = start != 0 && end >= start;
            Slot::Computed(there.then(|| Value::Integer((end - start).cast_signed())))
        }
        _ => return None,
    })
}

fn of_log<'a>(log: &'a mut LogRecord, field: &str) -> Option<Slot<'a>> {
    Some(match field {
        "trace_id" => Slot::Id(&mut log.trace_id),
        "span_id" => Slot::Id(&mut log.span_id),
        "flags" => Slot::U32(&mut log.flags),
        "dropped_attributes_count" => Slot::U32(&mut log.dropped_attributes_count),
        "time_unix_nano" => Slot::U64(&mut log.time_unix_nano),
        "observed_time_unix_nano" => Slot::U64(&mut log.observed_time_unix_nano),
        "severity_number" => Slot::I32(&mut log.severity_number),
        "severity_text" => Slot::Text(&mut log.severity_text),
        "event_name" => Slot::Text(&mut log.event_name),
        "body" => Slot::Any(&mut log.body),
        _ => return None,
    })
}

fn of_number<'a>(point: &'a mut NumberDataPoint, field: &str) -> Option<Slot<'a>> {
    Some(match field {
        "flags" => Slot::U32(&mut point.flags),
        "start_time_unix_nano" => Slot::U64(&mut point.start_time_unix_nano),
        "time_unix_nano" => Slot::U64(&mut point.time_unix_nano),
        "value_double" => Slot::PointDouble(&mut point.value),
        "value_int" => Slot::PointInteger(&mut point.value),
        _ => return None,
    })
}

fn of_histogram<'a>(point: &'a mut HistogramDataPoint, field: &str) -> Option<Slot<'a>> {
    Some(match field {
        "flags" => Slot::U32(&mut point.flags),
        "start_time_unix_nano" => Slot::U64(&mut point.start_time_unix_nano),
        "time_unix_nano" => Slot::U64(&mut point.time_unix_nano),
        "count" => Slot::U64(&mut point.count),
        "sum" => Slot::Optional(&mut point.sum),
        "min" => Slot::Optional(&mut point.min),
        "max" => Slot::Optional(&mut point.max),
        "bucket_counts" => array(&point.bucket_counts),
        "explicit_bounds" => array(&point.explicit_bounds),
        _ => return None,
    })
}

fn of_exponential<'a>(
    point: &'a mut ExponentialHistogramDataPoint,
    field: &str,
) -> Option<Slot<'a>> {
    Some(match field {
        "flags" => Slot::U32(&mut point.flags),
        "start_time_unix_nano" => Slot::U64(&mut point.start_time_unix_nano),
        "time_unix_nano" => Slot::U64(&mut point.time_unix_nano),
        "count" => Slot::U64(&mut point.count),
        "zero_count" => Slot::U64(&mut point.zero_count),
        "scale" => Slot::I32(&mut point.scale),
        "sum" => Slot::Optional(&mut point.sum),
        "min" => Slot::Optional(&mut point.min),
        "max" => Slot::Optional(&mut point.max),
        "zero_threshold" => Slot::Double(&mut point.zero_threshold),
        "positive.offset" => Slot::I32(&mut point.positive.as_mut()?.offset),
        "negative.offset" => Slot::I32(&mut point.negative.as_mut()?.offset),
        "positive.bucket_counts" => array(&point.positive.as_ref()?.bucket_counts),
        "negative.bucket_counts" => array(&point.negative.as_ref()?.bucket_counts),
        _ => return None,
    })
}

fn of_summary<'a>(point: &'a mut SummaryDataPoint, field: &str) -> Option<Slot<'a>> {
    Some(match field {
        "flags" => Slot::U32(&mut point.flags),
        "start_time_unix_nano" => Slot::U64(&mut point.start_time_unix_nano),
        "time_unix_nano" => Slot::U64(&mut point.time_unix_nano),
        "count" => Slot::U64(&mut point.count),
        "sum" => Slot::Double(&mut point.sum),
        "quantile_values" => {
            let quantiles = point.quantile_values.iter();
            let quantiles = quantiles.map(|at| json!({"quantile": at.quantile, "value": at.value}));
            array(&quantiles.collect::<Vec<_>>())
        }
        _ => return None,
    })
}

fn of_event<'a>(event: &'a mut Event, field: &str) -> Option<Slot<'a>> {
    Some(match field {
        "name" => Slot::Text(&mut event.name),
        "time_unix_nano" => Slot::U64(&mut event.time_unix_nano),
        "dropped_attributes_count" => Slot::U32(&mut event.dropped_attributes_count),
        _ => return None,
    })
}

fn of_link<'a>(link: &'a mut Link, field: &str) -> Option<Slot<'a>> {
    Some(match field {
        "trace_id" => Slot::Id(&mut link.trace_id),
        "span_id" => Slot::Id(&mut link.span_id),
        "trace_state" => Slot::Text(&mut link.trace_state),
        "flags" => Slot::U32(&mut link.flags),
        "dropped_attributes_count" => Slot::U32(&mut link.dropped_attributes_count),
        _ => return None,
    })
}

fn of_exemplar<'a>(exemplar: &'a mut Exemplar, field: &str) -> Option<Slot<'a>> {
    Some(match field {
        "time_unix_nano" => Slot::U64(&mut exemplar.time_unix_nano),
        "trace_id" => Slot::Id(&mut exemplar.trace_id),
        "span_id" => Slot::Id(&mut exemplar.span_id),
        "value_double" => Slot::ExemplarDouble(&mut exemplar.value),
        "value_int" => Slot::ExemplarInteger(&mut exemplar.value),
        _ => return None,
    })
}

/// A list of numbers, as JSON; absent if it is empty. What JSON cannot say (NaN) is null.
fn array<T: Clone + Into<Json>>(items: &[T]) -> Slot<'static> {
    let json = Json::Array(items.iter().cloned().map(Into::into).collect());
    Slot::Computed((!items.is_empty()).then(|| Value::Json(json.to_string())))
}
