//! Tables of comma-separated values, the first line of which names the columns.

use csv::{ErrorKind, Position, ReaderBuilder, StringRecord};
use otlet_plugin::Error;

use super::{Builder, Table, without_mark};
use crate::keys::listed;

pub(super) fn read(text: &str, mut builder: Builder) -> Result<Table, Error> {
    // The end of the text would end an open quote, and the rest of the table would be one cell.
    if let Some(line) = open_quote(text) {
        return Err(format!(
            "line {line} has a quote that does not end: write \"\" for a quote in a cell"
        )
        .into());
    }
    let text = without_mark(text);
    let mut reader = ReaderBuilder::new().from_reader(text.as_bytes());
    let header = reader
        .headers()
        .map_err(|error| explain(&error, text))?
        .clone();
    if header.is_empty() {
        return Err("is empty: the first line names the columns".into());
    }
    let place = |name: &str| {
        let mut places = header
            .iter()
            .enumerate()
            .filter(|(_, column)| *column == name);
        match (places.next(), places.next()) {
            (Some((place, _)), None) => Ok(place),
            (Some(_), Some(_)) => Err(Error::new(format!(
                "has the column `{name}` twice: rename one"
            ))),
            (None, _) => {
                let names: Vec<_> = header.iter().collect();
                Err(format!(
                    "has no column `{name}`: there are {}",
                    listed(&names, "and")
                )
                .into())
            }
        }
    };
    let key = builder
        .key
        .take()
        .ok_or("needs `key`, the column that `lookup` finds a row by")?;
    let key = place(&key).map_err(|error| error.context("key"))?;
    let columns = builder.table.columns.iter().map(|name| place(name));
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let mut record = StringRecord::new();
    while reader
        .read_record(&mut record)
        .map_err(|error| explain(&error, text))?
    {
        let line = || line(record.position(), text);
        let begun = builder.begin(record.get(key).unwrap_or_default());
        begun.map_err(|error| error.context(format!("line {}", line())))?;
        for column in &columns {
            builder.text(record.get(*column).unwrap_or_default());
        }
    }
    Ok(builder.table)
}

/// The line where a quote opens that does not end.
fn open_quote(text: &str) -> Option<usize> {
    let (mut line, mut open) = (1, None);
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\n' => line += 1,
            // Two are one in a cell.
            b'"' if open.is_some() && bytes.next_if_eq(&b'"').is_some() => {}
            b'"' if open.is_some() => open = None,
            b'"' => open = Some(line),
            _ => {}
        }
    }
    open
}

fn explain(error: &csv::Error, text: &str) -> Error {
    match error.kind() {
        ErrorKind::UnequalLengths {
            pos,
            expected_len,
            len,
        } => Error::new(format!(
            "line {} has {len} cells, and the first line names {expected_len}: put quotes around a cell with a comma",
            line(pos.as_ref(), text)
        )),
        _ => Error::from(error),
    }
}

/// The line of a record, whose position is before the empty lines that are skipped.
fn line(position: Option<&Position>, text: &str) -> u64 {
    let Some(position) = position else { return 0 };
    let start = usize::try_from(position.byte()).ok();
    let rest = start
        .and_then(|start| text.as_bytes().get(start..))
        .unwrap_or_default();
    let skipped = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
    position.line()
        + skipped
            .filter(|byte| **byte == b'\n')
            .map(|_| 1)
            .sum::<u64>()
}
