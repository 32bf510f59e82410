//! Which keys an action has: one verb, and those that belong to it.

use std::fmt::Display;

use otlet_plugin::Error;

use crate::config::Action;

/// A verb and the keys that belong to it.
struct Rule {
    verb: &'static str,
    /// The keys that it cannot do without, and what they are.
    needs: &'static [(&'static str, &'static str)],
    /// The keys that it may have beside.
    may: &'static [&'static str],
}

const RULES: [Rule; 15] = [
    Rule {
        verb: "set",
        needs: &[],
        may: &["value", "template", "if", "when"],
    },
    Rule {
        verb: "copy",
        needs: &[("to", "the path to copy to")],
        may: &["if", "when"],
    },
    Rule {
        verb: "move",
        needs: &[("to", "the path to move to")],
        may: &["if", "when"],
    },
    Rule {
        verb: "rename",
        needs: &[("to", "the new name's path")],
        may: &["if", "when"],
    },
    Rule {
        verb: "remove",
        needs: &[],
        may: &["when"],
    },
    Rule {
        verb: "remove_matching",
        needs: &[("from", "a table, such as record")],
        may: &["when"],
    },
    Rule {
        verb: "keep_matching",
        needs: &[("from", "a table, such as record")],
        may: &["when"],
    },
    Rule {
        verb: "extract",
        needs: &[("pattern", "a regular expression with named groups")],
        may: &["to", "prefix", "if", "when"],
    },
    Rule {
        verb: "replace",
        needs: &[
            ("pattern", "a regular expression"),
            ("with", "what to put there, perhaps ''"),
        ],
        may: &["when"],
    },
    Rule {
        verb: "truncate",
        needs: &[("length", "the characters to leave")],
        may: &["when"],
    },
    Rule {
        verb: "lowercase",
        needs: &[],
        may: &["when"],
    },
    Rule {
        verb: "uppercase",
        needs: &[],
        may: &["when"],
    },
    Rule {
        verb: "convert",
        needs: &[("as", "`text`, `integer`, `double` or `boolean`")],
        may: &["to", "if", "when"],
    },
    Rule {
        verb: "hash",
        needs: &[],
        may: &["to", "key", "length", "if", "when"],
    },
    Rule {
        verb: "lookup",
        needs: &[
            ("in", "the name of a table"),
            ("to", "a map of columns to paths"),
        ],
        may: &["default", "if", "when"],
    },
];

/// Says what is wrong with the keys of an action, if anything is.
pub(crate) fn check(action: &Action) -> Result<(), Error> {
    let given = given(action);
    let verbs: Vec<_> = RULES
        .iter()
        .filter(|rule| given.contains(&rule.verb))
        .collect();
    let rule = match verbs.as_slice() {
        [rule] => rule,
        [] => {
            let all: Vec<_> = RULES.iter().map(|rule| rule.verb).collect();
            return Err(format!("does nothing: give it one of {}", listed(&all, "and")).into());
        }
        several => {
            let several: Vec<_> = several.iter().map(|rule| rule.verb).collect();
            return Err(format!(
                "is several actions: write each of {} as an entry of its own",
                listed(&several, "and")
            )
            .into());
        }
    };
    if let Some((key, what)) = rule.needs.iter().find(|(key, _)| !given.contains(key)) {
        return Err(format!("`{}` needs `{key}`, {what}", rule.verb).into());
    }
    let needed: Vec<_> = rule.needs.iter().map(|(key, _)| *key).collect();
    let takes = [needed.as_slice(), rule.may].concat();
    let foreign = given
        .iter()
        .find(|key| **key != rule.verb && !takes.contains(key));
    foreign.map_or(Ok(()), |key| {
        Err(format!(
            "`{key}` does not belong to `{}`, which takes {}",
            rule.verb,
            listed(&takes, "and")
        )
        .into())
    })
}

/// What is wrong with the action of this index, behind its path: one of a key with that key as the end of the path.
pub(crate) fn placed(index: usize, wrong: &str) -> String {
    let end = wrong.find(|letter: char| !letter.is_ascii_lowercase() && letter != '_');
    let (key, rest) = wrong.split_at(end.unwrap_or(wrong.len()));
    let is_key = rest.starts_with([':', '.', '['])
        && RULES.iter().any(|rule| {
            rule.verb == key
                || rule.may.contains(&key)
                || rule.needs.iter().any(|(need, _)| *need == key)
        });
    let sign = if is_key { "." } else { ": " };
    format!("actions[{index}]{sign}{wrong}")
}

/// The keys that an action has.
fn given(action: &Action) -> Vec<&'static str> {
    let keys = [
        ("set", action.set.is_some()),
        ("copy", action.copy.is_some()),
        ("move", action.move_.is_some()),
        ("rename", action.rename.is_some()),
        ("remove", action.remove.is_some()),
        ("remove_matching", action.remove_matching.is_some()),
        ("keep_matching", action.keep_matching.is_some()),
        ("extract", action.extract.is_some()),
        ("replace", action.replace.is_some()),
        ("truncate", action.truncate.is_some()),
        ("lowercase", action.lowercase.is_some()),
        ("uppercase", action.uppercase.is_some()),
        ("convert", action.convert.is_some()),
        ("hash", action.hash.is_some()),
        ("lookup", action.lookup.is_some()),
        ("value", action.value.is_some()),
        ("template", action.template.is_some()),
        ("to", action.to.is_some()),
        ("pattern", action.pattern.is_some()),
        ("prefix", action.prefix.is_some()),
        ("with", action.with.is_some()),
        ("length", action.length.is_some()),
        ("as", action.as_.is_some()),
        ("key", action.key.is_some()),
        ("in", action.in_.is_some()),
        ("default", action.default.is_some()),
        ("from", action.from.is_some()),
        ("if", action.if_.is_some()),
        ("when", action.when.is_some()),
    ];
    keys.into_iter()
        .filter_map(|(key, given)| given.then_some(key))
        .collect()
}

/// Names in quotes, as a sentence lists them.
pub(crate) fn listed<T: Display>(names: &[T], last: &str) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((end, before)) if !before.is_empty() => format!("{} {last} {end}", before.join(", ")),
        _ => quoted.concat(),
    }
}
