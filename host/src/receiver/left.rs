//! What receivers that end leave to those that take their places: sockets that go on listening, and counters that go on.
//!
//! A socket is shared until both have let go of it, so that there is no moment in which nobody listens. Connections are not
//! handed over: they end in good order, since what their peers were told of bounds is no longer true.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use super::Running;
use super::counters::Counters;
use super::door::Speaks;

/// What receivers leave that are about to end.
#[derive(Default)]
pub struct Left(Vec<Socket>);

struct Socket {
    receiver: String,
    speaks: Speaks,
    /// As the config has it.
    endpoint: SocketAddr,
    listener: TcpListener,
    counters: Arc<Counters>,
}

impl Left {
    /// Adds what a receiver leaves, which does not end by that.
    pub fn add(&mut self, running: &Running) -> io::Result<()> {
        for (speaks, listener) in &running.sockets {
            let socket = match speaks {
                Speaks::Grpc => &running.grpc,
                Speaks::Http => &running.http,
            };
            let Some(socket) = socket else { continue };
            self.0.push(Socket {
                receiver: running.name.clone(),
                speaks: *speaks,
                endpoint: socket.door.protocol.endpoint,
                listener: listener.try_clone()?,
                counters: Arc::clone(&socket.door.counters),
            });
        }
        Ok(())
    }

    /// The socket at an endpoint. Where the system chose a port it is that of the same receiver.
    pub(super) fn socket(
        &self,
        receiver: &str,
        speaks: Speaks,
        endpoint: SocketAddr,
    ) -> Option<&TcpListener> {
        let is_it = |socket: &&Socket| {
            let is_own = socket.receiver == receiver && socket.speaks == speaks;
            socket.endpoint == endpoint && (endpoint.port() != 0 || is_own)
        };
        self.0.iter().find(is_it).map(|socket| &socket.listener)
    }

    /// The sockets that keep others from listening at an endpoint, since they have its port.
    pub(super) fn at_port(&self, endpoint: SocketAddr) -> Vec<&TcpListener> {
        let port = endpoint.port();
        let has_it = |socket: &&Socket| port != 0 && socket.endpoint.port() == port;
        let sockets = self.0.iter().filter(has_it);
        sockets.map(|socket| &socket.listener).collect()
    }

    /// What the socket of a receiver has counted; nothing yet for one that is new.
    pub(super) fn counters(&self, receiver: &str, speaks: Speaks) -> Arc<Counters> {
        let mut sockets = self.0.iter();
        let found = sockets.find(|socket| socket.receiver == receiver && socket.speaks == speaks);
        found.map_or_else(Arc::default, |socket| Arc::clone(&socket.counters))
    }
}
