//! A load generator: sends framed requests over gRPC, flat out or at a rate, and counts the answers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use bytes::Bytes;
use h2::client::{self, SendRequest};
use hdrhistogram::Histogram;
use http::Request;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

/// What to send.
#[derive(Clone, Debug)]
pub struct Load {
    /// `host:port`.
    pub target: String,
    /// The gRPC method.
    pub path: &'static str,
    /// Requests with their gRPC prefix, sent in turn.
    pub requests: Arc<[Bytes]>,
    /// Whether they are compressed with gzip.
    pub gzip: bool,
    /// Connections to spread them over.
    pub connections: usize,
    /// Requests at the same time, over all connections.
    pub in_flight: usize,
    /// Requests a second; none is flat out.
    pub rate: Option<u32>,
    /// How long to go on.
    pub duration: Duration,
}

/// What came of it.
#[derive(Debug, serde::Serialize)]
pub struct Outcome {
    /// Requests that were acknowledged.
    pub acknowledged: u64,
    /// Requests that were refused.
    pub refused: u64,
    /// Requests without an answer.
    pub failed: u64,
    /// How long it took in seconds.
    pub seconds: f64,
    /// The latency in microseconds that half of the acknowledged stayed below.
    pub p50: u64,
    /// The latency in microseconds that 99 % of the acknowledged stayed below.
    pub p99: u64,
}

enum Answer {
    Acknowledged,
    Refused,
}

struct Tally {
    latencies: Histogram<u64>,
    refused: u64,
    failed: u64,
}

/// The longest latency that is told apart, in microseconds.
const LONGEST: u64 = 60_000_000;

/// Sends the load and waits for its last answer.
pub async fn send(load: Load) -> anyhow::Result<Outcome> {
    let tally = Arc::new(Mutex::new(Tally {
        latencies: Histogram::new_with_max(LONGEST, 3)?,
        refused: 0,
        failed: 0,
    }));
    let mut connections = vec![];
    for _ in 0..load.connections {
        connections.push(connect(&load.target).await?);
    }
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for worker in 0..load.in_flight {
        let connection = connections[worker % connections.len()].clone();
        tasks.spawn(work(
            worker,
            connection,
            load.clone(),
            start,
            Arc::clone(&tally),
        ));
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    let seconds = start.elapsed().as_secs_f64();
    let tally = tally.lock().await;
    Ok(Outcome {
        acknowledged: tally.latencies.len(),
        refused: tally.refused,
        failed: tally.failed,
        seconds,
        p50: tally.latencies.value_at_quantile(0.5),
        p99: tally.latencies.value_at_quantile(0.99),
    })
}

async fn connect(target: &str) -> anyhow::Result<SendRequest<Bytes>> {
    let socket = TcpStream::connect(target)
        .await
        .with_context(|| format!("nobody listens on {target}"))?;
    socket.set_nodelay(true)?;
    let (send, connection) = client::Builder::new()
        .initial_window_size(1 << 20)
        .initial_connection_window_size(1 << 20)
        .handshake(socket)
        .await?;
    tokio::spawn(async move {
        let _ended = connection.await;
    });
    Ok(send)
}

/// One of the requests in flight, again and again.
async fn work(
    worker: usize,
    connection: SendRequest<Bytes>,
    load: Load,
    start: Instant,
    tally: Arc<Mutex<Tally>>,
) -> anyhow::Result<()> {
    let interval = load
        .rate
        .map(|rate| Duration::from_secs_f64(load.in_flight as f64 / f64::from(rate)));
    let mut due = start
        + interval
            .unwrap_or_default()
            .mul_f64(worker as f64 / load.in_flight as f64);
    let mut next = worker;
    while start.elapsed() < load.duration {
        if let Some(interval) = interval {
            tokio::time::sleep_until(due.into()).await;
            due += interval;
        }
        let begun = Instant::now();
        let body = load.requests[next % load.requests.len()].clone();
        next += load.in_flight;
        let answer = request(connection.clone(), &load, body).await;
        let latency = u64::try_from(begun.elapsed().as_micros())?.clamp(1, LONGEST);
        let mut tally = tally.lock().await;
        match answer {
            Ok(Answer::Acknowledged) => tally.latencies.record(latency)?,
            Ok(Answer::Refused) => tally.refused += 1,
            Err(_) => tally.failed += 1,
        }
    }
    Ok(())
}

async fn request(
    connection: SendRequest<Bytes>,
    load: &Load,
    body: Bytes,
) -> anyhow::Result<Answer> {
    let mut request = Request::post(format!("http://{}{}", load.target, load.path))
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    if load.gzip {
        request = request.header("grpc-encoding", "gzip");
    }
    let (response, mut stream) = connection
        .ready()
        .await?
        .send_request(request.body(())?, false)?;
    stream.send_data(body, true)?;
    let response = response.await?;
    if let Some(status) = response.headers().get("grpc-status") {
        return Ok(answer(status.as_bytes()));
    }
    let mut body = response.into_body();
    while let Some(chunk) = body.data().await {
        body.flow_control().release_capacity(chunk?.len())?;
    }
    let trailers = body
        .trailers()
        .await?
        .context("an answer without trailers")?;
    Ok(answer(
        trailers
            .get("grpc-status")
            .context("an answer without grpc-status")?
            .as_bytes(),
    ))
}

fn answer(status: &[u8]) -> Answer {
    if status == b"0" {
        Answer::Acknowledged
    } else {
        Answer::Refused
    }
}
