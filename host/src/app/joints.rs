//! Connectors in a running otlet: where pipelines are joined, and the order in which they end.

use std::pin::pin;
use std::sync::Arc;

use tokio::time;

use super::parts::next;
use super::reload::Made;
use super::{App, PROGRESS};
use crate::config::{Config, PipelineConfig};
use crate::connector::AnyConnector;
use crate::pipeline::{Intake, Pipeline, Routes};

/// A connector, and where what it holds goes.
#[derive(Clone)]
pub(super) struct Joint {
    pub(super) connector: Arc<AnyConnector>,
    pub(super) intake: Arc<Intake>,
}

impl App {
    /// The connectors of a config: those that run where they can go on with it, with what they hold.
    pub(super) fn joints_of(&self, config: &Config) -> anyhow::Result<Vec<Joint>> {
        let joints = config.connectors.iter().map(|config| {
            let mut before = self.config.connectors.iter();
            let old = before.position(|old| old.goes_on(config));
            if let Some(kept) = old.and_then(|at| self.joints.get(at)) {
                return Ok(kept.clone());
            }
            let intake = Arc::new(Intake::new(config.name(), Routes::default()));
            let (next, letters) = (next(&intake), self.letters.as_ref());
            let (runtimes, memory) = (&self.runtimes, &self.memory);
            let connector = AnyConnector::start(config, runtimes, next, letters, memory)?;
            let connector = Arc::new(connector);
            Ok(Joint { connector, intake })
        });
        joints.collect()
    }

    /// Where what each connector holds goes from now on, and when.
    pub(super) fn switch_joints(&self, config: &Config, made: &Made) {
        let joints = config.connectors.iter().zip(&made.joints);
        for (at, (of, joint)) in joints.enumerate() {
            joint.connector.follow(of);
            let mut routes = Routes::new(self.letters.clone());
            for pipeline in taking(config, &made.pipelines, at) {
                routes.add(of.gives(), pipeline);
            }
            joint.intake.switch(routes);
        }
    }

    /// The connectors, each before those that what it holds goes to.
    pub(super) fn joints_in_order(&self) -> Vec<Arc<AnyConnector>> {
        let mut ordered = vec![];
        let mut left: Vec<usize> = (0..self.joints.len()).collect();
        while !left.is_empty() {
            let is_fed = |at: &usize| {
                let mut others = left.iter().filter(|other| *other != at);
                others.any(|other| leads(&self.config.pipelines, *other, *at))
            };
            let next = left.iter().position(|at| !is_fed(at));
            // There is always one, since connectors in a circle are a mistake.
            let at = left.remove(next.unwrap_or_default());
            ordered.extend(
                self.joints
                    .get(at)
                    .map(|joint| Arc::clone(&joint.connector)),
            );
        }
        ordered
    }

    /// Has every connector hand on what it holds, however long the pipelines behind take; says now and then what there is, since
    /// whoever cannot wait that long must know what is lost.
    pub(super) async fn hand_on(&mut self) {
        while time::timeout(PROGRESS, self.leaving.connectors_ended())
            .await
            .is_err()
        {
            self.leaving.connectors().iter().for_each(tell_held);
        }
        for connector in self.joints_in_order() {
            let mut finished = pin!(connector.finish());
            while time::timeout(PROGRESS, finished.as_mut()).await.is_err() {
                tell_held(&connector);
            }
        }
    }
}

/// The pipelines that take from the connector at `at`.
pub(super) fn taking(
    config: &Config,
    pipelines: &[Arc<Pipeline>],
    at: usize,
) -> Vec<Arc<Pipeline>> {
    let pipelines = config.pipelines.iter().zip(pipelines);
    let taking = pipelines.filter(|(of, _)| of.from.contains(&at));
    taking.map(|(_, pipeline)| Arc::clone(pipeline)).collect()
}

/// Whether what one connector holds comes to another by way of one pipeline.
fn leads(pipelines: &[PipelineConfig], one: usize, other: usize) -> bool {
    let mut pipelines = pipelines.iter();
    pipelines.any(|pipeline| pipeline.from.contains(&one) && pipeline.to.contains(&other))
}

fn tell_held(connector: &Arc<AnyConnector>) {
    let held = connector.held();
    tracing::warn!(
        connector = connector.name(),
        requests = held.requests,
        spans = held.items,
        "not handed on yet; another signal ends otlet and loses them"
    );
}
