//! Receivers take OTLP requests in, hand them on and answer them, over gRPC and over HTTP.
//!
//! hyper serves both, without a router (there are three paths) and without a codec (a message keeps the bytes and the prefix
//! it came with). Everything that a peer can make us hold has a bound, and what is over it is refused, never made to wait.

mod activity;
mod admission;
mod answer;
mod body;
mod connection;
mod counters;
mod door;
mod grpc;
mod handshake;
mod http;
mod json;
pub mod jsonlines;
mod keepalive;
mod left;
mod listen;
mod status;

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time;

pub use answer::Answer;
pub use counters::Counters;
pub use door::{Door, Speaks};
pub use json::to_protobuf as json_to_protobuf;
pub use keepalive::Keepalive;
pub use left::Left;

use crate::acceptance::Accepted;
use crate::memory::Memory;
use crate::payload::Payload;
use crate::refusal::Refusal;
use crate::runtime::Runtimes;
use crate::{auth, tls};
use connection::Stage;

/// What comes after a receiver: it takes a request, perhaps in part, or says why not. The sender is answered when it is done.
pub type Next = Arc<dyn Fn(Payload) -> Taking + Send + Sync>;

/// A request being taken.
pub type Taking = Pin<Box<dyn Future<Output = Result<Accepted, Refusal>> + Send>>;

/// One `otlp` receiver of the config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The receiver's name in the config, such as `otlp/internal`.
    pub name: String,
    /// OTLP over gRPC. Example: `protocols: { grpc: { endpoint: 127.0.0.1:4317 } }`.
    pub grpc: Option<Protocol>,
    /// OTLP over HTTP. Example: `protocols: { http: { endpoint: 127.0.0.1:4318 } }`.
    pub http: Option<Protocol>,
}

impl Config {
    /// The most bytes of a request, opened.
    pub fn largest_request(&self) -> usize {
        let protocols = [&self.grpc, &self.http].into_iter().flatten();
        let largest = protocols.map(|protocol| protocol.max_request_size);
        largest.max().unwrap_or_default()
    }

    /// The least memory of the process in which its largest request has room: as it came compressed, opened, and once more for
    /// what processors make of it.
    pub fn least_memory(&self) -> usize {
        let protocols = [&self.grpc, &self.http].into_iter().flatten();
        let least = protocols.map(|protocol| {
            let most = protocol.max_request_size;
            protocol.least_in_flight().saturating_add(most)
        });
        least.max().unwrap_or_default().saturating_add(MIB)
    }
}

/// Room for what a request costs beyond its bytes.
const MIB: usize = 1 << 20;

/// One listening socket and its bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protocol {
    /// Where it listens. Example: `endpoint: 127.0.0.1:4317`.
    pub endpoint: SocketAddr,
    /// The largest body, before decompression and after. Example: `max_request_body_size: 16MiB`, or over gRPC
    /// `max_recv_msg_size_mib: 16`.
    pub max_request_size: usize,
    /// The bytes of bodies held at the same time, over all connections. Example: `max_in_flight: 256MiB`.
    pub max_in_flight: usize,
    /// The connections held at the same time. Example: `max_connections: 1024`.
    pub max_connections: usize,
    /// The requests at the same time on one HTTP/2 connection. Example: `max_concurrent_streams: 64`.
    pub max_concurrent_streams: u32,
    /// How long a body may take to arrive. Example: `read_timeout: 30s`.
    pub read_timeout: Duration,
    /// How long a connection may be without a request. Example: `idle_timeout: 5m`.
    pub idle_timeout: Duration,
    /// Example: `keepalive: { server_parameters: { max_connection_age: 10m } }`.
    pub keepalive: Keepalive,
    /// TLS, if it is spoken. Example: `tls: { cert_file: cert.pem, key_file: key.pem }`.
    pub tls: Option<Box<tls::Server>>,
    /// The tokens of which a request must have one, if so. Example: `auth: { authenticator: bearertokenauth }`.
    pub auth: Option<Box<auth::Config>>,
}

impl Protocol {
    /// The defaults, at an endpoint.
    pub fn at(endpoint: SocketAddr) -> Self {
        Self {
            endpoint,
            max_request_size: 16 << 20,
            max_in_flight: 256 << 20,
            max_connections: 1024,
            max_concurrent_streams: 64,
            read_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_mins(5),
            keepalive: Keepalive::default(),
            tls: None,
            auth: None,
        }
    }

    /// The least `max_in_flight` in which every request of the largest size has room, as it came compressed and opened.
    pub fn least_in_flight(&self) -> usize {
        self.max_request_size.saturating_mul(2)
    }
}

