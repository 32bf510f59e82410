//! Over loopback, with hyper's clients and with bare sockets.

use std::convert::Infallible;
use std::net::SocketAddr;

use http_body_util::{BodyExt, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

mod connections;
mod requests;

const LOGS: &str = "http://otlet/opentelemetry.proto.collector.logs.v1.LogsService/Export";
/// What no test should ever wait for.
const BOUND: Duration = Duration::from_secs(10);

fn receiver_with(sink: &Sink, threads: usize, adjust: impl Fn(&mut Protocol)) -> Running {
    let mut bounds = protocol();
    adjust(&mut bounds);
    let config = Config {
        name: "otlp/test".into(),
        grpc: Some(bounds.clone()),
        http: Some(bounds),
    };
    let mut running = start(
        &config,
        &Runtimes::start(threads).unwrap(),
        &sink.next(),
        &Memory::unbounded(),
        &Left::default(),
    )
    .unwrap();
    running.begin();
    running
}

fn receiver(sink: &Sink) -> Running {
    receiver_with(sink, 1, |_| {})
}

fn grpc_address(running: &Running) -> SocketAddr {
    running.grpc().unwrap().address()
}

fn http_address(running: &Running) -> SocketAddr {
    running.http().unwrap().address()
}

async fn http2_client<B>(address: SocketAddr) -> http2::SendRequest<B>
where
    B: Body<Data = Bytes, Error = Infallible> + Send + Unpin + 'static,
{
    let io = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (client, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn http1_client(address: SocketAddr) -> http1::SendRequest<Full<Bytes>> {
    let io = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (client, connection) = http1::handshake(io).await.unwrap();
    tokio::spawn(connection);
    client
}

fn grpc_request<B>(body: B) -> Request<B> {
    let request = Request::post(LOGS).header("te", "trailers");
    request
        .header("content-type", "application/grpc")
        .body(body)
        .unwrap()
}

fn http_request(body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    let request = Request::post("http://otlet/v1/logs").header("host", "otlet");
    let request = request.header("content-type", "application/x-protobuf");
    request.body(Full::new(body.into())).unwrap()
}

fn message(len: usize) -> Bytes {
    framed(false, &vec![7; len]).into()
}

/// The gRPC code, wherever it stands.
async fn code(response: Response<hyper::body::Incoming>) -> String {
    assert_eq!(response.status(), 200);
    let (head, body) = response.into_parts();
    let collected = body.collect().await.unwrap();
    let trailers = collected
        .trailers()
        .and_then(|trailers| trailers.get("grpc-status"));
    let status = head.headers.get("grpc-status").or(trailers).unwrap();
    status.to_str().unwrap().to_owned()
}

/// Waits for a condition that other threads bring about.
async fn until(condition: impl Fn() -> bool) {
    let waiting = async {
        while !condition() {
            time::sleep(Duration::from_millis(1)).await;
        }
    };
    time::timeout(BOUND, waiting)
        .await
        .expect("the condition never came true");
}

/// Sends bytes over a bare socket and reads until the other side closes.
async fn exchange(address: SocketAddr, bytes: &[u8]) -> String {
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    time::timeout(BOUND, socket.read_to_end(&mut answer))
        .await
        .expect("the connection stays open")
        .unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}
