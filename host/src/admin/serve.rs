//! The socket and its connections, each for one request, each with an end.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::TcpListener as Listener;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio::time;

use super::pages::Pages;
use crate::telemetry::Throttle;

/// Connections at the same time: scrapers and probes are few, and done in a moment. For one more the oldest is closed, so that
/// peers that are slow keep out nobody.
const CONNECTIONS: usize = 64;

/// How long the head of a request may take.
const HEAD: Duration = Duration::from_secs(5);

/// How long a connection may take in all: as long as Prometheus waits for a scrape unless told otherwise.
const WHOLE: Duration = Duration::from_secs(10);

/// The buffer of a connection, and so the bound on a request's head: the least that hyper takes is 8 KiB.
const BUFFER: usize = 16 << 10;

/// What is waited after an error of `accept`, which mostly is that the process has no file descriptors left.
const AFTER_ERROR: Duration = Duration::from_millis(100);

static UNACCEPTED: Throttle = Throttle::new();

/// Takes connections for ever.
pub(super) async fn serve(listener: Listener, pages: Arc<Pages>) {
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "the admin endpoint cannot listen");
            return;
        }
    };
    let mut open = VecDeque::<AbortHandle>::new();
    loop {
        match listener.accept().await {
            Ok((stream, _peer)) => {
                open.retain(|connection| !connection.is_finished());
                if open.len() >= CONNECTIONS
                    && let Some(oldest) = open.pop_front()
                {
                    oldest.abort();
                }
                // Whoever takes longer has no answer, or does not read it.
                let answered = time::timeout(WHOLE, connection(stream, Arc::clone(&pages)));
                open.push_back(tokio::spawn(answered).abort_handle());
            }
            Err(error) => {
                if let Some(unlogged) = UNACCEPTED.pass() {
                    tracing::warn!(%error, unlogged, "the admin endpoint cannot accept a connection");
                }
                time::sleep(AFTER_ERROR).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, pages: Arc<Pages>) {
    let service = service_fn(move |request| {
        let answer = pages.answer(&request);
        async move { Ok::<_, Infallible>(answer) }
    });
    let served = Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(BUFFER)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection to the admin endpoint ended");
    }
}