/// A receiver that is running. Dropped, it ends in good order, without anybody waiting for it.
pub struct Running {
    name: String,
    grpc: Option<Listening>,
    http: Option<Listening>,
    /// The sockets once more, for whoever takes its place.
    sockets: Vec<(Speaks, std::net::TcpListener)>,
    /// Until it begins.
    unserved: Vec<(std::net::TcpListener, Arc<Door>)>,
    stage: watch::Sender<Stage>,
    /// The threads that carry the connections, which must not end before them.
    runtimes: Runtimes,
}

/// One listening socket of a running receiver. Clones are the same socket.
#[derive(Clone)]
pub struct Listening {
    address: SocketAddr,
    door: Arc<Door>,
}

/// Opens the sockets of a receiver that holds requests within `memory`. Peers can connect when this returns, and are served
/// from [`Running::begin`] on: what is taken in must have somewhere to go. What others `left` is gone on with: sockets at the
/// same address, and what a receiver of that name has counted.
pub fn start(
    config: &Config,
    runtimes: &Runtimes,
    next: &Next,
    memory: &Memory,
    left: &Left,
) -> io::Result<Running> {
    let (mut unserved, mut sockets) = (vec![], vec![]);
    let mut listening = |speaks, protocol: &Option<Protocol>| -> io::Result<_> {
        let Some(protocol) = protocol else {
            return Ok(None);
        };
        let door = Door::guarded(
            &config.name,
            speaks,
            protocol.clone(),
            Arc::clone(next),
            memory.clone(),
            left.counters(&config.name, speaks),
        )
        .map_err(|wrong| io::Error::other(format!("receiver {:?}: {wrong}", config.name)))?;
        let socket = open(&config.name, speaks, protocol, runtimes, left)?;
        let address = socket.local_addr()?;
        sockets.push((speaks, socket.try_clone()?));
        unserved.push((socket, Arc::clone(&door)));
        Ok(Some(Listening { address, door }))
    };
    Ok(Running {
        name: config.name.clone(),
        grpc: listening(Speaks::Grpc, &config.grpc)?,
        http: listening(Speaks::Http, &config.http)?,
        sockets,
        unserved,
        stage: watch::channel(Stage::Serve).0,
        runtimes: runtimes.clone(),
    })
}

fn open(
    name: &str,
    speaks: Speaks,
    protocol: &Protocol,
    runtimes: &Runtimes,
    left: &Left,
) -> io::Result<std::net::TcpListener> {
    let endpoint = protocol.endpoint;
    let opened = match left.socket(name, speaks, endpoint) {
        Some(socket) => socket.try_clone(),
        None => listen::bind(runtimes, endpoint, &left.at_port(endpoint)),
    };
    opened.map_err(|error| {
        let message = format!("receiver {name:?}: cannot listen on {endpoint}: {error}");
        io::Error::new(error.kind(), message)
    })
}

impl Running {
    /// Has it serve those who connect.
    pub fn begin(&mut self) {
        if self.unserved.is_empty() {
            return;
        }
        for (socket, door) in self.unserved.drain(..) {
            listen::spawn(socket, door, self.runtimes.clone(), self.stage.subscribe());
        }
        for socket in [&self.grpc, &self.http].into_iter().flatten() {
            let (address, tls) = (socket.address, socket.door.tls.is_some());
            let protocol = socket.protocol();
            tracing::info!(receiver = self.name, protocol, %address, tls, "listening");
        }
    }

    /// The receiver's name in the config.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The socket for gRPC.
    pub fn grpc(&self) -> Option<&Listening> {
        self.grpc.as_ref()
    }

    /// The socket for HTTP.
    pub fn http(&self) -> Option<&Listening> {
        self.http.as_ref()
    }

    /// Takes no more connections, answers the requests in flight, and ends; connections that are not done within
    /// `patience` are cut. Says whether all were done.
    pub fn stop(self, patience: Duration) -> impl Future<Output = bool> + Send {
        self.stage.send_replace(Stage::Finish);
        let Self {
            stage, runtimes, ..
        } = self;
        async move {
            let done = time::timeout(patience, stage.closed()).await.is_ok();
            if !done {
                stage.send_replace(Stage::Cut);
                stage.closed().await;
            }
            drop(runtimes);
            done
        }
    }
}

impl Listening {
    /// Where it listens; the port is the real one where the config says 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What is spoken there.
    pub fn protocol(&self) -> &'static str {
        self.door.speaks.name()
    }

    /// What it has counted.
    pub fn counters(&self) -> &Counters {
        &self.door.counters
    }

    /// The connections open now.
    pub fn connections(&self) -> usize {
        self.door.connections()
    }

    /// The bytes that requests hold now.
    pub fn in_flight(&self) -> usize {
        self.door.in_flight()
    }
}

#[cfg(test)]
mod tests;
