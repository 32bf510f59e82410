use http_body_util::BodyExt;

use super::*;

const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");
const JSON: (&str, &str) = ("content-type", "application/json");
const GZIP: (&str, &str) = ("content-encoding", "gzip");

fn request<B>(method: &str, path: &str, headers: &[(&str, &str)], body: B) -> Request<B> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body).unwrap()
}

async fn post(door: &Door, path: &str, headers: &[(&str, &str)], body: Pieces) -> Response<Answer> {
    door.answer(request("POST", path, headers, body)).await
}

async fn text(response: Response<Answer>) -> String {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8_lossy(&body).into_owned()
}

#[tokio::test]
async fn the_path_tells_the_signal_and_the_answer_repeats_the_encoding() {
    let sink = Sink::new();
    let door = door(Speaks::Http, &sink);
    for (path, signal) in [
        ("/v1/traces", Signal::Traces),
        ("/v1/metrics", Signal::Metrics),
        ("/v1/logs", Signal::Logs),
    ] {
        let response = post(&door, path, &[PROTOBUF], Pieces::whole(&b"any"[..])).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "application/x-protobuf");
        assert_eq!(text(response).await, "");
        assert_eq!(sink.last().signal(), signal);
        assert_eq!(sink.last().framed().unwrap(), &framed(false, b"any"));

        let charset = ("content-type", "Application/JSON; charset=utf-8");
        let response = post(&door, path, &[charset], Pieces::whole(&b"{}"[..])).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "application/json");
        assert_eq!(text(response).await, "{}");
        assert_eq!(sink.last().framed().unwrap(), &framed(false, b""));
    }
    assert_eq!((door.counters.accepted.get(), door.in_flight()), (6, 0));
}

#[tokio::test]
async fn a_body_may_come_in_pieces_of_unknown_number() {
    let sink = Sink::new();
    let door = door(Speaks::Http, &sink);
    let body = Pieces::of([&b"one"[..], b"", b" two"], End::Good);
    post(&door, "/v1/logs", &[PROTOBUF], body).await;
    assert_eq!(sink.last().framed().unwrap(), &framed(false, b"one two"));
    let pieces = vec![vec![0; 10_000]; 11];
    let response = post(
        &door,
        "/v1/logs",
        &[PROTOBUF],
        Pieces::of(pieces, End::Good),
    )
    .await;
    assert_eq!(response.status(), 413);
    assert_eq!(door.in_flight(), 0);
}

#[tokio::test]
async fn every_coding_stays_as_it_came_unless_it_is_json() {
    let sink = Sink::new();
    let door = door(Speaks::Http, &sink);
    let json = br#"{"resourceLogs":[{"schemaUrl":"x"}]}"#;
    let plain = post(&door, "/v1/logs", &[JSON], Pieces::whole(&json[..])).await;
    assert_eq!(plain.status(), 200);
    let expected = sink.last().message().unwrap();
    for (name, coding, body) in codings(&expected) {
        let headers = [PROTOBUF, ("content-encoding", name)];
        let response = post(&door, "/v1/logs", &headers, Pieces::whole(body.clone())).await;
        assert_eq!(response.status(), 200, "{name}");
        let payload = sink.last();
        assert_eq!(payload.framed_in(coding).unwrap(), &framed(true, &body));
        assert!(payload.framed().is_none());
    }
    for (name, _, body) in codings(json) {
        let headers = [JSON, ("content-encoding", name)];
        let response = post(&door, "/v1/logs", &headers, Pieces::whole(body)).await;
        assert_eq!(response.status(), 200, "{name}");
        assert_eq!(sink.last().message().unwrap(), expected, "{name}");
    }
    assert_eq!(door.in_flight(), 0);
}

#[tokio::test]
async fn a_bomb_is_refused_whatever_its_coding() {
    let door = door(Speaks::Http, &Sink::new());
    for (name, _, bomb) in codings(&vec![b' '; 100_001]) {
        for kind in [PROTOBUF, JSON] {
            let headers = [kind, ("content-encoding", name)];
            let response = post(&door, "/v1/logs", &headers, Pieces::whole(bomb.clone())).await;
            assert_eq!(response.status(), 413, "{name}");
        }
    }
    assert_eq!(door.in_flight(), 0);
}

