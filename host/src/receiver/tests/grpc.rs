use super::*;

const TRACES: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const METRICS: &str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
const LOGS: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";

fn request<B>(path: &str, headers: &[(&str, &str)], body: B) -> Request<B> {
    let mut request = Request::post(path);
    if headers.iter().all(|(name, _)| *name != "content-type") {
        request = request.header("content-type", "application/grpc");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body).unwrap()
}

async fn export(door: &Door, headers: &[(&str, &str)], body: Pieces) -> Response<Answer> {
    door.answer(request(LOGS, headers, body)).await
}

/// The code of a refusal; of a success, which has it in the trailers, 0.
fn code(response: &Response<Answer>) -> &str {
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/grpc");
    match response.headers().get("grpc-status") {
        Some(code) => code.to_str().unwrap(),
        None => "0",
    }
}

fn message(response: &Response<Answer>) -> &str {
    response.headers()["grpc-message"].to_str().unwrap()
}

#[tokio::test]
async fn the_path_tells_the_signal() {
    let sink = Sink::new();
    let door = door(Speaks::Grpc, &sink);
    for (path, signal) in [
        (TRACES, Signal::Traces),
        (METRICS, Signal::Metrics),
        (LOGS, Signal::Logs),
    ] {
        let body = Pieces::of([framed(false, b"any")], End::Good);
        let response = door.answer(request(path, &[], body)).await;
        assert_eq!(code(&response), "0");
        assert_eq!(sink.last().signal(), signal);
    }
    assert_eq!(door.counters.accepted.get(), 3);
    assert_eq!(door.counters.bytes.get(), 3 * 8);
}

#[tokio::test]
async fn a_large_message_in_one_frame_is_not_copied() {
    let sink = Sink::new();
    let body = Bytes::from(framed(false, &vec![7; 50_000]));
    export(
        &door(Speaks::Grpc, &sink),
        &[],
        Pieces::of([body.clone()], End::Good),
    )
    .await;
    assert_eq!(sink.last().framed().unwrap().as_ptr(), body.as_ptr());
}

#[tokio::test]
async fn a_small_message_does_not_keep_the_read_buffer_alive() {
    let sink = Sink::new();
    let buffer = Bytes::from([framed(false, b"small"), vec![0; 100_000]].concat());
    let body = Pieces::of([buffer.slice(..10)], End::Good);
    export(&door(Speaks::Grpc, &sink), &[], body).await;
    assert_eq!(sink.last().framed().unwrap(), &framed(false, b"small"));
    assert!(buffer.is_unique());
}

#[tokio::test]
async fn a_message_may_be_cut_anywhere() {
    let sink = Sink::new();
    let door = door(Speaks::Grpc, &sink);
    let whole = framed(false, b"a message");
    for first in 0..whole.len() {
        for second in first..whole.len() {
            let pieces = [&whole[..first], &whole[first..second], &whole[second..]];
            let body = Pieces::of(pieces.map(Bytes::copy_from_slice), End::Good);
            let response = export(&door, &[], body).await;
            assert_eq!(code(&response), "0", "cut at {first} and {second}");
            assert_eq!(sink.last().framed().unwrap(), &whole);
        }
    }
    assert_eq!(door.in_flight(), 0);
}

#[tokio::test]
async fn gzip_stays_as_it_came() {
    let sink = Sink::new();
    let body = framed(true, &gzip(&[1; 5000]));
    let headers = [("grpc-encoding", "gzip")];
    let door = door(Speaks::Grpc, &sink);
    let response = export(&door, &headers, Pieces::of([body.clone()], End::Good)).await;
    assert_eq!(code(&response), "0");
    let payload = sink.last();
    assert_eq!(payload.framed_in(Coding::Gzip).unwrap(), &body);
    assert!(payload.framed().is_none());
    let packed = payload.compressed().unwrap();
    assert_eq!((packed.size, packed.limit), (5000, 100_000));
    // What says that it may be compressed need not be.
    let response = export(
        &door,
        &headers,
        Pieces::of([framed(false, b"x")], End::Good),
    )
    .await;
    assert_eq!(code(&response), "0");
    assert_eq!(sink.last().message().unwrap(), &b"x"[..]);
}

