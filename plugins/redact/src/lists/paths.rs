//! The paths of lists: those that leaves have, and patterns of them.

use super::matches;

/// The fields in which there are leaves, by what stands before the first bracket. Records have their signal's name, too.
const FIELDS: [&str; 35] = [
    "resource.attributes",
    "resource.schema_url",
    "resource.entity_refs.type",
    "resource.entity_refs.schema_url",
    "resource.entity_refs.id_keys",
    "resource.entity_refs.description_keys",
    "scope.name",
    "scope.version",
    "scope.attributes",
    "scope.schema_url",
    "record.attributes",
    "record.name",
    "record.trace_state",
    "record.status.message",
    "record.body",
    "record.severity_text",
    "record.event_name",
    "span.name",
    "span.attributes",
    "span.trace_state",
    "span.status.message",
    "log.body",
    "log.attributes",
    "log.severity_text",
    "log.event_name",
    "datapoint.attributes",
    "metric.name",
    "metric.description",
    "metric.unit",
    "metric.metadata",
    "event.name",
    "event.attributes",
    "link.trace_state",
    "link.attributes",
    "exemplar.filtered_attributes",
];
/// What the fields end with that have brackets behind them.
const WITH_BRACKETS: [&str; 4] = ["attributes", "metadata", "body", "_keys"];

/// What is wrong with a path in lower case, if anything is.
pub(super) fn check(path: &str) -> Result<(), String> {
    let (field, brackets) = path.split_at(path.find('[').unwrap_or(path.len()));
    let mut fields = FIELDS.iter().filter(|known| matches(field, known));
    if fields.clone().next().is_none() {
        return Err(unknown(field));
    }
    let has_brackets = |known: &&str| WITH_BRACKETS.iter().any(|end| known.ends_with(end));
    if !brackets.is_empty() && !fields.any(has_brackets) {
        return Err(format!("nothing is in {field}, leave the brackets out"));
    }
    check_brackets(brackets)
}

/// Says that there is no such field, and which there are in its table.
fn unknown(field: &str) -> String {
    let table = field.split('.').next().unwrap_or_default();
    let of_table = |known: &&&str| known.split('.').next() == Some(table);
    let mut known: Vec<&str> = FIELDS.iter().filter(of_table).copied().collect();
    if known.is_empty() {
        known = ["log.body", "span.name", "resource.attributes[\"user.id\"]"].into();
    }
    format!("no such path, write one like {}", known.join(", "))
}

/// Whether these are `["key"]` and `[]`, one behind the other, but for asterisks.
fn check_brackets(mut rest: &str) -> Result<(), String> {
    while !rest.is_empty() {
        let after = rest
            .strip_prefix("[]")
            .or_else(|| rest.strip_prefix("[*]"))
            .or_else(|| rest.strip_prefix('*'))
            .or_else(|| after_key(rest.strip_prefix("[\"")?));
        rest = after.ok_or_else(|| {
            format!("cannot read {rest}, write [\"key\"], or [] for the elements of an array")
        })?;
    }
    Ok(())
}

/// What follows the key that begins here and its bracket.
fn after_key(text: &str) -> Option<&str> {
    let mut escaped = false;
    let end = text.find(|letter| {
        let ends = letter == '"' && !escaped;
        escaped = letter == '\\' && !escaped;
        ends
    })?;
    text.get(end..)?.strip_prefix("\"]")
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn paths_of_leaves_are_right() {
        for path in [
            "log.body",
            "log.body[\"a\"][][\"b\"]",
            "span.name",
            "record.attributes",
            "resource.attributes[\"user.id\"]",
            "event.attributes[\"a\\\"]b\\\\\"]",
            "*.attributes[\"user.*\"]",
            "*[\"mail\"]",
            "*",
            "event.*",
            "log.body[*]",
            "log.body*[\"a\"]",
            "resource.entity_refs.id_keys[]",
        ] {
            assert_eq!(check(path), Ok(()), "{path}");
        }
    }

    #[test]
    fn other_paths_are_refused_with_a_cure() {
        for (path, expected) in [
            ("", "no such path, write one like log.body, "),
            ("user.id", "no such path, write one like log.body, "),
            (
                "log.bodi",
                "no such path, write one like log.body, log.attributes, ",
            ),
            ("span.kind", "no such path, write one like span.name, "),
            ("span", "no such path, write one like span.name, "),
            (
                "span.name[\"a\"]",
                "nothing is in span.name, leave the brackets out",
            ),
            ("log.body[0]", "cannot read [0], write [\"key\"], or [] "),
            ("log.body[\"a]", "cannot read [\"a], write "),
            ("log.body[\"a\"]b", "cannot read b, write "),
            ("log.attributes[user.id]", "cannot read [user.id], write "),
        ] {
            let mistake = check(path).unwrap_err();
            assert!(mistake.starts_with(expected), "{path}: {mistake}");
        }
    }
}
