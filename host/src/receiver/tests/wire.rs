//! Over loopback, with hyper's clients and with bare sockets.

use std::convert::Infallible;
use std::net::SocketAddr;

use ::http::StatusCode;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use super::*;

const LOGS: &str = "http://otlet/opentelemetry.proto.collector.logs.v1.LogsService/Export";
/// What no test should ever wait for.
const BOUND: Duration = Duration::from_secs(10);

/// A body that is sent as the test goes on.
struct Slowly(mpsc::Receiver<Bytes>);

impl Body for Slowly {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0
            .poll_recv(cx)
            .map(|piece| piece.map(Frame::data).map(Ok))
    }
}

fn receiver_with(sink: &Sink, threads: usize, adjust: impl Fn(&mut Protocol)) -> Running {
    let mut bounds = protocol();
    adjust(&mut bounds);
    let config = Config {
        name: "otlp/test".into(),
        grpc: Some(bounds.clone()),
        http: Some(bounds),
    };
    start(&config, &Runtimes::start(threads).unwrap(), &sink.next()).unwrap()
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

#[tokio::test]
async fn grpc_takes_messages_of_every_size_and_answers_with_trailers() {
    let sink = Sink::new();
    let running = receiver(&sink);
    let mut client = http2_client(grpc_address(&running)).await;
    for len in [0, 1, 16_383, 16_384, 65_536, 100_000] {
        let response = client
            .send_request(grpc_request(Full::new(message(len))))
            .await;
        let response = response.unwrap();
        assert_eq!(response.headers()["content-type"], "application/grpc");
        assert!(!response.headers().contains_key("content-length"));
        let collected = response.into_body().collect().await.unwrap();
        assert_eq!(collected.trailers().unwrap()["grpc-status"], "0");
        assert_eq!(collected.to_bytes(), &[0; 5][..]);
        assert_eq!(sink.last().framed().unwrap(), &message(len));
    }
    let listening = running.grpc().unwrap();
    assert_eq!(listening.counters().accepted.get(), 6);
    assert_eq!((listening.in_flight(), listening.connections()), (0, 1));
}

#[tokio::test]
async fn http_takes_both_versions_on_one_port() {
    let sink = Sink::new();
    let running = receiver(&sink);
    let mut client = http1_client(http_address(&running)).await;
    for len in [0, 100_000, 3] {
        let response = client
            .send_request(http_request(vec![7; len]))
            .await
            .unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-length"], "0");
        response.into_body().collect().await.unwrap();
        assert_eq!(sink.last().framed().unwrap(), &message(len));
    }
    let mut client = http2_client(http_address(&running)).await;
    let response = client
        .send_request(http_request(&b"abc"[..]))
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    // One connection each: HTTP/1's was kept.
    assert_eq!(running.http().unwrap().counters().connections.get(), 2);
}

#[tokio::test]
async fn a_chunked_body_is_taken() {
    let sink = Sink::new();
    let running = receiver(&sink);
    let request = "POST /v1/logs HTTP/1.1\r\nhost: otlet\r\nconnection: close\r\ncontent-type: application/json\r\n\
        transfer-encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n";
    let answer = exchange(http_address(&running), request.as_bytes()).await;
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("{}"),
        "{answer}"
    );
}

#[tokio::test]
async fn connections_are_spread_over_the_threads() {
    let sink = Sink::new();
    let running = receiver_with(&sink, 2, |_| {});
    let mut clients = Vec::new();
    for _ in 0..4 {
        let mut client = http2_client(grpc_address(&running)).await;
        let answer = client
            .send_request(grpc_request(Full::new(message(1))))
            .await
            .unwrap();
        assert_eq!(code(answer).await, "0");
        clients.push(client);
    }
    let mut threads = sink.threads.lock().unwrap().clone();
    threads.sort();
    assert_eq!(
        threads,
        ["otlet-io-0", "otlet-io-0", "otlet-io-1", "otlet-io-1"]
    );
}

