//! A request of OTLP over gRPC.

use http::StatusCode;
use otlet::compression;
use otlet::payload::{self, PREFIX};
use otlet::receiver::Speaks;

use crate::choices::Choices;
use crate::coding;
use crate::receiver::{CHOICES, MAX_REQUEST_SIZE, answer, request};
use crate::{Target, gzip, zlib, zstd};

/// What is taken is handed on as it came, and may be opened; what is not is told so in gRPC's words.
pub const TARGET: Target = Target {
    name: "grpc",
    run,
    seeds,
    choices: 0..CHOICES,
    words: &["\0", "\x01", "\0\0\0\0\0"],
};

const PATHS: [&str; 4] = [
    "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    "/",
];

const HEADERS: [(&str, &[&str]); 2] = [
    (
        "content-type",
        &[
            "application/grpc",
            "application/grpc",
            "application/grpc+proto",
            "application/grpc+",
            ";",
        ],
    ),
    ("grpc-encoding", &["gzip", "zstd", "deflate", "", "snappy"]),
];

fn run(data: &[u8]) -> bool {
    let Some((mut choices, body)) = Choices::split(data, CHOICES) else {
        return false;
    };
    let Some(request) = request(&mut choices, &PATHS, &HEADERS, body) else {
        return false;
    };
    let (response, taken) = answer(Speaks::Grpc, request);
    // The status of a success is in the trailers.
    let status = response.headers().get("grpc-status");
    let says = response.headers().get("grpc-message");
    let Some(payload) = taken else {
        let refused = [Some("3"), Some("12")].contains(&status.and_then(|code| code.to_str().ok()));
        let is_other = response.status() == StatusCode::UNSUPPORTED_MEDIA_TYPE;
        assert!(is_other || refused && says.is_some(), "{response:?}");
        return false;
    };
    assert!(
        response.status() == StatusCode::OK && status.is_none(),
        "{response:?}"
    );
    let framed = payload
        .framed()
        .or(payload.compressed().map(|packed| &packed.framed));
    let message = body.get(PREFIX..).unwrap_or_default();
    let opened = payload.compressed().is_none() && coding::may_be_several(message);
    assert!(framed.is_some_and(|framed| framed[..] == *body) || opened);
    if let Ok(opened) = compression::open(payload) {
        let message = opened.message().expect("it was opened");
        assert!(message.len() <= MAX_REQUEST_SIZE);
    }
    true
}

fn seeds() -> Vec<Vec<u8>> {
    let framed = |compressed, message: &[u8]| {
        let prefix = payload::prefix(compressed, message.len());
        [&[0; CHOICES], &prefix[..], message].concat()
    };
    vec![
        framed(false, &[0x0a; 64]),
        framed(true, &gzip::member(&[5; 400])),
        framed(true, &zstd::whole(&[5; 400])),
        framed(true, &zlib::framed(&[5; 400])),
    ]
}
