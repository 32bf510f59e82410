//! Overload: a sender that offers several times what the backend takes. What counts is that the backend is kept busy, that
//! what is held stays within its bound, and that memory does not grow.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, bail};
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::time;

use crate::load::{self, Load};
use crate::machine;
use crate::process::Process;
use crate::requests::Shape;
use crate::sink::{self, Behaviour, Counts};

/// One overload.
#[derive(Clone, Debug, clap::Args)]
pub struct Overload {
    /// What is sent.
    #[arg(long, value_enum, default_value = "spans")]
    pub shape: Shape,
    /// How long the backend takes for a MiB, one request after the other, in milliseconds.
    #[arg(long, default_value_t = 20)]
    pub pace: u64,
    /// How many times what the backend takes is offered.
    #[arg(long, default_value_t = 3.0)]
    pub times: f64,
    /// How long, in seconds, after a fifth of it to begin with.
    #[arg(long, default_value_t = 20.0)]
    pub seconds: f64,
    /// The otlet to measure.
    #[arg(long)]
    pub otlet: PathBuf,
    /// Its config; `${env:SINK}` is where it exports to. It needs `admin` and `service.memory.limit`.
    #[arg(long)]
    pub config: PathBuf,
}

/// What came of it.
#[derive(Debug, Serialize)]
struct Figures {
    /// Bytes of requests a second that the backend takes from the same sender without otlet.
    backend_bytes_per_second: f64,
    /// Bytes of requests a second that were offered and acknowledged, as they came.
    offered_bytes_per_second: f64,
    acknowledged_bytes_per_second: f64,
    /// Requests that were refused, and those without an answer.
    refused: u64,
    failed: u64,
    /// What the backend got, of what it takes without otlet.
    goodput: f64,
    /// Memory: the bound, the most that was held of it, and the process's in MiB in each quarter of the time at most.
    limit: f64,
    most_held: f64,
    resident_mib: Vec<u64>,
}

/// Offers the load, and gives the figures as JSON.
pub async fn run(overload: &Overload) -> anyhow::Result<String> {
    machine::pin(1)?;
    let behaviour = Behaviour {
        pace: Duration::from_millis(overload.pace),
        ..Behaviour::default()
    };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let sink = listener.local_addr()?;
    let counts = Arc::new(Counts::default());
    tokio::spawn(sink::serve(listener, behaviour, Arc::clone(&counts)));
    let requests: Arc<[_]> = overload.shape.framed(8, false).into();
    let size = requests.first().map_or(0, bytes::Bytes::len) as f64;
    let load = |target: SocketAddr, rate, seconds| Load {
        target: target.to_string(),
        path: overload.shape.path(),
        requests: Arc::clone(&requests),
        gzip: false,
        connections: 4,
        in_flight: 64,
        rate,
        duration: Duration::from_secs_f64(seconds),
    };
    let direct = load::send(load(sink, None, overload.seconds / 5.0)).await?;
    let capacity = direct.acknowledged as f64 / direct.seconds;

    let mut command = Command::new(&overload.otlet);
    command.arg("run").arg("--config").arg(&overload.config);
    let (process, addresses) =
        Process::start(&mut command, sink, &["protocol=", "admin endpoint"])?;
    let [receiver, admin] = addresses[..] else {
        bail!("otlet says where it receives and where its admin endpoint is");
    };
    let rate = (capacity * overload.times).ceil() as u32;
    load::send(load(receiver, Some(rate), overload.seconds / 5.0)).await?;
    let quarters = tokio::spawn(quarters(process.id(), overload.seconds / 4.0));
    let before = counts.bytes.load(Ordering::Relaxed);
    let outcome = load::send(load(receiver, Some(rate), overload.seconds)).await?;
    let taken = counts.bytes.load(Ordering::Relaxed) - before;
    let figures = Figures {
        backend_bytes_per_second: capacity * size,
        offered_bytes_per_second: f64::from(rate) * size,
        acknowledged_bytes_per_second: outcome.acknowledged as f64 * size / outcome.seconds,
        refused: outcome.refused,
        failed: outcome.failed,
        goodput: taken as f64 / outcome.seconds / (capacity * size),
        limit: figure(admin, "otlet_memory_limit_bytes")?,
        most_held: figure(admin, "otlet_memory_most_held_bytes")?,
        resident_mib: quarters.await??,
    };
    Ok(serde_json::to_string_pretty(&figures)?)
}

/// The most memory in each quarter, looked at ten times.
async fn quarters(pid: u32, seconds: f64) -> anyhow::Result<Vec<u64>> {
    let mut most = vec![];
    for _ in 0..4 {
        let mut quarter = 0;
        for _ in 0..10 {
            time::sleep(Duration::from_secs_f64(seconds / 10.0)).await;
            quarter = quarter.max(machine::memory(pid)?);
        }
        most.push(quarter / 1024);
    }
    Ok(most)
}

/// One figure of the admin endpoint's `/metrics`.
fn figure(admin: SocketAddr, name: &str) -> anyhow::Result<f64> {
    let mut stream = TcpStream::connect(admin)?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: otlet\r\n\r\n")?;
    let mut page = String::new();
    stream.read_to_string(&mut page)?;
    let value = page
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
        .with_context(|| format!("/metrics has no {name}"))?;
    Ok(value.parse()?)
}
