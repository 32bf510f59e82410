//! `otlet demo`: the whole program over loopback, between a small shop and a sink of its own.
//!
//! Every number that it prints is read from what the sink got or from the processors' counters.

mod report;
mod shop;

use std::env;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use bytes::{Bytes, BytesMut};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;

use crate::acceptance::Accepted;
use crate::app::{self, App};
use crate::batch::Signal;
use crate::exporter::{self, Compression, Exporter, Kind, Output, Target};
use crate::memory::Memory;
use crate::payload::{self, Payload};
use crate::plugin::{BUNDLED, default_cache};
use crate::queue::{self, Size};
use crate::receiver::{self, Next, Protocol};
use crate::refusal::Refusal;
use crate::runtime::Runtimes;
use crate::telemetry::{Level, LogConfig};
use crate::{cli, compression, config, telemetry};

/// The config that the demo runs.
const CONFIG: &str = include_str!("demo/demo.yaml");

const ORDERS: u32 = 200;
const ORDERS_PER_REQUEST: u32 = 20;

/// Telemetry of all three signals.
#[derive(Default)]
struct Telemetry {
    traces: Vec<ExportTraceServiceRequest>,
    logs: Vec<ExportLogsServiceRequest>,
    metrics: Vec<ExportMetricsServiceRequest>,
}

/// Runs the demo and prints what came of it.
pub fn main(seed: u64) -> anyhow::Result<()> {
    let _log = telemetry::start_logging(&LogConfig {
        level: Level::Warn,
        ..LogConfig::default()
    })?;
    let mut out = io::stdout().lock();
    match cli::control()?
        .block_on(run(seed))
        .and_then(|report| Ok(report.print(&mut out)?))
    {
        // Whoever reads has seen enough.
        Err(error) if is_broken_pipe(&error) => Ok(()),
        result => result,
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

async fn run(seed: u64) -> anyhow::Result<report::Report> {
    let runtimes = Runtimes::start(1)?;
    let (sink, arrived) = sink(&runtimes)?;
    let mut otlet = otlet(sink.grpc().context("the sink speaks gRPC")?.address())?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos();
    let traffic = shop::traffic(seed, ORDERS, ORDERS_PER_REQUEST, u64::try_from(now)?);
    let door = otlet
        .receivers()
        .first()
        .and_then(receiver::Running::grpc)
        .context("otlet speaks gRPC")?;
    let requests = send(&traffic.sent, door.address(), &runtimes).await?;
    otlet.shut_down().await;
    let arrived = std::mem::take(&mut *arrived.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(report::Report {
        seed,
        requests,
        traffic,
        arrived,
        stages: otlet.stages().to_vec(),
    })
}

fn otlet(sink: SocketAddr) -> anyhow::Result<App> {
    let sink = sink.to_string();
    let draft = config::parse("demo.yaml", CONFIG.as_bytes(), &|name| {
        (name == "SINK").then(|| sink.clone())
    });
    let registry = app::registry(
        &draft,
        &BUNDLED,
        default_cache(|name| env::var_os(name)),
        None,
    )?;
    let prepared =
        app::prepare(draft, &registry).map_err(|report| anyhow::anyhow!(report.render(false)))?;
    App::start(prepared)
}

type Arrived = Arc<Mutex<Telemetry>>;

/// A receiver of otlet's own that keeps what it gets.
fn sink(runtimes: &Runtimes) -> anyhow::Result<(receiver::Running, Arrived)> {
    let arrived = Arrived::default();
    let keep = Arc::clone(&arrived);
    let next: Next = Arc::new(move |payload| {
        let kept = keep_payload(&keep, payload);
        Box::pin(async move { kept })
    });
    let loopback = Protocol::at(SocketAddr::from(([127, 0, 0, 1], 0)));
    let config = receiver::Config {
        name: "sink".to_owned(),
        grpc: Some(loopback),
        http: None,
    };
    let mut sink = receiver::start(
        &config,
        runtimes,
        &next,
        &Memory::unbounded(),
        &receiver::Left::default(),
    )?;
    sink.begin();
    Ok((sink, arrived))
}

fn keep_payload(keep: &Mutex<Telemetry>, payload: Payload) -> Result<Accepted, Refusal> {
    let payload = compression::open(payload)?;
    let message = payload.message().unwrap_or_default();
    keep.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .add(payload.signal(), &message)
        .map(|()| Accepted::default())
        .map_err(|error| Refusal::Invalid(error.to_string()))
}

impl Telemetry {
    fn add(&mut self, signal: Signal, message: &Bytes) -> Result<(), prost::DecodeError> {
        match signal {
            Signal::Traces => self.traces.push(Message::decode(&message[..])?),
            Signal::Metrics => self.metrics.push(Message::decode(&message[..])?),
            Signal::Logs => self.logs.push(Message::decode(&message[..])?),
        }
        Ok(())
    }

    /// Every request, as it goes over the wire.
    fn encoded(&self) -> impl Iterator<Item = (Signal, Vec<u8>)> {
        let traces = self
            .traces
            .iter()
            .map(|request| (Signal::Traces, request.encode_to_vec()));
        let logs = self
            .logs
            .iter()
            .map(|request| (Signal::Logs, request.encode_to_vec()));
        let metrics = self
            .metrics
            .iter()
            .map(|request| (Signal::Metrics, request.encode_to_vec()));
        traces.chain(logs).chain(metrics)
    }
}

/// Sends every request and waits until each is acknowledged; gives their number.
async fn send(
    telemetry: &Telemetry,
    otlet: SocketAddr,
    runtimes: &Runtimes,
) -> anyhow::Result<usize> {
    let target = Target {
        endpoint: format!("http://{otlet}").parse()?,
        tls: Box::default(),
        auth: None,
        headers: vec![],
        compression: Compression::Gzip,
        keepalive: None,
    };
    let config = exporter::Config {
        name: "shop".to_owned(),
        kind: Kind::Otlp(target),
        timeout: Duration::from_secs(5),
        retry: exporter::Retry::default(),
        queue: queue::Config {
            enabled: false,
            ..queue::Config::default()
        },
    };
    let shop = Exporter::start(&config, runtimes, &Output::stdout(), None)?;
    let mut requests = 0;
    for (signal, message) in telemetry.encoded() {
        let mut framed = BytesMut::from(&payload::prefix(false, message.len())[..]);
        framed.extend_from_slice(&message);
        let payload = Payload::plain(signal, framed.freeze());
        let size = Size {
            bytes: payload.size() as u64,
            items: 0,
        };
        shop.reserve(size)?.commit(payload, size).wait().await?;
        requests += 1;
    }
    Ok(requests)
}
