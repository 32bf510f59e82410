//! `Column`: an attribute or a field of a table.

use std::{cell::RefCell, collections::BTreeMap};

use crate::{Error, Table, fence::batch};

/// An attribute or a field of a table, opened once, in [`Plugin::new`](crate::Plugin::new), and used with every batch.
#[derive(Clone, Debug)]
pub struct Column {
    number: u32,
    /// The bytes of an id, if the path is one's.
    width: usize,
}

thread_local! {
    /// The columns that are open, by their paths: an instance may open 1,024 in its life, and a config may name one often.
    static OPEN: RefCell<BTreeMap<String, u32>> = const { RefCell::new(BTreeMap::new()) };
}

impl Column {
    /// Opens a column by its path, which is OTTL's where it has one: `resource.attributes["service.name"]`,
    /// `record.trace_id`, `log.body`, `metric.name`. The contract's README lists them all.
    pub fn open(path: &str) -> Result<Self, Error> {
        let number = OPEN.with_borrow_mut(|open| {
            if let Some(number) = open.get(path) {
                return Ok::<_, Error>(*number);
            }
            let number = batch::column(path).map_err(Error::new)?;
            open.insert(path.to_owned(), number);
            Ok(number)
        })?;
        let width = if path.ends_with("trace_id") { 16 } else { 8 };
        Ok(Self { number, width })
    }

    /// Opens the column of the attribute `key` (of a metric's metadata, of an exemplar's filtered attributes).
    pub fn attribute(table: Table, key: &str) -> Result<Self, Error> {
        Self::open(&attribute_path(table, key))
    }

    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    pub(crate) fn width(&self) -> usize {
        self.width
    }
}

fn attribute_path(table: Table, key: &str) -> String {
    let field = match table {
        Table::Metric => "metadata",
        Table::Exemplar => "filtered_attributes",
        _ => "attributes",
    };
    let mut path = format!("{table}.{field}[\"");
    for letter in key.chars() {
        if matches!(letter, '"' | '\\') {
            path.push('\\');
        }
        path.push(letter);
    }
    path.push_str("\"]");
    path
}

#[cfg(test)]
mod tests {
    use super::attribute_path;
    use crate::Table;

    #[test]
    fn an_attributes_path_escapes_quotes_and_backslashes() {
        assert_eq!(
            attribute_path(Table::Record, "http.route"),
            r#"record.attributes["http.route"]"#
        );
        assert_eq!(
            attribute_path(Table::Event, r#"a"b\"#),
            r#"event.attributes["a\"b\\"]"#
        );
        assert_eq!(
            attribute_path(Table::Metric, "k"),
            r#"metric.metadata["k"]"#
        );
        assert_eq!(
            attribute_path(Table::Exemplar, "k"),
            r#"exemplar.filtered_attributes["k"]"#
        );
    }
}
