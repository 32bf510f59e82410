//! Sockets and connections: how many, where, and how they end.

use super::*;

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

/// What an HTTP/2 client says first: the preface, and settings that set nothing.
const HELLO: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
/// The type of HTTP/2's frame that says goodbye.
const GOAWAY: u8 = 7;

/// Reads one frame of HTTP/2 and gives its type; none at the end.
async fn frame(socket: &mut TcpStream) -> Option<u8> {
    let mut head = [0; 9];
    socket.read_exact(&mut head).await.ok()?;
    let [a, b, c, kind, ..] = head;
    let len = u32::from_be_bytes([0, a, b, c]);
    let mut payload = vec![0; len as usize];
    socket.read_exact(&mut payload).await.ok()?;
    Some(kind)
}

#[tokio::test]
async fn stopping_waits_for_requests_and_not_for_peers_that_say_nothing() {
    let sink = Sink::holding();
    let running = receiver(&sink);
    let mut busy = http2_client(grpc_address(&running)).await;
    let answer = tokio::spawn(busy.send_request(grpc_request(Full::new(message(9)))));
    let mut silent = Vec::new();
    for address in [grpc_address(&running), http_address(&running)] {
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(HELLO).await.unwrap();
        frame(&mut socket).await.expect("it is served");
        silent.push(socket);
    }
    until(|| sink.count() == 1).await;
    let stopping = tokio::spawn(running.stop(BOUND * 2));
    for mut socket in silent {
        let frames = async {
            let mut frames = Vec::new();
            while let Some(kind) = frame(&mut socket).await {
                frames.push(kind);
            }
            frames
        };
        let frames = time::timeout(BOUND, frames).await;
        let frames = frames.expect("a silent peer holds it up");
        assert!(frames.contains(&GOAWAY), "{frames:?}");
    }
    assert!(!stopping.is_finished());
    sink.let_go();
    assert_eq!(code(answer.await.unwrap().unwrap()).await, "0");
    assert!(stopping.await.unwrap(), "all was done in time");
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

/// A receiver whose connections grow old in no time.
fn short_lived(sink: &Sink, grace: Option<Duration>) -> Running {
    receiver_with(sink, 1, |bounds| {
        bounds.keepalive.max_connection_age = Some(Duration::from_millis(50));
        bounds.keepalive.max_connection_age_grace = grace;
    })
}

/// Opens a connection that says nothing, and waits until it is told to go.
async fn told_to_go(address: SocketAddr) {
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(HELLO).await.unwrap();
    let goodbye = async { while frame(&mut socket).await.expect("a goodbye") != GOAWAY {} };
    time::timeout(BOUND, goodbye).await.expect("it is old");
}

#[tokio::test]
async fn an_old_connection_is_told_to_go_and_its_requests_end_well() {
    let sink = Sink::holding();
    let running = short_lived(&sink, None);
    let address = grpc_address(&running);
    let mut busy = http2_client(address).await;
    let answer = tokio::spawn(busy.send_request(grpc_request(Full::new(message(9)))));
    until(|| sink.count() == 1).await;
    // Two ages later, which is more than one with its jitter.
    told_to_go(address).await;
    told_to_go(address).await;
    assert!(!answer.is_finished());
    sink.let_go();
    assert_eq!(code(answer.await.unwrap().unwrap()).await, "0");
    until(|| running.grpc().unwrap().connections() == 0).await;
    let mut fresh = http2_client(address).await;
    let answer = fresh.send_request(grpc_request(Full::new(message(9))));
    assert_eq!(code(answer.await.unwrap()).await, "0");
}

#[tokio::test]
async fn what_is_not_done_within_the_grace_is_cut() {
    let sink = Sink::holding();
    let running = short_lived(&sink, Some(Duration::from_millis(50)));
    let mut busy = http2_client(grpc_address(&running)).await;
    let answer = busy.send_request(grpc_request(Full::new(message(9))));
    let answer = time::timeout(BOUND, answer).await.expect("it is cut");
    assert!(answer.is_err(), "never a success for what was not taken");
    until(|| running.grpc().unwrap().connections() == 0).await;
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
    // Nor is one kept longer that never sent anything.
    assert_eq!(exchange(http_address(&head), b"").await, "");
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
async fn nothing_is_served_before_it_begins() {
    let (sink, runtimes) = (Sink::new(), Runtimes::start(1).unwrap());
    let config = Config {
        name: "otlp/waits".into(),
        grpc: None,
        http: Some(protocol()),
    };
    let (memory, left) = (Memory::unbounded(), Left::default());
    let mut running = start(&config, &runtimes, &sink.next(), &memory, &left).unwrap();
    let mut client = http1_client(http_address(&running)).await;
    let mut answer = std::pin::pin!(client.send_request(http_request(&b""[..])));
    let early = time::timeout(Duration::from_millis(50), answer.as_mut()).await;
    assert!(early.is_err(), "{early:?}");
    running.begin();
    assert_eq!(answer.await.unwrap().status(), 200);
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
    let error = start(
        &config,
        &Runtimes::start(1).unwrap(),
        &sink.next(),
        &Memory::unbounded(),
        &Left::default(),
    );
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
