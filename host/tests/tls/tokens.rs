//! Bearer tokens, demanded and sent, from files that change.

use otlet_tests::backend::{Answer as Script, Code};
use otlet_tests::sender::Answer;

use super::*;

const UNAUTHENTICATED: &str = "16";

/// The extension with a token file, and where it is named.
fn extension(files: &Files, name: &str) -> String {
    format!(
        "  extensions: [bearertokenauth]
extensions: {{ bearertokenauth: {{ {} }} }}",
        files.setting("filename", name)
    )
}

const AUTH: &str = "auth: { authenticator: bearertokenauth }";

#[tokio::test]
async fn a_token_is_demanded_before_a_request_is_taken() {
    let files = Files::new();
    put(files.folder(), "tokens", "s3cret-one\ns3cret-two\n");
    let backend = Backend::start();
    let back = back(&backend, AUTH, &extension(&files, "tokens"));
    let body = |number| prost::Message::encode_to_vec(&spans([number]));
    for (number, header, known) in [
        (1, Some("Bearer s3cret-one"), true),
        (2, Some("Bearer s3cret-two"), true),
        (3, None, false),
        (4, Some("Bearer s3cret"), false),
        (5, Some("Basic s3cret-one"), false),
    ] {
        let mut headers = vec![("content-type", "application/x-protobuf")];
        headers.extend(header.map(|value| ("authorization", value)));
        let http = Sender::http(back.http());
        let post = http.ask(
            http::Method::POST,
            "/v1/traces",
            &headers,
            body(number).into(),
        );
        let answer: Answer = post.await.unwrap();
        assert_eq!(answer.status, if known { 200 } else { 401 });
        assert_eq!(
            answer.header("www-authenticate"),
            (!known).then_some("Bearer")
        );

        let mut headers = vec![("content-type", "application/grpc"), ("te", "trailers")];
        headers.extend(header.map(|value| ("authorization", value)));
        let mut framed = vec![0, 0, 0, 0];
        let message = body(10 + number);
        framed.push(u8::try_from(message.len()).unwrap());
        framed.extend(message);
        let grpc = Sender::grpc(back.grpc());
        let path = otlet_tests::sender::method("traces");
        let call = grpc.ask(http::Method::POST, &path, &headers, framed.into());
        let answer = call.await.unwrap();
        let code = if known { "0" } else { UNAUTHENTICATED };
        assert_eq!(answer.header("grpc-status"), Some(code));
    }
    assert_eq!(arrived(&backend, 4), [1, 2, 11, 12]);
    let line = back.wait_for("a request without a token was refused");
    assert!(line.contains("peer=127.0.0.1:"), "{line}");
    assert!(!back.said().contains("s3cret"));
}

#[tokio::test]
async fn a_token_that_is_wrong_at_either_side_is_mended_while_the_request_waits() {
    for (exporter, wrong) in [("otlp", "front"), ("otlp", "back"), ("otlphttp", "front")] {
        let files = Files::new();
        put(files.folder(), "front", "s3cret-one");
        put(files.folder(), "back", "s3cret-one\n");
        put(files.folder(), wrong, "s3cret-two");
        let backend = Backend::start();
        let keys = format!("{AUTH}, tls: {{ {} }}", files.identity("back"));
        let back = back(&backend, &keys, &extension(&files, "back"));
        let endpoint = match exporter {
            "otlp" => format!("https://{}", back.grpc()),
            _ => format!("https://{}", back.http()),
        };
        let keys = format!(
            "{AUTH}\n    tls: {{ {} }}",
            files.setting("ca_file", "ca.crt")
        );
        let front = front(exporter, &endpoint, &keys, &extension(&files, "front"));
        send(&front, 1).await;
        let line = front.wait_for("the backend does not take requests");
        let said = if exporter == "otlp" {
            "UNAUTHENTICATED"
        } else {
            "HTTP 401"
        };
        assert!(line.contains(said), "{line}");
        back.wait_for("a request without a token was refused");
        assert_eq!(backend.received().len(), 0);

        put(files.folder(), wrong, "s3cret-one");
        assert_eq!(arrived(&backend, 1), [1]);
        let mended = if wrong == "front" { &front } else { &back };
        mended.wait_for("files changed and were read again");
        assert!(!(front.said() + &back.said()).contains("s3cret"));
    }
}

