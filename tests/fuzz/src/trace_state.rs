//! What the plugin sample reads in a trace state, and writes into it.

use sample::{Sampling, Threshold, sampling, with_threshold};

use crate::Target;

/// W3C's bound on the members, and OpenTelemetry's on the value of `ot`.
const MEMBERS: usize = 32;
const VALUE: usize = 256;

/// A trace state that is written keeps within its bounds, keeps its randomness and says the threshold where there is room.
pub const TARGET: Target = Target {
    name: "trace_state",
    run,
    seeds,
    choices: 0..0,
    words: &[
        "ot=",
        "th:",
        "rv:",
        ",",
        ";",
        ":",
        "=",
        " ",
        "0",
        "f",
        "ffffffffffffff",
    ],
};

fn run(data: &[u8]) -> bool {
    let state = String::from_utf8_lossy(data);
    let before = sampling(&state);
    let threshold = Threshold::parse("e666").expect("a threshold");
    let written = with_threshold(&state, threshold);
    let after = sampling(&written);
    let ot = written
        .split(',')
        .find_map(|member| member.strip_prefix("ot="));
    let length = ot.map_or(0, str::len);
    assert!(length <= VALUE, "{written}");
    assert!(written.split(',').count() <= MEMBERS, "{written}");
    assert_eq!(after.randomness, before.randomness, "{written}");
    let has_room = length + ";th:e666".len() <= VALUE;
    assert!(after.threshold == Some(threshold) || !has_room, "{written}");
    assert_eq!(with_threshold(&written, threshold), written);
    before != Sampling::default()
}

fn seeds() -> Vec<Vec<u8>> {
    let states = [
        "ot=th:c",
        "ot=rv:9b8233f7e3a151;th:fd70a4,rojo=00f067aa0ba902b7,congo=t61rcWkgMzE",
        "a=1, ot=p:8;rv:9b8233f7e3a151;x1:y ,b=2",
        "fw529a3039@dt=FfffffffC;0;ot;,s@nr=0-0-1,\tot=th:0",
        "ot=th:00000000000001;\u{e9}:\u{fc},=,;,:",
    ];
    let full = (0..MEMBERS)
        .map(|number| format!("v{number}=x"))
        .collect::<Vec<_>>();
    let long = format!("ot=rv:9b8233f7e3a151;x:{},a=1", "y".repeat(VALUE - 27));
    states
        .map(Vec::from)
        .into_iter()
        .chain([full.join(",").into(), long.into()])
        .collect()
}
