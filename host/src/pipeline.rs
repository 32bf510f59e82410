//! Pipelines: what a receiver or a connector hands on goes through the processors and into every exporter's queue, and every
//! connector's, or is refused whole.
//!
//! **Invariant**: room is reserved in every queue before the first processor runs, and all queues are filled at once after
//! the last, with no await between them. A request that is refused has left no copy anywhere. Dead letters are written before
//! any queue is filled, all or none; where that fails, the request is refused. What the processors and the exporters need of the
//! process's memory is taken as early.
//!
//! **Invariant**: a request ends in the pipelines that it began with, whatever pipelines its receiver has meanwhile.

mod apart;
mod chain;
mod process;
mod stage;
mod taken;
mod trial;
mod workers;

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::watch;

pub use chain::Chain;
pub use stage::{Counters, Stage};
pub use taken::{BySignal, Taken};
pub use trial::Told;

use crate::acceptance::Accepted;
use crate::batch::{Batch, Signal, WireError};
use crate::compression;
use crate::connector::{AnyConnector, AnyReservation};
use crate::exporter::Exporter;
use crate::letters::{Letter, Letters};
use crate::otlp;
use crate::payload::Payload;
use crate::queue::{Reservation, Size};
use crate::refusal::{RETRY_AFTER, Refusal};
use chain::{Ended, Outcome, Run};
use process::{Outgoing, process, promise};
use workers::Workers;

/// One pipeline of the config.
pub struct Pipeline {
    chain: Arc<Chain>,
    workers: Workers,
    exporters: Vec<Arc<Exporter>>,
    /// Where its requests are held, for other pipelines.
    connectors: Vec<Arc<AnyConnector>>,
    /// Whether a queue counts records, so that every request must be opened.
    counts_items: bool,
    /// Dropped with the pipeline.
    alive: watch::Sender<()>,
}

/// Room for a request wherever a pipeline hands it.
struct Reserved {
    exporters: Vec<Reservation>,
    connectors: Vec<AnyReservation>,
}

impl Pipeline {
    /// A pipeline of these parts. `counts_items` says that a queue is bounded in records; `threads` bounds the worker
    /// threads that the processors may use at the same time.
    pub fn new(
        chain: Chain,
        exporters: Vec<Arc<Exporter>>,
        counts_items: bool,
        threads: usize,
    ) -> Self {
        let workers = Workers::new(chain.name(), threads);
        Self {
            chain: Arc::new(chain),
            workers,
            exporters,
            connectors: vec![],
            counts_items,
            alive: watch::Sender::new(()),
        }
    }

    /// Has its requests go to these connectors as well.
    #[must_use]
    pub fn with_connectors(mut self, connectors: Vec<Arc<AnyConnector>>) -> Self {
        self.connectors = connectors;
        self
    }

    /// Whether it is made of these very processors, exporters and connectors, in this order.
    pub fn is_of(
        &self,
        stages: &[Arc<Stage>],
        exporters: &[Arc<Exporter>],
        connectors: &[Arc<AnyConnector>],
    ) -> bool {
        is_same(self.chain.stages(), stages)
            && is_same(&self.exporters, exporters)
            && is_same(&self.connectors, connectors)
    }

    /// Whether its requests go to this connector.
    pub fn feeds(&self, connector: &Arc<AnyConnector>) -> bool {
        self.connectors
            .iter()
            .any(|one| Arc::ptr_eq(one, connector))
    }

    /// Waits until nobody has the pipeline any more, and no request is in it.
    pub fn ended(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut alive = self.alive.subscribe();
        async move { while alive.changed().await.is_ok() {} }
    }

    /// Whether the pipeline must see the protobuf, and not only carry it; a connector has to.
    fn opens(&self, signal: Signal) -> bool {
        self.counts_items || !self.connectors.is_empty() || self.chain.takes(signal)
    }

    /// Whether its requests are joined with those of others.
    fn joins(&self) -> bool {
        self.connectors.iter().any(|connector| connector.joins())
    }

    /// Takes room for a request in every queue, and memory for what the exporters may make of it.
    fn reserve(&self, payload: &Payload, size: Size) -> Result<Reserved, Refusal> {
        let reserve = |exporter: &Arc<Exporter>| {
            let mut reservation = exporter.reserve(size)?;
            exporter.promise(&mut reservation, payload)?;
            Ok(reservation)
        };
        let held = |connector: &Arc<AnyConnector>| connector.reserve(payload, size);
        Ok(Reserved {
            exporters: self
                .exporters
                .iter()
                .map(reserve)
                .collect::<Result<_, _>>()?,
            connectors: self.connectors.iter().map(held).collect::<Result<_, _>>()?,
        })
    }

