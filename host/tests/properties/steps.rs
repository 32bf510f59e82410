//! Random reads and edits, on otlet's batch and on the model.

use fastrand::Rng;
use otlet::batch::Transaction;
use otlet_plugin::{
    Table, Value,
    testing::model::{Model, Type},
};

use crate::{
    columns::{Column, to_host},
    generate::Generator,
    leaves,
    same::{same, same_request},
};

/// One run: the two sides, and what was done, for the message of a failure.
pub(crate) struct Run<'a> {
    pub(crate) rng: Rng,
    pub(crate) generator: Generator,
    pub(crate) columns: &'a [Column],
    pub(crate) host: Transaction,
    pub(crate) model: Model,
    pub(crate) done: &'a mut Vec<String>,
}

impl Run<'_> {
    fn column(&mut self) -> Column {
        // Attributes are most of what there is, and fields most of the columns.
        let attributes = self.rng.bool();
        let some: Vec<_> = self
            .columns
            .iter()
            .filter(|column| column.path.ends_with(']') == attributes)
            .collect();
        (*self.rng.choice(some).unwrap()).clone()
    }

    fn rows_of(&self, table: Table) -> usize {
        self.model.rows(table.name()).unwrap() as usize
    }

    fn table(&mut self) -> Table {
        *self.rng.choice(Table::ALL).unwrap()
    }

    /// Some rows of a table, ascending; or all; or now and then what is no list of rows.
    fn rows(&mut self, table: Table) -> Option<Vec<u32>> {
        if self.rng.u8(..4) == 0 {
            return None;
        }
        let count = u32::try_from(self.rows_of(table)).unwrap();
        let mut rows: Vec<u32> = (0..count).filter(|_| self.rng.bool()).collect();
        if self.rng.u8(..100) == 0 {
            rows.push(self.rng.u32(..count + 2));
        }
        Some(rows)
    }

    /// How many entries go with these rows.
    fn entries(&mut self, table: Table, rows: Option<&[u32]>) -> usize {
        let count = rows.map_or(self.rows_of(table), <[u32]>::len);
        if self.rng.u8(..100) == 0 {
            count + 1
        } else {
            count
        }
    }

    /// A value that the column can hold; now and then one that it cannot.
    fn value(&mut self, column: &Column) -> Value {
        if self.rng.u8(..10) == 0 {
            return Value::Empty;
        }
        let holds = if self.rng.u8(..100) == 0 {
            Type::Any
        } else {
            column.holds
        };
        match holds {
            Type::Text => Value::Text(self.generator.text()),
            Type::Id(width) => Value::Bytes(self.generator.id(width)),
            Type::Integer if self.rng.bool() => Value::Integer(self.rng.i64(0..10)),
            Type::Integer => Value::Integer(self.generator.i64()),
            Type::Double => Value::Double(self.generator.f64()),
            Type::Boolean => Value::Boolean(self.rng.bool()),
            Type::Any | Type::Json => match self.rng.u8(..8) {
                0..3 => Value::Text(self.generator.text()),
                3 => Value::Integer(self.generator.i64()),
                4 => Value::Double(self.generator.f64()),
                5 => Value::Boolean(self.rng.bool()),
                6 => Value::Bytes(self.generator.bytes()),
                _ => {
                    let some = [
                        "[]",
                        "{}",
                        "[1,-2.5,\"x\",null,true,[{\"a\":1}]]",
                        "{\"b\":\"y\",\"a\":{\"b\":false},\"b\":2}",
                        "7",
                        "\"text\"",
                        "18446744073709551615",
                        "{\"a\":",
                    ];
                    Value::Json((*self.rng.choice(&some).unwrap()).to_owned())
                }
            },
        }
    }

    /// Compares every read.
    pub(crate) fn read_all(&mut self) {
        for column in self.columns {
            self.read(column);
        }
        for table in Table::ALL {
            let name = table.name();
            same(&self.host.rows(name), &self.model.rows(name), "rows");
            let sorted = |mut keys: Vec<String>| {
                keys.sort();
                keys
            };
            let keys = (
                self.host.keys(name).map(sorted),
                self.model.keys(name).map(sorted),
            );
            same(&keys.0, &keys.1, &format!("keys of {name}"));
            for above in Table::ALL {
                let above = above.name();
                // Whether a table that the signal lacks is above another is nobody's business.
                if self.model.rows(above).unwrap() > 0 && self.model.rows(name).unwrap() > 0 {
                    let what = format!("parents of {name} in {above}");
                    same(
                        &self.host.parents(name, above),
                        &self.model.parents(name, above),
                        &what,
                    );
                }
            }
        }
    }

    fn read(&mut self, column: &Column) {
        let path = &column.path;
        let (host, model) = (&mut self.host, &mut self.model);
        same(
            &host.values(&column.host),
            &model.values(&column.model),
            &format!("values of {path}"),
        );
        same(
            &host.texts(&column.host),
            &model.texts(&column.model),
            &format!("texts of {path}"),
        );
        same(
            &host.packed(&column.host),
            &model.packed(&column.model),
            &format!("packed of {path}"),
        );
        let integers = (host.integers(&column.host), model.integers(&column.model));
        same(&integers.0, &integers.1, &format!("integers of {path}"));
        same(
            &host.doubles(&column.host),
            &model.doubles(&column.model),
            &format!("doubles of {path}"),
        );
        if let Type::Id(_) = column.holds {
            same(
                &host.ids(&column.host),
                &model.ids(&column.model),
                &format!("ids of {path}"),
            );
        }
    }

    /// Does one thing on both sides. False when both found it to be a misuse: a host would trap.
    pub(crate) fn step(&mut self) -> bool {
        match self.rng.u8(..20) {
            0..3 => self.fill(),
            3..5 => self.set_packed(),
            5 => self.set_texts(),
            6 => self.set_values(),
            7 => self.add_attributes(),
            8 => self.set_ids(),
            9..11 => self.unset(),
            11..13 => self.copy(),
            13 if self.rng.bool() => self.retain(),
            13 => self.drop_rows(),
            14..17 => leaves::step(self),
            17 => self.way_out(),
            _ => {
                let column = self.column();
                self.done.push(format!("read {}", column.path));
                self.read(&column);
                let row = self.rng.u32(..6);
                let host = self.host.get(&column.host, row);
                same(&host, &self.model.get(&column.model, row), "get").is_ok()
            }
        }
    }

    fn fill(&mut self) -> bool {
        let column = self.column();
        let (rows, value) = (self.rows(column.table), self.value(&column));
        self.done
            .push(format!("fill {} {rows:?} {value:?}", column.path));
        let host = self
            .host
            .fill(&column.host, rows.as_deref(), &to_host(&value));
        let model = self.model.fill(&column.model, rows.as_deref(), &value);
        same(&host, &model, "fill").is_ok()
    }

    fn texts(&mut self, count: usize) -> Vec<Option<String>> {
        (0..count)
            .map(|_| (self.rng.u8(..3) > 0).then(|| self.generator.text()))
            .collect()
    }

    fn set_packed(&mut self) -> bool {
        let column = self.column();
        let rows = self.rows(column.table);
        let count = self.entries(column.table, rows.as_deref());
        let texts = self.texts(count);
        self.done
            .push(format!("set_packed {} {rows:?} {texts:?}", column.path));
        let (host, model) = leaves::pack(&texts);
        let host = self.host.set_packed(&column.host, rows.as_deref(), &host);
        let model = self
            .model
            .set_packed(&column.model, rows.as_deref(), &model);
        same(&host, &model, "set_packed").is_ok()
    }

    fn set_texts(&mut self) -> bool {
        let column = self.column();
        let count = self.entries(column.table, None);
        let texts = self.texts(count);
        self.done
            .push(format!("set_texts {} {texts:?}", column.path));
        let host = self.host.set_texts(&column.host, &texts);
        same(
            &host,
            &self.model.set_texts(&column.model, &texts),
            "set_texts",
        )
        .is_ok()
    }

    fn set_values(&mut self) -> bool {
        let column = self.column();
        let rows = self.rows(column.table);
        let count = self.entries(column.table, rows.as_deref());
        let values: Vec<_> = (0..count).map(|_| self.value(&column)).collect();
        self.done
            .push(format!("set_values {} {rows:?} {values:?}", column.path));
        let to: Vec<_> = values.iter().map(to_host).collect();
        let host = self.host.set_values(&column.host, rows.as_deref(), &to);
        let model = self
            .model
            .set_values(&column.model, rows.as_deref(), &values);
        same(&host, &model, "set_values").is_ok()
    }

    fn add_attributes(&mut self) -> bool {
        let table = self.table();
        let mut rows = self.rows(table).unwrap_or_default();
        rows.extend(self.rows(table).unwrap_or_default());
        if self.rng.u8(..20) > 0 {
            rows.sort_unstable();
        }
        let keys = self.texts(rows.len());
        let column = self.column();
        let values: Vec<_> = rows.iter().map(|_| self.value(&column)).collect();
        self.done.push(format!(
            "add_attributes {table} {rows:?} {keys:?} {values:?}"
        ));
        let to: Vec<_> = values.iter().map(to_host).collect();
        let (name, (host, model)) = (table.name(), leaves::pack(&keys));
        let host = self.host.add_attributes(name, &rows, &host, &to);
        let model = self.model.add_attributes(name, &rows, &model, &values);
        same(&host, &model, "add_attributes").is_ok()
    }

    fn set_ids(&mut self) -> bool {
        let ids: Vec<_> = self
            .columns
            .iter()
            .filter(|column| matches!(column.holds, Type::Id(_)))
            .collect();
        let column = (*self.rng.choice(ids).unwrap()).clone();
        let Type::Id(width) = column.holds else {
            unreachable!("it was looked for")
        };
        let rows = self.rows(column.table);
        let count = self.entries(column.table, rows.as_deref());
        let ids: Vec<u8> = (0..count)
            .flat_map(|_| {
                [vec![0; width], vec![self.rng.u8(1..); width]][self.rng.usize(..2)].clone()
            })
            .collect();
        self.done
            .push(format!("set_ids {} {rows:?} {ids:?}", column.path));
        let host = self.host.set_ids(&column.host, rows.as_deref(), &ids);
        let model = self.model.set_ids(&column.model, rows.as_deref(), &ids);
        same(&host, &model, "set_ids").is_ok()
    }

    fn unset(&mut self) -> bool {
        let first = self.column();
        let mut columns = vec![first.clone()];
        for _ in 0..self.rng.usize(..3) {
            let table: Vec<_> = self
                .columns
                .iter()
                .filter(|column| column.table == first.table && !column.read_only)
                .collect();
            columns.push((*self.rng.choice(table).unwrap()).clone());
        }
        let rows = self.rows(first.table);
        let paths: Vec<_> = columns.iter().map(|column| &column.path).collect();
        self.done.push(format!("unset {paths:?} {rows:?}"));
        let host: Vec<_> = columns.iter().map(|column| &column.host).collect();
        let model: Vec<_> = columns.iter().map(|column| &column.model).collect();
        let host = self.host.unset(&host, rows.as_deref());
        same(&host, &self.model.unset(&model, rows.as_deref()), "unset").is_ok()
    }

    fn copy(&mut self) -> bool {
        let (source, target) = (self.column(), self.column());
        let rows = self.rows(target.table);
        self.done
            .push(format!("copy {} to {} {rows:?}", source.path, target.path));
        let host = self.host.copy(&source.host, &target.host, rows.as_deref());
        let model = self
            .model
            .copy(&source.model, &target.model, rows.as_deref());
        same(&host, &model, "copy").is_ok()
    }

    fn retain(&mut self) -> bool {
        let table = self.table();
        let mut bytes = self.rows_of(table).div_ceil(8);
        if self.rng.u8(..20) == 0 {
            bytes += 1;
        }
        // Most rows stay, so that there is something to do afterwards.
        let mask: Vec<u8> = (0..bytes)
            .map(|_| self.rng.u8(..) | self.rng.u8(..) | self.rng.u8(..))
            .collect();
        self.done.push(format!("retain {table} {mask:?}"));
        let host = self.host.retain(table.name(), &mask);
        same(&host, &self.model.retain(table.name(), &mask), "retain").is_ok()
    }

    fn drop_rows(&mut self) -> bool {
        let table = self.table();
        let mut rows = self.rows(table).unwrap_or_default();
        // Most rows stay, as above.
        rows.retain(|_| self.rng.u8(..4) == 0);
        self.done.push(format!("drop_rows {table} {rows:?}"));
        let host = self.host.drop_rows(table.name(), &rows);
        let model = self.model.drop_rows(table.name(), &rows);
        same(&host, &model, "drop_rows").is_ok()
    }

    fn way_out(&mut self) -> bool {
        let replace = self.rng.u8(..3) == 0;
        self.done.push(format!("to_otlp, and back: {replace}"));
        let signal = self.model.signal();
        let host = self.host.to_otlp().unwrap();
        same_request(signal, &host, &self.model.to_otlp());
        if replace {
            let request = match self.rng.u8(..4) {
                0 => b"\xff\xff".to_vec(),
                _ => self.generator.request(signal).to_protobuf(),
            };
            let host = self.host.replace_with_otlp(request.clone().into()).unwrap();
            let model = self.model.replace_with_otlp(&request);
            assert_eq!(
                host.is_ok(),
                model.is_ok(),
                "replace_with_otlp: {host:?} {model:?}"
            );
        }
        true
    }
}
