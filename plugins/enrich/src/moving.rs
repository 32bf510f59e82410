//! `copy`, `move` and `rename`: values go from one place to another by the host, exactly.

use otlet_conditions::{Type, is_above};
use otlet_plugin::{Batch, Error, Mask, Signal, Table};

use crate::action::Verb;
use crate::config::If;
use crate::path::{Source, Target, meet, name, open, writable};
use crate::selection::Selection;

/// A copy within a row or down the tree.
#[derive(Debug)]
pub(crate) struct Copy {
    source: Source,
    target: Target,
}

/// A copy after which the old one goes.
#[derive(Debug)]
pub(crate) struct Move {
    source: Source,
    target: Target,
}

impl Copy {
    pub(crate) fn new(from: &str, to: &str, when: Option<If>) -> Result<Self, Error> {
        let (_, place) = open(from).map_err(|error| error.context("copy"))?;
        let source = Source::open(from).map_err(|error| error.context("copy"))?;
        if source.holds == Type::Id {
            return Err(format!(
                "copy: {from} is an id: enrich leaves ids alone, but `set` with a `template` writes their digits"
            )
            .into());
        }
        let target = target(to, &source, when)?;
        if open(to).is_ok_and(|(_, to)| place.is(&to)) {
            return Err("to: is what is copied: name another attribute or field".into());
        }
        if ![source.holds, target.takes].contains(&Type::Any) && !same(source.holds, target.takes) {
            return Err(format!(
                "to: takes {}, and what is copied is {}",
                name(target.takes),
                name(source.holds)
            )
            .into());
        }
        Ok(Self { source, target })
    }
}

impl Move {
    /// `verb` is `move`, or `rename`, which stays in the row.
    pub(crate) fn new(verb: &str, from: &str, to: &str, when: Option<If>) -> Result<Self, Error> {
        let (_, place) = writable(from).map_err(|error| error.context(verb))?;
        let source = Source::open(from).map_err(|error| error.context(verb))?;
        let target = target(to, &source, when)?;
        if open(to).is_ok_and(|(_, to)| place.is(&to)) {
            return Err("to: is the name that it has: give it another".into());
        }
        if source.table != target.table && verb == "rename" {
            return Err(
                "to: is not of the same row: `move` it, or copy it and then remove it".into(),
            );
        }
        // Where a value does not fit it would not be copied, and then removed.
        if target.takes != Type::Any && !same(source.holds, target.takes) {
            return Err(format!(
                "to: takes {} alone: to move a value there, copy it and then remove it",
                name(target.takes)
            )
            .into());
        }
        if source.table != target.table && when.is_some_and(|when| when != If::Always) {
            return Err(
                "if: would lose the value for rows that have another: copy it and then remove it"
                    .into(),
            );
        }
        Ok(Self { source, target })
    }

    /// To the rows below; a row that has none of them keeps it.
    fn down(&self, batch: &mut Batch, when: Option<&Mask>) {
        let parents = batch.parents(self.target.table, self.source.table);
        let is_meant = |row: usize| when.is_none_or(|when| when.get(row));
        let mut emptied = Mask::none(batch.rows(self.source.table));
        for parent in &parents {
            emptied.set(*parent, is_meant(*parent));
        }
        let below = parents.iter().map(|parent| is_meant(*parent)).collect();
        if let (Some(below), Some(emptied)) =
            (Selection::new(Some(below)), Selection::new(Some(emptied)))
        {
            batch.copy(&self.source.column, &self.target.column, below.rows());
            batch.unset(&[&self.source.column], emptied.rows());
        }
    }
}

impl Verb for Copy {
    fn place(&self) -> (Table, Option<Signal>) {
        (self.target.table, self.source.signal.or(self.target.signal))
    }

    fn apply(&self, batch: &mut Batch, when: Option<&Mask>) {
        if let Some(selection) = self.target.select(batch, when) {
            batch.copy(&self.source.column, &self.target.column, selection.rows());
        }
    }
}

impl Verb for Move {
    /// Of the rows that lose the value.
    fn place(&self) -> (Table, Option<Signal>) {
        (self.source.table, self.source.signal.or(self.target.signal))
    }

    fn apply(&self, batch: &mut Batch, when: Option<&Mask>) {
        if self.source.table != self.target.table {
            return self.down(batch, when);
        }
        if let Some(selection) = self.target.select(batch, when) {
            batch.copy(&self.source.column, &self.target.column, selection.rows());
            batch.unset(&[&self.source.column], selection.rows());
        }
    }
}

fn target(to: &str, source: &Source, when: Option<If>) -> Result<Target, Error> {
    let target = Target::open(to, when).map_err(|error| error.context("to"))?;
    if meet(source.signal, target.signal).is_err() {
        return Err("to: no signal has both what is copied and this".into());
    }
    if is_above(source.table, target.table) {
        return Ok(target);
    }
    Err(format!(
        "to: a {} cannot take what one of its rows below has: copy within a row, or down, such as from a resource to its \
         records",
        target.table
    )
    .into())
}

/// Whether what holds one takes the other.
fn same(one: Type, other: Type) -> bool {
    let integers = [Type::Integer, Type::Unsigned];
    one == other || (integers.contains(&one) && integers.contains(&other))
}
