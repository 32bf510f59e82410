//! Lines of files, or of standard input, become log records: the body of a record is its line, JSON or not.
//!
//! Nothing is parsed here: the plugin `link` takes JSON apart. Each receiver has a thread of its own for its files, and hands
//! its requests on to an IO thread, one at a time.
//!
//! **Invariant**: a line counts as read once the request that it is in was taken, or refused for good, which is counted and
//! logged. Until then it is in the file, or in the pipe, whose writer is held up: there is no buffer that could overflow.

mod counters;
mod files;
mod fingerprint;
mod found;
mod gather;
mod glob;
mod handles;
mod handover;
mod lines;
mod positions;
mod stdin;
mod tail;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use opentelemetry_proto::tonic::common::v1::KeyValue;
use tokio::runtime::Builder;
use tokio::sync::{oneshot, watch};
use tokio::time;

pub use counters::Counters;
pub use glob::Glob;
pub use handles::Handles;

use super::Next;
use crate::runtime::Runtimes;
use files::Files;
use gather::Gather;
use handover::Handover;
use positions::{Position, Positions};

/// One `jsonlines` receiver of the config.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The receiver's name in the config, such as `jsonlines/app`.
    pub name: String,
    /// Where the lines are.
    pub input: Input,
    /// The bytes of the longest line; a longer one is cut into several records. Example: `max_line_size: 1MiB`.
    pub max_line_size: usize,
    /// The attributes of the resource of all records. Example: `resource: { service.name: shop }`.
    pub resource: Vec<KeyValue>,
}

/// Where a receiver finds its lines.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// In the standard input of the process. Example: `stdin: true`.
    Stdin,
    /// In files.
    Files(Box<Sought>),
}

/// Which files are read, and from where on.
#[derive(Clone, Debug, PartialEq)]
pub struct Sought {
    /// The files that are read. Example: `include: [/var/log/shop/*.log]`.
    pub include: Vec<Glob>,
    /// Those that are not, though they are included. Example: `exclude: ['/var/log/shop/*.gz']`.
    pub exclude: Vec<Glob>,
    /// Where the files of the first start are read from. Example: `start_at: beginning`.
    pub start_at: StartAt,
    /// The folder that keeps how far each file was read. Example: `storage: /var/lib/otlet`.
    pub storage: Option<PathBuf>,
    /// How often the files are looked at. Example: `poll_interval: 200ms`.
    pub poll_interval: Duration,
    /// How long a last line without a line break waits for the rest of it; zero is for ever. Example: `force_flush_period: 30s`.
    pub force_flush_period: Duration,
}

/// Where a file is read from that is there when otlet starts and of which no position is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StartAt {
    /// From its first line.
    Beginning,
    /// From the lines on that come later.
    #[default]
    End,
}

/// What a receiver leaves to the one that takes its place: how far it read, once it has ended, and what it has counted.
#[derive(Clone)]
pub struct Left {
    positions: watch::Receiver<Option<Vec<Position>>>,
    counters: Arc<Counters>,
}

/// A receiver that is running. Dropped, it ends, and what was read of files and not taken is read again.
pub struct Running {
    name: String,
    /// Sent once it may read.
    begin: Option<oneshot::Sender<()>>,
    stop: watch::Sender<bool>,
    /// Its sender goes away with the thread, and tells before how far it read.
    ended: watch::Receiver<Option<Vec<Position>>>,
    /// Whether what was read and not taken is lost with the process.
    is_only_copy: bool,
    counters: Arc<Counters>,
}

