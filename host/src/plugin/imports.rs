//! The functions that a guest calls. What it gets wrong becomes a trap with a message that says so.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use wasmtime::{Result, bail, format_err};

use super::bindings::otlet::plugin::{batch, host, types};
use super::config;
use super::report::Level;
use super::state::State;
use crate::batch::{
    Column, Leaves, PackedDoubles, PackedIntegers, PackedTexts, Transaction, Value,
};

/// The most columns of one instance: far more than a plugin names, few enough to be nothing. Does not limit how often each is used.
const COLUMNS: usize = 1_024;

/// The longest path of a column.
const PATH: usize = 4_096;

/// The most bytes of one `random`, as the contract has it. Does not limit how often it is called.
const RANDOM: u32 = 65_536;

impl State {
    fn batch(&mut self) -> Result<&mut Transaction> {
        self.batch
            .as_mut()
            .ok_or_else(|| format_err!("there is a batch during `process` alone"))
    }

    /// The batch, and the column of that number.
    fn on(&mut self, column: u32) -> Result<(&mut Transaction, &Column)> {
        let batch = self
            .batch
            .as_mut()
            .ok_or_else(|| format_err!("there is a batch during `process` alone"))?;
        Ok((batch, opened(&self.columns, column)?))
    }
}

fn opened(columns: &[Column], number: u32) -> Result<&Column> {
    usize::try_from(number)
        .ok()
        .and_then(|index| columns.get(index))
        .ok_or_else(|| {
            format_err!(
                "there is no column {number}: this instance opened {}",
                columns.len()
            )
        })
}

impl types::Host for State {}

impl batch::Host for State {
    fn column(&mut self, path: String) -> Result<Result<u32, String>> {
        if path.len() > PATH {
            return Ok(Err(format!("a path has at most {PATH} bytes")));
        }
        let column = match Column::parse(&path) {
            Ok(column) => column,
            Err(error) => return Ok(Err(error.to_string())),
        };
        if self.columns.len() >= COLUMNS {
            bail!("an instance opens at most {COLUMNS} columns: open each once, in `configure`");
        }
        let number = u32::try_from(self.columns.len())?;
        self.columns.push(column);
        Ok(Ok(number))
    }

    fn signal(&mut self) -> Result<String> {
        Ok(self.batch()?.signal().name().to_owned())
    }

    fn rows(&mut self, table: String) -> Result<u32> {
        Ok(self.batch()?.rows(&table)?)
    }

    fn parents(&mut self, table: String, above: String) -> Result<Vec<u32>> {
        Ok(self.batch()?.parents(&table, &above)?)
    }

    fn keys(&mut self, table: String) -> Result<Vec<String>> {
        Ok(self.batch()?.keys(&table)?)
    }

    fn texts(&mut self, column: u32) -> Result<Vec<Option<String>>> {
        let (batch, column) = self.on(column)?;
        Ok(batch.texts(column)?)
    }

    fn packed(&mut self, column: u32) -> Result<types::PackedTexts> {
        let (batch, column) = self.on(column)?;
        Ok(batch.packed(column)?.into())
    }

    fn integers(&mut self, column: u32) -> Result<types::PackedIntegers> {
        let (batch, column) = self.on(column)?;
        let PackedIntegers { items, present } = batch.integers(column)?;
        Ok(types::PackedIntegers { items, present })
    }

    fn doubles(&mut self, column: u32) -> Result<types::PackedDoubles> {
        let (batch, column) = self.on(column)?;
        let PackedDoubles { items, present } = batch.doubles(column)?;
        Ok(types::PackedDoubles { items, present })
    }

    fn values(&mut self, column: u32) -> Result<Vec<Option<types::Value>>> {
        let (batch, column) = self.on(column)?;
        let values = batch.values(column)?;
        Ok(values
            .into_iter()
            .map(|value| value.map(Into::into))
            .collect())
    }

    fn ids(&mut self, column: u32) -> Result<Vec<u8>> {
        let (batch, column) = self.on(column)?;
        Ok(batch.ids(column)?)
    }

    fn get(&mut self, column: u32, row: u32) -> Result<Option<types::Value>> {
        let (batch, column) = self.on(column)?;
        Ok(batch.get(column, row)?.map(Into::into))
    }

    fn set_texts(&mut self, column: u32, texts: Vec<Option<String>>) -> Result<()> {
        let (batch, column) = self.on(column)?;
        Ok(batch.set_texts(column, &texts)?)
    }

    fn set_packed(
        &mut self,
        column: u32,
        rows: Option<Vec<u32>>,
        texts: types::PackedTexts,
    ) -> Result<()> {
        let (batch, column) = self.on(column)?;
        Ok(batch.set_packed(column, rows.as_deref(), &texts.into())?)
    }

    fn set_values(
        &mut self,
        column: u32,
        rows: Option<Vec<u32>>,
        values: Vec<types::Value>,
    ) -> Result<()> {
        let (batch, column) = self.on(column)?;
        let values: Vec<_> = values.into_iter().map(Into::into).collect();
        Ok(batch.set_values(column, rows.as_deref(), &values)?)
    }

    fn set_ids(&mut self, column: u32, rows: Option<Vec<u32>>, ids: Vec<u8>) -> Result<()> {
        let (batch, column) = self.on(column)?;
        Ok(batch.set_ids(column, rows.as_deref(), &ids)?)
    }

    fn fill(&mut self, column: u32, rows: Option<Vec<u32>>, value: types::Value) -> Result<()> {
        let (batch, column) = self.on(column)?;
        Ok(batch.fill(column, rows.as_deref(), &value.into())?)
    }

