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
    ],
};

fn run(data: &[u8]) -> bool {
    let Some(context) = link::context_of_text(data) else {
        return false;
    };
    let text = String::from_utf8_lossy(data).to_ascii_lowercase();
    let trace = u128::from_be_bytes(context.trace);
    assert_ne!(trace, 0);
    assert!(text.contains(&format!("{trace:032x}")), "{context:?}");
    if let Some(span) = context.span.map(u64::from_be_bytes) {
        assert_ne!(span, 0);
        // Datadog writes its spans in decimal.
        let stands = text.contains(&format!("{span:016x}")) || text.contains(&span.to_string());
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
    ];
    texts.map(Vec::from).into()
}
