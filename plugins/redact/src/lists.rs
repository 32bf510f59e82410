//! Allow and deny lists of keys and paths. Whether a list names a place is asked once a place and batch, not for every
//! value.
//!
//! Upper and lower case are the same in them, and `*` stands for any text, also for none, and for several levels.

mod paths;

use otlet_plugin::Signal;
use schemars::JsonSchema;
use serde::Deserialize;

/// What is not looked at, and what is hidden whatever it holds.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Lists {
    /// Values that are not looked at. Example: `[order.email_domain, "*.digest"]`
    pub allow: Vec<String>,
    /// Values that are hidden whole, whatever they hold. Where allowed as well, they are hidden. Example:
    /// `[user.ssn, "http.request.header.*"]`
    pub deny: Vec<String>,
}

/// What the lists say about the values at a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Listed {
    /// Nothing.
    #[default]
    No,
    /// They are not looked at.
    Allowed,
    /// They are hidden.
    Denied,
}

/// The lists of a config.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    allow: Patterns,
    deny: Patterns,
}

/// Patterns in lower case.
#[derive(Debug, Default)]
struct Patterns {
    keys: Vec<String>,
    /// Each with what is in it as well.
    paths: Vec<String>,
}

impl Rules {
    /// The rules of these lists; what is wrong with them is added to the mistakes.
    pub(crate) fn new(keys: &Lists, paths: &Lists, mistakes: &mut Vec<String>) -> Self {
        let mut patterns = |keys: &[String], paths: &[String], list: &str| {
            let keys = parsed(keys, &format!("keys.{list}"), check_key, mistakes);
            let paths = parsed(paths, &format!("paths.{list}"), paths::check, mistakes);
            let within = |path: String| [format!("{path}[*"), path];
            Patterns {
                keys,
                paths: paths.into_iter().flat_map(within).collect(),
            }
        };
        Self {
            allow: patterns(&keys.allow, &paths.allow, "allow"),
            deny: patterns(&keys.deny, &paths.deny, "deny"),
        }
    }

    /// Whether anything is to be hidden whatever it holds.
    pub(crate) fn deny(&self) -> bool {
        !self.deny.is_empty()
    }

    /// What the lists say about the values at this path, under these keys. A record's path may be listed with the name that
    /// this signal has for its records, too: `log.body`.
    pub(crate) fn of(&self, path: &str, signal: Signal, keys: &[String]) -> Listed {
        if self.allow.is_empty() && self.deny.is_empty() {
            return Listed::No;
        }
        let alias = alias(path, signal);
        let names = |patterns: &Patterns| patterns.name(path, alias.as_deref(), keys);
        if names(&self.deny) {
            Listed::Denied
        } else if names(&self.allow) {
            Listed::Allowed
        } else {
            Listed::No
        }
    }
}

impl Patterns {
    fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.paths.is_empty()
    }

    fn name(&self, path: &str, alias: Option<&str>, keys: &[String]) -> bool {
        let key = |pattern: &String| keys.iter().any(|key| matches(pattern, key));
        let path = |pattern: &String| {
            matches(pattern, path) || alias.is_some_and(|path| matches(pattern, path))
        };
        self.keys.iter().any(key) || self.paths.iter().any(path)
    }
}

/// The path with the signal's name for its records, if it is one of a record.
fn alias(path: &str, signal: Signal) -> Option<String> {
    let rest = path.strip_prefix("record.")?;
    let name = match signal {
        Signal::Traces => "span",
        Signal::Logs => "log",
        Signal::Metrics => "datapoint",
        _ => return None,
    };
    Some(format!("{name}.{rest}"))
}

/// The entries of a list in lower case; what is wrong with any is added to the mistakes.
fn parsed(
    entries: &[String],
    list: &str,
    check: fn(&str) -> Result<(), String>,
    mistakes: &mut Vec<String>,
) -> Vec<String> {
    let mut parsed = Vec::new();
    for (i, entry) in entries.iter().enumerate() {
        let entry = entry.to_ascii_lowercase();
        match check(&entry) {
            Ok(()) => parsed.push(entry),
            Err(mistake) => mistakes.push(format!("{list}[{i}]: {mistake}")),
        }
    }
    parsed
}

