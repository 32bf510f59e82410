//! A scenario: what is sent to which programs under test, and what is to arrive. A YAML file each, in `scenarios`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

use crate::otlp::Protocol;
use crate::program::kind_of;
use crate::requests::Shape;
use crate::sink::Behaviour;
use crate::swap::Swap;
use crate::turn::Turn;
use crate::yaml;

/// One scenario.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Its file's name.
    #[serde(skip_deserializing)]
    pub name: String,
    /// One sentence for the report.
    pub about: String,
    /// What is sent.
    pub load: Traffic,
    /// How the backend behaves, e.g. `{ pace_ms: 20 }`.
    #[serde(default)]
    pub sink: Behaviour,
    /// What is to come of it.
    #[serde(default)]
    pub expect: Expect,
    /// The programs under test: `otlet` and `otlet-ANYTHING` are started as otlet, `bare` and `bare-multi` are the forwarder
    /// of this instrument, and all others are started as the Collector is.
    pub programs: BTreeMap<String, Settings>,
}

/// What is sent, e.g. `{ shape: spans, batch: 1000, rate: max, seconds: 5 }`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traffic {
    /// What the records are: `spans`.
    pub shape: Shape,
    /// Records of a request: 1000.
    #[serde(default = "batch")]
    pub batch: usize,
    /// `grpc` or `http`.
    #[serde(default)]
    pub protocol: Protocol,
    /// Connections, over gRPC: 2. Over HTTP there is one for each request in flight.
    #[serde(default = "connections")]
    pub connections: usize,
    /// Requests at the same time, over all connections: 16.
    #[serde(default = "in_flight")]
    pub in_flight: usize,
    /// Whether requests are compressed: false.
    #[serde(default)]
    pub gzip: bool,
    /// `max`, records a second (0 sends nothing and watches), or `{ times: 3 }` of what the backend takes without a program.
    #[serde(default)]
    pub rate: Rate,
    /// How long, in seconds: 5.
    #[serde(default = "seconds")]
    pub seconds: f64,
    /// How long before that nothing is measured, in seconds: 1.
    #[serde(default = "warm_up")]
    pub warm_up: f64,
}

/// How fast.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rate {
    /// As fast as answers come.
    #[default]
    Max,
    /// Records a second, whether answers come or not.
    #[serde(untagged)]
    Records(f64),
    /// So many times what the backend takes.
    #[serde(untagged)]
    Times {
        /// How often.
        times: f64,
    },
}

/// What is to come of it, e.g. `{ records: { share: 0.1, within: 0.02 } }`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Expect {
    /// How many of the records that were acknowledged arrive: `all`.
    pub records: Records,
    /// The least that arrives in time, of what the backend takes without a program: 0.9.
    pub goodput: Option<f64>,
    /// The most memory that a program named `otlet` has resident, in MiB: 256.
    pub resident_mib: Option<u64>,
    /// How much greater the p99 of the second in which a plugin is swapped is at most, than that of the seconds before and after: 2.
    pub swap_p99: Option<f64>,
    /// How long nothing comes until nothing more is thought to come, in seconds: 0.5.
    pub quiet: f64,
    /// How long is waited for what is on its way, in seconds: 10.
    pub settle: f64,
}

/// How many records arrive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Records {
    /// As many as were acknowledged.
    #[default]
    All,
    /// It does not matter.
    Any,
    /// A share of those that were acknowledged.
    #[serde(untagged)]
    Share {
        /// The share.
        share: f64,
        /// How far from it is still right.
        within: f64,
    },
}

/// What a program under test is told.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Its config, by its path from the scenario's folder. `${env:LISTEN_GRPC}` and `${env:LISTEN_HTTP}` are where it is to
    /// listen, `${env:SINK_GRPC}` and `${env:SINK_HTTP}` where it is to export to, all `host:port`.
    pub config: Option<PathBuf>,
    /// A plugin that is swapped under load.
    pub swap: Option<Swap>,
}

fn batch() -> usize {
    1000
}

fn connections() -> usize {
    2
}

fn in_flight() -> usize {
    16
}

fn seconds() -> f64 {
    5.0
}

fn warm_up() -> f64 {
    1.0
}

