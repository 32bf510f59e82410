//! What the config says, and what it must not say.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::duration::Duration;

/// Keeps a share of the traces, and the spans and logs of a trace together.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The share of traces to keep, in percent: 10 keeps one trace in ten, with all its spans and logs. Not given, or 100,
    /// everything is kept and nothing is changed. Example: `percentage: 10`.
    #[schemars(range(min = 0, max = 100))]
    pub percentage: Option<f64>,

    /// What is kept whatever the percentage. Example: `keep: { errors: true, slower_than: 2s }`.
    pub keep: Keep,
}

/// What is kept whatever the percentage.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct Keep {
    /// Keeps every span with the status ERROR and every log record of the severity ERROR (17) or above. Example:
    /// `errors: true`.
    pub errors: bool,

    /// Keeps every span that took longer than this. Example: `slower_than: 2s`.
    pub slower_than: Option<Duration>,
}

impl Config {
    /// Says what in the config is wrong and what to write instead.
    pub(crate) fn check(&self) -> Result<(), String> {
        match self.percentage {
            Some(percentage) if !(0.0..=100.0).contains(&percentage) => Err(format!(
                "`percentage` is {percentage}: write a number from 0 to 100, such as 10 for one trace in ten"
            )),
            None if self.keep != Keep::default() => Err(
                "`keep` without `percentage` does nothing, since everything is \
                kept: add the percentage of the rest, or 0 to keep nothing else"
                    .to_owned(),
            ),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Config, Keep};
    use crate::duration::Duration;

    fn config(json: &str) -> Result<Config, String> {
        let config: Config = serde_json::from_str(json).map_err(|error| error.to_string())?;
        config.check().map(|()| config)
    }

    #[test]
    fn a_whole_config_is_read() {
        let read =
            config(r#"{"percentage": 0.5, "keep": {"errors": true, "slower_than": "1.5s"}}"#)
                .expect("a config");
        assert_eq!(read.percentage, Some(0.5));
        assert_eq!(
            read.keep,
            Keep {
                errors: true,
                slower_than: Some(Duration(1_500_000_000))
            }
        );
        assert!(config("{}").is_ok_and(|read| read.percentage.is_none()));
    }

    #[test]
    fn mistakes_are_refused_and_say_what_to_write() {
        let mistakes = [
            (r#"{"percentage": 120}"#, "from 0 to 100"),
            (r#"{"percentage": -1}"#, "from 0 to 100"),
            (r#"{"percentage": "10"}"#, "expected f64"),
            (r#"{"percent": 10}"#, "expected `percentage` or `keep`"),
            (
                r#"{"percentage": 10, "keep": {"slow": "2s"}}"#,
                "expected `errors` or `slower_than`",
            ),
            (r#"{"keep": {"errors": true}}"#, "or 0 to keep nothing else"),
        ];
        for (json, says) in mistakes {
            let error = config(json).expect_err(json);
            assert!(error.contains(says), "{json}: {error}");
        }
    }
}
