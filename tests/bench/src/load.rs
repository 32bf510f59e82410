//! A load generator: sends requests over gRPC or HTTP, flat out or at a rate, and counts the answers.
//!
//! **Invariant**: at a rate, latency counts from the time at which a request was to be sent, also of those that could not be
//! sent in time because earlier ones had no answer yet. A program that stalls cannot hide it by being asked less.

mod client;
mod outcome;
mod pace;

use std::sync::Arc;
use std::time::{Duration, Instant};

use otlet::batch::Signal;
use tokio::task::JoinSet;
use tokio::time;

use crate::otlp::Protocol;
use crate::requests::Request;
use client::{Answer, Client, Connection};
use outcome::Tally;
pub use outcome::{Latency, Outcome, Second};
use pace::{Schedule, Slot};

/// What to send.
#[derive(Clone, Debug)]
pub struct Load {
    /// `host:port`.
    pub target: String,
    /// How.
    pub protocol: Protocol,
    /// What the requests hold.
    pub signal: Signal,
    /// Requests that are sent in turn.
    pub requests: Arc<[Request]>,
    /// Whether they are compressed with gzip.
    pub gzip: bool,
    /// Connections to spread them over. Over HTTP each of the requests in flight has one of its own, since HTTP/1.1 answers one
    /// request after the other.
    pub connections: usize,
    /// Requests at the same time, over all connections.
    pub in_flight: usize,
    /// Requests a second; none is flat out.
    pub rate: Option<f64>,
    /// How long to go on.
    pub duration: Duration,
}

/// How long a sender waits after a connection broke, so that a program that is gone is not asked without a pause.
const PAUSE: Duration = Duration::from_millis(10);

/// Sends the load and waits for its last answer.
pub async fn send(load: Load) -> anyhow::Result<Outcome> {
    let connections = match load.protocol {
        Protocol::Grpc => load.connections.clamp(1, load.in_flight),
        Protocol::Http => load.in_flight,
    };
    let connections: Vec<_> = (0..connections)
        .map(|_| Arc::new(Connection::new(&load.target, load.protocol)))
        .collect();
    for connection in &connections {
        connection.open().await?;
    }
    let start = Instant::now();
    let schedule = Schedule::start(start, load.duration, load.rate)?;
    let mut senders = JoinSet::new();
    for connection in connections.iter().cycle().take(load.in_flight) {
        let client = Client::new(Arc::clone(connection), &load)?;
        let requests = Arc::clone(&load.requests);
        senders.spawn(sender(client, requests, Arc::clone(&schedule)));
    }
    let mut whole = Tally::new(start)?;
    while let Some(tally) = senders.join_next().await {
        whole.add(&tally??)?;
    }
    Ok(whole.outcome(start.elapsed()))
}

/// One of the requests in flight, again and again.
async fn sender(
    client: Client,
    requests: Arc<[Request]>,
    schedule: Arc<Schedule>,
) -> anyhow::Result<Tally> {
    let mut tally = Tally::new(schedule.began())?;
    loop {
        let (index, due) = match schedule.take(Instant::now()) {
            Slot::Over => return Ok(tally),
            Slot::TooLate(due) => {
                tally.unsent(due, schedule.end())?;
                continue;
            }
            Slot::At(index, due) => (index, due),
        };
        schedule.wait().await;
        let request = &requests[index as usize % requests.len()];
        let body = request.nth_body((index / requests.len() as u64) as u32);
        let answer = client.ask(body).await;
        tally.answered(due, Instant::now(), request.records, &answer)?;
        if matches!(answer, Answer::Failed) {
            time::sleep(PAUSE).await;
        }
    }
}