impl Default for Expect {
    fn default() -> Self {
        Self {
            records: Records::All,
            goodput: None,
            resident_mib: None,
            swap_p99: None,
            quiet: 0.5,
            settle: 10.0,
        }
    }
}

impl Scenario {
    /// Reads a scenario's file.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let mut scenario: Self = yaml::read(path)?;
        scenario.name = path
            .file_stem()
            .context("a scenario is a file")?
            .to_string_lossy()
            .into_owned();
        let folder = path.parent().unwrap_or(Path::new(""));
        for settings in scenario.programs.values_mut() {
            settings.config = settings.config.take().map(|config| folder.join(config));
        }
        scenario
            .check()
            .with_context(|| path.display().to_string())?;
        Ok(scenario)
    }

    fn check(&self) -> anyhow::Result<()> {
        let load = &self.load;
        ensure!(load.batch > 0, "`batch` is at least 1");
        ensure!(load.in_flight > 0, "`in_flight` is at least 1");
        ensure!(load.connections > 0, "`connections` is at least 1");
        ensure!(load.seconds > 0.0, "`seconds` is more than 0");
        ensure!(load.warm_up >= 0.0, "`warm_up` is not less than 0");
        let is_sound = match load.rate {
            Rate::Max => true,
            Rate::Records(rate) => rate >= 0.0,
            Rate::Times { times } => times > 0.0,
        };
        ensure!(is_sound, "`rate` is not less than 0");
        ensure!(!self.programs.is_empty(), "`programs` names none");
        Ok(())
    }

    /// Whether nothing is sent.
    pub fn is_idle(&self) -> bool {
        self.load.rate == Rate::Records(0.0)
    }
}

impl Records {
    /// What is wrong with the number of records that arrived, if anything.
    pub fn fault(self, acknowledged: u64, arrived: u64) -> Option<String> {
        match self {
            Self::Any => None,
            Self::All => (arrived != acknowledged)
                .then(|| format!("{acknowledged} records were acknowledged and {arrived} arrived")),
            Self::Share { share, within } => {
                let found = arrived as f64 / acknowledged as f64;
                let is_right = (found - share).abs() <= within;
                (!is_right).then(|| {
                    format!(
                        "{found:.4} of the acknowledged records arrived, not {share} +- {within}"
                    )
                })
            }
        }
    }
}

impl Scenario {
    /// How many records are to arrive. The bare forwarder drops nothing, whatever the others are to do.
    pub(crate) fn records_of(&self, program: &str) -> Records {
        match kind_of(program).0 {
            "bare" => Records::All,
            _ => self.expect.records,
        }
    }

    /// What is wrong with a turn, a line each.
    pub fn faults(&self, program: &str, turn: &Turn) -> Vec<String> {
        let mut faults = vec![];
        let (outcome, expect) = (&turn.outcome, &self.expect);
        if outcome.failed > 0 {
            faults.push(format!("{} requests had no answer", outcome.failed));
        }
        if turn.arrived.invalid > 0 {
            faults.push(format!(
                "{} requests that arrived are not valid",
                turn.arrived.invalid
            ));
        }
        if outcome.acknowledged > 0 {
            let records = self.records_of(program);
            faults.extend(records.fault(outcome.records, turn.arrived.records));
        } else if !self.is_idle() {
            faults.push("nothing was acknowledged".to_owned());
        }
        if let (Some(least), Some(goodput)) = (expect.goodput, turn.goodput)
            && goodput < least
        {
            faults.push(format!("goodput {goodput:.2} is less than {least}"));
        }
        if let (Some(most), Some(swap)) = (expect.swap_p99, turn.swap())
            && swap.ratio() > most
        {
            faults.push(format!(
                "p99 was {:.2} times as great in the second of the swap, more than {most}",
                swap.ratio()
            ));
        }
        if let Some(most) = expect.resident_mib
            && kind_of(program).0 == "otlet"
            && turn.peak_kib > most * 1024
        {
            faults.push(format!(
                "{} KiB were resident, more than {most} MiB",
                turn.peak_kib
            ));
        }
        faults
    }
}

#[cfg(test)]
mod tests;