    fn unset(&mut self, columns: Vec<u32>, rows: Option<Vec<u32>>) -> Result<()> {
        if columns.len() > COLUMNS {
            bail!("`unset` takes at most {COLUMNS} columns");
        }
        let opened: Vec<_> = columns
            .into_iter()
            .map(|number| opened(&self.columns, number))
            .collect::<Result<_>>()?;
        let batch = self
            .batch
            .as_mut()
            .ok_or_else(|| format_err!("there is a batch during `process` alone"))?;
        Ok(batch.unset(&opened, rows.as_deref())?)
    }

    fn add_attributes(
        &mut self,
        table: String,
        rows: Vec<u32>,
        keys: types::PackedTexts,
        values: Vec<types::Value>,
    ) -> Result<()> {
        let values: Vec<_> = values.into_iter().map(Into::into).collect();
        Ok(self
            .batch()?
            .add_attributes(&table, &rows, &keys.into(), &values)?)
    }

    fn copy(&mut self, source: u32, target: u32, rows: Option<Vec<u32>>) -> Result<()> {
        let target = opened(&self.columns, target)?.clone();
        let (batch, source) = self.on(source)?;
        Ok(batch.copy(source, &target, rows.as_deref())?)
    }

    fn retain(&mut self, table: String, mask: Vec<u8>) -> Result<()> {
        Ok(self.batch()?.retain(&table, &mask)?)
    }

    fn drop_rows(&mut self, table: String, rows: Vec<u32>) -> Result<()> {
        Ok(self.batch()?.drop_rows(&table, &rows)?)
    }

    fn all_leaves(&mut self, tables: Vec<String>, kinds: Vec<String>) -> Result<types::Leaves> {
        Ok(self.batch()?.all_leaves(&tables, &kinds)?.into())
    }

    fn replace_leaves(&mut self, leaves: Vec<u32>, texts: types::PackedTexts) -> Result<()> {
        Ok(self.batch()?.replace_leaves(&leaves, &texts.into())?)
    }

    fn to_otlp(&mut self) -> Result<Vec<u8>> {
        Ok(self.batch()?.to_otlp()?.into())
    }

    fn replace_with_otlp(&mut self, request: Vec<u8>) -> Result<Result<(), String>> {
        Ok(self.batch()?.replace_with_otlp(Bytes::from(request))?)
    }
}

impl host::Host for State {
    fn log(&mut self, level: String, message: String) -> Result<()> {
        self.report.log(Level::named(&level), &message);
        Ok(())
    }

    fn count(&mut self, name: String, add: u32) -> Result<()> {
        self.report
            .count(name, add)
            .map_err(|problem| format_err!("{problem}"))
    }

    fn now(&mut self) -> Result<u64> {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Ok(u64::try_from(since.as_millis())?)
    }

    fn seed(&mut self) -> Result<Vec<u8>> {
        Ok(self.seed.to_vec())
    }

    fn setting(&mut self, pointer: String) -> Result<Option<types::Value>> {
        let value = config::value(self.config.as_deref(), &pointer);
        let value = value.map_err(|problem| format_err!("`setting`: {problem}"))?;
        Ok(value.map(Into::into))
    }

    fn settings(&mut self, pointer: String) -> Result<Vec<String>> {
        config::keys(self.config.as_deref(), &pointer)
            .map_err(|problem| format_err!("`settings`: {problem}"))
    }

    fn print(&mut self, fd: u32, bytes: Vec<u8>) -> Result<()> {
        let printed = self.printed.print(fd, &bytes);
        printed.ok_or_else(|| {
            format_err!("`print` knows 1, a plugin's output, and 2, its errors, not {fd}")
        })
    }

    fn random(&mut self, len: u32) -> Result<Vec<u8>> {
        if len > RANDOM {
            bail!("`random` gives at most {RANDOM} bytes, not {len}");
        }
        let mut bytes = vec![0; usize::try_from(len)?];
        self.random
            .get_or_insert_with(|| wasmtime_wasi::thread_rng())
            .fill_bytes(&mut bytes);
        Ok(bytes)
    }
}

impl From<PackedTexts> for types::PackedTexts {
    fn from(texts: PackedTexts) -> Self {
        let PackedTexts {
            data,
            ends,
            present,
        } = texts;
        Self {
            data,
            ends,
            present,
        }
    }
}

impl From<types::PackedTexts> for PackedTexts {
    fn from(texts: types::PackedTexts) -> Self {
        let types::PackedTexts {
            data,
            ends,
            present,
        } = texts;
        Self {
            data,
            ends,
            present,
        }
    }
}

impl From<Leaves> for types::Leaves {
    fn from(leaves: Leaves) -> Self {
        Self {
            texts: leaves.texts.into(),
            rows: leaves.rows,
            places: leaves.places,
            place_paths: leaves.place_paths,
            place_kinds: leaves.place_kinds,
        }
    }
}

impl From<Value> for types::Value {
    fn from(value: Value) -> Self {
        match value {
            Value::Empty => Self::Empty,
            Value::Text(text) => Self::Text(text),
            Value::Boolean(boolean) => Self::Boolean(boolean),
            Value::Integer(integer) => Self::Integer(integer),
            Value::Double(double) => Self::Double(double),
            Value::Bytes(bytes) => Self::Bytes(bytes),
            Value::Json(json) => Self::Json(json),
        }
    }
}

impl From<types::Value> for Value {
    fn from(value: types::Value) -> Self {
        match value {
            types::Value::Empty => Self::Empty,
            types::Value::Text(text) => Self::Text(text),
            types::Value::Boolean(boolean) => Self::Boolean(boolean),
            types::Value::Integer(integer) => Self::Integer(integer),
            types::Value::Double(double) => Self::Double(double),
            types::Value::Bytes(bytes) => Self::Bytes(bytes),
            types::Value::Json(json) => Self::Json(json),
        }
    }
}
