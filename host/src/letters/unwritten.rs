//! Why letters could not be written, what an operator can do about it, and what a sender is told.

use std::borrow::Cow;
use std::io;

use super::Unusable;
use crate::refusal::{RETRY_AFTER, Refusal};

/// Why letters could not be written.
#[derive(Debug, thiserror::Error)]
pub enum Unwritten {
    /// They would take more room than `max_bytes`.
    #[error("the dead letters take {used} of {max_bytes} bytes")]
    Full {
        /// What the letters take that are there.
        used: u64,
        /// The bound.
        max_bytes: u64,
    },
    /// The directory is gone and cannot be made again, or is not otlet's alone.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// The disk is full or fails.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The request came compressed and cannot be opened.
    #[error("{0}")]
    Closed(Refusal),
}

impl Unwritten {
    /// What an operator can do about it.
    pub fn cure(&self) -> Cow<'static, str> {
        match self {
            Self::Unusable(unusable) => unusable.cure().into(),
            Self::Full { .. } => {
                "send the letters with `otlet replay`, or raise `max_bytes` of `dead_letters`"
                    .into()
            }
            Self::Io(_) => "make room on the disk, or mend it".into(),
            Self::Closed(_) => "the request is damaged: nothing can be done about it".into(),
        }
    }

    /// What the sender of a request is told that is not kept: to try again.
    pub fn refusal(&self) -> Refusal {
        let after = RETRY_AFTER;
        match self {
            Self::Full { .. } => Refusal::Full {
                what: "the directory of dead letters".to_owned(),
                after,
            },
            Self::Unusable(_) | Self::Io(_) => Refusal::Unavailable {
                what: "dead letters cannot be written".to_owned(),
                after,
            },
            Self::Closed(refusal) => refusal.clone(),
        }
    }
}