#[tokio::test]
async fn every_coding_stays_as_it_came() {
    let sink = Sink::new();
    let door = door(Speaks::Grpc, &sink);
    for (name, coding, body) in codings(b"a message") {
        let body = framed(true, &body);
        let pieces = Pieces::of([body.clone()], End::Good);
        let response = export(&door, &[("grpc-encoding", name)], pieces).await;
        assert_eq!(code(&response), "0", "{name}");
        assert_eq!(sink.last().framed_in(coding).unwrap(), &body, "{name}");
        let damaged = framed(true, b"not what it is said to be");
        let pieces = Pieces::of([damaged], End::Good);
        let response = export(&door, &[("grpc-encoding", name)], pieces).await;
        assert_eq!(code(&response), "3", "{name}");
        assert!(message(&response).contains(coding.name()), "{name}");
    }
    assert_eq!(door.in_flight(), 0);
}

#[tokio::test]
async fn what_is_no_otlp_is_told_so() {
    let sink = Sink::new();
    let door = door(Speaks::Grpc, &sink);
    let body = || Pieces::of([framed(false, b"x")], End::Good);
    for content_type in ["application/json", "application/grpcx", "text/plain", ""] {
        let response = export(&door, &[("content-type", content_type)], body()).await;
        assert_eq!(response.status(), 415, "{content_type}");
    }
    for content_type in ["application/grpc+proto", "application/grpc; charset=utf-8"] {
        let response = export(&door, &[("content-type", content_type)], body()).await;
        assert_eq!(code(&response), "0", "{content_type}");
    }
    let response = export(&door, &[("content-type", "application/grpc+json")], body()).await;
    assert_eq!(code(&response), "12");
    let response = door
        .answer(request("/other.Service/Export", &[], body()))
        .await;
    assert_eq!(code(&response), "12");
    let mut get = request(LOGS, &[], body());
    *get.method_mut() = Method::GET;
    assert_eq!(code(&door.answer(get).await), "12");
    let response = export(&door, &[("grpc-encoding", "snappy")], body()).await;
    assert_eq!(code(&response), "12");
    let accepted = &response.headers()["grpc-accept-encoding"];
    assert_eq!(accepted, "identity,gzip,zstd,deflate");
    assert!(message(&response).contains("gzip, zstd, deflate"));
    assert_eq!((sink.count(), door.counters.invalid.get()), (2, 8));
}

#[tokio::test]
async fn damaged_bodies_are_refused_for_good() {
    let sink = Sink::new();
    let door = door(Speaks::Grpc, &sink);
    let good = framed(false, b"a message");
    let cases: [(&str, Vec<u8>); 7] = [
        ("nothing", vec![]),
        ("half a prefix", good[..3].to_vec()),
        ("a message cut short", good[..9].to_vec()),
        ("two messages", [&good[..], &good].concat()),
        ("something behind", [&good[..], b"x"].concat()),
        ("a wrong flag", [&[2], &good[1..]].concat()),
        ("gzip unannounced", framed(true, &gzip(b"x"))),
    ];
    for (what, body) in cases {
        let response = export(&door, &[], Pieces::of([body], End::Good)).await;
        assert_eq!(code(&response), "3", "{what}");
        assert!(
            !response.headers().contains_key("grpc-status-details-bin"),
            "{what}"
        );
    }
    let not_gzip = Pieces::of([framed(true, b"no gzip")], End::Good);
    let response = export(&door, &[("grpc-encoding", "gzip")], not_gzip).await;
    assert_eq!(code(&response), "3");
    assert_eq!((sink.count(), door.in_flight()), (0, 0));
}

#[tokio::test]
async fn what_is_too_large_is_refused_for_good_and_names_the_key() {
    let sink = Sink::new();
    let door = door(Speaks::Grpc, &sink);
    let fits = Pieces::of([framed(false, &vec![0; 100_000])], End::Good);
    assert_eq!(code(&export(&door, &[], fits).await), "0");
    let large = Pieces::of([framed(false, &vec![0; 100_001])], End::Good);
    let response = export(&door, &[], large).await;
    assert_eq!(code(&response), "3");
    assert!(message(&response).contains("`max_recv_msg_size_mib`"));
    // It is refused by its prefix, before anything is held; the rest of the body is still read.
    let announced = Pieces::of([&[0, 0xff, 0xff, 0xff, 0xff][..], &[0; 1000]], End::Good);
    assert_eq!(code(&export(&door, &[], announced).await), "3");
    let bomb = framed(true, &gzip(&vec![0; 100_001]));
    let headers = [("grpc-encoding", "gzip")];
    let response = export(&door, &headers, Pieces::of([bomb], End::Good)).await;
    assert_eq!(code(&response), "3");
    assert!(message(&response).contains("`max_recv_msg_size_mib`"));
    assert_eq!(
        (
            sink.count(),
            door.counters.too_large.get(),
            door.in_flight()
        ),
        (1, 3, 0)
    );
}