    /// Has what the exporters were promised fit what leaves the processors.
    fn fit(&self, reserved: &mut Reserved, outgoing: &Outgoing) -> Result<(), Refusal> {
        let Some((payload, size)) = outgoing else {
            return Ok(());
        };
        for (exporter, reservation) in self.exporters.iter().zip(&mut reserved.exporters) {
            exporter.promise(reservation, payload)?;
        }
        for (connector, reservation) in self.connectors.iter().zip(&mut reserved.connectors) {
            connector.promise(reservation, payload, *size)?;
        }
        Ok(())
    }

    /// Runs the processors here, and on a worker thread from the first that may take long.
    async fn run(&self, batch: Batch) -> Ended {
        match self.chain.run_inline(batch) {
            Run::Done(ended) => ended,
            Run::HandOver(from) => {
                let chain = Arc::clone(&self.chain);
                let done = self.workers.submit(move || chain.run_on_worker(from));
                match done {
                    Ok(done) => done
                        .await
                        .unwrap_or_else(|_| Outcome::Rejected(self.broken()).into()),
                    Err(workers::Full) => Outcome::Rejected(Refusal::Full {
                        what: format!("pipeline {}", self.chain.name()),
                        after: RETRY_AFTER,
                    })
                    .into(),
                }
            }
        }
    }

    fn broken(&self) -> Refusal {
        Refusal::Unavailable {
            what: format!("pipeline {} broke off", self.chain.name()),
            after: RETRY_AFTER,
        }
    }
}

/// Whether two lists are of the same things.
fn is_same<T>(one: &[Arc<T>], other: &[Arc<T>]) -> bool {
    one.len() == other.len()
        && one
            .iter()
            .zip(other)
            .all(|(one, other)| Arc::ptr_eq(one, other))
}

/// Where the requests of one receiver go, which can be changed at any time.
pub struct Intake {
    receiver: String,
    routes: ArcSwap<Routes>,
    taken: BySignal,
}

/// The pipelines of one receiver, by signal.
#[derive(Default)]
pub struct Routes {
    letters: Option<Arc<Letters>>,
    traces: Vec<Arc<Pipeline>>,
    metrics: Vec<Arc<Pipeline>>,
    logs: Vec<Arc<Pipeline>>,
}

impl Intake {
    /// An intake for the receiver of this name.
    pub fn new(receiver: &str, routes: Routes) -> Self {
        Self {
            receiver: receiver.to_owned(),
            routes: ArcSwap::from_pointee(routes),
            taken: BySignal::default(),
        }
    }

    /// Has every request that comes from now on take these routes. Those that are on their way go on as they began.
    pub fn switch(&self, routes: Routes) {
        self.routes.store(Arc::new(routes));
    }

    /// The receiver's name in the config.
    pub fn receiver(&self) -> &str {
        &self.receiver
    }

    /// What came in.
    pub fn taken(&self) -> &BySignal {
        &self.taken
    }

    /// Takes a request to every exporter of every pipeline, or refuses it.
    pub async fn accept(&self, payload: Payload) -> Result<Accepted, Refusal> {
        let signal = payload.signal();
        let routes = self.routes.load_full();
        let pipelines = routes.pipelines(signal);
        if pipelines.is_empty() {
            return Err(Refusal::Unrouted(format!(
                "no pipeline takes {} from receiver {}: add one under service.pipelines",
                signal.name(),
                self.receiver
            )));
        }
        let opens = pipelines.iter().any(|pipeline| pipeline.opens(signal));
        let (payload, batch) = open(payload, opens)?;
        if pipelines.iter().any(|pipeline| pipeline.joins()) {
            check(&payload)?;
        }
        let records = batch.as_ref().map_or(0, Batch::records);
        let answer = routes.pass(pipelines, payload, batch).await;
        self.taken.count(signal, records, answer.is_ok());
        answer
    }
}

impl Routes {
    /// No pipelines yet. `letters` is where dead letters are kept; without, what would be one is refused.
    pub fn new(letters: Option<Arc<Letters>>) -> Self {
        Self {
            letters,
            ..Self::default()
        }
    }

