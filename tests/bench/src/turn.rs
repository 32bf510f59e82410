//! One turn: a program is started between the load and the sink, warmed up, loaded and watched.

mod watch;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde::Serialize;
use tokio::time;

use crate::load::{self, Load, Outcome};
use crate::machine;
use crate::otlp::Protocol;
use crate::process::Process;
use crate::program::{Addresses, Program};
use crate::requests::Request;
use crate::scenario::{Rate, Scenario};
use crate::sink::{Arrived, Sink};
use crate::swap::{Seconds, Swapped};
pub(crate) use watch::Sample;
use watch::Watch;

/// What all turns of a scenario share.
pub(crate) struct Stage {
    pub(crate) scenario: Scenario,
    pub(crate) requests: Arc<[Request]>,
    /// What the backend takes without a program, in requests a second, where the rate is so many times that.
    pub(crate) capacity: Option<f64>,
    /// How many cores the program has.
    pub(crate) cores: usize,
    /// Where the sink's connections run.
    pub(crate) sink: tokio::runtime::Handle,
}

/// What was seen in one turn.
#[derive(Clone, Debug, Serialize)]
pub struct Turn {
    /// From the start of the process to the first acknowledged request, in milliseconds.
    pub ready_ms: f64,
    /// The size of the file that the process runs, in bytes.
    pub binary_bytes: u64,
    /// Resident memory after that request, in KiB.
    pub idle_kib: u64,
    /// CPU time from the beginning of the load until everything had arrived, in nanoseconds.
    pub cpu_ns: u64,
    /// The share of its cores that the program used while the load went on.
    pub busy: f64,
    /// The same of what its threads waited for a core that others had: little, if the machine is quiet.
    pub waited: f64,
    /// What the load saw.
    pub outcome: Outcome,
    /// What had arrived when nothing more came.
    pub arrived: Arrived,
    /// What had arrived when the load ended.
    pub arrived_in_time: Arrived,
    /// What arrived in time, of what the backend takes without a program.
    pub goodput: Option<f64>,
    /// When a plugin was swapped.
    pub swapped: Option<Swapped>,
    /// The most memory that was ever resident, in KiB, and that at the end.
    pub peak_kib: u64,
    /// See there.
    pub final_kib: u64,
    /// When the load began and ended, in milliseconds since the start of the process.
    pub load_ms: (u64, u64),
    /// What the process used over time.
    pub samples: Vec<Sample>,
}

impl Turn {
    /// How long requests took while a plugin was swapped.
    pub fn swap(&self) -> Option<Seconds> {
        self.swapped?.seconds(&self.outcome.each_second)
    }

    /// CPU time a record that was acknowledged, in nanoseconds; none where nothing was.
    pub fn ns_per_record(&self) -> Option<f64> {
        (self.outcome.records > 0).then(|| self.cpu_ns as f64 / self.outcome.records as f64)
    }
}

const LOCAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// How often it is looked whether something has come.
const LOOK: Duration = Duration::from_millis(50);
/// How long a program may take until it is ready: the first start of one that compiles its plugins.
const LONGEST_START: Duration = Duration::from_mins(1);

/// A program that takes requests.
struct Running {
    process: Process,
    sink: Arc<Sink>,
    target: SocketAddr,
    start: Instant,
    ready: Duration,
}

impl Stage {
    /// Starts the sink.
    pub(crate) async fn sink(&self) -> anyhow::Result<Arc<Sink>> {
        let behaviour = self.scenario.sink;
        let starting = self.sink.spawn(Sink::start(LOCAL, LOCAL, behaviour));
        Ok(Arc::new(starting.await??))
    }

    /// The load of this rate, in requests a second, for so long.
    pub(crate) fn load(&self, target: SocketAddr, rate: Option<f64>, seconds: f64) -> Load {
        let load = &self.scenario.load;
        Load {
            target: target.to_string(),
            protocol: load.protocol,
            signal: load.shape.signal(),
            requests: Arc::clone(&self.requests),
            gzip: load.gzip,
            connections: load.connections,
            in_flight: load.in_flight,
            rate,
            duration: Duration::from_secs_f64(seconds),
        }
    }

    fn rate(&self) -> anyhow::Result<Option<f64>> {
        Ok(match self.scenario.load.rate {
            Rate::Max => None,
            Rate::Records(records) => Some(records / self.scenario.load.batch as f64),
            Rate::Times { times } => Some(times * self.capacity.context("no capacity")?),
        })
    }

    /// Starts the program once and ends it, so that it finds its caches warm from then on.
    pub(crate) async fn prime(&self, program: &Program, log: &Path) -> anyhow::Result<()> {
        self.start(program, log).await.map(drop)
    }

