//! The admin endpoint: `/metrics`, `/plugins`, `/healthz` and `/readyz` over HTTP/1.1.
//!
//! It has a thread of its own, so that it answers while the IO threads are busy and plugins spin. It is for scrapers and
//! probes, not for telemetry: a request is answered on a connection of its own, and everything about it has a bound.
//!
//! **Invariant**: what it tells are names from the config and of plugins, reasons why these are refused, and numbers: never
//! telemetry and never a secret.

mod pages;
mod serve;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;

use tokio::runtime::Builder;
use tokio::sync::oneshot;

use pages::Pages;

/// The admin endpoint of the config (`admin`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where it listens. Example: `endpoint: 127.0.0.1:8888`.
    pub endpoint: SocketAddr,
}

impl Default for Config {
    /// Where the Collector has its metrics.
    fn default() -> Self {
        Self {
            endpoint: SocketAddr::from((Ipv4Addr::LOCALHOST, 8888)),
        }
    }
}

/// Whether otlet takes requests.
#[derive(Debug, Default)]
pub struct Health(AtomicU8);

/// What [`Health`] can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Not every receiver listens yet.
    Starting,
    /// Every receiver listens.
    Ready,
    /// otlet takes nothing in any more.
    Ending,
    /// A plugin that the config names is not there yet.
    Waiting,
}

/// A running admin endpoint. Dropping it closes the socket.
#[derive(Debug)]
pub struct Admin {
    address: SocketAddr,
    /// Dropping it ends the thread.
    _alive: oneshot::Sender<()>,
}

/// How the page `/metrics` is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For whoever asks for it.
    OpenMetrics,
    /// Prometheus' older text, 0.0.4, for everybody else.
    Classic,
}

/// Who writes the pages that change.
pub struct Shown {
    /// `/metrics`.
    pub metrics: Box<dyn Fn(Format) -> String + Send + Sync>,
    /// `/plugins`, in JSON.
    pub plugins: Box<dyn Fn() -> String + Send + Sync>,
}

impl Health {
    /// From now on it is so.
    pub fn set(&self, stage: Stage) {
        self.0.store(stage as u8, Ordering::Relaxed);
    }

    /// What it is now.
    pub fn get(&self) -> Stage {
        match self.0.load(Ordering::Relaxed) {
            0 => Stage::Starting,
            1 => Stage::Ready,
            3 => Stage::Waiting,
            _ => Stage::Ending,
        }
    }
}

/// Starts the endpoint: when this returns, its socket is open.
pub fn start(config: &Config, shown: Shown, health: Arc<Health>) -> io::Result<Admin> {
    let listener = bind(config.endpoint).map_err(|error| {
        let message = format!("admin: cannot listen on {}: {error}", config.endpoint);
        io::Error::new(error.kind(), message)
    })?;
    let address = listener.local_addr()?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let pages = Arc::new(Pages { shown, health });
    let (alive, ended) = oneshot::channel::<()>();
    thread::Builder::new()
        .name("otlet-admin".to_owned())
        .spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = serve::serve(listener, pages) => {}
                    _ended = ended => {}
                }
            });
        })?;
    tracing::info!(%address, "admin endpoint listening");
    Ok(Admin {
        address,
        _alive: alive,
    })
}

fn bind(endpoint: SocketAddr) -> io::Result<TcpListener> {
    // The standard library sets SO_REUSEADDR: connections of the process before us that linger do not keep us from starting.
    let listener = TcpListener::bind(endpoint)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

impl Admin {
    /// Where it listens; the port is the real one where the config says 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

#[cfg(test)]
mod tests;
