//! What the host keeps for one instance.

use wasmtime_wasi::Rng;

use super::bound::Bound;
use super::limits::Meter;
use super::report::Report;
use super::wasi::Wasi;
use crate::batch::{Column, Transaction};

/// The host's side of one instance.
pub(super) struct State {
    /// The batch in hand, during `process`.
    pub(super) batch: Option<Transaction>,
    /// The columns that the instance opened, by their number.
    pub(super) columns: Vec<Column>,
    pub(super) meter: Meter,
    pub(super) bound: Bound,
    pub(super) report: Report,
    /// What `seed` gives.
    pub(super) seed: [u8; 32],
    /// The source of `random`, made when first asked for.
    pub(super) random: Option<Box<dyn Rng + Send>>,
    /// For components that import WASI.
    pub(super) wasi: Option<Box<Wasi>>,
}

impl State {
    pub(super) fn new(meter: Meter, bound: Bound, seed: [u8; 32], wasi: Option<Wasi>) -> Self {
        Self {
            batch: None,
            columns: Vec::new(),
            meter,
            bound,
            report: Report::default(),
            seed,
            random: None,
            wasi: wasi.map(Box::new),
        }
    }
}
