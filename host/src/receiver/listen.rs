//! Listening sockets, and the acceptors that hand each connection to the IO thread with the fewest.
//!
//! A connection over `max_connections` is closed at once: its peer hears so and tries again within its patience, while one
//! left waiting in the kernel's queue would lose its batch to a time-out.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::time;

use super::connection::{self, Stage};
use super::door::Door;
use crate::runtime::Runtimes;
use crate::telemetry::Throttle;

/// Connections that wait in the kernel to be accepted.
const BACKLOG: u32 = 1024;

/// What is waited after an error of `accept`, which mostly is that the process has no file descriptors left.
const AFTER_ERROR: Duration = Duration::from_millis(100);

/// Of connections that cannot be had.
static UNACCEPTED: Throttle = Throttle::new();

/// Binds a socket. It belongs to no runtime yet, so that it can outlive the one that accepts from it. Sockets that `go` are of
/// this process and about to be closed: they are no obstacle.
pub(super) fn bind(
    runtimes: &Runtimes,
    address: SocketAddr,
    go: &[&std::net::TcpListener],
) -> io::Result<std::net::TcpListener> {
    let (handle, _load) = runtimes.least_loaded();
    let _runtime = handle.enter();
    match bind_alone(address, false) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && !go.is_empty() => {
            // Two sockets can share a port if both say so. They say so for this moment alone, so that nobody else can.
            share(go, true)?;
            let bound = bind_alone(address, true);
            share(go, false)?;
            let bound = bound?;
            share(&[&bound], false)?;
            Ok(bound)
        }
        bound => bound,
    }
}

/// Has sockets share their port with others of this user that do, or not.
fn share(sockets: &[&std::net::TcpListener], shared: bool) -> io::Result<()> {
    for socket in sockets {
        // What options are set by takes a stream, of which this is none: a second handle of the same socket.
        let stream = std::net::TcpStream::from(OwnedFd::from(socket.try_clone()?));
        TcpSocket::from_std_stream(stream).set_reuseport(shared)?;
    }
    Ok(())
}

fn bind_alone(address: SocketAddr, shared: bool) -> io::Result<std::net::TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // Connections of the process before us that linger must not keep us from starting.
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(shared)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

/// Accepts connections until the stage ends it.
pub(super) fn spawn(
    listener: std::net::TcpListener,
    door: Arc<Door>,
    runtimes: Runtimes,
    stage: watch::Receiver<Stage>,
) {
    let (handle, _load) = runtimes.least_loaded();
    handle.clone().spawn(async move {
        if let Err(error) = accept(listener, &door, &runtimes, stage).await {
            tracing::error!(%error, address = %door.protocol.endpoint, "cannot listen");
        }
    });
}

async fn accept(
    listener: std::net::TcpListener,
    door: &Arc<Door>,
    runtimes: &Runtimes,
    mut stage: watch::Receiver<Stage>,
) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let connections = stage.clone();
    loop {
        let accepted = tokio::select! {
            // Whatever ends the wait, the sender of stages being gone included, ends accepting.
            _ended = stage.wait_for(|now| *now > Stage::Serve) => return Ok(()),
            accepted = listener.accept() => accepted,
        };
        let handed = match accepted {
            Ok((stream, peer)) => hand_over(stream, peer, door, runtimes, connections.clone()),
            Err(error) => Err(error),
        };
        if let Err(error) = handed {
            if let Some(unlogged) = UNACCEPTED.pass() {
                tracing::warn!(%error, unlogged, "cannot accept a connection");
            }
            time::sleep(AFTER_ERROR).await;
        }
    }
}

/// Moves a connection to the IO thread with the fewest, where it stays.
fn hand_over(
    stream: TcpStream,
    peer: SocketAddr,
    door: &Arc<Door>,
    runtimes: &Runtimes,
    stage: watch::Receiver<Stage>,
) -> io::Result<()> {
    let Some(open) = door.open() else {
        return Ok(());
    };
    let door = Arc::clone(door);
    let stream = stream.into_std()?;
    let (handle, load) = runtimes.least_loaded();
    handle.spawn(async move {
        match TcpStream::from_std(stream) {
            Ok(stream) => Box::pin(connection::serve(stream, peer, door, stage)).await,
            Err(error) => {
                if let Some(unlogged) = UNACCEPTED.pass() {
                    tracing::warn!(%error, unlogged, "cannot take over a connection");
                }
            }
        }
        drop((open, load));
    });
    Ok(())
}
