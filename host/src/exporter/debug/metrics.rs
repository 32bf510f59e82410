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

/// A data point of any kind.
enum Point<'a> {
    Number(&'a NumberDataPoint),
    Histogram(&'a HistogramDataPoint),
    Exponential(&'a ExponentialHistogramDataPoint),
    Summary(&'a SummaryDataPoint),
}

impl Point<'_> {
    fn head(&self) -> Head<'_> {
        // The kinds name these fields alike, and share no type.
        macro_rules! head {
            ($point:expr) => {
                Head {
                    attributes: &$point.attributes,
                    start: $point.start_time_unix_nano,
                    time: $point.time_unix_nano,
                    flags: $point.flags,
                }
            };
        }
        match self {
            Self::Number(point) => head!(point),
            Self::Histogram(point) => head!(point),
            Self::Exponential(point) => head!(point),
            Self::Summary(point) => head!(point),
        }
    }

    /// What fits on a line.
    fn gist(&self) -> String {
        match self {
            Self::Number(point) => number(point.value.as_ref()),
            Self::Histogram(point) => distribution(point.count, point.sum),
            Self::Exponential(point) => distribution(point.count, point.sum),
            Self::Summary(point) => distribution(point.count, Some(point.sum)),
        }
    }

    fn fields(&self, text: &mut Text) {
        match self {
            Self::Number(point) => number_fields(text, point),
            Self::Histogram(point) => histogram_fields(text, point),
            Self::Exponential(point) => exponential_fields(text, point),
            Self::Summary(point) => summary_fields(text, point),
        }
    }
}

fn points(metric: &Metric) -> Vec<Point<'_>> {
    match &metric.data {
        None => Vec::new(),
        Some(Data::Gauge(Gauge { data_points }) | Data::Sum(Sum { data_points, .. })) => {
            data_points.iter().map(Point::Number).collect()
        }
        Some(Data::Histogram(of)) => of.data_points.iter().map(Point::Histogram).collect(),
        Some(Data::ExponentialHistogram(of)) => {
            of.data_points.iter().map(Point::Exponential).collect()
        }
        Some(Data::Summary(of)) => of.data_points.iter().map(Point::Summary).collect(),
    }
}

/// How many data points a metric has.
pub(super) fn count(metric: &Metric) -> usize {
    points(metric).len()
}

/// One line a data point.
pub(super) fn lines(text: &mut Text, metric: &Metric) {
    let name = &metric.name;
    if metric.data.is_none() {
        text.line(4, format_args!("{name} without data"));
    }
    for point in points(metric) {
        let attributes = Pairs(point.head().attributes);
        text.line(4, format_args!("{name}{attributes} {}", point.gist()));
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
        Some(Data::Gauge(_)) => text.field(6, "kind", "Gauge"),
        Some(Data::Sum(sum)) => {
            text.field(6, "kind", "Sum");
            temporality(text, sum.aggregation_temporality);
            text.field(6, "monotonic", sum.is_monotonic);
        }
        Some(Data::Histogram(histogram)) => {
            text.field(6, "kind", "Histogram");
            temporality(text, histogram.aggregation_temporality);
        }
        Some(Data::ExponentialHistogram(histogram)) => {
            text.field(6, "kind", "ExponentialHistogram");
            temporality(text, histogram.aggregation_temporality);
        }
        Some(Data::Summary(_)) => text.field(6, "kind", "Summary"),
    }
    for (i, point) in points(metric).iter().enumerate() {
        text.line(6, format_args!("data point #{i}"));
        head(text, &point.head());
        point.fields(text);
    }
}

fn temporality(text: &mut Text, temporality: i32) {
    match AggregationTemporality::try_from(temporality) {
        Ok(known) => text.field(6, "temporality", format_args!("{known:?}")),
        Err(_unknown) => text.field(6, "temporality", temporality),
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
    text.field(8, "value", number(point.value.as_ref()));
    exemplars(text, &point.exemplars);
}

fn histogram_fields(text: &mut Text, point: &HistogramDataPoint) {
    text.field(8, "count", point.count);
    optional(text, "sum", point.sum);
    optional(text, "min", point.min);
    optional(text, "max", point.max);
    text.text(8, "bounds", &join(&point.explicit_bounds));
    text.text(8, "buckets", &join(&point.bucket_counts));
    exemplars(text, &point.exemplars);
}

fn exponential_fields(text: &mut Text, point: &ExponentialHistogramDataPoint) {
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
