//! Lifting: a log record whose body is a JSON object, as a logging library writes it on a line, gets the object's message as its
//! body, the severity and the time if it has none, and the rest as attributes.

mod exception;
mod object;
mod plan;
mod severity;
mod time;

use std::borrow::Cow;
use std::collections::BTreeSet;

use otlet_plugin::{AttributeEdits, Batch, Column, Error, Kind, Table, TextEdits, Texts, Value};

use crate::ids::Own;
use plan::{Has, plan};

pub use plan::Lifted;
pub use severity::Severity;

/// What a record that has nothing but this body gets of it.
pub fn lift_of_text(text: &str) -> Option<Lifted> {
    plan(text, &Has::default())
}

/// The columns that lifting reads and writes.
pub(crate) struct Lift {
    body: Column,
    severity_number: Column,
    severity_text: Column,
    time: Column,
    trace: Column,
    span: Column,
    flags: Column,
}

impl Lift {
    pub(crate) fn open() -> Result<Self, Error> {
        Ok(Self {
            body: Column::open("log.body")?,
            severity_number: Column::open("log.severity_number")?,
            severity_text: Column::open("log.severity_text")?,
            time: Column::open("log.time_unix_nano")?,
            trace: Column::open("log.trace_id")?,
            span: Column::open("log.span_id")?,
            flags: Column::open("log.flags")?,
        })
    }

    /// Lifts the bodies that are objects, and says how many.
    pub(crate) fn lift(&self, batch: &mut Batch) -> usize {
        let texts = batch.texts(&self.body);
        let objects = self.objects(batch, &texts);
        if objects.is_empty() {
            return 0;
        }
        let lifted = self.plan(batch, &objects);
        let records = lifted.len();
        self.write(batch, lifted);
        records
    }

    /// The bodies that may be objects: texts that begin with a brace, and maps, as JSON.
    fn objects<'a>(&self, batch: &Batch, texts: &'a Texts) -> Vec<(usize, Cow<'a, str>)> {
        let is_object = |row: usize| {
            let mut bytes = texts.get_bytes(row).unwrap_or_default().iter();
            bytes.find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{')
        };
        let mut objects: Vec<_> = (0..texts.len())
            .filter(|row| is_object(*row))
            .filter_map(|row| Some((row, Cow::Borrowed(texts.get(row)?))))
            .collect();
        if (0..texts.len()).all(|row| texts.get_bytes(row).is_some()) {
            return objects;
        }
        let maps = batch.values(&self.body).into_iter().enumerate();
        let maps = maps.filter_map(|(row, value)| match value {
            Some(Value::Json(map)) if map.starts_with('{') => Some((row, Cow::Owned(map))),
            _ => None,
        });
        let maps: Vec<_> = maps.collect();
        if !maps.is_empty() {
            let bytes = rows_with_bytes(batch);
            objects.extend(maps.into_iter().filter(|(row, _)| !bytes.contains(row)));
            objects.sort_unstable_by_key(|(row, _)| *row);
        }
        objects
    }

    /// What the records of these bodies get.
    fn plan(&self, batch: &Batch, objects: &[(usize, Cow<'_, str>)]) -> Vec<(usize, Lifted)> {
        let numbers = batch.integers(&self.severity_number);
        let texts = batch.texts(&self.severity_text);
        let times = batch.integers(&self.time);
        let traces = batch.trace_ids(&self.trace);
        let spans = batch.span_ids(&self.span);
        let flags = batch.integers(&self.flags);
        let has = |row: usize| {
            let number = numbers.get(row).filter(|number| *number != 0);
            let text = texts.get(row).filter(|text| !text.is_empty());
            let [flags, ..] = flags.get(row).unwrap_or(0).to_le_bytes();
            Has {
                own: Own {
                    trace: traces.get(row).copied(),
                    span: spans.get(row).copied(),
                    flags,
                },
                severity: severity_of(number, text),
                time: times.get(row).filter(|time| *time != 0),
            }
        };
        let lifted = objects
            .iter()
            .filter_map(|(row, text)| Some((*row, plan(text, &has(*row))?)));
        lifted.collect()
    }

    /// Gives records what they get.
    fn write(&self, batch: &mut Batch, lifted: Vec<(usize, Lifted)>) {
        let (mut bodies, mut levels) = (TextEdits::new(), TextEdits::new());
        let mut attributes = AttributeEdits::new();
        let (mut severities, mut times) = (Rows::default(), Rows::default());
        for (row, lifted) in lifted {
            if let Some(message) = &lifted.message {
                bodies.push(row, message);
            }
            if let Some(severity) = &lifted.severity {
                severities.push(row, severity.number);
                levels.push(row, &severity.text);
            }
            if let Some(time) = lifted.time {
                times.push(row, time);
            }
            for (key, value) in lifted.attributes {
                attributes.push(row, &key, value);
            }
        }
        batch.set_texts(&self.body, &bodies);
        batch.set_texts(&self.severity_text, &levels);
        severities.write(batch, &self.severity_number);
        times.write(batch, &self.time);
        batch.add_attributes(Table::Record, &attributes);
    }
}

/// Integers for some rows.
#[derive(Default)]
struct Rows {
    rows: Vec<usize>,
    values: Vec<Value>,
}

impl Rows {
    fn push(&mut self, row: usize, integer: i64) {
        self.rows.push(row);
        self.values.push(integer.into());
    }

    fn write(&self, batch: &mut Batch, column: &Column) {
        if !self.rows.is_empty() {
            batch.set_values(column, &self.rows, &self.values);
        }
    }
}

/// What a record's own fields say of its severity, if either is set: the number first, or the text's.
fn severity_of(number: Option<i64>, text: Option<&str>) -> Option<Severity> {
    if number.is_none() && text.is_none() {
        return None;
    }
    let text = text.unwrap_or_default();
    Some(Severity {
        number: number.or_else(|| severity::of_text(text)).unwrap_or(0),
        text: text.to_owned(),
    })
}

/// The records whose body is a map with bytes in it, which JSON cannot say.
fn rows_with_bytes(batch: &Batch) -> BTreeSet<usize> {
    let leaves = batch.leaves(&[Table::Record], &[Kind::Bytes]);
    let in_body: Vec<bool> = leaves
        .places()
        .iter()
        .map(|place| place.path.starts_with("record.body"))
        .collect();
    let rows = leaves
        .iter()
        .filter(|leaf| in_body.get(leaf.place) == Some(&true));
    rows.map(|leaf| leaf.row).collect()
}
