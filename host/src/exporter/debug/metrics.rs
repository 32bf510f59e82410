//! Metrics and their five kinds of data points.

use std::fmt::Display;

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Exemplar, ExponentialHistogramDataPoint, Gauge, HistogramDataPoint,
    Metric, NumberDataPoint, Sum, SummaryDataPoint, exemplar, number_data_point,
};

use super::text::Text;
use super::value::{Hex, Pairs};

/// What every kind of point has.
struct Head<'a> {
    attributes: &'a [KeyValue],
    start: u64,
    time: u64,
    flags: u32,
}

/// The data points of a metric.
pub(super) fn points(metric: &Metric) -> usize {
    match &metric.data {
        None => 0,
        Some(Data::Gauge(gauge)) => gauge.data_points.len(),
        Some(Data::Sum(sum)) => sum.data_points.len(),
        Some(Data::Histogram(histogram)) => histogram.data_points.len(),
        Some(Data::ExponentialHistogram(histogram)) => histogram.data_points.len(),
        Some(Data::Summary(summary)) => summary.data_points.len(),
    }
}

/// One line a data point.
pub(super) fn lines(text: &mut Text, metric: &Metric) {
    let mut line = |attributes: &[KeyValue], value: String| {
        let attributes = Pairs(attributes);
        text.line(4, format_args!("{}{attributes} {value}", metric.name));
    };
    match &metric.data {
        None => line(&[], "without data".to_owned()),
        Some(Data::Gauge(Gauge { data_points }) | Data::Sum(Sum { data_points, .. })) => {
            for point in data_points {
                line(&point.attributes, number(point.value.as_ref()));
            }
        }
        Some(Data::Histogram(histogram)) => {
            for point in &histogram.data_points {
                line(&point.attributes, distribution(point.count, point.sum));
            }
        }
        Some(Data::ExponentialHistogram(histogram)) => {
            for point in &histogram.data_points {
                line(&point.attributes, distribution(point.count, point.sum));
            }
        }
        Some(Data::Summary(summary)) => {
            for point in &summary.data_points {
                let value = distribution(point.count, Some(point.sum));
                line(&point.attributes, value);
            }
        }
    }
}

fn number(value: Option<&number_data_point::Value>) -> String {
    match value {
        None => "no value".to_owned(),
        Some(number_data_point::Value::AsInt(value)) => value.to_string(),
        Some(number_data_point::Value::AsDouble(value)) => format!("{value:?}"),
    }
}

fn distribution(count: u64, sum: Option<f64>) -> String {
    let sum = sum.map_or_else(String::new, |sum| format!(" sum={sum:?}"));
    format!("count={count}{sum}")
}

/// Every field of a metric.
pub(super) fn fields(text: &mut Text, i: usize, metric: &Metric) {
    text.line(4, format_args!("metric #{i}"));
    text.field(6, "name", &metric.name);
    text.text(6, "description", &metric.description);
    text.text(6, "unit", &metric.unit);
    text.attributes(6, "metadata", &metric.metadata, 0);
    match &metric.data {
        None => text.field(6, "kind", "none"),
        Some(Data::Gauge(gauge)) => {
            text.field(6, "kind", "Gauge");
            each(text, &gauge.data_points, number_fields);
        }
        Some(Data::Sum(sum)) => {
            text.field(6, "kind", "Sum");
            temporality(text, sum.aggregation_temporality);
            text.field(6, "monotonic", sum.is_monotonic);
            each(text, &sum.data_points, number_fields);
        }
        Some(Data::Histogram(histogram)) => {
            text.field(6, "kind", "Histogram");
            temporality(text, histogram.aggregation_temporality);
            each(text, &histogram.data_points, histogram_fields);
        }
        Some(Data::ExponentialHistogram(histogram)) => {
            text.field(6, "kind", "ExponentialHistogram");
            temporality(text, histogram.aggregation_temporality);
            each(text, &histogram.data_points, exponential_fields);
        }
        Some(Data::Summary(summary)) => {
            text.field(6, "kind", "Summary");
            each(text, &summary.data_points, summary_fields);
        }
    }
}

