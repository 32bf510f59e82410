//! What can be written under the processor's `config`.

use std::collections::BTreeMap;

use otlet_plugin::Error;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::action::{Action, Actions, DENIED};
use crate::detector::{Detector, Name};
use crate::hash::HashKey;
use crate::lists::{Lists, Rules};
use crate::pattern::{PatternConfig, Patterns};
use crate::search::Search;
use crate::sql::{self, Sql};

/// What a start without a key says, where something is hashed. A line of the log has room for no more.
pub(crate) const NO_KEY: &str = "no hash_key: hashes change at every restart and differ between otlets, and with them the \
    metric series and resources that hold one; to keep them set `hash_key: \"${env:REDACT_KEY}\"`";

/// The config of redact.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What to look for: all that there is, unless it is listed here. Example: `[email, credit_card]`
    pub detectors: Vec<Detector>,
    /// What to look for besides. Example: `[{ name: customer_no, pattern: 'CUST-\d{6}' }]`
    pub patterns: Vec<PatternConfig>,
    /// Whether the detector `ip` also hides addresses of private networks and of the machine itself, which it keeps unless
    /// asked. Example: `true`
    pub private_addresses: bool,
    /// What becomes of what is found. Example: `partial`
    pub action: Action,
    /// What becomes of what one detector or pattern finds, or, as `denied`, of what a deny list hides. Example:
    /// `{ email: hash, denied: remove }`
    pub actions: BTreeMap<String, Action>,
    /// What becomes of all that is found in what tells series apart: resource attributes, and in metrics scopes, names,
    /// units and attributes of points. Example: `hash`, which it is unless another is chosen
    pub series: Action,
    /// The key of the hash, of 16 bytes or more, the same in every otlet whose hashes must agree. Without one it is random at
    /// each start. Example: `"${env:REDACT_KEY}"`
    pub hash_key: Option<HashKey>,
    /// Keys, of attributes and of maps at any depth, whose values are not looked at, or hidden whole. Example:
    /// `{ allow: [order.email_domain], deny: [user.ssn, "http.request.header.*"] }`
    pub keys: Lists,
    /// The same for paths. Example: `{ allow: [span.name], deny: ['log.body["user"]', 'resource.attributes["host.ip"]'] }`
    pub paths: Lists,
    /// What becomes of SQL statements. Nothing, unless it is given. Example: `shape`
    pub sql: Option<Sql>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            detectors: Detector::ALL.to_vec(),
            patterns: Vec::new(),
            private_addresses: false,
            action: Action::default(),
            actions: BTreeMap::new(),
            series: Action::Hash,
            hash_key: None,
            keys: Lists::default(),
            paths: Lists::default(),
            sql: None,
        }
    }
}

impl Config {
    /// What to look for, what is hidden or not looked at because of where it stands, and what becomes of what is found; or
    /// all that is wrong with it, a mistake a line.
    pub(crate) fn read(&self) -> Result<(Search, Rules, Actions), Error> {
        let mut mistakes = Vec::new();
        let search = self.search(&mut mistakes);
        let rules = Rules::new(&self.keys, &self.paths, &mut mistakes);
        let actions = self.actions(&mut mistakes);
        if mistakes.is_empty() {
            Ok((search, rules, actions))
        } else {
            Err(mistakes.join("\n").into())
        }
    }

    fn search(&self, mistakes: &mut Vec<String>) -> Search {
        if self.detectors.is_empty() {
            let cure = "name at least one or leave the key out for all";
            mistakes.push(format!("detectors: is empty, {cure}"));
        }
        for (i, pattern) in self.patterns.iter().enumerate() {
            if [DENIED, sql::NAME].contains(&&*pattern.name) {
                mistakes.push(format!(
                    "patterns[{i}].name: redact hides in that name itself, choose another"
                ));
            }
        }
        Search {
            patterns: Patterns::new(&self.patterns, mistakes),
            private_addresses: self.private_addresses,
            ..Search::of(&self.detectors)
        }
    }

