//! A request, and everything that plugins can do to it.

use std::sync::LazyLock;

use bytes::Bytes;
use otlet::batch::{Batch, Column, MAX_ROWS, Misuse, PackedTexts, Signal, Transaction, Value};
use otlet_plugin::testing::model::{FIELDS, attributes_of};
use otlet_plugin::{Kind, Table};
use otlet_tests::{every_field, requests};
use prost::Message;

use crate::Target;
use crate::choices::Choices;
use crate::protobuf::is_valid;

/// The signal, and what half a dozen plugins do.
const CHOICES: usize = 48;

/// What a plugin may hold.
const BUDGET: usize = 1 << 20;

/// A request never panics. A valid one is taken, leaves as it came if nobody edits it, and is valid after every edit.
pub const TARGET: Target = Target {
    name: "batch",
    run,
    seeds: || Signal::ALL.into_iter().flat_map(seeds).collect(),
    choices: 1..CHOICES,
    words: &[],
};

fn run(data: &[u8]) -> bool {
    let Some((mut choices, request)) = Choices::split(data, CHOICES) else {
        return false;
    };
    let signal = *choices.pick(&Signal::ALL);
    let valid = is_valid(signal, request);
    let mut batch = match Batch::new(signal, Bytes::copy_from_slice(request)) {
        Ok(batch) => batch,
        Err(error) => {
            // An empty record takes two bytes.
            let may_be_too_many = request.len() / 2 > MAX_ROWS as usize;
            assert!(!valid || may_be_too_many, "{error}");
            return false;
        }
    };
    assert!(batch.is_untouched());
    assert_eq!(batch.splice(0), request);
    while !choices.is_over() {
        batch = plugin(batch, &mut choices);
    }
    let spliced = batch.splice(0).freeze();
    if valid {
        assert!(is_valid(signal, &spliced));
        let again = Batch::new(signal, spliced).expect("what is valid is taken");
        assert_eq!(again.records(), batch.records());
    }
    true
}

/// What one plugin does, until it misuses something.
fn plugin(batch: Batch, choices: &mut Choices<'_>) -> Batch {
    let mut work = batch.begin(BUDGET);
    for _ in 0..=choices.below(4) {
        if call(&mut work, choices).is_err() {
            return work.rollback();
        }
    }
    work.commit()
}

/// Every field, and attributes that the seeds have.
static COLUMNS: LazyLock<Vec<Column>> = LazyLock::new(|| {
    const KEYS: [&str; 7] = ["n", "map", "route", "service.name", "origin", "user", "new"];
    let fields = FIELDS
        .iter()
        .map(|field| format!("{}.{}", field.table, field.name));
    let attributes = Table::ALL
        .iter()
        .flat_map(|table| KEYS.map(|key| format!("{table}.{}[\"{key}\"]", attributes_of(*table))));
    fields
        .chain(attributes)
        .map(|path| Column::parse(&path).expect("a known path"))
        .collect()
});

/// One call of the contract.
fn call(work: &mut Transaction, choices: &mut Choices<'_>) -> Result<(), Misuse> {
    let (column, other) = (choices.pick(&COLUMNS), choices.pick(&COLUMNS));
    match choices.below(21) {
        0 => work.packed(column).map(drop),
        1 => work.integers(column).map(drop),
        2 => work.doubles(column).map(drop),
        3 => work.get(column, choices.byte().into()).map(drop),
        4 => {
            let (below, above) = (choices.pick(Table::ALL), choices.pick(Table::ALL));
            work.parents(below.name(), above.name()).map(drop)
        }
        5 => work.keys(choices.pick(Table::ALL).name()).map(drop),
        6 => {
            let texts = work.texts(column)?;
            work.set_texts(other, &texts)
        }
        7 => {
            let texts = work.packed(column)?;
            work.set_packed(other, None, &texts)
        }
        8 => {
            let (rows, value) = (rows(choices), value(choices));
            work.set_values(column, Some(&rows), &vec![value; rows.len()])
        }
        9 => {
            let values = work.values(column)?.into_iter();
            let values: Vec<_> = values.map(|value| value.unwrap_or(Value::Empty)).collect();
            work.set_values(other, None, &values)
        }
        10 => {
            let ids = work.ids(column)?;
            work.set_ids(other, None, &ids)
        }
        11 => work.fill(column, None, &value(choices)),
        12 => work.fill(column, Some(&rows(choices)), &value(choices)),
        13 => work.unset(&[column, other], None),
        14 => work.unset(&[column], Some(&rows(choices))),
        15 => work.copy(column, other, None),
        16 => work.copy(column, other, Some(&rows(choices))),
        17 => {
            let table = choices.pick(Table::ALL).name();
            if choices.byte() > 127 {
                return work.drop_rows(table, &rows(choices));
            }
            let rows = work.rows(table)?;
            let mask: Vec<u8> = (0..rows.div_ceil(8)).map(|_| choices.byte()).collect();
            work.retain(table, &mask)
        }
        18 => replace_leaves(work, choices),
        19 => add_attributes(work, choices),
        _ => {
            let request = work.to_otlp()?;
            let taken = work.replace_with_otlp(request)?;
            assert!(taken.is_ok(), "{taken:?}");
            Ok(())
        }
    }
}

