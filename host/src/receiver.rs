//! Receivers take OTLP requests in and answer them.

use std::net::SocketAddr;
use std::time::Duration;

/// One `otlp` receiver of the config.
#[derive(Clone, Debug)]
pub struct Config {
    /// The receiver's name in the config, such as `otlp/internal`.
    pub name: String,
    /// OTLP over gRPC. Example: `protocols: { grpc: { endpoint: 127.0.0.1:4317 } }`.
    pub grpc: Option<Protocol>,
    /// OTLP over HTTP. Example: `protocols: { http: { endpoint: 127.0.0.1:4318 } }`.
    pub http: Option<Protocol>,
}

/// One listening socket and its bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protocol {
    /// Where it listens. Example: `endpoint: 127.0.0.1:4317`.
    pub endpoint: SocketAddr,
    /// The largest body, before decompression and after. Example: `max_request_size: 16MiB`.
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
            idle_timeout: Duration::from_secs(300),
        }
    }
}
