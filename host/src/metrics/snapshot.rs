//! What the metrics are at one moment.

use super::list::{ALL, Metric};
use crate::telemetry::Durations;

/// Every metric with its values.
#[derive(Debug)]
pub struct Snapshot {
    /// In the order of [`ALL`].
    pub families: Vec<Family>,
}

/// One metric with its values.
#[derive(Debug)]
pub struct Family {
    /// The metric.
    pub metric: &'static Metric,
    /// A value for each set of labels; may be empty.
    pub points: Vec<Point>,
}

/// One value.
#[derive(Debug)]
pub struct Point {
    /// The values of the metric's labels, in their order.
    pub labels: Vec<String>,
    /// The value.
    pub value: Value,
}

/// A value of a metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// A whole number.
    Number(u64),
    /// A number that need not be whole.
    Real(f64),
    /// Durations by how long they are.
    Durations(Durations),
}

impl Snapshot {
    /// No value of any metric yet.
    pub(super) fn empty() -> Self {
        let family = |metric: &&'static Metric| Family {
            metric,
            points: Vec::new(),
        };
        Self {
            families: ALL.iter().map(family).collect(),
        }
    }

    /// Adds a value for the metric's labels, whose values stand in the order of their names.
    pub(super) fn add<const N: usize>(
        &mut self,
        metric: &'static Metric,
        labels: [&str; N],
        value: impl Into<Value>,
    ) {
        debug_assert_eq!(metric.labels.len(), N, "{}", metric.name);
        let mut families = self.families.iter_mut();
        if let Some(family) = families.find(|family| std::ptr::eq(family.metric, metric)) {
            family.points.push(Point {
                labels: labels.map(str::to_owned).into(),
                value: value.into(),
            });
        }
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::Number(u64::try_from(number).unwrap_or(u64::MAX))
    }
}

impl From<bool> for Value {
    fn from(yes: bool) -> Self {
        Self::Number(yes.into())
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Real(number)
    }
}

impl From<Durations> for Value {
    fn from(durations: Durations) -> Self {
        Self::Durations(durations)
    }
}