    fn actions(&self, mistakes: &mut Vec<String>) -> Actions {
        let patterns = self.patterns.iter();
        let patterns =
            patterns.filter_map(|pattern| Name::new(&pattern.name).map(Detector::Pattern));
        let wanted: Vec<_> = self.detectors.iter().copied().chain(patterns).collect();
        Actions::new(self.action, &self.actions, self.series, &wanted, mistakes)
    }

    /// Whether hashes will last no longer than the process.
    pub(crate) fn lacks_key(&self, actions: &Actions) -> bool {
        self.hash_key.is_none() && actions.hash()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Config, NO_KEY};

    fn read(config: &serde_json::Value) -> Result<Config, String> {
        let config: Config =
            serde_json::from_str(&config.to_string()).map_err(|error| error.to_string())?;
        config.read()?;
        Ok(config)
    }

    #[test]
    fn whoever_may_hash_without_a_key_is_told() {
        let key = "0123456789abcdef";
        for (config, lacks) in [
            (json!({}), true),
            (json!({"hash_key": key}), false),
            (json!({"series": "mask"}), false),
            (json!({"series": "mask", "action": "hash"}), true),
            (
                json!({"series": "mask", "actions": {"email": "hash"}}),
                true,
            ),
            (
                json!({"series": "mask", "actions": {"email": "hash"}, "hash_key": key}),
                false,
            ),
            (json!({"series": "mask", "sql": "shape"}), false),
        ] {
            let read = read(&config).unwrap();
            let (_, _, actions) = read.read().unwrap();
            assert_eq!(read.lacks_key(&actions), lacks, "{config}");
        }
    }

    #[test]
    fn the_warning_fits_into_a_line_of_the_log() {
        assert!(NO_KEY.len() <= 256, "{}", NO_KEY.len());
        assert!(include_str!("../README.md").contains(NO_KEY));
    }

    #[test]
    fn mistakes_are_refused() {
        for (config, expected) in [
            (
                json!({"detectors": []}),
                "detectors: is empty, name at least one or leave the key out for all",
            ),
            (
                json!({"patterns": [{"name": "sql", "pattern": "x"}]}),
                "patterns[0].name: redact hides in that name itself, choose another",
            ),
            (
                json!({"actions": {"badge": "hash"}, "detectors": ["email"], "patterns": [{"name": "badge_no", "pattern": "x"}]}),
                "actions.badge: no such detector, write one of email, badge_no, denied",
            ),
            (
                json!({"keys": {"deny": [""]}}),
                "keys.deny[0]: is empty, name a key or leave it out",
            ),
        ] {
            assert_eq!(read(&config).unwrap_err(), expected);
        }
    }

    #[test]
    fn all_mistakes_are_said_at_once() {
        let config = json!({
            "detectors": ["email", "jwt"],
            "patterns": [
                {"name": "sql", "pattern": "("},
                {"name": "Badge", "pattern": "x"},
                {"name": "badge", "pattern": "x"},
                {"name": "badge", "pattern": "x*"},
            ],
            "actions": {"emial": "hash", "jwt": "partial", "badge": "remove"},
            "keys": {"allow": ["", "a"], "deny": ["a[\"b\"]"]},
            "paths": {"allow": [""], "deny": [""]},
        });
        let said = read(&config).unwrap_err();
        let places: Vec<_> = said
            .lines()
            .map(|line| line.split_once(": ").unwrap().0)
            .collect();
        let expected = [
            "patterns[0].name",
            "patterns[0].pattern",
            "patterns[1].name",
            "patterns[3].name",
            "patterns[3].pattern",
            "keys.allow[0]",
            "paths.allow[0]",
            "keys.deny[0]",
            "paths.deny[0]",
            "actions.emial",
            "actions.jwt",
        ];
        assert_eq!(places, expected, "{said}");
    }

    #[test]
    fn patterns_have_actions_by_their_names() {
        let config = json!({
            "actions": {"badge_no": "remove", "denied": "hash"},
            "patterns": [{"name": "badge_no", "pattern": "x"}],
        });
        assert!(read(&config).is_ok());
    }
}
