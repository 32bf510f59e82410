//! What is no longer of the config, and ends in the background: receivers answer what they have, pipelines let go of what is in
//! them, connectors hand on what they hold, and exporters send what waits, with all their retries.
//!
//! **Invariant**: an exporter takes what comes until no pipeline has it any more, so that nobody is refused for a reload.

use std::sync::{Arc, Weak};

use tokio::task::JoinSet;

use super::PATIENCE;
use crate::connector::AnyConnector;
use crate::exporter::Exporter;
use crate::metrics::Push;
use crate::pipeline::{Pipeline, Stage};
use crate::receiver::Running;

/// What ends in the background, until it has.
#[derive(Default)]
pub(super) struct Leaving {
    /// Each tells whether all its connections ended in time.
    receivers: JoinSet<bool>,
    others: JoinSet<()>,
    exporters: Vec<Weak<Exporter>>,
    /// The tasks that wait for connectors, and the connectors.
    handing_on: JoinSet<()>,
    connectors: Vec<Weak<AnyConnector>>,
}

impl Leaving {
    /// Has a receiver take no more, at once, and end.
    pub(super) fn receiver(&mut self, receiver: Running) {
        self.receivers.spawn(receiver.stop(PATIENCE));
    }

    /// Sends the last metrics.
    pub(super) fn push(&mut self, push: Push) {
        self.others.spawn(push.finish());
    }

    /// Has exporters send what waits, once the pipelines have ended that may still add to it; and then lets go of processors,
    /// here and not where telemetry is carried.
    pub(super) fn parts(
        &mut self,
        pipelines: &[Arc<Pipeline>],
        exporters: Vec<Arc<Exporter>>,
        stages: Vec<Arc<Stage>>,
    ) {
        while self.others.try_join_next().is_some() {}
        self.exporters
            .retain(|exporter| exporter.strong_count() > 0);
        self.exporters.extend(exporters.iter().map(Arc::downgrade));
        for exporter in exporters {
            let ends = ends(pipelines);
            self.others.spawn(async move {
                ends.await;
                exporter.queue().finish().await;
                tracing::info!(
                    exporter = exporter.name(),
                    "an exporter that is no longer of the config has sent what it had"
                );
            });
        }
        let ends = ends(pipelines);
        self.others.spawn(async move {
            ends.await;
            drop(stages);
        });
    }

    /// Has connectors hand on what they hold, once the pipelines before them have ended; and only then lets go of them, and so of
    /// the pipelines behind them.
    pub(super) fn connectors_of(
        &mut self,
        pipelines: &[Arc<Pipeline>],
        connectors: Vec<Arc<AnyConnector>>,
    ) {
        while self.handing_on.try_join_next().is_some() {}
        self.connectors.retain(|one| one.strong_count() > 0);
        self.connectors
            .extend(connectors.iter().map(Arc::downgrade));
        for connector in connectors {
            let before = pipelines.iter().filter(|one| one.feeds(&connector));
            let ends = ends(&before.cloned().collect::<Vec<_>>());
            self.handing_on.spawn(async move {
                ends.await;
                connector.finish().await;
                tracing::info!(
                    connector = connector.name(),
                    "a connector that is no longer of the config has handed on what it held"
                );
            });
        }
    }

    /// The connectors that still hold something, or may.
    pub(super) fn connectors(&self) -> Vec<Arc<AnyConnector>> {
        self.connectors.iter().filter_map(Weak::upgrade).collect()
    }

    /// The same, which does not keep them.
    pub(super) fn handing_on(&self) -> Vec<Weak<AnyConnector>> {
        self.connectors.clone()
    }

    /// Waits until they hold nothing.
    pub(super) async fn connectors_ended(&mut self) {
        while self.handing_on.join_next().await.is_some() {}
    }

    /// The exporters that still have something to send, or may.
    pub(super) fn exporters(&self) -> Vec<Weak<Exporter>> {
        self.exporters.clone()
    }

    /// Those receivers that have not ended, as tasks.
    pub(super) fn take_receivers(&mut self) -> JoinSet<bool> {
        std::mem::take(&mut self.receivers)
    }

    /// Says which receivers had connections that did not end in time.
    pub(super) fn reap(&mut self) {
        while let Some(stopped) = self.receivers.try_join_next() {
            super::tell_cut(&stopped);
        }
    }
}

/// Waits until nothing is in any of them.
fn ends(pipelines: &[Arc<Pipeline>]) -> impl Future<Output = ()> + Send + use<> {
    let ends: Vec<_> = pipelines.iter().map(|pipeline| pipeline.ended()).collect();
    async move {
        for end in ends {
            end.await;
        }
    }
}
