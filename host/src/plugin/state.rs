//! What the host keeps for one instance.

use std::sync::Arc;

use wasmtime_wasi::Rng;

use super::bound::Bound;
use super::config::Config;
use super::limits::Meter;
use super::printed::Printed;
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
    pub(super) printed: Printed,
    /// What `setting` reads: none for an instance that is only asked to describe itself.
    pub(super) config: Option<Arc<Config>>,
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
            printed: Printed::default(),
            config: None,
            seed,
            random: None,
            wasi: wasi.map(Box::new),
        }
    }

    /// Puts what was printed beside what was logged.
    pub(super) fn stage(&mut self) {
        self.printed.report(&mut self.report);
        if let Some(wasi) = &self.wasi {
            wasi.report(&mut self.report);
        }
    }

    /// Forgets what the call reported.
    pub(super) fn forget(&mut self) {
        self.stage();
        self.report = Report::default();
    }
}
