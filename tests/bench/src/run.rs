//! A run: scenarios one after the other, whose programs take turns, and a report of what each cost.
//!
//! The program under test has its cores to itself; load and sink have the next two, or share one where there are no more. What
//! is compared is CPU time a record, since machines are rarely quiet, in rounds in which every program has its turn.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use serde::Serialize;
use tokio::runtime::{Builder, Handle};

use crate::load;
use crate::machine::{self, Machine};
use crate::otlp::Protocol;
use crate::program::{self, Binary, Program};
use crate::scenario::{Rate, Scenario};
use crate::turn::{Stage, Turn};

/// What to run.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Scenarios, a YAML file each.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// The file of a program that scenarios name, e.g. `otlet=target/dist/otlet`. Programs without one are left out.
    #[arg(long = "program", value_name = "NAME=PATH")]
    pub programs: Vec<Binary>,
    /// How often each program has its turn.
    #[arg(long, default_value_t = 5)]
    pub rounds: usize,
    /// How long each turn is, in seconds, whatever the scenarios say.
    #[arg(long)]
    pub seconds: Option<f64>,
    /// How many cores the program under test has.
    #[arg(long, default_value_t = 1)]
    pub cores: usize,
    /// The folder that the report is written to.
    #[arg(long, default_value = "target/bench")]
    pub out: PathBuf,
}

/// Everything that a run has seen.
#[derive(Debug, Serialize)]
pub struct Results {
    /// Where.
    pub machine: Machine,
    /// How many cores the programs under test had.
    pub cores: usize,
    /// Whether load and sink had to share a core with them.
    pub is_crowded: bool,
    /// Of each scenario.
    pub scenarios: Vec<Played>,
}

impl Results {
    /// How many things were not as expected.
    pub fn faults(&self) -> usize {
        let programs = self.scenarios.iter().flat_map(|played| &played.programs);
        programs.map(|program| program.faults.len()).sum()
    }
}

/// What a scenario has seen.
#[derive(Debug, Serialize)]
pub struct Played {
    /// The scenario.
    pub scenario: Scenario,
    /// Of each program, those of otlet first.
    pub programs: Vec<Turns>,
    /// Programs whose file was not given.
    pub left_out: Vec<String>,
}

impl Played {
    /// All turns that came to their end, with their programs' names.
    pub(crate) fn turns(&self) -> impl Iterator<Item = (&str, &Turn)> {
        let programs = self.programs.iter();
        programs.flat_map(move |all| {
            all.turns
                .iter()
                .flatten()
                .map(|turn| (all.program.as_str(), turn))
        })
    }
}

/// The turns of one program.
#[derive(Debug, Serialize)]
pub struct Turns {
    /// The program.
    pub program: String,
    /// One a round; none where it failed.
    pub turns: Vec<Option<Turn>>,
    /// What was not as expected, a line each.
    pub faults: Vec<String>,
}

/// The cores of load and sink.
struct Cores {
    load: usize,
    sink: usize,
    is_crowded: bool,
}

impl Cores {
    /// Of so many in all, the program has the first ones.
    fn of(machine: usize, program: usize) -> Self {
        let last = machine - 1;
        Self {
            load: program.min(last),
            sink: (program + 1).min(last),
            is_crowded: program > last,
        }
    }
}

/// Plays all scenarios.
pub fn play(options: &Options) -> anyhow::Result<Results> {
    let machine = Machine::this()?;
    ensure!(
        (1..=machine.cores).contains(&options.cores),
        "this machine has {} cores",
        machine.cores
    );
    let scenarios: Vec<_> = (options.files.iter())
        .map(|file| Scenario::read(file))
        .collect::<Result<_, _>>()?;
    std::fs::create_dir_all(&options.out).with_context(|| options.out.display().to_string())?;
    let cores = Cores::of(machine.cores, options.cores);
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let sink = if cores.sink == cores.load {
        runtime.handle().clone()
    } else {
        sink_runtime(cores.sink)?
    };
    machine::pin(&[cores.load])?;
    let mut played = vec![];
    for mut scenario in scenarios {
        scenario.load.seconds = options.seconds.unwrap_or(scenario.load.seconds);
        let name = scenario.name.clone();
        let scenario = runtime.block_on(rounds(options, scenario, sink.clone()));
        played.push(scenario.context(name)?);
    }
    Ok(Results {
        machine,
        cores: options.cores,
        is_crowded: cores.is_crowded,
        scenarios: played,
    })
}