#[tokio::test]
async fn many_half_sent_bodies_do_not_keep_one_from_being_answered() {
    let sink = Sink::new();
    let running = receiver(&sink);
    let mut client = http2_client(grpc_address(&running)).await;
    let mut senders = Vec::new();
    let mut answers = Vec::new();
    for _ in 0..40 {
        let (sender, body) = mpsc::channel(4);
        sender.send(message(100_000).slice(..60_000)).await.unwrap();
        client.ready().await.unwrap();
        answers.push(tokio::spawn(
            client.send_request(grpc_request(Slowly(body))),
        ));
        senders.push(sender);
    }
    // Two fit; the rest is refused as soon as its length is known, and read on meanwhile.
    until(|| running.grpc().unwrap().counters().full.get() == 38).await;
    for sender in senders {
        sender.send(message(100_000).slice(60_000..)).await.unwrap();
    }
    let mut codes = Vec::new();
    for answer in answers {
        let answer = time::timeout(BOUND, answer).await.expect("a deadlock");
        codes.push(code(answer.unwrap().unwrap()).await);
    }
    let count = |wanted: &str| codes.iter().filter(|code| *code == wanted).count();
    assert_eq!((count("0"), count("8")), (2, 38));
    assert_eq!(running.grpc().unwrap().in_flight(), 0);
    let again = client
        .send_request(grpc_request(Slowly(sent(message(100_000)).await)))
        .await;
    assert_eq!(code(again.unwrap()).await, "0");
}

/// A body that is sent whole.
async fn sent(body: Bytes) -> mpsc::Receiver<Bytes> {
    let (sender, receiver) = mpsc::channel(1);
    sender.send(body).await.unwrap();
    receiver
}

