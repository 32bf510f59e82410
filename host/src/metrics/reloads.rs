//! What became of the config since the start: how often it was read again, and when the one that runs was.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use crate::telemetry::Counter;

/// What the reloads of the config came to.
#[derive(Debug, Default)]
pub struct Reloads {
    /// Those after which otlet runs another config.
    pub applied: Counter,
    /// Those that found what was running already.
    pub unchanged: Counter,
    /// Those that found what cannot be used, after which nothing is different.
    pub refused: Counter,
    /// When what runs was found good, in milliseconds since 1970; 0 is never.
    loaded: AtomicU64,
}

impl Reloads {
    /// What runs is what the config says now.
    pub fn note_good(&self) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = now.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(0));
        self.loaded.store(now, Ordering::Relaxed);
    }

    /// When that last was so, in seconds since 1970, if it ever was.
    pub(super) fn loaded(&self) -> Option<f64> {
        let loaded = Duration::from_millis(self.loaded.load(Ordering::Relaxed));
        (!loaded.is_zero()).then_some(loaded.as_secs_f64())
    }

    /// How often, by what came of it.
    pub(super) fn outcomes(&self) -> [(&'static str, &Counter); 3] {
        [
            ("applied", &self.applied),
            ("unchanged", &self.unchanged),
            ("refused", &self.refused),
        ]
    }
}
