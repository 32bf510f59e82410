//! A sink: an OTLP/gRPC server that counts what it gets and keeps none of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use h2::server::{self, SendResponse};
use http::{HeaderMap, HeaderValue, Request, Response};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;

/// What came in.
#[derive(Debug, Default)]
pub struct Counts {
    /// Requests that were answered.
    pub requests: AtomicU64,
    /// Bytes of their bodies, with the gRPC prefix.
    pub bytes: AtomicU64,
    /// Held by the request whose turn it is, where there is a pace.
    turn: Mutex<()>,
}

/// How a sink behaves.
#[derive(Clone, Copy, Debug)]
pub struct Behaviour {
    /// The largest HTTP/2 frame it takes: 16 KiB is what Go's servers take.
    pub max_frame: u32,
    /// How long it waits before it answers.
    pub delay: Duration,
    /// How long it takes for each MiB, one request after the other: a backend that can do so much and no more.
    pub pace: Duration,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            max_frame: 16 << 10,
            delay: Duration::ZERO,
            pace: Duration::ZERO,
        }
    }
}

const STREAM_WINDOW: u32 = 4 << 20;
const MIB: f64 = (1 << 20) as f64;
const CONNECTION_WINDOW: u32 = 64 << 20;

/// Takes connections until the listener fails.
pub async fn serve(
    listener: TcpListener,
    behaviour: Behaviour,
    counts: Arc<Counts>,
) -> anyhow::Result<()> {
    loop {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        let counts = Arc::clone(&counts);
        tokio::spawn(async move {
            // A client that goes away mid-request is not the sink's concern.
            let _ended = connection(socket, behaviour, counts).await;
        });
    }
}

async fn connection(
    socket: TcpStream,
    behaviour: Behaviour,
    counts: Arc<Counts>,
) -> anyhow::Result<()> {
    let mut connection = server::Builder::new()
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_frame_size(behaviour.max_frame)
        .handshake(socket)
        .await?;
    while let Some(accepted) = connection.accept().await {
        let (request, respond) = accepted?;
        let counts = Arc::clone(&counts);
        tokio::spawn(async move {
            let _ended = answer(request, respond, behaviour, &counts).await;
        });
    }
    Ok(())
}

async fn answer(
    request: Request<h2::RecvStream>,
    mut respond: SendResponse<Bytes>,
    behaviour: Behaviour,
    counts: &Counts,
) -> anyhow::Result<()> {
    let mut body = request.into_body();
    let mut bytes = 0;
    while let Some(chunk) = body.data().await {
        let chunk = chunk?;
        bytes += chunk.len();
        body.flow_control().release_capacity(chunk.len())?;
    }
    if !behaviour.delay.is_zero() {
        tokio::time::sleep(behaviour.delay).await;
    }
    if !behaviour.pace.is_zero() {
        let _turn = counts.turn.lock().await;
        tokio::time::sleep(behaviour.pace.mul_f64(bytes as f64 / MIB)).await;
    }
    counts.requests.fetch_add(1, Ordering::Relaxed);
    counts.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    let response = Response::builder()
        .header("content-type", "application/grpc")
        .body(())?;
    let mut stream = respond.send_response(response, false)?;
    stream.send_data(Bytes::from_static(&[0; 5]), false)?;
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    stream.send_trailers(trailers)?;
    Ok(())
}