#[tokio::test]
async fn a_token_file_that_is_emptied_keeps_the_token() {
    let files = Files::new();
    put(files.folder(), "token", "s3cret-one");
    let backend = Backend::start();
    let front = front(
        "otlp",
        &backend.endpoint(),
        AUTH,
        &extension(&files, "token"),
    );
    send(&front, 0).await;
    arrived(&backend, 1);
    put(files.folder(), "token", "");
    let mut sent = 0;
    while !front.said().contains("what they held before is kept") {
        sent += 1;
        send(&front, sent).await;
        arrived(&backend, usize::try_from(sent).unwrap() + 1);
        assert!(sent < 10_000, "the file was never looked at");
    }
    for received in backend.received() {
        assert_eq!(received.headers["authorization"], "Bearer s3cret-one");
    }
    let line = front.wait_for("what they held before is kept");
    assert!(line.contains("holds no token"), "{line}");
    assert!(!front.said().contains("s3cret"));
}

#[tokio::test]
async fn credentials_in_headers_that_are_refused_lose_nothing() {
    let keys = "headers: { authorization: Bearer s3cret-token }";
    for exporter in ["otlp", "otlphttp"] {
        for (code, named) in [
            (Code::Unauthenticated, ["UNAUTHENTICATED", "HTTP 401"]),
            (Code::PermissionDenied, ["PERMISSION_DENIED", "HTTP 403"]),
        ] {
            let backend = Backend::start();
            let refusal = Script::Status {
                code,
                retry_after: None,
            };
            backend.script([refusal.clone(), refusal]);
            let front = front(exporter, &backend.endpoint(), keys, "");
            send(&front, 1).await;
            backend.wait_for(3);
            assert_eq!(numbers(&backend.taken()), [1]);
            let line = front.wait_for("the backend does not take requests");
            let named = named[usize::from(exporter == "otlphttp")];
            for said in [named, "give it credentials that it takes"] {
                assert!(line.contains(said), "{line}");
            }
            assert!(!front.said().contains("s3cret"));
        }
    }
}

#[tokio::test]
async fn a_secret_that_the_backend_says_again_is_in_no_log() {
    let extension = "  extensions: [bearertokenauth]
extensions: { bearertokenauth: { token: s3cret-token } }";
    let given = "headers: { authorization: Bearer s3cret-token, x-key: s3cret-key }";
    let signed = "headers: { x-key: s3cret-key }
    auth: { authenticator: bearertokenauth }";
    for exporter in ["otlp", "otlphttp"] {
        for (keys, rest) in [(given, ""), (signed, extension)] {
            let backend = Backend::start();
            let said = "invalid token Bearer s3cret-token of s3cret-key, s3cret-token";
            let partial = "s3cret-key may send no more";
            backend.script([
                Script::Saying(Code::Unauthenticated, said.to_owned()),
                Script::Partial {
                    rejected: 1,
                    message: partial.to_owned(),
                },
            ]);
            let endpoint = backend.endpoint();
            let keys = keys
                .replace(", ", "\n    ")
                .replace("\n    x-key", ", x-key");
            let front = front(exporter, &endpoint, &keys, rest);
            let sender = Sender::grpc(front.grpc());
            for number in 0..2 {
                let answer = sender.send(&Request::Traces(spans([number]))).await;
                assert_eq!(answer.unwrap().code, 0);
            }
            front.wait_for("invalid token *** of ***, ***");
            front.wait_for("*** may send no more");
            assert!(!front.said().contains("s3cret"), "{}", front.said());
        }
    }
}
