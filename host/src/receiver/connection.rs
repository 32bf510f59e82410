//! One connection: HTTP/2, or at the HTTP door also HTTP/1.1, served by hyper until its peer, time or shutdown ends it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time;

use super::activity::{Activity, Watched};
use super::door::{Door, Peer, Speaks};
use super::{handshake, keepalive};
use crate::payload::PREFIX;

/// What a peer may send ahead on one stream, and on all streams of a connection. On a real network this is what may be
/// under way; what arrives is read at once.
const STREAM_WINDOW: u32 = 4 << 20;
const CONNECTION_WINDOW: u32 = 16 << 20;

/// The largest HTTP/2 frame. A message that fits in one is never copied, and costs half of what it costs in frames of the
/// default 16 KiB. A peer has this much in memory that no budget counts, a frame being read before it is seen.
const FRAME: usize = 1 << 20;

/// HTTP/1's read buffer, and so the bound on a request's head.
const HTTP1_BUFFER: usize = 64 << 10;
/// The bound on a request's head over HTTP/2.
const HTTP2_HEADERS: u32 = 16 << 10;

/// Streams that a peer opened and reset before they were looked at, and streams reset for the peer's faults, until the
/// connection is ended.
const MAX_RESETS: usize = 1024;

/// How often, at most, a connection is looked at for having been idle too long.
const LOOK: Duration = Duration::from_millis(10);

/// How long a connection that is to end is kept without a request. HTTP/2's goodbye is a ping, after whose answer a peer
/// opens no more streams: this is a round trip and much to spare, and peers that are silent never answer.
const GOODBYE: Duration = Duration::from_secs(1);

/// What connections are asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// Serve.
    Serve,
    /// Answer the requests in flight and end.
    Finish,
    /// End now.
    Cut,
}

/// Serves a connection to its end.
pub(super) async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    door: Arc<Door>,
    mut stage: watch::Receiver<Stage>,
) {
    // Without it a small answer waits for the acknowledgement of the one before: 40 ms.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
    let secured = tokio::select! {
        secured = handshake::secure(stream, peer, &door) => secured,
        // Nothing was sent yet.
        () = reached(&mut stage, Stage::Finish) => None,
    };
    let Some(stream) = secured else { return };
    let activity = Arc::new(Activity::new());
    let io = TokioIo::new(Watched::new(stream, Arc::clone(&activity)));
    let requests = Arc::clone(&activity);
    let (read_timeout, idle_timeout) = (door.protocol.read_timeout, door.protocol.idle_timeout);
    let grace = door.protocol.keepalive.max_connection_age_grace;
    let mut aging = pin!(keepalive::elapsed(door.protocol.keepalive.age()));
    let mut old = false;
    let builder = builder(&door);
    let service = service_fn(move |mut request: Request<Incoming>| {
        let door = Arc::clone(&door);
        if door.asks_for_tokens() {
            request.extensions_mut().insert(Peer(peer));
        }
        let active = requests.begin();
        async move {
            let response = door.answer(request).await;
            drop(active);
            Ok::<_, Infallible>(response)
        }
    });
    let mut connection = pin!(builder.serve_connection(io, service));
    let look = read_timeout.min(idle_timeout).max(LOOK);
    let mut finishing = false;
    let mut again = pin!(time::sleep(look));
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "connection ended");
                }
                return;
            }
            () = reached(&mut stage, if finishing { Stage::Cut } else { Stage::Finish }) => {
                if finishing {
                    return;
                }
                finishing = true;
                connection.as_mut().graceful_shutdown();
                again.as_mut().reset(time::Instant::now() + GOODBYE);
            }
            () = aging.as_mut() => {
                if old {
                    return;
                }
                (old, finishing) = (true, true);
                connection.as_mut().graceful_shutdown();
                again.as_mut().reset(time::Instant::now() + GOODBYE);
                aging.set(keepalive::elapsed(grace));
            }
            () = again.as_mut() => {
                // Whoever opens a connection has something to send: one without a request yet is kept no longer than a body.
                let bound = match (finishing, activity.was_used()) {
                    (true, _) => GOODBYE,
                    (false, true) => idle_timeout,
                    (false, false) => look,
                };
                let idle = activity.idle_since(bound);
                if activity.head_since(read_timeout) || (idle && finishing) {
                    return;
                }
                if idle {
                    finishing = true;
                    connection.as_mut().graceful_shutdown();
                }
                let wait = if finishing { GOODBYE } else { look };
                again.as_mut().reset(time::Instant::now() + wait);
            }
        }
    }
}

/// Waits until a stage is reached. When nobody is left to say so, everything ends in good order.
async fn reached(stage: &mut watch::Receiver<Stage>, wanted: Stage) {
    let left_alone = stage.wait_for(|now| *now >= wanted).await.is_err();
    if left_alone && wanted > Stage::Finish {
        std::future::pending::<()>().await;
    }
}

/// hyper with every bound set, whatever its defaults are.
fn builder(door: &Door) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    let frame = (door.protocol.max_request_size + PREFIX).clamp(16 << 10, FRAME);
    builder
        .http2()
        .timer(TokioTimer::new())
        .adaptive_window(false)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_frame_size(u32::try_from(frame).unwrap_or(u32::MAX))
        .max_concurrent_streams(door.protocol.max_concurrent_streams)
        .max_header_list_size(HTTP2_HEADERS)
        .max_pending_accept_reset_streams(MAX_RESETS)
        .max_local_error_reset_streams(MAX_RESETS)
        .keep_alive_interval(door.protocol.keepalive.time)
        .keep_alive_timeout(door.protocol.keepalive.timeout)
        .auto_date_header(door.speaks == Speaks::Http);
    builder
        .http1()
        .timer(TokioTimer::new())
        .max_buf_size(HTTP1_BUFFER)
        // `Activity` tells a head that does not end from a connection that waits for one; hyper's own timer does not.
        .header_read_timeout(None);
    match door.speaks {
        Speaks::Grpc => builder.http2_only(),
        Speaks::Http => builder,
    }
}
