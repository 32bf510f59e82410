//! What the plugin link finds in a text.

use crate::Target;

/// What is found is no zeros, and stands in the text.
pub const TARGET: Target = Target {
    name: "link",
    run,
    seeds,
    choices: 0..0,
    words: &[
        "\"",
        "\\",
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "=",
        "-",
        "0",
        "trace_id",
        "dd",
        "traceparent",
        "uber-trace-id",
        "Root=1-",
        "\u{1b}[0m",
    ],
};

fn run(data: &[u8]) -> bool {
    let Some(context) = link::context_of_text(data) else {
        return false;
    };
    // Some write ids with dashes in them, without the zeros in front, or in decimal, Datadog each half of a trace id apart.
    let text = String::from_utf8_lossy(data).to_ascii_lowercase();
    let text = text.replace('-', "");
    let trace = u128::from_be_bytes(context.trace);
    assert_ne!(trace, 0);
    let (upper, lower) = (trace >> 64, trace & u128::from(u64::MAX));
    let in_halves = || text.contains(&format!("{upper:016x}")) && text.contains(&lower.to_string());
    assert!(
        text.contains(&format!("{trace:x}")) || in_halves(),
        "{context:?}"
    );
    if let Some(span) = context.span.map(u64::from_be_bytes) {
        assert_ne!(span, 0);
        let stands = text.contains(&format!("{span:x}")) || text.contains(&span.to_string());
        assert!(stands, "{context:?}");
    }
    true
}

fn seeds() -> Vec<Vec<u8>> {
    let texts = [
        r#"{"message": "x \"y\"", "dd": {"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"}, "a": [1, {"b": null}], "span_id": "0"}"#,
        "INFO [trace_id=4bf92f3577b34da6a3ce929d0e0e4736 span_id=00f067aa0ba902b7] - \u{fc}",
        "x traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' dd.span_id=258",
        r#"{"log": "[trace_id=4bf92f3577b34da6a3ce929d0e0e4736]", "dd": {"span_id": "258"}}"#,
        r#"{"dd.trace_id": 11803532876627986230, "_dd.p.tid": "4bf92f3577b34da6", "trace_flags": 1}"#,
        "INFO [shop,4bf92f3577b34da6a3ce929d0e0e4736,00f067aa0ba902b7,true] b3=00f067aa0ba902b7-00f067aa0ba902b7-1",
        "X-Amzn-Trace-Id: Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
    ];
    texts.map(Vec::from).into()
}