fn check_key(key: &str) -> Result<(), String> {
    if key.is_empty() {
        return Err("is empty, name a key or leave it out".to_owned());
    }
    if key.contains("[\"") {
        return Err("is a path, list it under paths".to_owned());
    }
    Ok(())
}

/// Whether a text is as this pattern in lower case says.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    // The latest asterisk, and up to where the text that it stands for goes by now.
    let mut star: Option<(usize, usize)> = None;
    while let Some(&byte) = text.get(t) {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&letter) if letter == byte.to_ascii_lowercase() => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((at, end)) = star else {
                    return false;
                };
                star = Some((at, end + 1));
                (p, t) = (at + 1, end + 1);
            }
        }
    }
    pattern.iter().skip(p).all(|&rest| rest == b'*')
}

#[cfg(test)]
mod tests {
    use otlet_plugin::Signal;

    use super::{Listed, Lists, Rules, matches};

    fn lists(allow: &[&str], deny: &[&str]) -> Lists {
        let owned = |list: &[&str]| list.iter().map(ToString::to_string).collect();
        Lists {
            allow: owned(allow),
            deny: owned(deny),
        }
    }

    #[test]
    fn an_asterisk_stands_for_any_text() {
        for (pattern, text, expected) in [
            ("user.id", "user.id", true),
            ("user.id", "USER.Id", true),
            ("user.id", "user.idx", false),
            ("user.id", "user.i", false),
            ("user.id", "", false),
            ("*", "", true),
            ("*", "x", true),
            ("user.*", "user.", true),
            ("user.*", "user.a.b", true),
            ("user.*", "user", false),
            ("*.id", "user.id.id", true),
            ("*.id", "user.ids", false),
            ("a*b*c", "aXbXbXc", true),
            ("a*b*c", "aXcXb", false),
            ("a**", "a", true),
            ("", "", true),
            ("", "x", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    fn rules(keys: &Lists, paths: &Lists) -> Result<Rules, String> {
        let mut mistakes = Vec::new();
        let rules = Rules::new(keys, paths, &mut mistakes);
        mistakes.pop().map_or(Ok(rules), Err)
    }

    #[test]
    fn keys_name_what_is_under_them_at_any_depth() {
        let rules = rules(&lists(&["open.*"], &["user.ssn"]), &Lists::default()).unwrap();
        let of = |keys: &[&str]| {
            let keys: Vec<_> = keys.iter().map(ToString::to_string).collect();
            rules.of("record.body", Signal::Logs, &keys)
        };
        assert_eq!(of(&["user.ssn"]), Listed::Denied);
        assert_eq!(of(&["a", "User.SSN", "b"]), Listed::Denied);
        assert_eq!(of(&["open.x", "a"]), Listed::Allowed);
        assert_eq!(of(&["open.x", "user.ssn"]), Listed::Denied);
        assert_eq!(of(&["user"]), Listed::No);
        assert_eq!(of(&[]), Listed::No);
    }

    #[test]
    fn paths_are_known_by_the_signals_name_of_records_too() {
        let paths = lists(&["record.body[\"a\"]"], &["log.body"]);
        let rules = rules(&Lists::default(), &paths).unwrap();
        let body = "record.body[\"a\"]";
        assert_eq!(rules.of(body, Signal::Logs, &[]), Listed::Denied);
        assert_eq!(rules.of(body, Signal::Traces, &[]), Listed::Allowed);
    }

    #[test]
    fn a_mistake_names_its_entry() {
        let refused = |keys: &Lists, paths: &Lists| rules(keys, paths).unwrap_err();
        let none = Lists::default();
        assert_eq!(
            refused(&lists(&["a", ""], &[]), &none),
            "keys.allow[1]: is empty, name a key or leave it out"
        );
        assert_eq!(
            refused(&lists(&[], &["log.attributes[\"a\"]"]), &none),
            "keys.deny[0]: is a path, list it under paths"
        );
        assert!(refused(&none, &lists(&[], &["body"])).starts_with("paths.deny[0]: "));
    }
}