#[tokio::test]
async fn gzip_stays_as_it_came_unless_it_is_json() {
    let sink = Sink::new();
    let door = door(Speaks::Http, &sink);
    let body = gzip(b"protobuf");
    let upper = ("content-encoding", "GZIP");
    post(
        &door,
        "/v1/logs",
        &[PROTOBUF, upper],
        Pieces::whole(body.clone()),
    )
    .await;
    let payload = sink.last();
    assert_eq!(
        payload.framed_in(Coding::Gzip).unwrap(),
        &framed(true, &body)
    );
    assert!(sink.last().framed().is_none());

    let json = gzip(br#"{"resourceLogs":[{"schemaUrl":"x"}]}"#);
    let response = post(&door, "/v1/logs", &[JSON, GZIP], Pieces::whole(json)).await;
    assert_eq!(response.status(), 200);
    assert_eq!(sink.last().message().unwrap(), &b"\x0a\x03\x1a\x01x"[..]);
    assert!(sink.last().compressed().is_none());
}

#[tokio::test]
async fn what_is_no_otlp_is_told_what_is() {
    let sink = Sink::new();
    let door = door(Speaks::Http, &sink);
    let body = || Pieces::whole(&b"{}"[..]);
    for path in ["/", "/v1/logs/", "/v1/profiles", "/V1/LOGS"] {
        assert_eq!(
            post(&door, path, &[JSON], body()).await.status(),
            404,
            "{path}"
        );
    }
    for method in ["GET", "PUT", "OPTIONS", "HEAD"] {
        let response = door
            .answer(request(method, "/v1/logs", &[JSON], body()))
            .await;
        assert_eq!(response.status(), 405);
        assert_eq!(response.headers()["allow"], "POST");
    }
    let query = post(&door, "/v1/logs?tenant=a", &[JSON], body()).await;
    assert_eq!(query.status(), 200);
    for headers in [
        &[][..],
        &[("content-type", "text/plain")],
        &[("content-type", "application/grpc")],
    ] {
        let response = post(&door, "/v1/logs", headers, body()).await;
        assert_eq!(response.status(), 415);
        assert!(text(response).await.contains("application/x-protobuf"));
    }
    for encoding in ["snappy", "br", "gzip, gzip"] {
        let headers = [JSON, ("content-encoding", encoding)];
        let response = post(&door, "/v1/logs", &headers, body()).await;
        assert_eq!(response.status(), 415);
        assert_eq!(response.headers()["content-type"], "application/json");
        assert_eq!(response.headers()["accept-encoding"], "gzip, zstd, deflate");
        assert!(text(response).await.contains("gzip, zstd, deflate"));
    }
    let twice = post(&door, "/v1/logs", &[JSON, GZIP, GZIP], body()).await;
    assert_eq!(twice.status(), 415);
    assert_eq!(door.counters.invalid.get(), 4 + 4 + 3 + 3 + 1);
}

#[tokio::test]
async fn refusals_are_a_status_and_permanent_or_not() {
    let sink = Sink::new();
    let door = door(Speaks::Http, &sink);
    let response = post(&door, "/v1/logs", &[JSON], Pieces::whole(&b"{"[..])).await;
    assert_eq!(response.status(), 400);
    assert_eq!(response.headers()["content-type"], "application/json");
    assert!(text(response).await.contains("line 1"));

    let not_gzip = Pieces::whole(&b"surely not gzip, but long enough"[..]);
    let response = post(&door, "/v1/logs", &[PROTOBUF, GZIP], not_gzip).await;
    assert_eq!(response.status(), 400);
    let short = post(
        &door,
        "/v1/logs",
        &[PROTOBUF, GZIP],
        Pieces::whole(&b"short"[..]),
    )
    .await;
    assert_eq!(short.status(), 400);

    let large = Pieces::whole(vec![0; 100_001]);
    let response = post(&door, "/v1/logs", &[PROTOBUF], large).await;
    assert_eq!(response.status(), 413);
    assert!(text(response).await.contains("`max_request_body_size`"));
    for headers in [[PROTOBUF, GZIP], [JSON, GZIP]] {
        let bomb = Pieces::whole(gzip(&vec![b' '; 100_001]));
        let response = post(&door, "/v1/logs", &headers, bomb).await;
        assert_eq!(response.status(), 413);
        assert!(text(response).await.contains("`max_request_body_size`"));
    }
    let mut lying = gzip(&vec![b' '; 200_000]);
    let at = lying.len() - 4;
    lying[at..].copy_from_slice(&10_u32.to_le_bytes());
    let response = post(&door, "/v1/logs", &[JSON, GZIP], Pieces::whole(lying)).await;
    assert_eq!(response.status(), 413);

    sink.answers(Err(full()));
    let response = post(&door, "/v1/logs", &[JSON], Pieces::whole(&b"{}"[..])).await;
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers()["retry-after"], "1");
    let what = "the backend does not answer".to_owned();
    sink.answers(Err(Refusal::Unavailable {
        what,
        after: Duration::from_secs(2),
    }));
    let response = post(&door, "/v1/logs", &[PROTOBUF], Pieces::whole(&b""[..])).await;
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["retry-after"], "2");
    assert_eq!(door.in_flight(), 0);
}

