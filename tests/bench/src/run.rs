//! A run: programs under test take turns between the load and the sink, and what they cost is set side by side.
//!
//! The program under test has core 0 to itself; load and sink share core 1. What is compared is CPU time a request, since
//! these machines are rarely quiet, as the median over rounds that alternate between the programs.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use serde::Serialize;
use tokio::net::TcpListener;

use crate::load::{self, Load, Outcome};
use crate::process::Process;
use crate::requests::Shape;
use crate::sink::{self, Behaviour, Counts};
use crate::{forward, machine};

/// One comparison.
#[derive(Clone, Debug, clap::Args)]
pub struct Comparison {
    /// What is sent.
    #[arg(long, value_enum, default_value = "spans")]
    pub shape: Shape,
    /// Whether the load is compressed.
    #[arg(long)]
    pub gzip: bool,
    /// How often each program has its turn.
    #[arg(long, default_value_t = 5)]
    pub rounds: usize,
    /// How long a turn is, in seconds.
    #[arg(long, default_value_t = 3.0)]
    pub seconds: f64,
    /// Requests at the same time, over two connections.
    #[arg(long, default_value_t = 16)]
    pub in_flight: usize,
    /// Connections of the load.
    #[arg(long, default_value_t = 2)]
    pub connections: usize,
    /// The largest frame that the sink takes.
    #[arg(long, default_value_t = 16384)]
    pub max_frame: u32,
    /// The otlet to measure.
    #[arg(long)]
    pub otlet: Option<PathBuf>,
    /// Configs for otlet, each a program under test; `${env:SINK}` is where they export to.
    #[arg(long)]
    pub config: Vec<PathBuf>,
    /// Bare forwarders to measure; the first program is what the others are compared with.
    #[arg(long, value_enum, default_values_t = [forward::Threads::Current])]
    pub bare: Vec<forward::Threads>,
}

impl std::fmt::Display for forward::Threads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let value = clap::ValueEnum::to_possible_value(self).expect("no variant is skipped");
        f.write_str(value.get_name())
    }
}

/// One program's figures.
#[derive(Debug, Serialize)]
pub struct Figures {
    /// The program.
    pub program: String,
    /// CPU time a record, in nanoseconds, one a round.
    pub ns_per_record: Vec<f64>,
    /// The ratio to the first program of the same round.
    pub ratios: Vec<f64>,
    /// The median number of records that were acknowledged a second.
    pub records_per_second: f64,
    /// Its peak memory in KiB.
    pub peak_kib: u64,
    /// Median latencies in microseconds.
    pub p50: u64,
    /// The same for the slowest hundredth.
    pub p99: u64,
    /// Requests that were refused or got no answer, over all rounds.
    pub lost: u64,
}

struct Turn {
    ns_per_record: f64,
    peak_kib: u64,
    outcome: Outcome,
}

enum Program {
    Bare(forward::Threads),
    Otlet { binary: PathBuf, config: PathBuf },
}

/// Gives every program its turns.
pub async fn compare(comparison: &Comparison) -> anyhow::Result<Vec<Figures>> {
    machine::pin(1)?;
    let programs = programs(comparison)?;
    let requests: Arc<[_]> = comparison.shape.framed(8, comparison.gzip).into();
    let mut turns: Vec<Vec<Turn>> = programs.iter().map(|_| vec![]).collect();
    for _ in 0..comparison.rounds {
        for (program, turns) in programs.iter().zip(&mut turns) {
            turns.push(turn(program, comparison, Arc::clone(&requests)).await?);
        }
    }
    let base: Vec<f64> = turns[0].iter().map(|turn| turn.ns_per_record).collect();
    Ok(programs
        .iter()
        .zip(turns)
        .map(|(program, turns)| figures(program, &turns, &base, comparison))
        .collect())
}

fn programs(comparison: &Comparison) -> anyhow::Result<Vec<Program>> {
    let mut programs: Vec<_> = comparison
        .bare
        .iter()
        .map(|threads| Program::Bare(*threads))
        .collect();
    for config in &comparison.config {
        let binary = comparison.otlet.clone().context("--config needs --otlet")?;
        programs.push(Program::Otlet {
            binary,
            config: config.clone(),
        });
    }
    if programs.is_empty() {
        bail!("nothing to measure: name --bare or --config");
    }
    Ok(programs)
}

