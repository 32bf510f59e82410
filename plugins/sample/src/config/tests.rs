use super::{Config, Keep, Mode};
use crate::duration::Duration;

fn config(json: &str) -> Result<Config, String> {
    let config: Config = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let mut mistakes = config.check();
    for (index, rate) in config.rates.iter().enumerate() {
        mistakes.extend(
            rate.given(&format!("rates[{index}]"))
                .err()
                .into_iter()
                .flatten(),
        );
    }
    if mistakes.is_empty() {
        Ok(config)
    } else {
        Err(mistakes.join("\n"))
    }
}

#[test]
fn a_whole_config_is_read() {
    let read = config(
        r#"{"percentage": 0.5, "mode": "proportional", "log_attributes": false,
            "keep": {"errors": true, "slower_than": "1.5s"},
            "rates": [{"when": {"span.name": "GET"}, "percentage": 5},
                      {"of": "scope.name", "percentages": {"a": 1, "b": 100}, "by": "log.body"},
                      {"percentage": 2}],
            "metrics": {"keep_only": {"metric.name": "up"}, "drop": [{"metric.unit": "s"}]}}"#,
    )
    .expect("a config");
    assert_eq!(read.percentage, Some(0.5));
    assert_eq!(read.mode, Mode::Proportional);
    assert_eq!(
        read.keep,
        Keep {
            errors: true,
            slower_than: Some(Duration(1_500_000_000)),
            when: None
        }
    );
    assert_eq!(read.rates[1].percentages.get("b").copied(), Some(100.0));
    assert!(read.metrics.keep_only.is_some() && read.metrics.drop.is_some());
}

#[test]
fn an_empty_config_asks_for_nothing() {
    let read = config("{}").expect("a config");
    assert!(read.percentage.is_none() && read.rates.is_empty());
    assert_eq!(read.mode, Mode::Equalizing);
}

#[test]
fn log_attributes_go_with_the_proportional_mode_unless_said() {
    let writes = |json| config(json).is_ok_and(|config| config.writes_log_attributes());
    assert!(!writes(r#"{"percentage": 10}"#));
    assert!(writes(r#"{"percentage": 10, "mode": "proportional"}"#));
    assert!(writes(r#"{"percentage": 10, "log_attributes": true}"#));
    assert!(!writes(
        r#"{"percentage": 10, "mode": "proportional", "log_attributes": false}"#
    ));
}

#[test]
fn mistakes_are_refused_and_say_what_to_write() {
    let mistakes = [
        (r#"{"percentage": 120}"#, "from 0 to 100"),
        (r#"{"percentage": -1}"#, "from 0 to 100"),
        (r#"{"percentage": "10"}"#, "expected f64"),
        (r#"{"percent": 10}"#, "expected one of `percentage`, `mode`"),
        (
            r#"{"mode": "hash_seed"}"#,
            "expected `equalizing` or `proportional`",
        ),
        (
            r#"{"percentage": 10, "keep": {"slow": "2s"}}"#,
            "expected one of `errors`, `slower_than`, `when`",
        ),
        (r#"{"keep": {"errors": true}}"#, "or 0 to keep nothing else"),
        (
            r#"{"keep": {"when": {"span.name": "x"}}}"#,
            "or 0 to keep nothing else",
        ),
        (
            r#"{"metrics": {"keep": {"metric.name": "up"}}}"#,
            "expected `keep_only` or `drop`",
        ),
        (
            r#"{"rates": [{"percentage": 1}, {"when": {"span.name": "x"}}]}"#,
            "rates[1]: has no share: write `percentage`",
        ),
        (
            r#"{"rates": [{"percentage": 101}]}"#,
            "rates[0].percentage: is 101",
        ),
        (
            r#"{"rates": [{"of": "scope.name", "percentages": {"a": -3}}]}"#,
            "rates[0].percentages.a: is -3",
        ),
        (
            r#"{"rates": [{"of": "scope.name"}]}"#,
            "rates[0].of: needs a share for each value",
        ),
        (
            r#"{"rates": [{"of": "scope.name", "percentage": 1}]}"#,
            "rates[0]: has `percentage` and `of`",
        ),
        (
            r#"{"rates": [{"percentage": 1, "percentages": {"a": 1}}]}"#,
            "rates[0].percentages: needs `of`",
        ),
        (
            r#"{"rates": [{"percentage": 1}, {"when": {"span.name": "x"}, "percentage": 2}]}"#,
            "rates[0]: names every row",
        ),
        (
            r#"{"rates": [{"by": "log.body"}]}"#,
            "rates[0]: has no share",
        ),
    ];
    for (json, says) in mistakes {
        let error = config(json).expect_err(json);
        assert!(error.contains(says), "{json}: {error}");
    }
}
