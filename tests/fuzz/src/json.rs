//! OTLP/JSON.

use otlet::batch::Signal;
use otlet::payload::{self, PREFIX};
use otlet::receiver::json_to_protobuf;
use otlet::refusal::Refusal;
use otlet_tests::every_field;

use crate::Target;
use crate::protobuf::is_valid;

const LIMIT: usize = 1 << 20;

/// What is taken becomes valid protobuf behind its prefix, and is refused where the bound is one byte less.
pub const TARGET: Target = Target {
    name: "json",
    run,
    seeds,
    choices: 0..0,
    words: &[
        "{", "}", "[", "]", "\"", ",", ":", "null", "1e9", "-", "0", "\\ud800", "\"NaN\"",
    ],
};

fn run(data: &[u8]) -> bool {
    Signal::ALL
        .map(|signal| has_telemetry(signal, data))
        .contains(&true)
}

/// Whether it is a request of that signal with anything in it.
fn has_telemetry(signal: Signal, json: &[u8]) -> bool {
    let Ok(framed) = json_to_protobuf(signal, json, LIMIT) else {
        return false;
    };
    let (prefix, request) = framed.split_at(PREFIX);
    assert_eq!(prefix, payload::prefix(false, request.len()));
    assert!(request.len() <= LIMIT);
    assert!(is_valid(signal, request));
    let Some(less) = request.len().checked_sub(1) else {
        return false;
    };
    let refused = json_to_protobuf(signal, json, less);
    assert!(matches!(refused, Err(Refusal::TooLarge(_))), "{refused:?}");
    true
}

/// A request of each signal with every field.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let seeds = [
        serde_json::to_vec(&every_field::traces()),
        serde_json::to_vec(&every_field::metrics()),
        serde_json::to_vec(&every_field::logs()),
    ];
    seeds.map(|seed| seed.expect("a request is JSON")).into()
}