/// A runtime on a thread of its own, for as long as this process lives.
fn sink_runtime(core: usize) -> anyhow::Result<Handle> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    std::thread::spawn(move || {
        let pinned = machine::pin(&[core]);
        runtime.block_on(std::future::pending::<()>());
        pinned
    });
    Ok(handle)
}

async fn rounds(options: &Options, scenario: Scenario, sink: Handle) -> anyhow::Result<Played> {
    let (programs, left_out) = program::of(&scenario, &options.programs)?;
    let load = &scenario.load;
    let requests = (load.shape).requests(load.batch, load.protocol, load.gzip)?;
    let mut stage = Stage {
        requests: requests.into(),
        capacity: None,
        cores: options.cores,
        sink,
        scenario,
    };
    if let Rate::Times { .. } = stage.scenario.load.rate {
        stage.capacity = Some(capacity(&stage).await?);
    }
    let mut all: Vec<_> = programs.iter().map(Turns::of).collect();
    for (program, turns) in programs.iter().zip(&mut all) {
        let log = log(&options.out, &stage, program);
        if let Err(error) = stage.prime(program, &log).await {
            turns.fault(format!("it did not start: {error:#}"));
        }
    }
    for round in 0..options.rounds {
        // Each begins a round in its turn, so that none always follows the same one.
        let first = round % programs.len().max(1);
        for index in (0..programs.len()).map(|index| (first + index) % programs.len()) {
            let log = log(&options.out, &stage, &programs[index]);
            all[index].play(&stage, &programs[index], &log).await;
        }
    }
    Ok(Played {
        scenario: stage.scenario,
        programs: all,
        left_out,
    })
}

/// The requests a second that the backend takes without a program.
async fn capacity(stage: &Stage) -> anyhow::Result<f64> {
    let sink = stage.sink().await?;
    let target = match stage.scenario.load.protocol {
        Protocol::Grpc => sink.grpc,
        Protocol::Http => sink.http,
    };
    let seconds = stage.scenario.load.seconds / 4.0;
    let outcome = load::send(stage.load(target, None, seconds)).await?;
    Ok(outcome.acknowledged as f64 / outcome.seconds)
}

fn log(out: &Path, stage: &Stage, program: &Program) -> PathBuf {
    let name = format!("{}-{}.log", stage.scenario.name, program.name);
    out.join(name)
}

impl Turns {
    fn of(program: &Program) -> Self {
        Self {
            program: program.name.clone(),
            turns: vec![],
            faults: vec![],
        }
    }

    fn fault(&mut self, fault: String) {
        eprintln!("{}: {fault}", self.program);
        self.faults.push(fault);
    }

    async fn play(&mut self, stage: &Stage, program: &Program, log: &Path) {
        let round = self.turns.len() + 1;
        match stage.turn(program, log).await {
            Ok(turn) => {
                let cost = turn.ns_per_record().unwrap_or_default();
                eprintln!(
                    "{} round {round}: {}: {cost:.0} ns a record, {:.0} % of its cores",
                    stage.scenario.name,
                    self.program,
                    turn.busy * 100.0
                );
                for fault in stage.scenario.faults(&self.program, &turn) {
                    self.fault(format!("round {round}: {fault}"));
                }
                self.turns.push(Some(turn));
            }
            Err(error) => {
                self.fault(format!("round {round}: {error:#}"));
                self.turns.push(None);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn load_and_sink_have_cores_of_their_own_where_there_are_enough() {
        let of = |machine, program| {
            let cores = Cores::of(machine, program);
            (cores.load, cores.sink, cores.is_crowded)
        };
        assert_eq!(of(8, 1), (1, 2, false));
        assert_eq!(of(8, 2), (2, 3, false));
        assert_eq!(of(2, 1), (1, 1, false));
        assert_eq!(of(2, 2), (1, 1, true));
        assert_eq!(of(1, 1), (0, 0, true));
    }
}
