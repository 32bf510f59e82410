//! The rows that an action works on, and how computed values get into them.

use std::borrow::Cow;

use otlet_plugin::{Batch, Mask, Rows, Table, TextEdits, Value};

use crate::path::Target;

/// Up to so many rows above, each gets an edit of its own for all rows in it: the cheapest edit, but a call of the host.
const FILLS: usize = 64;

/// The rows of a table that an action works on: at least one.
#[derive(Debug)]
pub(crate) struct Selection(Option<Chosen>);

#[derive(Debug)]
struct Chosen {
    mask: Mask,
    list: Vec<usize>,
}

impl Selection {
    /// The rows of a mask, or all of them without one. None, if that is no row.
    pub(crate) fn new(mask: Option<Mask>) -> Option<Self> {
        let Some(mask) = mask else {
            return Some(Self(None));
        };
        match mask.count() {
            0 => None,
            all if all == mask.len() => Some(Self(None)),
            _ => {
                let list = (0..mask.len()).filter(|row| mask.get(*row)).collect();
                Some(Self(Some(Chosen { mask, list })))
            }
        }
    }

    /// The rows, as an edit names them.
    pub(crate) fn rows(&self) -> Rows<'_> {
        match &self.0 {
            None => Rows::All,
            Some(chosen) => Rows::Only(&chosen.list),
        }
    }

    pub(crate) fn has(&self, row: usize) -> bool {
        self.0.as_ref().is_none_or(|chosen| chosen.mask.get(row))
    }
}

/// Writes texts to a target: `text` gives that of a row of the table `from`, which is the target's or above it.
pub(crate) fn write_texts<'a>(
    batch: &mut Batch,
    (from, target): (Table, &Target),
    when: Option<&Mask>,
    text: impl Fn(usize) -> Option<Cow<'a, str>>,
) {
    let Some(selection) = target.select(batch, when) else {
        return;
    };
    if from != target.table {
        let values = (0..batch.rows(from)).map(|row| Some(Value::Text(text(row)?.into_owned())));
        return spread(
            batch,
            (from, target),
            &selection,
            &values.collect::<Vec<_>>(),
        );
    }
    let mut edits = TextEdits::new();
    for row in (0..batch.rows(from)).filter(|row| selection.has(*row)) {
        if let Some(text) = text(row) {
            edits.push(row, &text);
        }
    }
    batch.set_texts(&target.column, &edits);
}

/// Writes values to a target, as [`write_texts`] does.
pub(crate) fn write_values<'a>(
    batch: &mut Batch,
    (from, target): (Table, &Target),
    when: Option<&Mask>,
    value: impl Fn(usize) -> Option<Cow<'a, Value>>,
) {
    let Some(selection) = target.select(batch, when) else {
        return;
    };
    if from != target.table {
        let values = (0..batch.rows(from)).map(|row| value(row).map(Cow::into_owned));
        return spread(
            batch,
            (from, target),
            &selection,
            &values.collect::<Vec<_>>(),
        );
    }
    let mut edits = TextEdits::new();
    let (mut rows, mut others) = (Vec::new(), Vec::new());
    for row in (0..batch.rows(from)).filter(|row| selection.has(*row)) {
        let Some(value) = value(row) else { continue };
        if let Some(text) = value.as_text() {
            edits.push(row, text);
        } else {
            rows.push(row);
            others.push(value.into_owned());
        }
    }
    batch.set_texts(&target.column, &edits);
    if !rows.is_empty() {
        batch.set_values(&target.column, &rows, &others);
    }
}

/// Writes a value for each row of a table above to the rows in it.
pub(crate) fn spread(
    batch: &mut Batch,
    (above, target): (Table, &Target),
    selection: &Selection,
    values: &[Option<Value>],
) {
    if let ([Some(value)], None) = (values, &selection.0) {
        return batch.fill(&target.column, .., value);
    }
    if values.iter().all(Option::is_none) {
        return;
    }
    let parents = batch.parents(target.table, above);
    let written = parents
        .iter()
        .enumerate()
        .filter(|(row, _)| selection.has(*row));
    if values.len() > FILLS {
        let pairs = written.filter_map(|(row, parent)| Some((row, values.get(*parent)?.clone()?)));
        let (rows, values): (Vec<_>, Vec<_>) = pairs.unzip();
        return batch.set_values(&target.column, &rows, &values);
    }
    let mut groups: Vec<Vec<usize>> = vec![Vec::new(); values.len()];
    for (row, parent) in written {
        if let Some(group) = groups.get_mut(*parent) {
            group.push(row);
        }
    }
    for (rows, value) in groups.iter().zip(values) {
        if let (Some(value), false) = (value, rows.is_empty()) {
            batch.fill(&target.column, rows, value);
        }
    }
}
