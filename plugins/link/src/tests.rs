//! Paths, and texts that mean harm.

use std::time::{Duration, Instant};

use super::{context_of_text, has_elements};

#[test]
fn an_array_in_a_path_is_told_from_brackets_in_a_key() {
    for (path, expected) in [
        (r#"record.attributes["a"]"#, false),
        (r#"record.attributes["a[]"]["b\"[]"]"#, false),
        (r#"record.attributes["a"][]["b"]"#, true),
        ("record.body[]", true),
    ] {
        assert_eq!(has_elements(path), expected, "{path}");
    }
}

#[test]
fn hostile_texts_take_linear_time() {
    const LENGTH: usize = 10 << 20;
    for pattern in [
        "{",
        "{\"a\":",
        "{\"trace\":",
        "[",
        "\"",
        "\\",
        "{\"a\":[",
        "trace_id=",
        "trace_id: ",
        "a",
        "=",
        "a ",
        "span_id:\"",
        "\u{fc}",
        "{\"message\":\"x\",",
        "{\"message\":\"trace_id=",
        "traceparent=00-",
    ] {
        for start in ["", "{\"a\":", "{\"message\":\""] {
            let text = [start, &pattern.repeat(LENGTH / pattern.len())].concat();
            let begun = Instant::now();
            assert!(
                context_of_text(text.as_bytes()).is_none(),
                "{start}{pattern}"
            );
            assert!(
                begun.elapsed() < Duration::from_secs(10),
                "{start}{pattern} took {:?}",
                begun.elapsed()
            );
        }
    }
}

#[test]
fn twenty_thousand_mutations_never_panic() {
    let seeds: [&[u8]; 3] = [
        br#"{"message": "x \"y\"", "dd": {"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"}, "a": [1, {"b": null}], "span_id": "0"}"#,
        b"INFO [trace_id=4bf92f3577b34da6a3ce929d0e0e4736 span_id=00f067aa0ba902b7] - \xc3\xbc",
        b"x traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' dd.span_id=258",
    ];
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % bound as u64).unwrap()
    };
    let mut linked = 0;
    for round in 0..20_000 {
        let mut text = seeds[round % seeds.len()].to_vec();
        for _ in 0..=below(3) {
            let at = below(text.len());
            match below(3) {
                0 => text[at] = u8::try_from(below(256)).unwrap(),
                1 => text.truncate(at.max(1)),
                _ => text.insert(at, b"\"\\{}[]:,=-0a"[below(12)]),
            }
        }
        linked += usize::from(context_of_text(&text).is_some());
    }
    assert!(
        (2_000..18_000).contains(&linked),
        "{linked} of the mutations still name a trace"
    );
}
