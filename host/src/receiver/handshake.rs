//! The beginning of a connection: the TLS handshake, on the IO thread that carries the connection, within its time.
//!
//! What goes wrong is counted, and told in a line a second with the peer's address.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time;

use super::door::Door;
use crate::tls::Stream;

/// How long a handshake may take; `read_timeout` may be shorter.
const LONGEST: Duration = Duration::from_secs(10);

/// The stream to read requests from; none if there can be none.
pub(super) async fn secure(tcp: TcpStream, peer: SocketAddr, door: &Door) -> Option<Stream> {
    let Some(tls) = &door.tls else {
        return Some(Stream::plain(tcp));
    };
    let bound = LONGEST.min(door.protocol.read_timeout);
    let reason = match time::timeout(bound, tls.accept(tcp)).await {
        Ok(Ok(stream)) => return Some(stream),
        Ok(Err(reason)) => reason,
        Err(_late) => format!("the TLS handshake did not end within {bound:?}"),
    };
    door.counters.handshakes_failed.add(1);
    if let Some(unlogged) = door.handshakes.pass() {
        let address = door.protocol.endpoint;
        tracing::warn!(%address, %peer, reason, unlogged, "a client was not let in");
    }
    None
}