#[tokio::test]
async fn a_sender_over_http1_that_sends_all_first_reads_why_it_was_refused() {
    let sink = Sink::new();
    let running = receiver(&sink);
    let mut client = http1_client(http_address(&running)).await;
    let response = client
        .send_request(http_request(vec![0; 8 << 20]))
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    // And the connection is as good as before.
    client.ready().await.unwrap();
    let response = client.send_request(http_request(&b""[..])).await.unwrap();
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn stopping_answers_the_requests_in_flight_and_takes_no_more() {
    let sink = Sink::holding();
    let running = receiver(&sink);
    let (grpc, http) = (grpc_address(&running), http_address(&running));
    let mut one = http2_client(grpc).await;
    let mut two = http1_client(http).await;
    let grpc_answer = tokio::spawn(one.send_request(grpc_request(Full::new(message(9)))));
    let http_answer = tokio::spawn(two.send_request(http_request(&b"x"[..])));
    until(|| sink.count() == 2).await;
    let stopping = tokio::spawn(running.stop(BOUND));
    until(|| std::net::TcpStream::connect(grpc).is_err()).await;
    until(|| std::net::TcpStream::connect(http).is_err()).await;
    assert!(!stopping.is_finished());
    sink.let_go();
    assert_eq!(code(grpc_answer.await.unwrap().unwrap()).await, "0");
    assert_eq!(http_answer.await.unwrap().unwrap().status(), 200);
    assert!(stopping.await.unwrap(), "all was done in time");
}

#[tokio::test]
async fn stopping_ends_idle_connections_at_once() {
    let sink = Sink::new();
    let running = receiver(&sink);
    let mut one = http2_client(grpc_address(&running)).await;
    let answer = one
        .send_request(grpc_request(Full::new(message(9))))
        .await
        .unwrap();
    assert_eq!(code(answer).await, "0");
    let mut two = http1_client(http_address(&running)).await;
    let answer = two.send_request(http_request(&b"x"[..])).await.unwrap();
    answer.into_body().collect().await.unwrap();
    let _silent = TcpStream::connect(http_address(&running)).await.unwrap();
    until(|| running.http().unwrap().connections() == 2).await;
    let stopped = time::timeout(BOUND, running.stop(BOUND * 2)).await;
    assert!(stopped.expect("an idle connection holds it up"));
}

#[tokio::test]
async fn stopping_cuts_what_is_not_done_in_time() {
    let sink = Sink::holding();
    let running = receiver(&sink);
    let mut client = http1_client(http_address(&running)).await;
    let answer = tokio::spawn(client.send_request(http_request(&b"x"[..])));
    until(|| sink.count() == 1).await;
    assert!(!running.stop(Duration::from_millis(30)).await);
    assert!(
        answer.await.unwrap().is_err(),
        "never a success for what was not taken"
    );
}

#[tokio::test]
async fn connections_are_bounded_and_their_places_given_back() {
    let sink = Sink::new();
    let running = receiver_with(&sink, 1, |bounds| bounds.max_connections = 2);
    let address = http_address(&running);
    let one = http1_client(address).await;
    let _two = http1_client(address).await;
    until(|| running.http().unwrap().connections() == 2).await;
    let mut refused = TcpStream::connect(address).await.unwrap();
    let read = time::timeout(BOUND, refused.read(&mut [0; 1])).await;
    assert_eq!(read.expect("it is left waiting").unwrap_or(0), 0);
    drop(one);
    until(|| running.http().unwrap().connections() == 1).await;
    let mut three = http1_client(address).await;
    let answer = three.send_request(http_request(&b""[..])).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(
        running.http().unwrap().counters().connections_refused.get(),
        1
    );
}

#[tokio::test]
async fn a_head_that_never_ends_and_a_connection_without_requests_are_ended() {
    let sink = Sink::new();
    let head = receiver_with(&sink, 1, |bounds| {
        bounds.read_timeout = Duration::from_millis(50);
    });
    let answer = exchange(http_address(&head), b"POST /v1/logs HTTP/1.1\r\nhost: ot").await;
    assert_eq!(answer, "");
    let idle = receiver_with(&sink, 1, |bounds| {
        bounds.idle_timeout = Duration::from_millis(50);
    });
    assert_eq!(exchange(http_address(&idle), b"").await, "");
    let request = "POST /v1/logs HTTP/1.1\r\nhost: otlet\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
    let answer = exchange(http_address(&idle), request.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    let mut client = http2_client(grpc_address(&idle)).await;
    let answer = client
        .send_request(grpc_request(Full::new(message(1))))
        .await
        .unwrap();
    assert_eq!(code(answer).await, "0");
    until(|| idle.grpc().unwrap().connections() == 0).await;
}

#[tokio::test]
async fn a_waiting_connection_outlives_the_time_for_a_head() {
    let sink = Sink::new();
    let running = receiver_with(&sink, 1, |bounds| {
        bounds.read_timeout = Duration::from_millis(30);
    });
    let mut old = http1_client(http_address(&running)).await;
    let answer = old.send_request(http_request(&b""[..])).await.unwrap();
    answer.into_body().collect().await.unwrap();
    // Another connection, opened later, sees the bound pass; the old one is still good after it.
    let answer = exchange(
        http_address(&running),
        b"POST /v1/logs HTTP/1.1\r\nhost: ot",
    )
    .await;
    assert_eq!(answer, "");
    let answer = old.send_request(http_request(&b""[..])).await.unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn a_body_that_comes_too_slowly_is_told_to_come_again() {
    let sink = Sink::new();
    let running = receiver_with(&sink, 1, |bounds| {
        bounds.read_timeout = Duration::from_millis(50);
    });
    let mut client = http2_client(grpc_address(&running)).await;
    let (sender, body) = mpsc::channel(1);
    sender.send(message(1000).slice(..500)).await.unwrap();
    let answer = client
        .send_request(grpc_request(Slowly(body)))
        .await
        .unwrap();
    assert_eq!(code(answer).await, "14");
    assert_eq!(running.grpc().unwrap().in_flight(), 0);
}

#[tokio::test]
async fn a_sender_that_goes_away_gives_its_room_back() {
    let sink = Sink::new();
    let running = receiver(&sink);
    let client_runtime = tokio::spawn({
        let address = grpc_address(&running);
        async move {
            let mut client = http2_client(address).await;
            let (sender, body) = mpsc::channel(1);
            sender.send(message(90_000).slice(..500)).await.unwrap();
            let _answer = client.send_request(grpc_request(Slowly(body))).await;
        }
    });
    until(|| running.grpc().unwrap().in_flight() > 0).await;
    client_runtime.abort();
    until(|| running.grpc().unwrap().in_flight() == 0).await;
    assert_eq!(sink.count(), 0);
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let sink = Sink::new();
    let running = receiver(&sink);
    let taken = http_address(&running);
    let config = Config {
        name: "otlp/second".into(),
        grpc: None,
        http: Some(Protocol::at(taken)),
    };
    let error = start(&config, &Runtimes::start(1).unwrap(), &sink.next());
    let message = error.err().expect("it is taken").to_string();
    assert!(message.contains("\"otlp/second\""), "{message}");
    assert!(message.contains(&taken.to_string()), "{message}");
}

#[tokio::test]
async fn garbage_ends_the_connection_and_nothing_else() {
    let sink = Sink::new();
    let running = receiver(&sink);
    let mut random = fastrand::Rng::with_seed(9);
    for _ in 0..50 {
        let bytes: Vec<u8> = (0..200).map(|_| random.u8(..)).collect();
        for address in [grpc_address(&running), http_address(&running)] {
            let mut socket = TcpStream::connect(address).await.unwrap();
            socket.write_all(&bytes).await.unwrap();
            socket.shutdown().await.unwrap();
            let mut answer = Vec::new();
            let _reset = time::timeout(BOUND, socket.read_to_end(&mut answer))
                .await
                .unwrap();
        }
    }
    let mut client = http2_client(grpc_address(&running)).await;
    let answer = client
        .send_request(grpc_request(Full::new(message(1))))
        .await
        .unwrap();
    assert_eq!(code(answer).await, "0");
}
