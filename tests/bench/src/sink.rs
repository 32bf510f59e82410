//! A sink: an OTLP server over gRPC and HTTP that counts what it gets and keeps none of it.

mod http1;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ::http::{HeaderMap, HeaderValue, Request, Response};
use anyhow::Context;
use bytes::{Buf, Bytes, BytesMut};
use h2::server::{self, SendResponse};
use libdeflater::Decompressor;
use otlet::batch::Signal;
use otlet::compression::{self, Coding};
use otlet::payload::PREFIX;
use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::otlp::{self, Protocol};

/// How a sink behaves.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Behaviour {
    /// The largest HTTP/2 frame it takes: 16 KiB is what Go's servers take.
    pub max_frame: u32,
    /// How long it waits before it answers, in milliseconds.
    pub delay_ms: u64,
    /// How long it takes for each MiB, one request after the other, in milliseconds: a backend that can do so much and no more.
    pub pace_ms: u64,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            max_frame: 16 << 10,
            delay_ms: 0,
            pace_ms: 0,
        }
    }
}

/// What came in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Arrived {
    /// Requests that were answered.
    pub requests: u64,
    /// Spans, log records and data points in them.
    pub records: u64,
    /// Bytes of their bodies, as they came.
    pub bytes: u64,
    /// Requests that were none of OTLP.
    pub invalid: u64,
}

impl Arrived {
    /// What came since then.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self {
            requests: self.requests - before.requests,
            records: self.records - before.records,
            bytes: self.bytes - before.bytes,
            invalid: self.invalid - before.invalid,
        }
    }
}

/// A sink that runs until it is dropped.
pub struct Sink {
    shared: Arc<Shared>,
    /// Where it takes gRPC.
    pub grpc: SocketAddr,
    /// Where it takes HTTP.
    pub http: SocketAddr,
    _listening: JoinSet<anyhow::Result<()>>,
}

struct Shared {
    behaviour: Behaviour,
    requests: AtomicU64,
    records: AtomicU64,
    bytes: AtomicU64,
    invalid: AtomicU64,
    /// When all that came until now is done, where there is a pace.
    free: Mutex<Instant>,
}

impl Sink {
    /// Listens on both addresses.
    pub async fn start(
        grpc: SocketAddr,
        http: SocketAddr,
        behaviour: Behaviour,
    ) -> anyhow::Result<Self> {
        let shared = Arc::new(Shared::new(behaviour));
        let (for_grpc, for_http) = (
            TcpListener::bind(grpc).await?,
            TcpListener::bind(http).await?,
        );
        let (grpc, http) = (for_grpc.local_addr()?, for_http.local_addr()?);
        let mut listening = JoinSet::new();
        listening.spawn(listen(for_grpc, Protocol::Grpc, Arc::clone(&shared)));
        listening.spawn(listen(for_http, Protocol::Http, Arc::clone(&shared)));
        Ok(Self {
            shared,
            grpc,
            http,
            _listening: listening,
        })
    }

    /// What came until now.
    pub fn arrived(&self) -> Arrived {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Arrived {
            requests: of(&self.shared.requests),
            records: of(&self.shared.records),
            bytes: of(&self.shared.bytes),
            invalid: of(&self.shared.invalid),
        }
    }
}

async fn listen(
    listener: TcpListener,
    protocol: Protocol,
    shared: Arc<Shared>,
) -> anyhow::Result<()> {
    // Connections end with the listener.
    let mut connections = JoinSet::new();
    loop {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        let shared = Arc::clone(&shared);
        // A client that goes away mid-request is not the sink's concern.
        match protocol {
            Protocol::Grpc => connections.spawn(grpc_connection(socket, shared)),
            Protocol::Http => connections.spawn(http1::connection(socket, shared)),
        };
        while connections.try_join_next().is_some() {}
    }
}

const STREAM_WINDOW: u32 = 4 << 20;
const CONNECTION_WINDOW: u32 = 64 << 20;

async fn grpc_connection(socket: TcpStream, shared: Arc<Shared>) -> anyhow::Result<()> {
    let mut connection = server::Builder::new()
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_frame_size(shared.behaviour.max_frame)
        .handshake(socket)
        .await?;
    while let Some(accepted) = connection.accept().await {
        let (request, respond) = accepted?;
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let _ended = grpc_answer(request, respond, &shared).await;
        });
    }
    Ok(())
}

