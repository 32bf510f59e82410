//! What is refused, what is passed on, and how it is answered, without a socket.

use std::collections::VecDeque;
use std::io::{self, Write as _};
use std::sync::Mutex;
use std::task::{Context, Poll};

use ::http::{Method, Request, Response};
use bytes::Bytes;
use flate2::write::{GzEncoder, ZlibEncoder};
use http_body::{Body, Frame, SizeHint};
use tokio::sync::Semaphore;

use super::answer::Answer;
use super::*;
use crate::batch::Signal;
use crate::compression::Coding;
use crate::refusal::RETRY_AFTER;

mod grpc;
mod http;
mod wire;

/// A body that comes in these pieces, and then ends, fails or never ends.
struct Pieces {
    data: VecDeque<Bytes>,
    end: End,
    exact: Option<u64>,
}

#[derive(Clone, Copy)]
enum End {
    Good,
    Reset,
    Never,
}

impl Pieces {
    fn of(pieces: impl IntoIterator<Item = impl Into<Bytes>>, end: End) -> Self {
        Self {
            data: pieces.into_iter().map(Into::into).collect(),
            end,
            exact: None,
        }
    }

    fn whole(body: impl Into<Bytes>) -> Self {
        let body = body.into();
        Self {
            exact: Some(body.len() as u64),
            ..Self::of([body], End::Good)
        }
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match (self.data.pop_front(), self.end) {
            (Some(piece), _) => Poll::Ready(Some(Ok(Frame::data(piece)))),
            (None, End::Good) => Poll::Ready(None),
            (None, End::Reset) => Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into()))),
            (None, End::Never) => Poll::Pending,
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.exact.map_or(SizeHint::default(), SizeHint::with_exact)
    }
}

/// What comes after the receiver: it keeps what it gets, and answers as it is told, when it is let.
#[derive(Clone)]
struct Sink {
    got: Arc<Mutex<Vec<Payload>>>,
    threads: Arc<Mutex<Vec<String>>>,
    answer: Arc<Mutex<Result<Accepted, Refusal>>>,
    permits: Arc<Semaphore>,
}

impl Sink {
    fn new() -> Self {
        Self {
            got: Arc::default(),
            threads: Arc::default(),
            answer: Arc::new(Mutex::new(Ok(Accepted::default()))),
            permits: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
        }
    }

    /// One that keeps every request waiting until it is let go.
    fn holding() -> Self {
        Self {
            permits: Arc::new(Semaphore::new(0)),
            ..Self::new()
        }
    }

    fn let_go(&self) {
        self.permits.add_permits(1000);
    }

    fn answers(&self, answer: Result<Accepted, Refusal>) {
        *self.answer.lock().unwrap() = answer;
    }

    fn next(&self) -> Next {
        let sink = self.clone();
        Arc::new(move |payload| {
            let sink = sink.clone();
            Box::pin(async move {
                let thread = std::thread::current().name().unwrap_or_default().to_owned();
                sink.threads.lock().unwrap().push(thread);
                sink.got.lock().unwrap().push(payload);
                sink.permits.acquire().await.unwrap().forget();
                sink.answer.lock().unwrap().clone()
            })
        })
    }

    fn count(&self) -> usize {
        self.got.lock().unwrap().len()
    }

    fn last(&self) -> Payload {
        self.got.lock().unwrap().last().cloned().unwrap()
    }
}

/// Small bounds, so that tests reach them.
fn protocol() -> Protocol {
    Protocol {
        max_request_size: 100_000,
        max_in_flight: 250_000,
        max_concurrent_streams: 64,
        max_connections: 8,
        ..Protocol::at(([127, 0, 0, 1], 0).into())
    }
}

fn door(speaks: Speaks, sink: &Sink) -> Arc<Door> {
    Door::new(speaks, protocol(), sink.next(), Memory::unbounded())
}

fn full() -> Refusal {
    Refusal::Full {
        what: "the queue of \"otlp\"".into(),
        after: RETRY_AFTER,
    }
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

/// A body in each coding, by every name that it has.
fn codings(plain: &[u8]) -> [(&'static str, Coding, Vec<u8>); 5] {
    let zlib = {
        let mut encoder = ZlibEncoder::new(Vec::new(), flate2::Compression::new(6));
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    };
    let raw = zlib[2..zlib.len() - 4].to_vec();
    [
        ("gzip", Coding::Gzip, gzip(plain)),
        (
            "zstd",
            Coding::Zstd,
            zstd::bulk::compress(plain, 3).unwrap(),
        ),
        ("deflate", Coding::Zlib, zlib.clone()),
        ("zlib", Coding::Zlib, zlib),
        ("deflate", Coding::Raw, raw),
    ]
}

/// A gRPC message with its prefix.
fn framed(compressed: bool, message: &[u8]) -> Vec<u8> {
    let mut framed = vec![u8::from(compressed)];
    framed.extend_from_slice(&u32::try_from(message.len()).unwrap().to_be_bytes());
    framed.extend_from_slice(message);
    framed
}
