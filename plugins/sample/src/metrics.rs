//! The `metrics` rules: which metrics and data points stay. Whole ones only, since a share of the points of a sum is a wrong
//! sum.

use otlet_conditions::{Condition, Opened};
use otlet_plugin::{Batch, Error, Mask, Signal, Table};

use crate::config::Metrics as Config;
use crate::rates::noted;

/// The rules of a config.
#[derive(Debug)]
pub(crate) struct Metrics(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    when: Opened,
    /// Metrics, or data points where the condition looks at those.
    table: Table,
    /// What becomes of the rows on which it holds; the opposite becomes of the others.
    keeps: bool,
}

impl Metrics {
    /// Opens the rules. What is wrong with them goes to the mistakes.
    pub(crate) fn open(config: &Config, mistakes: &mut Vec<String>) -> Self {
        let rules = [
            ("metrics.keep_only", &config.keep_only, true),
            ("metrics.drop", &config.drop, false),
        ];
        let rules = rules.into_iter().filter_map(|(key, when, keeps)| {
            noted(Rule::open(when.as_ref()?, key, keeps), mistakes)
        });
        Self(rules.collect())
    }

    /// Drops what the rules say. A metric left without data points goes with the last of them.
    pub(crate) fn filter(&self, batch: &mut Batch) {
        for rule in &self.0 {
            let held = rule.when.holds(batch);
            let kept = if rule.keeps {
                held
            } else {
                Mask::from_fn(held.len(), |row| !held.get(row))
            };
            if kept.count() < kept.len() {
                batch.retain(rule.table, &kept);
            }
        }
    }
}

impl Rule {
    /// Opens a condition for whole metrics, or else for data points.
    fn open(condition: &Condition, key: &str, keeps: bool) -> Result<Self, Error> {
        let of_metrics = condition
            .open_under(key, Table::Metric)
            .map(|when| (when, Table::Metric));
        let of_points = |_| {
            condition
                .open_under(key, Table::Record)
                .map(|when| (when, Table::Record))
        };
        let (when, table) = of_metrics.or_else(of_points)?;
        if when.names(Signal::Traces) || when.names(Signal::Logs) {
            return Err(format!(
                "{key}: names a path of spans or log records: write those of metrics, such as metric.name"
            )
            .into());
        }
        Ok(Self { when, table, keeps })
    }
}
