//! A connection that may be encrypted. What it reads and writes is plain.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper_util::client::legacy::connect::{Connected, Connection};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsStream;

use super::words;

/// A connection with or without TLS.
pub enum Stream {
    /// Without.
    Plain {
        /// The connection.
        tcp: TcpStream,
        /// Whether the other side has said something.
        heard: bool,
        /// How often a failure to write still waits for what there is to read, while nothing was heard.
        patience: u8,
    },
    /// With.
    Tls {
        /// The connection.
        tls: Box<TlsStream<TcpStream>>,
        /// Where what goes wrong with TLS is told besides: HTTP/2 keeps no more than that a connection was closed.
        trouble: Trouble,
        /// How often a failure to write still waits for what there is to read.
        patience: u8,
    },
}

/// What happened longer ago has nothing to do with the request that failed now.
const JUST_NOW: Duration = Duration::from_secs(5);

/// What last went wrong with the TLS of connections that were open. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Trouble(Arc<Mutex<Option<(Instant, String)>>>);

impl Trouble {
    fn note(&self, words: &str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((Instant::now(), words.to_owned()));
    }

    /// What it was, once, if that was just now.
    pub fn take(&self) -> Option<String> {
        let noted = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (when, words) = noted?;
        (when.elapsed() < JUST_NOW).then_some(words)
    }
}

/// How often a failure to write waits for what the other side may have said.
const PATIENCE: u8 = 8;

/// How writing fails where the other side has closed.
const CLOSED: [io::ErrorKind; 3] = [
    io::ErrorKind::BrokenPipe,
    io::ErrorKind::ConnectionReset,
    io::ErrorKind::ConnectionAborted,
];

/// How a side that speaks TLS ends what is not: an alert, in a record of version 3.
const ALERT: [u8; 2] = [0x15, 0x03];

/// What that means.
const WANTS_TLS: &str =
    "the other side ends the connection as TLS does: it may want TLS, `https://`";

impl Stream {
    /// A connection with TLS.
    pub(super) fn secure(tls: TlsStream<TcpStream>, trouble: Trouble) -> Self {
        let patience = if matches!(tls, TlsStream::Client(_)) {
            PATIENCE
        } else {
            0
        };
        Self::Tls {
            tls: Box::new(tls),
            trouble,
            patience,
        }
    }

    /// A connection without TLS.
    pub fn plain(tcp: TcpStream) -> Self {
        Self::Plain {
            tcp,
            heard: false,
            patience: PATIENCE,
        }
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        match self {
            Self::Plain { tcp, .. } => tcp.connected(),
            Self::Tls { tls, .. } => tls.get_ref().0.connected(),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain { tcp, heard, .. } => {
                let before = buf.filled().len();
                let polled = Pin::new(tcp).poll_read(cx, buf);
                let read = buf.filled().get(before..).unwrap_or_default();
                if !*heard && read.starts_with(&ALERT) {
                    return Poll::Ready(Err(io::Error::other(WANTS_TLS)));
                }
                *heard |= !read.is_empty();
                polled
            }
            Self::Tls { tls, trouble, .. } => {
                let of_a_server = matches!(**tls, TlsStream::Client(_));
                // A server judges the certificate of a client only after the client has begun to send.
                Pin::new(tls).poll_read(cx, buf).map_err(|error| {
                    let Some(words) = words::within(&error, of_a_server) else {
                        return error;
                    };
                    trouble.note(&words);
                    io::Error::new(error.kind(), words)
                })
            }
        }
    }
}

impl Stream {
    /// A server that does not want us says why and closes. Writing fails then before what it said is read: the failure waits
    /// until there is something to read, and for the reader to be asked, a few times, since nothing tells when it was.
    fn after_reading<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let (tcp, patience) = match self {
            Self::Tls { tls, patience, .. } => (tls.get_ref().0, patience),
            Self::Plain {
                tcp,
                patience,
                heard: false,
            } => (&*tcp, patience),
            Self::Plain { .. } => return written,
        };
        match &written {
            Poll::Ready(Err(error)) if *patience > 0 && CLOSED.contains(&error.kind()) => {}
            _ => return written,
        }
        if tcp.poll_read_ready(cx).is_ready() {
            *patience -= 1;
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = match &mut *self {
            Self::Plain { tcp, .. } => Pin::new(tcp).poll_write(cx, buf),
            Self::Tls { tls, .. } => Pin::new(tls).poll_write(cx, buf),
        };
        self.after_reading(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = match &mut *self {
            Self::Plain { tcp, .. } => Pin::new(tcp).poll_write_vectored(cx, bufs),
            Self::Tls { tls, .. } => Pin::new(tls).poll_write_vectored(cx, bufs),
        };
        self.after_reading(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain { tcp, .. } => tcp.is_write_vectored(),
            Self::Tls { tls, .. } => tls.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let written = match &mut *self {
            Self::Plain { tcp, .. } => Pin::new(tcp).poll_flush(cx),
            Self::Tls { tls, .. } => Pin::new(tls).poll_flush(cx),
        };
        self.after_reading(cx, written)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let written = match &mut *self {
            Self::Plain { tcp, .. } => Pin::new(tcp).poll_shutdown(cx),
            Self::Tls { tls, .. } => Pin::new(tls).poll_shutdown(cx),
        };
        self.after_reading(cx, written)
    }
}