/// Replaces leaves, by long texts and by none.
fn replace_leaves(work: &mut Transaction, choices: &mut Choices<'_>) -> Result<(), Misuse> {
    let tables: Vec<_> = Table::ALL.iter().map(Table::to_string).collect();
    let kinds: Vec<_> = Kind::ALL.iter().map(Kind::to_string).collect();
    let found = work.all_leaves(&tables, &kinds)?.rows.len();
    let (first, step) = (choices.below(8), 1 + choices.below(8));
    let leaves: Vec<u32> = (0..).take(found).skip(first).step_by(step).collect();
    let (text, present) = (u32::from(choices.byte()), choices.byte());
    let texts = PackedTexts {
        data: vec![b'x'; text as usize * leaves.len()],
        ends: (1..).map(|leaf| leaf * text).take(leaves.len()).collect(),
        present: vec![present; leaves.len().div_ceil(8)],
    };
    work.replace_leaves(&leaves, &texts)
}

/// Adds attributes, some of which are there.
fn add_attributes(work: &mut Transaction, choices: &mut Choices<'_>) -> Result<(), Misuse> {
    let mut rows: Vec<_> = [rows(choices), rows(choices)].concat();
    rows.sort_unstable();
    let keys = PackedTexts {
        data: b"n".repeat(rows.len()),
        ends: (1..).take(rows.len()).collect(),
        present: vec![choices.byte(); rows.len().div_ceil(8)],
    };
    let values = vec![value(choices); rows.len()];
    work.add_attributes(choices.pick(Table::ALL).name(), &rows, &keys, &values)
}

/// Up to four rows, in order.
fn rows(choices: &mut Choices<'_>) -> Vec<u32> {
    let mut row = choices.byte() % 4;
    let mut rows = vec![row.into()];
    for _ in 0..choices.below(4) {
        row += 1 + choices.byte() % 4;
        rows.push(row.into());
    }
    rows
}

fn value(choices: &mut Choices<'_>) -> Value {
    match choices.below(7) {
        0 => Value::Empty,
        1 => Value::Text("edited".repeat(choices.below(30))),
        2 => Value::Boolean(true),
        3 => Value::Integer(-5),
        4 => Value::Double(0.5),
        5 => Value::Bytes(vec![0xff; choices.below(150)]),
        _ => Value::Json(r#"[1, {"a": [null, {"b": 0.5}]}]"#.to_owned()),
    }
}

/// Requests of a signal, with choices in front.
pub fn seeds(signal: Signal) -> Vec<Vec<u8>> {
    let (number, requests) = match signal {
        Signal::Traces => (
            0,
            [
                requests::spans().encode_to_vec(),
                every_field::traces().encode_to_vec(),
            ],
        ),
        Signal::Metrics => (
            1,
            [
                requests::points().encode_to_vec(),
                every_field::metrics().encode_to_vec(),
            ],
        ),
        Signal::Logs => (
            2,
            [
                requests::records().encode_to_vec(),
                every_field::logs().encode_to_vec(),
            ],
        ),
    };
    let mut choices = [0; CHOICES];
    choices[0] = number;
    requests
        .map(|request| [&choices, &request[..]].concat())
        .into()
}