    /// Gives the program its turn.
    pub(crate) async fn turn(&self, program: &Program, log: &Path) -> anyhow::Result<Turn> {
        let mut running = self.start(program, log).await?;
        let pid = running.process.id();
        let idle_kib = machine::memory(pid)?;
        let watch = Watch::start(pid, running.start);
        let (seconds, warm_up) = (self.scenario.load.seconds, self.scenario.load.warm_up);
        if warm_up > 0.0 {
            self.apply(&running, warm_up).await?;
            self.settled(&running.sink, |_| true).await;
        }
        let before = running.sink.arrived();
        let swapping = program.swap.clone().map(|swap| {
            let wait = Duration::from_secs_f64(seconds / 3.0);
            tokio::spawn(swap.after(wait, plugins(log), log.to_owned()))
        });
        let (at_first, from) = (watch.used()?, Instant::now());
        let outcome = self.apply(&running, seconds).await?;
        let (to, used) = (Instant::now(), watch.used()?.since(at_first));
        let arrived_in_time = running.sink.arrived().since(before);
        let expected = self.scenario.records_of(&program.name);
        let is_there = |arrived: Arrived| {
            let records = arrived.since(before).records;
            expected.fault(outcome.records, records).is_none()
        };
        self.settled(&running.sink, is_there).await;
        running.process.lives()?;
        let swapped = match swapping {
            Some(swapping) => Some(swapping.await??),
            None => None,
        };
        let cpu_ns = watch.used()?.since(at_first).cpu_ns;
        let took = (to - from).as_nanos() as f64 * self.cores as f64;
        let millis = |at: Instant| at.duration_since(running.start).as_millis() as u64;
        Ok(Turn {
            ready_ms: running.ready.as_secs_f64() * 1e3,
            binary_bytes: machine::binary(pid)?,
            idle_kib,
            cpu_ns,
            busy: used.cpu_ns as f64 / took,
            waited: used.waited_ns as f64 / took,
            goodput: self
                .capacity
                .map(|most| arrived_in_time.bytes as f64 / outcome.seconds / (most * self.size())),
            outcome,
            arrived: running.sink.arrived().since(before),
            arrived_in_time,
            swapped,
            peak_kib: machine::peak_memory(pid)?,
            final_kib: machine::memory(pid)?,
            load_ms: (millis(from), millis(to)),
            samples: watch.end(),
        })
    }

    /// Sends the load for so long, or nothing.
    async fn apply(&self, running: &Running, seconds: f64) -> anyhow::Result<Outcome> {
        if self.scenario.is_idle() {
            time::sleep(Duration::from_secs_f64(seconds)).await;
            return Ok(Outcome::none(seconds));
        }
        load::send(self.load(running.target, self.rate()?, seconds)).await
    }

    /// The bytes of a request, on average.
    fn size(&self) -> f64 {
        let bytes: usize = self.requests.iter().map(|request| request.body.len()).sum();
        bytes as f64 / self.requests.len() as f64
    }

    async fn start(&self, program: &Program, log: &Path) -> anyhow::Result<Running> {
        let sink = self.sink().await?;
        let [listen_grpc, listen_http] = free_addresses()?;
        let addresses = Addresses {
            listen_grpc,
            listen_http,
            sink_grpc: sink.grpc,
            sink_http: sink.http,
        };
        let target = match self.scenario.load.protocol {
            Protocol::Grpc => listen_grpc,
            Protocol::Http => listen_http,
        };
        let plugins = plugins(log);
        if let Some(swap) = &program.swap {
            swap.prepare(&plugins)?;
        }
        let start = Instant::now();
        let command = program.command(&addresses, &plugins)?;
        let mut process = Process::start(&command, self.cores, log)?;
        // A single request, at the beginning of a second that ends before the next.
        let probe = Load {
            in_flight: 1,
            ..self.load(target, Some(1.0), 0.9)
        };
        loop {
            if let Ok(outcome) = load::send(probe.clone()).await
                && outcome.acknowledged == 1
            {
                break;
            }
            process.lives()?;
            if start.elapsed() > LONGEST_START {
                bail!("no request was acknowledged in {LONGEST_START:?}");
            }
            time::sleep(Duration::from_millis(1)).await;
        }
        Ok(Running {
            process,
            sink,
            target,
            start,
            ready: start.elapsed(),
        })
    }

    /// Waits until nothing more arrives, and for what is expected, though not for ever.
    async fn settled(&self, sink: &Sink, is_there: impl Fn(Arrived) -> bool) {
        let start = Instant::now();
        let (mut last, mut since) = (sink.arrived(), start);
        let expect = &self.scenario.expect;
        loop {
            time::sleep(LOOK).await;
            let now = sink.arrived();
            if now != last {
                (last, since) = (now, Instant::now());
            }
            let is_over = start.elapsed().as_secs_f64() > expect.settle;
            let is_quiet = since.elapsed().as_secs_f64() >= expect.quiet;
            if is_quiet && (is_there(now) || is_over) {
                return;
            }
        }
    }
}

/// The folder of a program's plugins, beside its log.
fn plugins(log: &Path) -> PathBuf {
    log.with_extension("plugins")
}

/// Two addresses that nobody has at this moment.
fn free_addresses() -> anyhow::Result<[SocketAddr; 2]> {
    let (one, other) = (TcpListener::bind(LOCAL)?, TcpListener::bind(LOCAL)?);
    Ok([one.local_addr()?, other.local_addr()?])
}

#[cfg(test)]
impl Turn {
    /// A turn in which 10,000 records cost so many nanoseconds each.
    pub(crate) fn example(ns_per_record: f64) -> Self {
        let arrived = Arrived {
            requests: 10,
            records: 10_000,
            bytes: 10_000_000,
            invalid: 0,
        };
        let mut outcome = Outcome::none(2.0);
        outcome.acknowledged = 10;
        outcome.records = 10_000;
        outcome.latency.p50 = 1500;
        Self {
            ready_ms: 20.0,
            binary_bytes: 40_000_000,
            idle_kib: 20 << 10,
            cpu_ns: (ns_per_record * 10_000.0) as u64,
            busy: 0.5,
            waited: 0.25,
            outcome,
            arrived,
            arrived_in_time: arrived,
            goodput: None,
            swapped: None,
            peak_kib: 40 << 10,
            final_kib: 30 << 10,
            load_ms: (100, 2100),
            samples: vec![],
        }
    }
}
