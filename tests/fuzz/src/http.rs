//! A request of OTLP over HTTP.

use http::StatusCode;
use http::header::CONTENT_TYPE;
use otlet::compression;
use otlet::payload::PREFIX;
use otlet::receiver::Speaks;

use crate::choices::Choices;
use crate::coding;
use crate::protobuf::is_valid;
use crate::receiver::{CHOICES, MAX_REQUEST_SIZE, answer, request};
use crate::{Target, gzip, json, zlib, zstd};

/// Protobuf that is taken is handed on as it came, and may be opened; JSON as valid protobuf; what is not taken is told so.
pub const TARGET: Target = Target {
    name: "http",
    run,
    seeds,
    choices: 0..CHOICES,
    words: json::TARGET.words,
};

const PATHS: [&str; 4] = ["/v1/traces", "/v1/metrics", "/v1/logs", "/"];

const HEADERS: [(&str, &[&str]); 2] = [
    (
        "content-type",
        &[
            "application/json",
            "application/x-protobuf",
            "application/json;",
            "\u{e9}",
            ";",
        ],
    ),
    (
        "content-encoding",
        &["identity", "gzip", "zstd", "deflate", "gzip,"],
    ),
];

fn run(data: &[u8]) -> bool {
    let Some((mut choices, body)) = Choices::split(data, CHOICES) else {
        return false;
    };
    let Some(request) = request(&mut choices, &PATHS, &HEADERS, body) else {
        return false;
    };
    let (response, taken) = answer(Speaks::Http, request);
    let Some(payload) = taken else {
        let status = response.status().as_u16();
        assert!([400, 404, 405, 413, 415].contains(&status), "{status}");
        return false;
    };
    assert_eq!(response.status(), StatusCode::OK);
    if response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|sent| sent == "application/json")
    {
        let message = payload.message().expect("protobuf was made of it");
        assert!(is_valid(payload.signal(), &message));
        return true;
    }
    let framed = payload
        .framed()
        .or(payload.compressed().map(|packed| &packed.framed));
    let sent = framed.and_then(|framed| framed.get(PREFIX..));
    let opened = payload.compressed().is_none() && coding::may_be_several(body);
    assert!(sent == Some(body) || opened);
    if let Ok(opened) = compression::open(payload) {
        let message = opened.message().expect("it was opened");
        assert!(message.len() <= MAX_REQUEST_SIZE);
    }
    true
}

fn seeds() -> Vec<Vec<u8>> {
    let small =
        br#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"x"}}]}]}]}"#;
    let bodies = [
        small.to_vec(),
        gzip::member(small),
        zstd::whole(small),
        zlib::framed(small),
        vec![0x0a; 40],
    ];
    let bodies = bodies.into_iter().chain(json::seeds());
    bodies
        .map(|body| [&[0; CHOICES], &body[..]].concat())
        .collect()
}
