//! A connector of any type, as pipelines and whoever ends them see it.

use std::sync::Arc;

use super::span_metrics::{self, SpanMetrics};
use super::{Config, Connector, Next, StartError};
use crate::batch::Signal;
use crate::letters::Letters;
use crate::memory::Memory;
use crate::payload::Payload;
use crate::queue::{self, Delivery, Lost, Size};
use crate::refusal::Refusal;
use crate::runtime::Runtimes;

/// One connector of the config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnyConfig {
    /// `groupbytrace`.
    GroupByTrace(Config),
    /// `spanmetrics`.
    SpanMetrics(span_metrics::Config),
}

/// A running connector.
pub enum AnyConnector {
    /// `groupbytrace`.
    GroupByTrace(Connector),
    /// `spanmetrics`.
    SpanMetrics(SpanMetrics),
}

/// Room for a request in a connector. Dropping it gives the room back.
#[must_use = "dropping a reservation gives the room back"]
pub enum AnyReservation {
    /// In the queue of `groupbytrace`.
    GroupByTrace(queue::Reservation),
    /// Of `spanmetrics`.
    SpanMetrics(span_metrics::Reservation),
}

impl AnyConfig {
    /// The connector's name in the config.
    pub fn name(&self) -> &str {
        match self {
            Self::GroupByTrace(config) => &config.name,
            Self::SpanMetrics(config) => &config.name,
        }
    }

    /// Whether a connector of this config can go on with another; a new one takes its place otherwise.
    pub fn goes_on(&self, with: &Self) -> bool {
        match (self, with) {
            (Self::GroupByTrace(one), Self::GroupByTrace(other)) => one.name == other.name,
            (one, other) => one == other,
        }
    }

    /// What comes out of it.
    pub fn gives(&self) -> Signal {
        match self {
            Self::GroupByTrace(_) => Signal::Traces,
            Self::SpanMetrics(_) => Signal::Metrics,
        }
    }

    /// The memory that it sets aside when it is started.
    pub fn aside(&self) -> usize {
        match self {
            Self::GroupByTrace(_) => super::ASIDE,
            Self::SpanMetrics(config) => config.aside(),
        }
    }
}

impl AnyConnector {
    /// Starts a connector that hands on to `next`. `letters` is where is kept what is refused for good.
    pub fn start(
        config: &AnyConfig,
        runtimes: &Runtimes,
        next: Next,
        letters: Option<&Arc<Letters>>,
        memory: &Memory,
    ) -> Result<Self, StartError> {
        Ok(match config {
            AnyConfig::GroupByTrace(config) => Self::GroupByTrace(Connector::start(
                config, runtimes, next, letters, memory, false,
            )?),
            AnyConfig::SpanMetrics(config) => {
                Self::SpanMetrics(SpanMetrics::start(config, runtimes, next, letters, memory)?)
            }
        })
    }

    /// The connector's name in the config.
    pub fn name(&self) -> &str {
        match self {
            Self::GroupByTrace(connector) => connector.name(),
            Self::SpanMetrics(connector) => connector.name(),
        }
    }

    /// Keeps to another config from now on, with which it can go on.
    pub fn follow(&self, config: &AnyConfig) {
        if let (Self::GroupByTrace(connector), AnyConfig::GroupByTrace(config)) = (self, config) {
            connector.follow(config);
        }
    }

    /// Whether it joins what one sender sent with what others did.
    pub fn joins(&self) -> bool {
        matches!(self, Self::GroupByTrace(_))
    }

    /// Takes room for a request.
    pub fn reserve(&self, payload: &Payload, size: Size) -> Result<AnyReservation, Refusal> {
        Ok(match self {
            Self::GroupByTrace(connector) => {
                AnyReservation::GroupByTrace(connector.reserve(payload, size)?)
            }
            Self::SpanMetrics(connector) => AnyReservation::SpanMetrics(connector.reserve()?),
        })
    }

    /// Has the memory that was taken fit what leaves the processors.
    pub fn promise(
        &self,
        reservation: &mut AnyReservation,
        payload: &Payload,
        size: Size,
    ) -> Result<(), Refusal> {
        match (self, reservation) {
            (Self::GroupByTrace(connector), AnyReservation::GroupByTrace(reservation)) => {
                connector.promise(reservation, payload, size)
            }
            _ => Ok(()),
        }
    }

    /// What was taken and has not gone on.
    pub fn held(&self) -> Lost {
        match self {
            Self::GroupByTrace(connector) => Lost {
                requests: connector.queue().depth().requests,
                items: connector.counters().spans.get(),
            },
            Self::SpanMetrics(connector) => connector.pending(),
        }
    }

    /// Takes no more, and hands everything on at once, however long it takes until the pipelines have it.
    pub async fn finish(&self) {
        match self {
            Self::GroupByTrace(connector) => connector.queue().finish().await,
            Self::SpanMetrics(connector) => connector.finish().await,
        }
    }

    /// Ends at once, and says what was taken and is lost.
    pub async fn abort(&self) -> Lost {
        match self {
            Self::GroupByTrace(connector) => connector.queue().abort().await,
            Self::SpanMetrics(connector) => connector.abort().await,
        }
    }
}

impl AnyReservation {
    /// Hands a request over.
    pub fn commit(self, payload: Payload, size: Size) -> Delivery {
        match self {
            Self::GroupByTrace(reservation) => reservation.commit(payload, size),
            Self::SpanMetrics(reservation) => reservation.commit(&payload),
        }
    }
}
