//! What a connection is doing: answering, reading the head of a request, or nothing. hyper has no bound for the last.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// No time.
const NEVER: u64 = u64::MAX;

/// What a connection is doing. All of it happens on one thread; the atomics are for the compiler.
#[derive(Debug)]
pub(super) struct Activity {
    opened: Instant,
    requests: AtomicUsize,
    /// Whether there was a request yet.
    used: AtomicBool,
    /// When the last request ended, in milliseconds since the connection was opened.
    idle: AtomicU64,
    /// When the first byte of a request's head came, if the head is not whole. Not known for HTTP/2, where other frames
    /// come at any time; pings bound a head there.
    head: AtomicU64,
}

/// A request being answered.
pub(super) struct Active(Arc<Activity>);

/// A socket whose reads are noticed.
pub(super) struct Watched<S> {
    socket: S,
    activity: Arc<Activity>,
    /// The connection's first bytes, which tell HTTP/2 from HTTP/1.
    seen: Version,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    Unknown,
    Http1,
    Http2,
}

impl Activity {
    pub(super) fn new() -> Self {
        Self {
            opened: Instant::now(),
            requests: AtomicUsize::new(0),
            used: AtomicBool::new(false),
            idle: AtomicU64::new(0),
            head: AtomicU64::new(NEVER),
        }
    }

    /// Begins a request.
    pub(super) fn begin(self: &Arc<Self>) -> Active {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.used.store(true, Ordering::Relaxed);
        self.head.store(NEVER, Ordering::Relaxed);
        Active(Arc::clone(self))
    }

    /// Whether there was a request yet.
    pub(super) fn was_used(&self) -> bool {
        self.used.load(Ordering::Relaxed)
    }

    /// Whether there has been no request for so long.
    pub(super) fn idle_since(&self, bound: Duration) -> bool {
        self.requests.load(Ordering::Relaxed) == 0 && self.over(&self.idle, bound)
    }

    /// Whether the head of a request has been coming for so long.
    pub(super) fn head_since(&self, bound: Duration) -> bool {
        self.over(&self.head, bound)
    }

    fn over(&self, since: &AtomicU64, bound: Duration) -> bool {
        let since = since.load(Ordering::Relaxed);
        since != NEVER && self.now().saturating_sub(since) >= millis(bound)
    }

    fn now(&self) -> u64 {
        millis(self.opened.elapsed())
    }

    fn read(&self) {
        if self.requests.load(Ordering::Relaxed) == 0 && self.head.load(Ordering::Relaxed) == NEVER
        {
            self.head.store(self.now(), Ordering::Relaxed);
        }
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        let activity = &self.0;
        activity.idle.store(activity.now(), Ordering::Relaxed);
        activity.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(NEVER)
}

impl<S> Watched<S> {
    pub(super) fn new(socket: S, activity: Arc<Activity>) -> Self {
        Self {
            socket,
            activity,
            seen: Version::Unknown,
        }
    }

    fn noticed(&mut self, bytes: &[u8]) {
        if self.seen == Version::Unknown && !bytes.is_empty() {
            // HTTP/2 begins with "PRI"; of HTTP/1's methods only WebDAV's PROPFIND and its like begin as that does.
            let http2 = bytes.starts_with(b"PR") || bytes == b"P";
            self.seen = if http2 {
                Version::Http2
            } else {
                Version::Http1
            };
        }
        if self.seen == Version::Http1 {
            self.activity.read();
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.socket).poll_read(cx, buf);
        let read = buf.filled().get(before..).unwrap_or_default();
        if !read.is_empty() {
            self.noticed(read);
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}
