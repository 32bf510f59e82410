//! Requests whole, in pieces, too slow and cut off.

use ::http::StatusCode;
use tokio::sync::mpsc;

use super::*;

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
    // The third is announced while there is room beside what came of the first two; the rest is refused as soon as its
    // length is known, and read on meanwhile.
    until(|| running.grpc().unwrap().counters().full.get() == 37).await;
    for sender in senders {
        sender.send(message(100_000).slice(60_000..)).await.unwrap();
    }
    let mut codes = Vec::new();
    for answer in answers {
        let answer = time::timeout(BOUND, answer).await.expect("a deadlock");
        codes.push(code(answer.unwrap().unwrap()).await);
    }
    // Whoever comes to be too much gives its room to the others.
    let count = |wanted: &str| codes.iter().filter(|code| *code == wanted).count();
    let taken = count("0");
    assert!((1..=3).contains(&taken), "{taken}");
    assert_eq!(count("8"), 40 - taken);
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
