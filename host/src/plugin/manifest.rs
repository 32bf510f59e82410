//! What a plugin says of itself.

use serde::Deserialize;

use super::settings::is_plugin_name;
use crate::batch::Signal;

/// The most bytes that `describe` may return: a large JSON Schema fits.
const LARGEST: usize = 1 << 20;

/// The most bytes of a version.
const LONGEST_VERSION: usize = 64;

/// A plugin's manifest, from its `describe`. wit/README.md has its keys.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// What the plugin calls itself, if it does; it is had by the name of its file all the same.
    pub name: Option<String>,
    /// The plugin's own version, if it gives one.
    pub version: Option<String>,
    /// The signals that it works on.
    pub signals: Vec<Signal>,
    /// A JSON Schema of its config.
    pub config_schema: Option<serde_json::Value>,
    /// What happens to a batch that it fails on, unless the config says otherwise.
    pub on_error: OnError,
    /// Whether it may write text into a batch, from its config or from another place of the batch, so that what hides text
    /// should come after it.
    pub adds_text: bool,
}

/// What happens to a batch that a processor fails on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// It goes on as it was before the processor.
    #[default]
    Pass,
    /// It goes no further, and its sender is told that it arrived.
    Drop,
    /// It goes no further, and its sender is told so.
    Reject,
    /// It goes no further, and is kept on disk with the reason; where no dead letters are kept, as `Reject`.
    DeadLetter,
}

impl OnError {
    /// Whether nothing that the processor failed on goes on, and nothing is lost without a word: what a plugin asks for that
    /// must never be skipped.
    pub fn fails_closed(self) -> bool {
        matches!(self, Self::Reject | Self::DeadLetter)
    }

    /// Its name in the config.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Drop => "drop",
            Self::Reject => "reject",
            Self::DeadLetter => "dead_letter",
        }
    }
}

impl Default for Manifest {
    /// What an empty manifest says.
    fn default() -> Self {
        Self {
            name: None,
            version: None,
            signals: Signal::ALL.to_vec(),
            config_schema: None,
            on_error: OnError::default(),
            adds_text: false,
        }
    }
}

/// Unknown keys are those of later versions of the contract.
#[derive(Deserialize)]
struct Json {
    name: Option<String>,
    version: Option<String>,
    signals: Option<Vec<String>>,
    config_schema: Option<serde_json::Value>,
    on_error: Option<OnError>,
    adds_text: Option<bool>,
}

impl Manifest {
    /// Reads what `describe` returned; the error says what is wrong with it.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        if text.len() > LARGEST {
            return Err(format!("it has {} bytes, more than {LARGEST}", text.len()));
        }
        let json: Json = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if let Some(version) = &json.version
            && (version.is_empty()
                || version.len() > LONGEST_VERSION
                || !version.chars().all(|c| c.is_ascii_graphic()))
        {
            return Err(format!(
                "`version` is not 1 to {LONGEST_VERSION} printable ASCII characters"
            ));
        }
        if json.name.as_ref().is_some_and(|name| !is_plugin_name(name)) {
            return Err("`name` is not the name of a plugin".to_owned());
        }
        let signals = match json.signals {
            None => Signal::ALL.to_vec(),
            Some(names) => {
                let given: Vec<_> = names
                    .iter()
                    .map(|name| signal(name))
                    .collect::<Result<_, _>>()?;
                // Each once, however often it is named.
                let is_named = |signal: &Signal| given.contains(signal);
                Signal::ALL.into_iter().filter(is_named).collect()
            }
        };
        if signals.is_empty() {
            return Err("`signals` is empty: leave it out for all signals".to_owned());
        }
        if let Some(schema) = &json.config_schema
            && !schema.is_object()
            && !schema.is_boolean()
        {
            return Err(
                "`config_schema` is no JSON Schema: that is an object or a boolean".to_owned(),
            );
        }
        Ok(Self {
            name: json.name,
            version: json.version,
            signals,
            config_schema: json.config_schema,
            on_error: json.on_error.unwrap_or_default(),
            adds_text: json.adds_text.unwrap_or_default(),
        })
    }
}

fn signal(name: &str) -> Result<Signal, String> {
    Signal::ALL
        .into_iter()
        .find(|signal| signal.name() == name)
        .ok_or_else(|| {
            format!("`signals` has {name:?}, which is none of \"traces\", \"metrics\", \"logs\"")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_optional() {
        let manifest = Manifest::read("{}").unwrap();
        assert_eq!((&manifest.name, &manifest.version), (&None, &None));
        assert_eq!(manifest.signals, Signal::ALL);
        assert_eq!(manifest.config_schema, None);
        assert_eq!(manifest.on_error, OnError::Pass);
        assert!(!manifest.adds_text);
    }

    #[test]
    fn a_signal_that_is_named_again_and_again_counts_once() {
        let many = vec!["\"logs\", \"traces\""; 1_000].join(", ");
        let manifest = Manifest::read(&format!("{{\"signals\": [{many}]}}")).unwrap();
        assert_eq!(manifest.signals, [Signal::Traces, Signal::Logs]);
    }

    #[test]
    fn every_key_is_read_and_an_unknown_one_ignored() {
        let manifest = Manifest::read(
            r#"{"name": "shop", "version": "1.2.0", "signals": ["logs"], "config_schema": {"type": "object"},
                "on_error": "reject", "adds_text": true, "streams": true}"#,
        )
        .unwrap();
        assert_eq!(manifest.name.as_deref(), Some("shop"));
        assert_eq!(manifest.version.as_deref(), Some("1.2.0"));
        assert_eq!(manifest.signals, [Signal::Logs]);
        assert_eq!(
            manifest.config_schema,
            Some(serde_json::json!({"type": "object"}))
        );
        assert_eq!(manifest.on_error, OnError::Reject);
        assert!(manifest.adds_text);
    }

    #[test]
    fn what_happens_to_a_failed_batch_has_four_words() {
        for (word, on_error, closed) in [
            ("pass", OnError::Pass, false),
            ("drop", OnError::Drop, false),
            ("reject", OnError::Reject, true),
            ("dead_letter", OnError::DeadLetter, true),
        ] {
            let manifest = Manifest::read(&format!(r#"{{"on_error": "{word}"}}"#)).unwrap();
            assert_eq!(manifest.on_error, on_error);
            assert_eq!(on_error.fails_closed(), closed);
        }
    }

    #[test]
    fn a_mistake_names_its_key() {
        for (text, named) in [
            ("", "EOF"),
            ("[]", "expected struct"),
            (r#"{"version": 1}"#, "expected a string"),
            (r#"{"version": "a\nb"}"#, "`version`"),
            (r#"{"name": "a b"}"#, "`name`"),
            (r#"{"signals": ["spans"]}"#, "\"spans\""),
            (r#"{"signals": []}"#, "`signals` is empty"),
            (r#"{"config_schema": "x"}"#, "`config_schema`"),
            (r#"{"on_error": "explode"}"#, "`explode`"),
        ] {
            let error = Manifest::read(text).unwrap_err();
            assert!(error.contains(named), "{text}: {error}");
        }
    }

    #[test]
    fn a_manifest_beyond_its_bound_is_refused() {
        let text = format!(r#"{{"later": "{}"}}"#, "x".repeat(LARGEST));
        assert!(Manifest::read(&text).unwrap_err().contains("more than"));
    }
}
