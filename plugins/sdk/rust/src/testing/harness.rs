//! `Harness`: a plugin, made and called as the host would.

use std::{collections::BTreeMap, marker::PhantomData};

use super::{Request, fence, model::Model};
use crate::{Batch, Error, Plugin, plugin};

/// A plugin made from its config, to be given one request after the other.
///
/// What would trap in the sandbox panics here.
pub struct Harness<P> {
    plugin: P,
    // Columns are open in this thread only.
    one_thread: PhantomData<*const ()>,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The request afterwards.
    pub request: Request,
    /// What the plugin added to its counters.
    pub counters: BTreeMap<String, u64>,
    /// What the plugin wrote to the log.
    pub log: Vec<Line>,
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// "debug", "info", "warn" or "error".
    pub level: String,
    /// What it says.
    pub message: String,
}

impl<P: Plugin> Harness<P> {
    /// Makes the plugin, as the host does from the processor's `config`.
    #[expect(clippy::needless_pass_by_value, reason = "a test writes `json!({..})`")]
    pub fn new(config: serde_json::Value) -> Result<Self, Error> {
        let plugin = plugin::configure(&config.to_string())?;
        Ok(Self {
            plugin,
            one_thread: PhantomData,
        })
    }

    /// Sets what [`host::now`](crate::host::now) says, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn at(self, now: u64) -> Self {
        fence::set_now(now);
        self
    }

    /// Gives the plugin a request. One of a signal that is not in its manifest passes it by. The error is the plugin's own, on
    /// which the host would put the batch back as it was.
    pub fn run(&mut self, request: impl Into<Request>) -> Result<Outcome, Error> {
        let request = request.into();
        if !P::manifest().takes(request.signal()) {
            return Ok(Outcome {
                request,
                counters: BTreeMap::new(),
                log: Vec::new(),
            });
        }
        fence::take_in_hand(Model::new(request));
        let result = self.plugin.process(&mut Batch::in_hand());
        let outcome = fence::let_go();
        result.map(|()| outcome)
    }
}
