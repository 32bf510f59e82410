//! The functions of the contract as the crate calls them, on the batch that the harness has in hand. A misuse panics, for
//! want of a trap.

use std::{cell::RefCell, collections::BTreeMap};

use super::{
    Line, Outcome,
    model::{Column, Misuse, Model},
};

/// What stands for the host in this thread.
struct State {
    columns: Vec<Column>,
    model: Option<Model>,
    counters: BTreeMap<String, u64>,
    log: Vec<Line>,
    now: u64,
    random: u64,
}

thread_local! {
    static STATE: RefCell<State> = const {
        RefCell::new(State {
            columns: Vec::new(),
            model: None,
            counters: BTreeMap::new(),
            log: Vec::new(),
            now: 1_700_000_000_000,
            random: 0,
        })
    };
}

pub(super) fn set_now(now: u64) {
    STATE.with_borrow_mut(|state| state.now = now);
}

pub(super) fn take_in_hand(model: Model) {
    STATE.with_borrow_mut(|state| {
        state.model = Some(model);
        state.counters.clear();
        state.log.clear();
    });
}

pub(super) fn let_go() -> Outcome {
    STATE.with_borrow_mut(|state| Outcome {
        request: state.model.take().expect("it was taken in hand").commit(),
        counters: std::mem::take(&mut state.counters),
        log: std::mem::take(&mut state.log),
    })
}

#[expect(clippy::panic, reason = "stands for a trap")]
fn trap(reason: impl std::fmt::Display) -> ! {
    panic!("{reason}")
}

/// Calls the model with these columns.
fn with<const N: usize, T>(
    columns: [u32; N],
    call: impl FnOnce(&mut Model, [&Column; N]) -> Result<T, Misuse>,
) -> T {
    let result = STATE.with_borrow_mut(|state| {
        let State {
            columns: open,
            model,
            ..
        } = state;
        let model = model
            .as_mut()
            .ok_or_else(|| Misuse::new("no batch in hand"))?;
        call(model, columns.map(|number| &open[number as usize]))
    });
    result.unwrap_or_else(|misuse| trap(misuse))
}

/// `interface batch`.
pub(crate) mod batch {
    use super::{STATE, with};
    use crate::{
        contract::{Leaves, PackedDoubles, PackedIntegers, PackedTexts, Value},
        testing::model::Column,
    };

    pub(crate) fn column(path: &str) -> Result<u32, String> {
        let column = Column::parse(path)?;
        STATE.with_borrow_mut(|state| {
            state.columns.push(column);
            Ok(crate::edit::number(state.columns.len() - 1))
        })
    }

    pub(crate) fn signal() -> String {
        with([], |model, []| Ok(model.signal().name().to_owned()))
    }

    pub(crate) fn rows(table: &str) -> u32 {
        with([], |model, []| model.rows(table))
    }

    pub(crate) fn parents(table: &str, above: &str) -> Vec<u32> {
        with([], |model, []| model.parents(table, above))
    }

    pub(crate) fn keys(table: &str) -> Vec<String> {
        with([], |model, []| model.keys(table))
    }

    pub(crate) fn packed(column: u32) -> PackedTexts {
        with([column], |model, [column]| model.packed(column))
    }

    pub(crate) fn integers(column: u32) -> PackedIntegers {
        with([column], |model, [column]| model.integers(column))
    }

    pub(crate) fn doubles(column: u32) -> PackedDoubles {
        with([column], |model, [column]| model.doubles(column))
    }

    pub(crate) fn values(column: u32) -> Vec<Option<Value>> {
        with([column], |model, [column]| model.values(column))
    }

    pub(crate) fn ids(column: u32) -> Vec<u8> {
        with([column], |model, [column]| model.ids(column))
    }

    pub(crate) fn get(column: u32, row: u32) -> Option<Value> {
        with([column], |model, [column]| model.get(column, row))
    }

    pub(crate) fn set_packed(column: u32, rows: Option<&[u32]>, texts: &PackedTexts) {
        with([column], |model, [column]| {
            model.set_packed(column, rows, texts)
        });
    }

    pub(crate) fn set_values(column: u32, rows: Option<&[u32]>, values: &[Value]) {
        with([column], |model, [column]| {
            model.set_values(column, rows, values)
        });
    }

    pub(crate) fn set_ids(column: u32, rows: Option<&[u32]>, ids: &[u8]) {
        with([column], |model, [column]| model.set_ids(column, rows, ids));
    }

    pub(crate) fn fill(column: u32, rows: Option<&[u32]>, value: &Value) {
        with([column], |model, [column]| model.fill(column, rows, value));
    }

    pub(crate) fn unset(columns: &[u32], rows: Option<&[u32]>) {
        for column in columns {
            with([*column], |model, [column]| model.unset(&[column], rows));
        }
    }

    pub(crate) fn add_attributes(table: &str, rows: &[u32], keys: &PackedTexts, values: &[Value]) {
        with([], |model, []| {
            model.add_attributes(table, rows, keys, values)
        });
    }

    pub(crate) fn copy(source: u32, target: u32, rows: Option<&[u32]>) {
        with([source, target], |model, [source, target]| {
            model.copy(source, target, rows)
        });
    }

    pub(crate) fn retain(table: &str, mask: &[u8]) {
        with([], |model, []| model.retain(table, mask));
    }

    pub(crate) fn drop_rows(table: &str, rows: &[u32]) {
        with([], |model, []| model.drop_rows(table, rows));
    }

    pub(crate) fn all_leaves(tables: &[String], kinds: &[String]) -> Leaves {
        with([], |model, []| model.all_leaves(tables, kinds))
    }

    pub(crate) fn replace_leaves(leaves: &[u32], texts: &PackedTexts) {
        with([], |model, []| model.replace_leaves(leaves, texts));
    }

    pub(crate) fn to_otlp() -> Vec<u8> {
        with([], |model, []| Ok(model.to_otlp()))
    }

    pub(crate) fn replace_with_otlp(request: &[u8]) -> Result<(), String> {
        with([], |model, []| Ok(model.replace_with_otlp(request)))
    }
}

/// `interface host`.
pub(crate) mod host {
    use super::{Line, STATE, trap};

    pub(crate) fn log(level: &str, message: &str) {
        let line = Line {
            level: level.to_owned(),
            message: message.to_owned(),
        };
        STATE.with_borrow_mut(|state| state.log.push(line));
    }

    pub(crate) fn count(name: &str, add: u32) {
        STATE.with_borrow_mut(|state| {
            *state.counters.entry(name.to_owned()).or_default() += u64::from(add);
        });
    }

    pub(crate) fn now() -> u64 {
        STATE.with_borrow(|state| state.now)
    }

    pub(crate) fn seed() -> Vec<u8> {
        b"the seed of each run of the tests"
            .iter()
            .take(32)
            .copied()
            .collect()
    }

    /// The same bytes in every run (`SplitMix64`), so that tests repeat themselves.
    pub(crate) fn random(len: u32) -> Vec<u8> {
        if len > 65_536 {
            trap("random: more than 65536 bytes");
        }
        STATE.with_borrow_mut(|state| {
            let bytes = (0..len).map(|_| {
                state.random = state.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mixed = (state.random ^ state.random >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
                mixed.to_be_bytes()[0]
            });
            bytes.collect()
        })
    }
}