fn figures(program: &Program, turns: &[Turn], base: &[f64], comparison: &Comparison) -> Figures {
    let records = comparison.shape.records() as f64;
    let rate = |turn: &Turn| turn.outcome.acknowledged as f64 * records / turn.outcome.seconds;
    Figures {
        program: program.name(),
        ns_per_record: turns.iter().map(|turn| turn.ns_per_record).collect(),
        ratios: turns
            .iter()
            .zip(base)
            .map(|(turn, base)| turn.ns_per_record / base)
            .collect(),
        records_per_second: median(turns.iter().map(rate)),
        peak_kib: turns
            .iter()
            .map(|turn| turn.peak_kib)
            .max()
            .unwrap_or_default(),
        p50: median(turns.iter().map(|turn| turn.outcome.p50 as f64)) as u64,
        p99: median(turns.iter().map(|turn| turn.outcome.p99 as f64)) as u64,
        lost: turns
            .iter()
            .map(|turn| turn.outcome.refused + turn.outcome.failed)
            .sum(),
    }
}

/// The median of some numbers; of an even count the upper one.
pub fn median(numbers: impl Iterator<Item = f64>) -> f64 {
    let mut numbers: Vec<_> = numbers.collect();
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The figures as a table in Markdown.
pub fn table(figures: &[Figures], records: usize) -> String {
    let mut table = String::from(
        "| program | CPU ns/record | us/request | ratio (min-max) | records/s | p50 us | p99 us | peak MiB | lost |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    for row in figures {
        let ns = median(row.ns_per_record.iter().copied());
        let (min, max) = row
            .ratios
            .iter()
            .fold((f64::MAX, 0.0_f64), |(min, max), r| {
                (min.min(*r), max.max(*r))
            });
        let _infallible = writeln!(
            table,
            "| {} | {ns:.0} | {:.0} | {:.2} ({min:.2}-{max:.2}) | {:.0} | {} | {} | {} | {} |",
            row.program,
            ns * records as f64 / 1000.0,
            median(row.ratios.iter().copied()),
            row.records_per_second,
            row.p50,
            row.p99,
            row.peak_kib / 1024,
            row.lost,
        );
    }
    table
}

impl Program {
    fn name(&self) -> String {
        match self {
            Self::Bare(threads) => format!("bare tonic, {threads}"),
            Self::Otlet { config, .. } => {
                format!(
                    "otlet, {}",
                    config.file_stem().unwrap_or_default().to_string_lossy()
                )
            }
        }
    }

    /// Starts it on core 0 and waits until it listens.
    fn start(&self, sink: SocketAddr) -> anyhow::Result<(Process, SocketAddr)> {
        let mut command = match self {
            Self::Bare(threads) => {
                let mut command = Command::new(std::env::current_exe()?);
                command.args([
                    "forward",
                    "--target",
                    &format!("http://{sink}"),
                    "--threads",
                    &threads.to_string(),
                ]);
                command
            }
            Self::Otlet { binary, config } => {
                let mut command = Command::new(binary);
                command.arg("run").arg("--config").arg(config);
                command
            }
        };
        let (process, addresses) = Process::start(&mut command, sink, &["listening"])?;
        let [address] = addresses[..] else {
            bail!("one line says where it listens");
        };
        Ok((process, address))
    }
}

async fn turn(
    program: &Program,
    comparison: &Comparison,
    requests: Arc<[bytes::Bytes]>,
) -> anyhow::Result<Turn> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let sink = listener.local_addr()?;
    let counts = Arc::new(Counts::default());
    let behaviour = Behaviour {
        max_frame: comparison.max_frame,
        ..Behaviour::default()
    };
    let sinking = tokio::spawn(sink::serve(listener, behaviour, counts));
    let (process, address) = program.start(sink)?;
    let pid = process.id();
    let load = |seconds: f64| Load {
        target: address.to_string(),
        path: comparison.shape.path(),
        requests: Arc::clone(&requests),
        gzip: comparison.gzip,
        connections: comparison.connections,
        in_flight: comparison.in_flight,
        rate: None,
        duration: Duration::from_secs_f64(seconds),
    };
    load::send(load(comparison.seconds / 5.0)).await?;
    let before = machine::cpu_time(pid)?;
    let outcome = load::send(load(comparison.seconds)).await?;
    let spent = machine::cpu_time(pid)? - before;
    let peak_kib = machine::peak_memory(pid)?;
    drop(process);
    sinking.abort();
    let records = (outcome.acknowledged as f64) * comparison.shape.records() as f64;
    Ok(Turn {
        ns_per_record: spent as f64 / records,
        peak_kib,
        outcome,
    })
}
