//! Tables in JSON: an object of objects, whose names are the keys, or a list of objects. Each row is taken in and forgotten,
//! so that a large table is never there as a tree.

use std::fmt;

use otlet_plugin::Error;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value as Json};

use super::{Builder, Table, without_mark};

/// Reads a table in a text.
pub(super) fn read(text: &str, builder: Builder) -> Result<Table, Error> {
    let mut reader = Reader::new(builder);
    let mut json = serde_json::Deserializer::from_str(without_mark(text));
    (&mut reader).deserialize(&mut json)?;
    json.end()?;
    reader.finish()
}

/// Reads a table that is part of the config.
pub(super) fn read_value(rows: Json, builder: Builder) -> Result<Table, Error> {
    let mut reader = Reader::new(builder);
    (&mut reader).deserialize(rows)?;
    reader.finish()
}

struct Reader {
    builder: Builder,
    /// Of each column whether a row has it.
    seen: Vec<bool>,
}

impl Reader {
    fn new(builder: Builder) -> Self {
        let seen = vec![false; builder.table.columns.len()];
        Self { builder, seen }
    }

    fn row(&mut self, key: &str, row: &Map<String, Json>) -> Result<(), Error> {
        self.builder.begin(key)?;
        for column in 0..self.seen.len() {
            let name = self.builder.table.columns.get(column);
            let cell = name.and_then(|name| row.get(name));
            if let (Some(seen), Some(_)) = (self.seen.get_mut(column), cell) {
                *seen = true;
            }
            self.builder.value(cell)?;
        }
        Ok(())
    }

    /// A table of which every column that is asked for is somewhere.
    fn finish(self) -> Result<Table, Error> {
        let mut columns = self.builder.table.columns.iter().zip(&self.seen);
        match columns.find(|(_, seen)| !**seen) {
            Some((name, _)) => {
                Err(format!("has no row with `{name}`, which a `lookup` asks for").into())
            }
            None => Ok(self.builder.table),
        }
    }
}

impl<'de> DeserializeSeed<'de> for &mut Reader {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, rows: D) -> Result<(), D::Error> {
        rows.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Reader {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of rows, or a list of them")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        if self.builder.key.is_some() {
            let why =
                "is a map, whose names are the keys: leave `key` out, or write a list of rows";
            return Err(A::Error::custom(why));
        }
        while let Some(key) = rows.next_key::<String>()? {
            let row = rows.next_value()?;
            self.row(&key, &row)
                .map_err(|error| A::Error::custom(error.message()))?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        let Some(name) = self.builder.key.take() else {
            let why = "needs `key`, what `lookup` finds a row by";
            return Err(A::Error::custom(why));
        };
        let mut number = 0_usize;
        while let Some(row) = rows.next_element::<Map<String, Json>>()? {
            number += 1;
            let key = match row.get(&name) {
                Some(Json::String(text)) => text.clone(),
                Some(key @ (Json::Number(_) | Json::Bool(_))) => key.to_string(),
                _ => {
                    return Err(A::Error::custom(format!(
                        "row {number} has no text or number as `{name}`"
                    )));
                }
            };
            self.row(&key, &row)
                .map_err(|error| A::Error::custom(error.message()))?;
        }
        Ok(())
    }
}