fn temporality(text: &mut Text, temporality: i32) {
    match AggregationTemporality::try_from(temporality) {
        Ok(known) => text.field(6, "temporality", format_args!("{known:?}")),
        Err(_unknown) => text.field(6, "temporality", temporality),
    }
}

fn each<P>(text: &mut Text, points: &[P], fields: fn(&mut Text, &P)) {
    for (i, point) in points.iter().enumerate() {
        text.line(6, format_args!("data point #{i}"));
        fields(text, point);
    }
}

fn head(text: &mut Text, head: &Head<'_>) {
    text.attributes(8, "attributes", head.attributes, 0);
    text.time(8, "start", head.start);
    text.time(8, "time", head.time);
    text.count(8, "flags", head.flags);
}

fn optional(text: &mut Text, name: &str, value: Option<f64>) {
    if let Some(value) = value {
        text.field(8, name, format_args!("{value:?}"));
    }
}

fn number_fields(text: &mut Text, point: &NumberDataPoint) {
    head(
        text,
        &Head {
            attributes: &point.attributes,
            start: point.start_time_unix_nano,
            time: point.time_unix_nano,
            flags: point.flags,
        },
    );
    text.field(8, "value", number(point.value.as_ref()));
    exemplars(text, &point.exemplars);
}

fn histogram_fields(text: &mut Text, point: &HistogramDataPoint) {
    head(
        text,
        &Head {
            attributes: &point.attributes,
            start: point.start_time_unix_nano,
            time: point.time_unix_nano,
            flags: point.flags,
        },
    );
    text.field(8, "count", point.count);
    optional(text, "sum", point.sum);
    optional(text, "min", point.min);
    optional(text, "max", point.max);
    text.text(8, "bounds", &join(&point.explicit_bounds));
    text.text(8, "buckets", &join(&point.bucket_counts));
    exemplars(text, &point.exemplars);
}

fn exponential_fields(text: &mut Text, point: &ExponentialHistogramDataPoint) {
    head(
        text,
        &Head {
            attributes: &point.attributes,
            start: point.start_time_unix_nano,
            time: point.time_unix_nano,
            flags: point.flags,
        },
    );
    text.field(8, "count", point.count);
    optional(text, "sum", point.sum);
    optional(text, "min", point.min);
    optional(text, "max", point.max);
    text.field(8, "scale", point.scale);
    text.field(8, "zero count", point.zero_count);
    text.field(
        8,
        "zero threshold",
        format_args!("{:?}", point.zero_threshold),
    );
    for (name, buckets) in [("positive", &point.positive), ("negative", &point.negative)] {
        if let Some(buckets) = buckets {
            let counts = join(&buckets.bucket_counts);
            text.field(
                8,
                name,
                format_args!("offset {}, buckets {counts}", buckets.offset),
            );
        }
    }
    exemplars(text, &point.exemplars);
}

fn summary_fields(text: &mut Text, point: &SummaryDataPoint) {
    head(
        text,
        &Head {
            attributes: &point.attributes,
            start: point.start_time_unix_nano,
            time: point.time_unix_nano,
            flags: point.flags,
        },
    );
    text.field(8, "count", point.count);
    text.field(8, "sum", format_args!("{:?}", point.sum));
    for at in &point.quantile_values {
        text.field(
            8,
            "quantile",
            format_args!("{:?} = {:?}", at.quantile, at.value),
        );
    }
}

fn exemplars(text: &mut Text, exemplars: &[Exemplar]) {
    for (i, exemplar) in exemplars.iter().enumerate() {
        text.line(8, format_args!("exemplar #{i}"));
        text.field(10, "trace id", Hex(&exemplar.trace_id));
        text.field(10, "span id", Hex(&exemplar.span_id));
        text.time(10, "time", exemplar.time_unix_nano);
        match &exemplar.value {
            None => {}
            Some(exemplar::Value::AsInt(value)) => text.field(10, "value", value),
            Some(exemplar::Value::AsDouble(value)) => {
                text.field(10, "value", format_args!("{value:?}"));
            }
        }
        text.attributes(10, "filtered attributes", &exemplar.filtered_attributes, 0);
    }
}

fn join<T: Display>(values: &[T]) -> String {
    let texts: Vec<_> = values.iter().map(T::to_string).collect();
    texts.join(", ")
}