/// Opens what a receiver reads, on a thread of its own, which reads no line before [`Running::begin`]: what is read must have
/// somewhere to go. It goes on where one before it `left` off.
pub fn start(
    config: &Config,
    runtimes: &Runtimes,
    next: &Next,
    handles: &Handles,
    left: Option<&Left>,
) -> io::Result<Running> {
    let counters = left.map_or_else(Arc::default, |left| Arc::clone(&left.counters));
    counters.hold(0);
    let (stop, stopped) = watch::channel(false);
    let (alive, ended) = watch::channel(None);
    let (begin, started) = oneshot::channel();
    let handover = Handover::new(&config.name, runtimes, next, &counters);
    let gather = Gather::new(&config.resource, config.max_line_size, &counters);
    let name = &config.name;
    match &config.input {
        Input::Stdin => {
            let input = stdin::open()?;
            spawn(name, alive, started, || async {
                stdin::run(input, gather, handover, stopped).await;
                vec![]
            })?;
        }
        Input::Files(sought) => {
            let mut positions = Positions::open(sought.storage.as_deref(), name)
                .map_err(|error| io::Error::other(format!("receiver {name:?}: {error}")))?;
            if let Some(left) = left.and_then(|left| left.positions.borrow().clone()) {
                positions.restore(left);
            }
            let files = Files::new(name, sought, positions, gather, handles)?;
            spawn(name, alive, started, || files.run(handover, stopped))?;
        }
    }
    Ok(Running {
        name: name.clone(),
        begin: Some(begin),
        stop,
        ended,
        is_only_copy: config.input == Input::Stdin,
        counters,
    })
}

/// Runs `work`, once it has begun, on a thread with a runtime that has timers and nothing else.
fn spawn<F>(
    name: &str,
    alive: watch::Sender<Option<Vec<Position>>>,
    started: oneshot::Receiver<()>,
    work: impl FnOnce() -> F + Send + 'static,
) -> io::Result<()>
where
    F: Future<Output = Vec<Position>>,
{
    let runtime = Builder::new_current_thread().enable_time().build()?;
    thread::Builder::new()
        .name(format!("otlet-{name}"))
        .spawn(move || {
            runtime.block_on(async {
                if started.await.is_ok() {
                    let positions = work().await;
                    alive.send_replace(Some(positions));
                }
            });
            drop(alive);
        })?;
    Ok(())
}

impl Running {
    /// Has it read.
    pub fn begin(&mut self) {
        // A thread that is gone reads nothing, and whoever waits for its end knows.
        let _gone = self.begin.take().map(|begin| begin.send(()));
    }

    /// The receiver's name in the config.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it leaves to the one that takes its place, once it has ended.
    pub fn left(&self) -> Left {
        Left {
            positions: self.ended.clone(),
            counters: Arc::clone(&self.counters),
        }
    }

    /// Has it end, unless an attempt that is under way takes longer than `patience`: then it goes on as if nothing was said.
    /// Says whether it has ended.
    pub async fn pause(&self, patience: Duration) -> bool {
        self.stop.send_replace(true);
        if time::timeout(patience, self.ended()).await.is_ok() {
            return true;
        }
        self.stop.send_replace(false);
        self.ended.borrow().is_some()
    }

    /// What it has counted.
    pub fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    /// What it has counted, if lines that were read and not taken are lost with the process.
    pub fn only_copy(&self) -> Option<Arc<Counters>> {
        self.is_only_copy.then(|| Arc::clone(&self.counters))
    }

    /// Waits until there is nothing more to read and everything was taken: only standard input comes to an end.
    pub async fn ended(&self) {
        let mut ended = self.ended.clone();
        while ended.changed().await.is_ok() {}
    }

    /// Reads no more, and ends. What was read of standard input is nowhere else, and is handed on however long it takes; for
    /// files an attempt that is under way has `patience`. Says whether it has ended.
    pub async fn stop(mut self, patience: Duration) -> bool {
        self.begin = None;
        self.stop.send_replace(true);
        if self.is_only_copy {
            self.ended().await;
            return true;
        }
        time::timeout(patience, self.ended()).await.is_ok()
    }
}

/// Waits until the receiver is to stop.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    // Whoever forgets a receiver stops it.
    let _gone = stop.wait_for(|stop| *stop).await;
}

#[cfg(test)]
mod tests;
