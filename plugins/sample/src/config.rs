//! What the config says, and what it must not say.

use std::collections::BTreeMap;

use otlet_conditions::Condition;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::duration::Duration;

/// Keeps a share of the traces, and the spans and logs of a trace together; drops metrics by name and attributes.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The share of traces to keep, in percent: 10 keeps one trace in ten, with all its spans and logs. Not given, or 100,
    /// everything that no rate names is kept and not changed. Example: `percentage: 10`.
    #[schemars(range(min = 0, max = 100))]
    pub percentage: Option<f64>,

    /// What a share means where something was sampled before. Example: `mode: proportional`.
    pub mode: Mode,

    /// Whether `rates` and `keep` decide on each row for itself or, with `trace`, on all rows of a trace that a batch has
    /// together: one span with an error keeps its trace. That takes whole traces in one batch, as the connector
    /// `groupbytrace` hands them on. Example: `by: trace`.
    pub by: By,

    /// Shares of their own for some spans and log records: the first entry that names a row counts, in place of `percentage`.
    /// Example: `rates: [{ when: { span.name: { matches: '^GET /health' } }, percentage: 1 }]`.
    pub rates: Vec<Rate>,

    /// What is kept whatever the share. Example: `keep: { errors: true, slower_than: 2s }`.
    pub keep: Keep,

    /// Reads the attributes `sampling.randomness` and `sampling.threshold` of log records, and writes to a kept record the
    /// threshold that it has passed, as the Collector's sampler does. Not given, so it is with `mode: proportional`, where the
    /// next stage needs it. Example: `log_attributes: true`.
    pub log_attributes: Option<bool>,

    /// Which metrics and data points stay: no share is ever applied to them. Example:
    /// `metrics: { drop: { metric.name: { matches: '^go_' } } }`.
    pub metrics: Metrics,
}

/// What a share means where something was sampled before.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// It is the share of all traces that there were: 10 keeps one in ten, and what was sampled at 10 % before passes.
    #[default]
    Equalizing,
    /// It is the share of what arrives: 10 after 10 is 1 % of all.
    Proportional,
}

/// On what `rates` and `keep` decide.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// Each row for itself.
    #[default]
    Record,
    /// The rows of a trace together, as far as they are in one batch.
    Trace,
}

/// A share for some spans and log records.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Rate {
    /// The rows that it names; all, if not given. Example: `when: { log.severity_number: { below: 9 } }`.
    pub when: Option<Condition>,

    /// The share of them to keep, in percent. Example: `percentage: 50`.
    #[schemars(range(min = 0, max = 100))]
    pub percentage: Option<f64>,

    /// In place of `percentage`: the attribute or field that has a share for each of its values. Example:
    /// `of: resource.attributes["service.name"]`.
    pub of: Option<String>,

    /// The shares by value. A row with another value is not named. Example: `percentages: { checkout: 50, cart: 5 }`.
    pub percentages: BTreeMap<String, f64>,

    /// What decides on rows without a trace id: those with the same value here stay or go together. Not given, each is decided
    /// by chance. Example: `by: record.attributes["request.id"]`.
    pub by: Option<String>,
}

/// What is kept whatever the share.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Keep {
    /// Keeps every span with the status ERROR and every log record of the severity ERROR (17) or above. Example:
    /// `errors: true`.
    pub errors: bool,

    /// Keeps every span that took longer than this. Example: `slower_than: 2s`.
    pub slower_than: Option<Duration>,

    /// Keeps every span and log record on which this holds. Example: `when: { span.name: [checkout, refund] }`.
    pub when: Option<Condition>,
}

/// Which metrics and data points stay.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Metrics {
    /// Drops all on which this does not hold. Example: `keep_only: { metric.name: [http.server.request.duration, up] }`.
    pub keep_only: Option<Condition>,

    /// Drops all on which this holds. Example: `drop: { metric.name: { matches: '^go_' } }`.
    pub drop: Option<Condition>,
}

impl Config {
    /// Says all that is wrong in the config but for its paths, and what to write instead. Each begins with the key.
    pub(crate) fn check(&self) -> Vec<String> {
        let mut mistakes = Vec::new();
        if let Some(percentage) = self.percentage {
            mistakes.extend(out_of_range(percentage, "percentage"));
        } else if self.rates.is_empty() && self.keep != Keep::default() {
            mistakes.push(
                "keep: does nothing without `percentage`, since everything is kept: add the percentage of the rest, or 0 to \
                 keep nothing else"
                    .to_owned(),
            );
        }
        let names_all = |rate: &Rate| rate.when.is_none() && rate.of.is_none();
        if let Some(index) = self.rates.iter().position(names_all)
            && index + 1 < self.rates.len()
        {
            mistakes.push(format!(
                "rates[{index}]: names every row, so that nothing after it counts: give it a `when`, or put it last"
            ));
        }
        mistakes
    }

    /// Whether attributes of log records say of sampling what trace states say of spans.
    pub(crate) fn writes_log_attributes(&self) -> bool {
        self.log_attributes
            .unwrap_or(self.mode == Mode::Proportional)
    }
}

/// What an entry of the rates gives.
#[derive(Debug)]
pub(crate) enum Given<'a> {
    /// A share.
    Share(f64),
    /// A share for each value of what `of` names.
    ByValue(&'a BTreeMap<String, f64>),
}

impl Rate {
    /// What the entry under this key gives, or all that is wrong with that and what to write instead.
    pub(crate) fn given(&self, key: &str) -> Result<Given<'_>, Vec<String>> {
        let wrong = match (self.percentage, &self.of) {
            (None, None) => format!(
                "{key}: has no share: write `percentage`, or `of` and `percentages` for a share by value"
            ),
            (Some(_), Some(_)) => {
                format!("{key}: has `percentage` and `of`, of which one counts: remove the other")
            }
            (None, Some(_)) if self.percentages.is_empty() => format!(
                "{key}.of: needs a share for each value: write `percentages: {{ VALUE: 50 }}`"
            ),
            (Some(_), None) if !self.percentages.is_empty() => format!(
                "{key}.percentages: needs `of`, which says whose values these are: write `of: \
                resource.attributes[\"service.name\"]` in place of `percentage`"
            ),
            (Some(percentage), None) => {
                let wrong = out_of_range(percentage, &format!("{key}.percentage"));
                return wrong.map_or(Ok(Given::Share(percentage)), |wrong| Err(vec![wrong]));
            }
            (None, Some(_)) => {
                let shares = self.percentages.iter();
                let wrong: Vec<_> = shares
                    .filter_map(|(value, percentage)| {
                        out_of_range(*percentage, &format!("{key}.percentages.{value}"))
                    })
                    .collect();
                return if wrong.is_empty() {
                    Ok(Given::ByValue(&self.percentages))
                } else {
                    Err(wrong)
                };
            }
        };
        Err(vec![wrong])
    }
}

/// What is wrong with a percentage, if anything is.
fn out_of_range(percentage: f64, key: &str) -> Option<String> {
    (!(0.0..=100.0).contains(&percentage)).then(|| {
        format!(
            "{key}: is {percentage}: write a number from 0 to 100, such as 10 for one trace in ten"
        )
    })
}

#[cfg(test)]
mod tests;