#[tokio::test]
async fn a_full_budget_refuses_and_recovers() {
    let sink = Sink::holding();
    let door = door(Speaks::Grpc, &sink);
    let big = || Pieces::of([framed(false, &vec![0; 100_000])], End::Good);
    let held: Vec<_> = (0..2)
        .map(|_| {
            let door = Arc::clone(&door);
            tokio::spawn(async move { export(&door, &[], big()).await })
        })
        .collect();
    while sink.count() < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(door.in_flight(), 2 * 100_005);
    let response = export(&door, &[], big()).await;
    assert_eq!(code(&response), "8");
    assert!(response.headers().contains_key("google.rpc.retryinfo-bin"));
    // What a compressed request will hold once opened counts as well.
    let claims = framed(true, &gzip(&vec![0; 60_000]));
    let headers = [("grpc-encoding", "gzip")];
    let response = export(&door, &headers, Pieces::of([claims], End::Good)).await;
    assert_eq!(code(&response), "8");
    sink.let_go();
    for task in held {
        assert_eq!(code(&task.await.unwrap()), "0");
    }
    assert_eq!(door.in_flight(), 0);
    assert_eq!(code(&export(&door, &[], big()).await), "0");
    assert_eq!(door.counters.full.get(), 2);
}

#[tokio::test]
async fn what_comes_next_decides_the_answer() {
    let sink = Sink::new();
    let door = door(Speaks::Grpc, &sink);
    for (refusal, expected) in [
        (full(), "8"),
        (Refusal::Rejected("no".into()), "3"),
        (Refusal::Unrouted("no".into()), "12"),
    ] {
        sink.answers(Err(refusal));
        let body = Pieces::of([framed(false, b"x")], End::Good);
        assert_eq!(code(&export(&door, &[], body).await), expected);
    }
    let counted = &door.counters;
    assert_eq!(
        (
            counted.full.get(),
            counted.rejected.get(),
            counted.unrouted.get()
        ),
        (1, 1, 1)
    );
}

#[tokio::test]
async fn a_body_that_does_not_arrive_gives_its_room_back() {
    let sink = Sink::new();
    let mut bounds = protocol();
    bounds.read_timeout = Duration::from_millis(20);
    let door = Door::new(Speaks::Grpc, bounds, sink.next(), Memory::unbounded());
    let half = framed(false, &[0; 1000])[..500].to_vec();
    let response = export(&door, &[], Pieces::of([half.clone()], End::Never)).await;
    assert_eq!(code(&response), "14");
    assert!(message(&response).contains("read_timeout"));
    export(&door, &[], Pieces::of([half], End::Reset)).await;
    assert_eq!(door.counters.aborted.get(), 1);
    assert_eq!((sink.count(), door.in_flight()), (0, 0));
}

#[tokio::test]
async fn members_of_gzip_are_counted_together() {
    let sink = Sink::new();
    let door = door(Speaks::Grpc, &sink);
    let headers = [("grpc-encoding", "gzip")];
    let large = framed(true, &gzip(&vec![0; 30_000]).repeat(4));
    let response = export(&door, &headers, Pieces::of([large], End::Good)).await;
    assert_eq!(code(&response), "3");
    assert!(message(&response).contains("`max_recv_msg_size_mib`"));
    let two = framed(true, &gzip(b"ab").repeat(2));
    let response = export(&door, &headers, Pieces::of([two], End::Good)).await;
    assert_eq!(code(&response), "0");
    assert_eq!(sink.last().framed().unwrap()[..], *b"\0\0\0\0\x04abab");
    assert_eq!((sink.count(), door.in_flight()), (1, 0));
}