#[tokio::test]
async fn gzip_that_was_cut_short_is_damaged_and_not_too_large() {
    let door = door(Speaks::Http, &Sink::new());
    let mut random = fastrand::Rng::with_seed(5);
    let noise: Vec<u8> = (0..2000).map(|_| random.u8(..)).collect();
    let whole = gzip(&noise);
    // What is last then was no size, and mostly says gigabytes.
    for cut in 0..whole.len() {
        let body = Pieces::whole(whole[..cut].to_vec());
        let response = post(&door, "/v1/logs", &[JSON, GZIP], body).await;
        assert_eq!(response.status(), 400, "{cut}");
        assert!(text(response).await.contains("not valid gzip"), "{cut}");
    }
    assert_eq!(door.counters.too_large.get(), 0);
}

#[tokio::test]
async fn a_sender_that_waits_for_a_word_is_not_made_to_send() {
    let sink = Sink::new();
    let door = door(Speaks::Http, &sink);
    let headers = [PROTOBUF, ("expect", "100-continue")];
    let mut body = Pieces::of([&b""[..]], End::Never);
    body.exact = Some(100_001);
    let response = time::timeout(
        Duration::from_millis(500),
        post(&door, "/v1/logs", &headers, body),
    );
    assert_eq!(response.await.unwrap().status(), 413);
}

#[tokio::test]
async fn a_request_that_can_never_fit_is_not_told_to_come_again() {
    let sink = Sink::new();
    let mut bounds = protocol();
    bounds.max_in_flight = 1000;
    let door = Door::new(Speaks::Http, bounds, sink.next(), Memory::unbounded());
    let response = post(&door, "/v1/logs", &[PROTOBUF], Pieces::whole(vec![0; 2000])).await;
    assert_eq!(response.status(), 413);
    assert!(text(response).await.contains("max_in_flight"));
}

#[tokio::test]
async fn the_least_memory_is_enough_for_the_largest_request() {
    let mut bounds = protocol();
    bounds.max_in_flight = bounds.least_in_flight();
    let door = Door::new(
        Speaks::Http,
        bounds,
        Sink::new().next(),
        Memory::unbounded(),
    );
    let mut random = fastrand::Rng::with_seed(9);
    // gzip makes what cannot be compressed longer: this much of it stays below the bound.
    let noise: Vec<u8> = (0..99_000).map(|_| random.u8(..)).collect();
    let json = [b"{}".to_vec(), vec![b' '; 99_998]].concat();
    for (headers, body) in [
        (&[PROTOBUF][..], vec![0; 100_000]),
        (&[PROTOBUF, GZIP], gzip(&noise)),
        (&[JSON], json.clone()),
        (&[JSON, GZIP], gzip(&json)),
    ] {
        let response = post(&door, "/v1/logs", headers, Pieces::whole(body)).await;
        assert_eq!(response.status(), 200, "{headers:?}");
    }
    assert_eq!(door.in_flight(), 0);
}

#[tokio::test]
async fn several_members_or_frames_are_counted_together_and_carried_on_plain() {
    let sink = Sink::new();
    let door = door(Speaks::Http, &sink);
    let zstd = |plain: &[u8]| zstd::bulk::compress(plain, 1).unwrap();
    for (headers, one, large) in [
        ([PROTOBUF, GZIP], gzip(b"ab"), gzip(&vec![0; 30_000])),
        (
            [PROTOBUF, ("content-encoding", "zstd")],
            zstd(b"ab"),
            zstd(&vec![0; 30_000]),
        ),
    ] {
        let response = post(&door, "/v1/logs", &headers, Pieces::whole(large.repeat(4))).await;
        assert_eq!(response.status(), 413);
        let response = post(&door, "/v1/logs", &headers, Pieces::whole(one.repeat(2))).await;
        assert_eq!(response.status(), 200);
        let taken = sink.last();
        assert!(taken.compressed().is_none());
        assert_eq!(taken.framed().unwrap()[..], *b"\0\0\0\0\x04abab");
        // One goes on as it came.
        let response = post(&door, "/v1/logs", &headers, Pieces::whole(one.clone())).await;
        assert_eq!(response.status(), 200);
        assert_eq!(sink.last().compressed().unwrap().framed[5..], one);
    }
    let zeros = [&gzip(b"ab")[..], &[0; 100]].concat();
    let response = post(&door, "/v1/logs", &[PROTOBUF, GZIP], Pieces::whole(zeros)).await;
    assert_eq!(response.status(), 400);
    assert_eq!((sink.count(), door.in_flight()), (4, 0));
}
