//! Receivers of lines: the parts that end before others stand.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Slot;
use crate::app::parts::{next, within};
use crate::app::{App, PATIENCE};
use crate::config::Config;
use crate::pipeline::{Intake, Routes};
use crate::receiver::jsonlines;

impl App {
    /// Starts the receivers of lines that are not running, after those have ended that no longer are as the config says. Of
    /// two at the same files, or with the same name, one would be too many: these are the parts that end before others stand.
    pub(super) async fn replace_lines(
        &mut self,
        config: &Config,
        intakes: &[(Arc<Intake>, Routes)],
    ) -> anyhow::Result<Vec<Slot<jsonlines::Running>>> {
        let wanted: Vec<_> = config.used_lines().map(|(_, config)| config).collect();
        let running: Vec<_> = self.config.used_lines().map(|(_, config)| config).collect();
        let mut left = BTreeMap::new();
        let mut stuck = None;
        for (old, lines) in running.into_iter().zip(&self.lines) {
            if wanted.contains(&old) {
                continue;
            }
            if !lines.pause(PATIENCE).await {
                stuck = Some(old.name.clone());
                break;
            }
            left.insert(old.name.clone(), lines.left());
        }
        let started = match stuck {
            None => self.start_lines(config, intakes, &left),
            Some(name) => Err(anyhow::anyhow!(
                "receiver {name:?} has lines that were not taken in time, and reads on as before: try again"
            )),
        };
        if started.is_err() {
            self.resume_lines(&left);
        }
        started
    }

    /// Starts the receivers of lines that the config has and that are not running.
    pub(super) fn start_lines(
        &self,
        config: &Config,
        intakes: &[(Arc<Intake>, Routes)],
        left: &BTreeMap<String, jsonlines::Left>,
    ) -> anyhow::Result<Vec<Slot<jsonlines::Running>>> {
        let mut lines = vec![];
        for (index, wanted) in config.used_lines() {
            let Some((intake, _)) = intakes.get(index) else {
                continue;
            };
            let mut running = self.config.used_lines();
            lines.push(if running.any(|(_, old)| old == wanted) {
                Slot::Kept
            } else {
                Slot::New(self.start_one(wanted, intake, left.get(&wanted.name))?)
            });
        }
        Ok(lines)
    }

    fn start_one(
        &self,
        config: &jsonlines::Config,
        intake: &Arc<Intake>,
        left: Option<&jsonlines::Left>,
    ) -> anyhow::Result<jsonlines::Running> {
        let next = within(&self.memory, next(intake));
        let handles = &self.handles;
        Ok(jsonlines::start(
            config,
            &self.runtimes,
            &next,
            handles,
            left,
        )?)
    }

    /// Starts those again that have ended for a reload that cannot be.
    fn resume_lines(&mut self, left: &BTreeMap<String, jsonlines::Left>) {
        let mut resumed = vec![];
        for (place, (index, old)) in self.config.used_lines().enumerate() {
            let (Some(left), Some(intake)) = (left.get(&old.name), self.intakes.get(index)) else {
                continue;
            };
            match self.start_one(old, intake, Some(left)) {
                Ok(running) => resumed.push((place, running)),
                Err(error) => {
                    tracing::error!(receiver = old.name, %error, "lines cannot be read on: restart otlet");
                }
            }
        }
        for (place, mut running) in resumed {
            if let Some(lines) = self.lines.get_mut(place) {
                running.begin();
                *lines = running;
            }
        }
    }
}