async fn grpc_answer(
    request: Request<h2::RecvStream>,
    mut respond: SendResponse<Bytes>,
    shared: &Shared,
) -> anyhow::Result<()> {
    let signal = otlp::signal(Protocol::Grpc, request.uri().path());
    let mut body = request.into_body();
    let mut framed = BytesMut::new();
    while let Some(chunk) = body.data().await {
        let chunk = chunk?;
        framed.extend_from_slice(&chunk);
        body.flow_control().release_capacity(chunk.len())?;
    }
    let is_packed = framed.first() == Some(&1);
    let mut message = &framed[..];
    message.advance(message.len().min(PREFIX));
    shared.take(signal, message, is_packed).await;
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

const MIB: f64 = (1 << 20) as f64;

impl Shared {
    fn new(behaviour: Behaviour) -> Self {
        Self {
            behaviour,
            requests: AtomicU64::new(0),
            records: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            invalid: AtomicU64::new(0),
            free: Mutex::new(Instant::now()),
        }
    }

    /// Takes a request as long as the behaviour says, and counts it.
    async fn take(&self, signal: Option<Signal>, body: &[u8], is_packed: bool) {
        let records = count(signal, body, is_packed);
        if self.behaviour.delay_ms > 0 {
            tokio::time::sleep(Duration::from_millis(self.behaviour.delay_ms)).await;
        }
        if self.behaviour.pace_ms > 0 {
            tokio::time::sleep_until(self.done(body.len()).into()).await;
        }
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(body.len() as u64, Ordering::Relaxed);
        match records {
            Ok(records) => self.records.fetch_add(records, Ordering::Relaxed),
            Err(_) => self.invalid.fetch_add(1, Ordering::Relaxed),
        };
    }

    /// When so many bytes are done, after all that came before. What a sleep takes longer than it should slows nobody down.
    fn done(&self, bytes: usize) -> Instant {
        let cost = Duration::from_millis(self.behaviour.pace_ms).mul_f64(bytes as f64 / MIB);
        let mut free = self.free.lock().expect("nobody panics");
        *free = Instant::now().max(*free) + cost;
        *free
    }
}

fn count(signal: Option<Signal>, body: &[u8], is_packed: bool) -> anyhow::Result<u64> {
    let signal = signal.context("no method or path of OTLP")?;
    let opened;
    let message = if is_packed {
        opened = unpack(body)?;
        &opened[..]
    } else {
        body
    };
    otlp::records(signal, message).context("not valid")
}

/// The largest request that is opened.
const LARGEST: usize = 256 << 20;

/// Opens gzip or zstd, as its first bytes say.
pub(crate) fn unpack(body: &[u8]) -> anyhow::Result<Bytes> {
    if !body.starts_with(&ZSTD) {
        return gunzip(body).map(Bytes::from);
    }
    let framed = [&[0; PREFIX], body].concat();
    let packed = compression::admit(Coding::Zstd, framed.into(), LARGEST)?;
    Ok(compression::inflate(&packed)?.slice(PREFIX..))
}

/// What a frame of zstd begins with.
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Opens gzip of one member, whose size stands at its end.
fn gunzip(body: &[u8]) -> anyhow::Result<Vec<u8>> {
    let size = body.last_chunk::<4>().context("no gzip")?;
    let size = u32::from_le_bytes(*size) as usize;
    anyhow::ensure!(size <= LARGEST, "{size} bytes are too many");
    let mut opened = vec![0; size];
    let written = Decompressor::new().gzip_decompress(body, &mut opened)?;
    opened.truncate(written);
    Ok(opened)
}

#[cfg(test)]
mod tests {
    use otlet::payload::Payload;

    use super::*;
    use crate::load::{self, Load, Outcome};
    use crate::requests::Shape;

    async fn sent_and_arrived(shape: Shape, protocol: Protocol, gzip: bool) -> (Outcome, Arrived) {
        let local = SocketAddr::from(([127, 0, 0, 1], 0));
        let sink = Sink::start(local, local, Behaviour::default())
            .await
            .unwrap();
        let target = match protocol {
            Protocol::Grpc => sink.grpc,
            Protocol::Http => sink.http,
        };
        let outcome = load::send(Load {
            target: target.to_string(),
            protocol,
            signal: shape.signal(),
            requests: shape.requests(100, protocol, gzip).unwrap().into(),
            gzip,
            connections: 2,
            in_flight: 4,
            rate: Some(500.0),
            duration: Duration::from_millis(100),
        })
        .await
        .unwrap();
        (outcome, sink.arrived())
    }

    #[tokio::test]
    async fn what_a_load_sends_arrives_whatever_it_is_and_however_it_travels() {
        for shape in [Shape::Spans, Shape::LogsSmall, Shape::Metrics] {
            for protocol in [Protocol::Grpc, Protocol::Http] {
                for gzip in [false, true] {
                    let (sent, arrived) = sent_and_arrived(shape, protocol, gzip).await;
                    let case = format!("{shape:?} {protocol:?} gzip={gzip}: {sent:?}");
                    // A busy machine may not send all of them in time.
                    assert_eq!(sent.acknowledged + sent.unsent, 50, "{case}");
                    assert!(sent.acknowledged > 0, "{case}");
                    assert_eq!(arrived.requests, sent.acknowledged, "{case}");
                    assert_eq!(arrived.records, 100 * sent.acknowledged, "{case}");
                    assert_eq!(arrived.records, sent.records, "{case}");
                    assert_eq!(arrived.invalid, 0, "{case}");
                }
            }
        }
    }

    #[test]
    fn a_backend_with_a_pace_takes_one_request_after_the_other() {
        let shared = Shared::new(Behaviour {
            pace_ms: 20_000,
            ..Behaviour::default()
        });
        let start = Instant::now();
        let first = shared.done(1 << 20);
        assert!(first >= start + Duration::from_secs(20));
        assert_eq!(shared.done(1 << 19), first + Duration::from_secs(10));
    }

    #[test]
    fn what_is_no_request_is_invalid() {
        assert!(count(None, &[], false).is_err());
        assert!(count(Some(Signal::Logs), &[0xff; 11], false).is_err());
        assert!(count(Some(Signal::Logs), &[0xff; 11], true).is_err());
        assert!(count(Some(Signal::Logs), &ZSTD, true).is_err());
    }

    #[test]
    fn zstd_is_opened_and_counted() {
        let messages = Shape::Spans.messages(10, 1).unwrap();
        let packed = compression::deflate(Coding::Zstd, &messages[0]);
        let payload = Payload::packed(Signal::Traces, packed);
        let framed = payload.framed_in(Coding::Zstd).unwrap();
        assert_eq!(
            count(Some(Signal::Traces), &framed[PREFIX..], true).unwrap(),
            10
        );
    }
}
