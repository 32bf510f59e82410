//! `Column`: a path, opened.

use super::fields::{ALL, FIELDS, Field, Type};
use crate::{Signal, Table};

/// The name of a table's list of attributes.
pub fn attributes_of(table: Table) -> &'static str {
    match table {
        Table::Metric => "metadata",
        Table::Exemplar => "filtered_attributes",
        _ => "attributes",
    }
}

/// A column, opened by its path.
#[derive(Clone, Debug)]
pub struct Column {
    pub(super) table: Table,
    pub(super) signals: &'static [Signal],
    pub(super) what: What,
}

/// What a column is in its table.
#[derive(Clone, Debug)]
pub(super) enum What {
    /// The attribute with this key.
    Attribute(String),
    /// A field.
    Field(&'static Field),
}

impl Column {
    /// Opens a column.
    pub fn parse(path: &str) -> Result<Self, String> {
        let unknown = || format!("{path}: no such path; {}", known(path));
        let (table, rest) = path.split_once('.').ok_or_else(unknown)?;
        let (table, signals) = match table {
            "span" => (Table::Record, &[Signal::Traces][..]),
            "datapoint" => (Table::Record, &[Signal::Metrics][..]),
            "log" => (Table::Record, &[Signal::Logs][..]),
            table => (Table::from_name(table).ok_or_else(unknown)?, ALL),
        };
        let name = rest
            .replace("as_double", "value_double")
            .replace("as_int", "value_int");
        let mut fields = FIELDS
            .iter()
            .filter(|field| field.table == table && field.name == name);
        let column = if let Some(field) = fields.next() {
            let shared = signals.iter().any(|signal| field.signals.contains(signal));
            let signals = if signals == ALL {
                field.signals
            } else {
                signals
            };
            shared.then_some(Self {
                table,
                signals,
                what: What::Field(field),
            })
        } else {
            let key = rest.strip_prefix(attributes_of(table)).and_then(key);
            key.map(|key| Self {
                table,
                signals,
                what: What::Attribute(key),
            })
        };
        column.ok_or_else(unknown)
    }

    pub(super) fn holds(&self) -> Type {
        match &self.what {
            What::Attribute(_) => Type::Any,
            What::Field(field) => field.holds,
        }
    }

    pub(super) fn read_only(&self) -> bool {
        matches!(&self.what, What::Field(field) if field.read_only)
    }
}

/// The paths of the table that the path begins with.
fn known(path: &str) -> String {
    let table = match path.split(['.', '[']).next().unwrap_or_default() {
        "span" | "log" | "datapoint" => Some(Table::Record),
        name => Table::from_name(name),
    };
    let Some(table) = table else {
        let tables: Vec<_> = Table::ALL.iter().map(|table| table.name()).collect();
        return format!("tables are {}", tables.join(", "));
    };
    let fields = FIELDS.iter().filter(|field| field.table == table);
    let names: Vec<_> = fields
        .map(|field| format!("{table}.{}", field.name))
        .collect();
    format!(
        "there are {table}.{}[\"..\"] {}",
        attributes_of(table),
        names.join(", ")
    )
}

/// The key in `["key"]`.
fn key(brackets: &str) -> Option<String> {
    let quoted = brackets.strip_prefix("[\"")?.strip_suffix("\"]")?;
    let mut key = String::new();
    let mut letters = quoted.chars();
    while let Some(letter) = letters.next() {
        key.push(match letter {
            '"' => return None,
            '\\' => letters
                .next()
                .filter(|letter| matches!(letter, '"' | '\\'))?,
            letter => letter,
        });
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::{Column, What};

    #[test]
    fn paths_are_fields_and_attributes() {
        for path in [
            "resource.schema_url",
            "span.status.code",
            "record.duration",
            "log.body",
            "datapoint.as_double",
            "exemplar.as_int",
            "record.attributes[\"http.route\"]",
            "log.attributes[\"\"]",
            "metric.metadata[\"k\"]",
            "exemplar.filtered_attributes[\"k\"]",
        ] {
            assert!(Column::parse(path).is_ok(), "{path}");
        }
        for path in [
            "",
            "span",
            "span.body",
            "log.name",
            "resource.metadata[\"k\"]",
            "metric.attributes[\"k\"]",
            "record.attributes[\"a\"][\"b\"]",
            "record.attributes[k]",
            "record.attributes[\"\\x\"]",
            "record.attributes[\"a\\\"]",
        ] {
            assert!(Column::parse(path).is_err(), "{path}");
        }
    }

    #[test]
    fn a_key_may_hold_quotes_and_backslashes() {
        let column = Column::parse(r#"event.attributes["a\"b\\"]"#).unwrap();
        assert!(matches!(column.what, What::Attribute(key) if key == r#"a"b\"#));
    }
}
