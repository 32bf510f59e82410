//! The plugin link: gives log records and exemplars their trace. Of those that have no trace id of their own it looks for one
//! in their attributes, in bodies that are maps or JSON objects, and in the words of a text, and sets the trace id, the span id
//! and the flags. If the config says so it takes bodies that are JSON objects apart. It never changes what is set, but for a
//! body that was taken apart.

mod find;
mod foreign;
mod header;
#[cfg(test)]
mod hostile;
mod id;
mod ids;
mod json;
mod lift;
mod name;
mod spring;
mod words;

use otlet_plugin::{Batch, Column, Error, Manifest, Plugin, Signal, Table, Value, host};
use schemars::JsonSchema;
use serde::Deserialize;

pub use find::context_of_text;
use find::find;
pub use id::{SpanId, TraceId};
pub use ids::Context;
use lift::Lift;
pub use lift::{Lifted, Severity, lift_of_text};

/// The config of link. `{}`, or nothing, links and changes nothing else.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Whether bodies that are JSON objects are taken apart into message, severity, time and attributes: `lift: true`.
    lift: bool,
}

/// The plugin.
pub struct Link {
    records: IdColumns,
    flags: Column,
    exemplars: IdColumns,
    lift: Option<Lift>,
}

impl Plugin for Link {
    type Config = Config;

    fn manifest() -> Manifest {
        Manifest::new(env!("CARGO_PKG_VERSION"))
            .signals([Signal::Logs, Signal::Metrics])
            .adds_text()
    }

    fn new(config: Config) -> Result<Self, Error> {
        Ok(Self {
            records: IdColumns::open(Table::Record)?,
            flags: Column::open("log.flags")?,
            exemplars: IdColumns::open(Table::Exemplar)?,
            lift: config.lift.then(Lift::open).transpose()?,
        })
    }

    fn process(&mut self, batch: &mut Batch) -> Result<(), Error> {
        if batch.signal() == Signal::Metrics {
            let linked = self.exemplars.link(batch);
            count("linked_exemplars", linked.len());
            return Ok(());
        }
        let linked = self.records.link(batch);
        self.set_flags(batch, &linked);
        count("linked_records", linked.len());
        if let Some(lift) = &self.lift {
            count("lifted_records", lift.lift(batch));
        }
        Ok(())
    }
}

otlet_plugin::export!(Link);

impl Link {
    /// Sets the flags of linked records where none are set.
    fn set_flags(&self, batch: &mut Batch, linked: &[(usize, Context)]) {
        let known = linked
            .iter()
            .filter_map(|(row, context)| Some((*row, context.flags.filter(|flags| *flags != 0)?)));
        let known: Vec<_> = known.collect();
        if known.is_empty() {
            return;
        }
        let has = batch.integers(&self.flags);
        let unset = known
            .into_iter()
            .filter(|(row, _)| has.get(*row).unwrap_or(0) == 0);
        let (rows, flags): (Vec<_>, Vec<_>) = unset
            .map(|(row, flags)| (row, Value::Integer(flags.into())))
            .unzip();
        batch.set_values(&self.flags, &rows, &flags);
    }
}

/// The columns that hold the ids of a table.
struct IdColumns {
    table: Table,
    trace: Column,
    span: Column,
}

impl IdColumns {
    fn open(table: Table) -> Result<Self, Error> {
        Ok(Self {
            table,
            trace: Column::open(&format!("{table}.trace_id"))?,
            span: Column::open(&format!("{table}.span_id"))?,
        })
    }

    /// Sets the trace ids, and the span ids where none are set, of rows without a trace id that name one. Says which they are.
    fn link(&self, batch: &mut Batch) -> Vec<(usize, Context)> {
        if batch.rows(self.table) == 0 {
            return Vec::new();
        }
        let traces = batch.trace_ids(&self.trace);
        if traces.iter().all(|trace| trace.is_some()) {
            return Vec::new();
        }
        let found = find(batch, self.table, |row| traces.get(row).is_none());
        if found.is_empty() {
            return found;
        }
        let (rows, traces): (Vec<_>, Vec<_>) = found
            .iter()
            .map(|(row, context)| (*row, context.trace))
            .unzip();
        batch.set_ids(&self.trace, &rows, &traces);

        let has = batch.span_ids(&self.span);
        let unset = found.iter().filter(|(row, _)| has.get(*row).is_none());
        let (rows, spans): (Vec<_>, Vec<_>) = unset
            .filter_map(|(row, context)| Some((*row, context.span?)))
            .unzip();
        batch.set_ids(&self.span, &rows, &spans);
        found
    }
}

fn count(counter: &str, rows: usize) {
    if rows > 0 {
        host::count(counter, rows);
    }
}