    /// Adds a pipeline that gets every request of `signal`.
    pub fn add(&mut self, signal: Signal, pipeline: Arc<Pipeline>) {
        match signal {
            Signal::Traces => self.traces.push(pipeline),
            Signal::Metrics => self.metrics.push(pipeline),
            Signal::Logs => self.logs.push(pipeline),
        }
    }

    fn pipelines(&self, signal: Signal) -> &[Arc<Pipeline>] {
        match signal {
            Signal::Traces => &self.traces,
            Signal::Metrics => &self.metrics,
            Signal::Logs => &self.logs,
        }
    }

    /// Takes an opened request, or one that need not be opened, through the pipelines.
    async fn pass(
        &self,
        pipelines: &[Arc<Pipeline>],
        payload: Payload,
        batch: Option<Batch>,
    ) -> Result<Accepted, Refusal> {
        if batch.as_ref().is_some_and(|batch| batch.records() == 0) {
            return Ok(Accepted::default());
        }
        let size = size_of(&payload, batch.as_ref().map_or(0, Batch::records));
        let mut reserved = pipelines
            .iter()
            .map(|pipeline| pipeline.reserve(&payload, size))
            .collect::<Result<Vec<_>, _>>()?;
        let outgoing = match batch {
            Some(batch) => {
                let promised = promise(pipelines, &payload, &batch)?;
                let processed = process(pipelines, &payload, &batch, promised).await?;
                for ((pipeline, reserved), outgoing) in
                    pipelines.iter().zip(&mut reserved).zip(&processed.outgoing)
                {
                    pipeline.fit(reserved, outgoing)?;
                }
                self.keep(processed.dead).await?;
                processed.outgoing
            }
            None => vec![Some((payload.clone(), size)); pipelines.len()],
        };
        deliver(reserved, outgoing).await
    }

    /// Keeps what pipelines failed on, as it came.
    async fn keep(&self, dead: Vec<Letter>) -> Result<(), Refusal> {
        let Some(first) = dead.first() else {
            return Ok(());
        };
        let Some(letters) = &self.letters else {
            return Err(Refusal::Rejected(format!(
                "{} failed",
                first.grounds.origin
            )));
        };
        letters
            .keep(dead)
            .await
            .map_err(|unwritten| unwritten.refusal())
    }
}

/// Checks a plain request and, if a pipeline must see it, opens a compressed one.
fn open(payload: Payload, opens: bool) -> Result<(Payload, Option<Batch>), Refusal> {
    let payload = if opens {
        compression::open(payload)?
    } else {
        let mut payload = payload;
        payload.stays_packed();
        payload
    };
    let Some(message) = payload.message() else {
        return Ok((payload, None));
    };
    let signal = payload.signal();
    let batch = Batch::new(signal, message).map_err(|error| invalid(signal, &error))?;
    let batch = batch.from_sender(payload.sender());
    Ok((payload, Some(batch)))
}

/// Refuses a request of one sender that could cost others theirs once it is joined with them: who parses that may refuse all.
fn check(payload: &Payload) -> Result<(), Refusal> {
    let signal = payload.signal();
    let message = payload.message().filter(|_| !payload.is_joined());
    let checked = message.map_or(Ok(()), |message| otlp::check(signal, &message));
    checked.map_err(|error| invalid(signal, &error))
}

fn invalid(signal: Signal, error: &WireError) -> Refusal {
    Refusal::Invalid(format!("not an OTLP {} request: {error}", signal.name()))
}

fn size_of(payload: &Payload, records: u32) -> Size {
    Size {
        bytes: payload.size() as u64,
        items: u64::from(records),
    }
}

/// Fills every queue, then waits for those that answer only once their backend has.
async fn deliver(reserved: Vec<Reserved>, outgoing: Vec<Outgoing>) -> Result<Accepted, Refusal> {
    let mut deliveries = vec![];
    for (reserved, outgoing) in reserved.into_iter().zip(outgoing) {
        let Some((payload, size)) = outgoing else {
            continue;
        };
        for reservation in reserved.exporters {
            deliveries.push(reservation.commit(payload.clone(), size));
        }
        for reservation in reserved.connectors {
            deliveries.push(reservation.commit(payload.clone(), size));
        }
    }
    let mut answer = Ok(Accepted::default());
    for delivery in deliveries {
        let delivered = delivery.wait().await;
        answer = answer.and_then(|worst| Ok(worst.or_worse(delivered?)));
    }
    answer
}
