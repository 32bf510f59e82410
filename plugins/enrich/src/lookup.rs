//! `lookup`: what stands there is looked up in a table, and the columns of its row are set.

use std::borrow::Cow;
use std::rc::Rc;

use otlet_conditions::Type;
use otlet_plugin::{Batch, Error, Mask, Signal, Table as Rows, Value};

use crate::action::Verb;
use crate::config::{Action, To};
use crate::extract::one_table;
use crate::literal::typed;
use crate::path::{Source, Target, name as describe};
use crate::selection::write_values;
use crate::table::{Table, Tables};
use crate::words::Words;

#[derive(Debug)]
pub(crate) struct Lookup {
    source: Source,
    table: Rc<Table>,
    columns: Vec<Column>,
}

#[derive(Debug)]
struct Column {
    /// Its number in the table.
    number: usize,
    target: Target,
    default: Option<Value>,
}

impl Lookup {
    pub(crate) fn new(path: &str, config: &Action, tables: &Tables) -> Result<Self, Error> {
        let source = Source::open(path).map_err(|error| error.context("lookup"))?;
        let table = tables
            .get(config.in_.as_deref().unwrap_or_default())
            .map_err(|error| error.context("in"))?;
        let targets = match &config.to {
            Some(To::Each(targets)) if !targets.is_empty() => targets,
            _ => return Err("to: is no map of columns to paths: write `{ COLUMN: PATH }`".into()),
        };
        let mut columns = Vec::new();
        for (name, path) in targets {
            // What is wrong with a table is said where it stands.
            let number = table.column(name).unwrap_or_default();
            let target =
                Target::below(path, &source, config.if_).map_err(|error| error.context("to"))?;
            if target.takes != Type::Any && !table.column_of(number).all(|value| target.fits(value))
            {
                return Err(format!(
                    "to: {name}: {path} takes {}, and the table has others: look it up into an attribute, and `convert` that",
                    describe(target.takes)
                )
                .into());
            }
            let default = config
                .default
                .iter()
                .flatten()
                .find(|(column, _)| *column == name);
            let default = default
                .map(|(_, value)| typed(value, &target, path))
                .transpose();
            let default = default.map_err(|error| error.context(format!("default: {name}")))?;
            columns.push(Column {
                number,
                target,
                default,
            });
        }
        if let Some(name) = config
            .default
            .iter()
            .flat_map(|all| all.keys())
            .find(|name| !targets.contains_key(*name))
        {
            return Err(format!("default: {name} is not set: `to` has no path for it").into());
        }
        one_table(columns.iter().map(|column| &column.target))?;
        Ok(Self {
            source,
            table,
            columns,
        })
    }

    fn targets(&self) -> impl Iterator<Item = &Target> {
        self.columns.iter().map(|column| &column.target)
    }
}

impl Verb for Lookup {
    fn place(&self) -> (Rows, Option<Signal>) {
        let target = self.targets().next();
        let table = target.map_or(self.source.table, |target| target.table);
        let signal = target.and_then(|target| target.signal);
        (table, self.source.signal.or(signal))
    }

    fn apply(&self, batch: &mut Batch, when: Option<&Mask>) {
        let words = Words::read(batch, &self.source);
        let same = self
            .targets()
            .all(|target| target.table == self.source.table);
        let is_meant = |row: usize| !same || when.is_none_or(|when| when.get(row));
        let rows = (0..batch.rows(self.source.table)).filter(|row| is_meant(*row));
        let mut found = vec![None; batch.rows(self.source.table)];
        for row in rows {
            if let (Some(found), Some(text)) = (found.get_mut(row), words.get(row)) {
                *found = Some(self.table.row(text));
            }
        }
        for column in &self.columns {
            write_values(batch, (self.source.table, &column.target), when, |row| {
                let cell = (*found.get(row)?)?.and_then(|row| self.table.cell(row, column.number));
                cell.or(column.default.as_ref()).map(Cow::Borrowed)
            });
        }
    }
}
