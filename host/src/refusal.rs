//! Why a request is not taken, and whether the sender may try it again: decided here once, and turned into codes in
//! `receiver::status`.

use std::time::Duration;

/// How long a sender is asked to wait. Real clients have about 7 s of patience in all, so a second.
pub const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Why a request was not taken. The text is for the sender: it names no value of the telemetry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A queue or the memory for requests in flight is at its bound.
    #[error("{what} is full, try again in {} ms", after.as_millis())]
    Full {
        /// What is full.
        what: String,
        /// When to try again.
        after: Duration,
    },
    /// Something that should come back is away: otlet is shutting down, a backend does not answer.
    #[error("{what}, try again in {} ms", after.as_millis())]
    Unavailable {
        /// What is the matter.
        what: String,
        /// When to try again.
        after: Duration,
    },
    /// The request is not what its protocol says it is.
    #[error("{0}")]
    Invalid(String),
    /// The request is larger than a bound in the config.
    #[error("{0}")]
    TooLarge(String),
    /// No pipeline takes this signal: UNIMPLEMENTED, 404.
    #[error("{0}")]
    Unrouted(String),
    /// The sender has not shown that it may send.
    #[error("{0}")]
    Unauthenticated(String),
    /// A processor, or a backend that otlet waits for, refused the telemetry for good.
    #[error("{0}")]
    Rejected(String),
}

impl Refusal {
    /// The memory of the process is at its bound.
    pub fn out_of_memory() -> Self {
        Self::Full {
            what: "the memory of otlet".to_owned(),
            after: RETRY_AFTER,
        }
    }

    /// When the sender may try the same request again, if ever.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Full { after, .. } | Self::Unavailable { after, .. } => Some(*after),
            Self::Invalid(_)
            | Self::TooLarge(_)
            | Self::Unrouted(_)
            | Self::Unauthenticated(_)
            | Self::Rejected(_) => None,
        }
    }
}
