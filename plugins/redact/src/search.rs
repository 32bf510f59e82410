//! What to look for in a text.

use crate::detector::{Detector, Wanted};
use crate::pattern::Patterns;

/// Which detectors look for something, and how far they go.
#[derive(Debug)]
pub(crate) struct Search {
    /// The detectors.
    pub(crate) wanted: Wanted,
    /// Whether addresses of private networks are hidden too.
    pub(crate) private_addresses: bool,
    /// The user's own patterns.
    pub(crate) patterns: Patterns,
}

impl Search {
    /// Looks for what these detectors find.
    pub(crate) fn of(detectors: &[Detector]) -> Self {
        Self {
            wanted: Wanted::of(detectors),
            private_addresses: false,
            patterns: Patterns::default(),
        }
    }
}

impl Default for Search {
    fn default() -> Self {
        Self::of(&Detector::ALL)
    }
}
