use http_body_util::BodyExt;

use super::*;
use crate::refusal;

fn every_refusal() -> Vec<Refusal> {
    let after = Duration::from_millis(1500);
    vec![
        Refusal::Full {
            what: "the queue of \"otlp\"".into(),
            after,
        },
        Refusal::Unavailable {
            what: "otlet is shutting down".into(),
            after,
        },
        Refusal::Invalid("no".into()),
        Refusal::TooLarge("too large".into()),
        Refusal::Unrouted("no pipeline".into()),
        Refusal::Rejected("100% rejected \u{2014}\n".into()),
    ]
}

async fn body(response: Response<Answer>) -> Vec<u8> {
    let collected = response.into_body().collect().await.unwrap();
    collected.to_bytes().to_vec()
}

fn decode_binary(value: &HeaderValue) -> Vec<u8> {
    STANDARD_NO_PAD.decode(value.as_bytes()).unwrap()
}

#[test]
fn grpc_codes_are_as_clients_need_them() {
    let codes: Vec<_> = every_refusal()
        .iter()
        .map(|refusal| grpc_refusal(refusal).headers()["grpc-status"].clone())
        .collect();
    assert_eq!(codes, ["8", "14", "3", "3", "12", "3"]);
}

#[test]
fn http_codes_are_as_clients_need_them() {
    let codes: Vec<_> = every_refusal()
        .iter()
        .map(|refusal| http_refusal(refusal, Encoding::Json).status().as_u16())
        .collect();
    assert_eq!(codes, [429, 503, 400, 413, 404, 400]);
}

#[test]
fn the_delay_is_in_both_keys_that_clients_read_and_only_where_a_retry_helps() {
    for refusal in every_refusal() {
        let response = grpc_refusal(&refusal);
        let headers = response.headers();
        let Some(_) = refusal.retry_after() else {
            assert!(!headers.contains_key("google.rpc.retryinfo-bin"));
            assert!(!headers.contains_key("grpc-status-details-bin"));
            continue;
        };
        // Field 1 is the delay: its seconds are field 1, its nanoseconds field 2.
        let one_and_a_half = [10, 8, 8, 1, 16, 128, 202, 181, 238, 1];
        assert_eq!(
            decode_binary(&headers["google.rpc.retryinfo-bin"]),
            one_and_a_half
        );

        let details = decode_binary(&headers["grpc-status-details-bin"]);
        let status = Status::decode(&details[..]).unwrap();
        assert_eq!(status.code.to_string(), headers["grpc-status"]);
        assert_eq!(status.message, refusal.to_string());
        assert_eq!(status.retry_delay(), refusal.retry_after());
    }
}

#[test]
fn a_grpc_message_is_percent_encoded() {
    let refusal = Refusal::Rejected("100% of \"it\" \u{e9}\n".into());
    assert_eq!(
        grpc_refusal(&refusal).headers()["grpc-message"],
        "100%25 of \"it\" %C3%A9%0A"
    );
}

#[tokio::test]
async fn an_http_refusal_is_a_status_in_the_requests_encoding() {
    for refusal in every_refusal() {
        let response = http_refusal(&refusal, Encoding::Protobuf);
        assert_eq!(response.headers()["content-type"], "application/x-protobuf");
        let status = Status::decode(&body(response).await[..]).unwrap();
        assert_eq!(status.message, refusal.to_string());
        assert_eq!(status.retry_delay(), refusal.retry_after());

        let response = http_refusal(&refusal, Encoding::Json);
        assert_eq!(response.headers()["content-type"], "application/json");
        let json: serde_json::Value = serde_json::from_slice(&body(response).await).unwrap();
        assert_eq!(json["message"], refusal.to_string());
        assert_eq!(json["code"], status.code);
        let delay = json["details"][0]["retryDelay"].as_str();
        assert_eq!(delay, refusal.retry_after().map(|_| "1.5s"));
    }
}

#[test]
fn retry_after_is_in_whole_seconds_and_never_too_early() {
    for (after, seconds) in [
        (Duration::ZERO, "1"),
        (Duration::from_millis(200), "1"),
        (refusal::RETRY_AFTER, "1"),
        (Duration::from_millis(1001), "2"),
    ] {
        let what = "the queue".to_owned();
        let full = http_refusal(&Refusal::Full { what, after }, Encoding::Json);
        assert_eq!(full.headers()["retry-after"], seconds);
    }
    let permanent = http_refusal(&Refusal::Invalid("no".into()), Encoding::Json);
    assert!(!permanent.headers().contains_key("retry-after"));
}

#[tokio::test]
async fn success_is_empty_and_in_the_requests_encoding() {
    let whole = Accepted::default();
    let protobuf = http_ok(Encoding::Protobuf, Signal::Logs, &whole);
    assert_eq!(protobuf.headers()["content-type"], "application/x-protobuf");
    assert_eq!(body(protobuf).await, b"");
    let json = http_ok(Encoding::Json, Signal::Logs, &whole);
    assert_eq!(json.headers()["content-type"], "application/json");
    assert_eq!(body(json).await, b"{}");

    let grpc = grpc_ok(&whole);
    assert_eq!(grpc.headers()["content-type"], "application/grpc");
    let collected = grpc.into_body().collect().await.unwrap();
    assert_eq!(collected.trailers().unwrap()["grpc-status"], "0");
    assert_eq!(collected.to_bytes(), &[0; 5][..]);
}

#[tokio::test]
async fn a_partial_success_is_told_in_every_encoding() {
    let partial = Accepted {
        rejected: 3,
        words: "no".to_owned(),
    };
    // partial_success { rejected: 3, error_message: "no" }
    let message = [10, 6, 8, 3, 18, 2, b'n', b'o'];
    for signal in Signal::ALL {
        let protobuf = http_ok(Encoding::Protobuf, signal, &partial);
        assert_eq!(body(protobuf).await, message);
    }
    let collected = grpc_ok(&partial).into_body().collect().await.unwrap();
    assert_eq!(collected.trailers().unwrap()["grpc-status"], "0");
    assert_eq!(
        collected.to_bytes(),
        [&[0, 0, 0, 0, 8][..], &message].concat()
    );
    for (signal, name) in [
        (Signal::Traces, "rejectedSpans"),
        (Signal::Metrics, "rejectedDataPoints"),
        (Signal::Logs, "rejectedLogRecords"),
    ] {
        let json = body(http_ok(Encoding::Json, signal, &partial)).await;
        let read: serde_json::Value = serde_json::from_slice(&json).unwrap();
        let expected = json!({ "partialSuccess": { name: "3", "errorMessage": "no" } });
        assert_eq!(read, expected);
    }
    // A number that its field cannot hold.
    let all = Accepted {
        rejected: u64::MAX,
        ..Accepted::default()
    };
    let sent = body(http_ok(Encoding::Protobuf, Signal::Logs, &all)).await;
    let read = ExportTraceServiceResponse::decode(&sent[..]).unwrap();
    assert_eq!(read.partial_success.unwrap().rejected_spans, i64::MAX);
}
