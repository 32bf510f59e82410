//! Every function of the contract, called by a guest.

use super::*;

fn echo(config: &serde_json::Value) -> Processor {
    processor(&ECHO, config, &Limits::default())
}

/// What the guest got from its call.
fn read(call: &str, column: &str) -> String {
    fails(&echo(&json!({"call": call, "columns": [column]})))
}

/// The second span, after the guest edited a column.
fn edited(call: &str, columns: &[&str]) -> Span {
    let batch = echo(&json!({"call": call, "columns": columns}))
        .process(traces(), Place::Worker)
        .unwrap();
    let mut request = decoded(&batch);
    let mut spans = request.resource_spans.remove(0).scope_spans.remove(0).spans;
    assert_eq!(
        spans[0],
        request_spans()[0],
        "the first span was edited too"
    );
    spans.remove(1)
}

fn request_spans() -> Vec<Span> {
    request().resource_spans[0].scope_spans[0].spans.clone()
}

#[test]
fn reads_reach_the_batch_and_answers_the_guest() {
    const K: &str = "record.attributes[\"k\"]";
    for (call, column, answer) in [
        ("signal", K, "\"traces\""),
        (
            "texts",
            "record.name",
            r#"[Some("GET /a"), Some("GET /b")]"#,
        ),
        (
            "packed",
            K,
            "PackedTexts { data: [118, 49, 118, 50], ends: [2, 4], present: [3] }",
        ),
        (
            "integers",
            "span.kind",
            "PackedIntegers { items: [1, 2], present: [3] }",
        ),
        (
            "doubles",
            K,
            "PackedDoubles { items: [0.0, 0.0], present: [0] }",
        ),
        (
            "values",
            K,
            r#"[Some(Value::Text("v1")), Some(Value::Text("v2"))]"#,
        ),
        (
            "ids",
            "record.span_id",
            "[1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2]",
        ),
        (
            "get",
            "span.start_time_unix_nano",
            "Some(Value::Integer(5))",
        ),
        ("random", K, "32"),
    ] {
        assert_eq!(read(call, column), answer, "{call}");
    }
    for (call, table, answer) in [
        ("rows", "record", "2"),
        ("parents", "record", "[0, 0]"),
        ("keys", "resource", "[\"service.name\"]"),
    ] {
        let processor = echo(&json!({"call": call, "table": table}));
        assert_eq!(fails(&processor), answer, "{call}");
    }
}

#[test]
fn every_instance_of_a_plugin_is_given_the_same_seed_and_no_other_is() {
    let seed = read("seed", "record.name");
    assert_eq!(seed, read("seed", "record.name"));
    assert_ne!(seed.matches(", ").count(), 0, "{seed}");
    let seeds = [ENGINE.seed("echo"), ENGINE.seed("bad")];
    assert_eq!(seed, format!("{:?}", seeds[0]));
    assert_ne!(seeds[0], seeds[1]);
    let other = Engine::new(1).unwrap();
    assert_ne!(other.seed("echo"), seeds[0]);
}

#[test]
fn the_config_is_read_by_pointers() {
    let read = |call: &str, pointer: &str| {
        fails(&echo(
            &json!({"call": call, "table": pointer, "tags": {"a/b": [true, 7]}}),
        ))
    };
    for (pointer, answer) in [
        ("/tags/a~1b/0", "Some(Value::Boolean(true))"),
        ("/tags/a~1b/1", "Some(Value::Integer(7))"),
        ("/tags/a~1b", r#"Some(Value::Json("[true,7]"))"#),
        ("/tags/a", "None"),
    ] {
        assert_eq!(read("setting", pointer), answer, "{pointer}");
    }
    assert_eq!(read("settings", ""), r#"["call", "table", "tags"]"#);
    assert_eq!(read("settings", "/tags"), r#"["a/b"]"#);
    assert_eq!(read("settings", "/tags/a~1b"), r#"["0", "1"]"#);
    for call in ["setting", "settings"] {
        let reason = read(call, "tags");
        assert!(reason.contains("begins with `/`"), "{reason}");
    }
}

#[test]
fn what_is_printed_is_logged_by_the_line() {
    let log = logged(|| {
        echo(&json!({"call": "print"}))
            .process(traces(), Place::Worker)
            .unwrap();
    });
    let lines: Vec<_> = log.lines().collect();
    assert_eq!(lines.len(), 3, "{log}");
    assert!(
        lines[0].contains("INFO") && lines[0].contains("text=\"one\""),
        "{log}"
    );
    assert!(
        lines[1].contains("INFO") && lines[1].contains("text=\"two\""),
        "{log}"
    );
    assert!(
        lines[2].contains("WARN") && lines[2].contains("\u{fffd}!"),
        "{log}"
    );
}

#[test]
fn the_guest_is_told_the_time() {
    let now = read("now", "record.name").parse::<u64>().unwrap();
    // 2024 to 2100.
    assert!((1_704_067_200_000..4_102_444_800_000).contains(&now));
}

#[test]
fn every_leaf_reaches_the_guest_with_its_place() {
    let leaves = fails(&echo(
        &json!({"call": "all-leaves", "tables": ["resource"], "kinds": ["text"]}),
    ));
    assert_eq!(
        leaves,
        "Leaves { texts: PackedTexts { data: [115, 104, 111, 112], ends: [4], present: [1] }, rows: [0], places: [1], \
         place-paths: [\"resource.attributes[\\\"service.name\\\"]#key\", \
         \"resource.attributes[\\\"service.name\\\"]\"], place-kinds: [\"key\", \"text\"] }"
    );
}

#[test]
fn edits_reach_the_batch() {
    const K: &str = "record.attributes[\"k\"]";
    const NEW: &str = "record.attributes[\"new\"]";
    let text = Any::StringValue("edited".to_owned());
    assert_eq!(of(&edited("set-texts", &[K]), "k"), Some(&text));
    assert_eq!(of(&edited("set-packed", &[K]), "k"), Some(&text));
    assert_eq!(
        of(&edited("set-values", &[NEW]), "new"),
        Some(&Any::IntValue(7))
    );
    assert_eq!(
        edited("set-ids", &["span.parent_span_id"]).parent_span_id,
        [9; 8]
    );
    assert_eq!(of(&edited("fill", &[K]), "k"), Some(&Any::DoubleValue(0.5)));
    assert_eq!(of(&edited("unset", &[K]), "k"), None);
    let added = edited("add-attributes", &[]);
    assert_eq!(
        of(&added, "edited"),
        Some(&Any::StringValue("new".to_owned()))
    );
    let copied = edited("copy", &[K, NEW]);
    assert_eq!(of(&copied, "new"), Some(&Any::StringValue("v2".to_owned())));
}

#[test]
fn dropped_rows_leave_the_batch() {
    for call in ["retain", "drop-rows"] {
        let batch = echo(&json!({"call": call}))
            .process(traces(), Place::Worker)
            .unwrap();
        assert_eq!(batch.records(), 1);
        let kept = decoded(&batch).resource_spans[0].scope_spans[0]
            .spans
            .clone();
        assert_eq!(kept, request_spans()[1..], "{call}");
    }
}

#[test]
fn replaced_leaves_reach_the_batch() {
    let batch = echo(&json!({"call": "replace-leaves"}))
        .process(traces(), Place::Worker)
        .unwrap();
    let leaves = decoded(&batch);
    let spans = &leaves.resource_spans[0].scope_spans[0].spans;
    let replaced = spans
        .iter()
        .flat_map(|span| [span.name.clone(), format!("{:?}", of(span, "k"))]);
    assert_eq!(replaced.filter(|text| text.contains("edited")).count(), 1);
}

#[test]
fn the_whole_batch_can_be_taken_out_and_replaced() {
    let batch = echo(&json!({"call": "to-otlp"}))
        .process(traces(), Place::Worker)
        .unwrap();
    assert_eq!(batch.records(), 4);
    let twice = [request().resource_spans, request().resource_spans].concat();
    assert_eq!(decoded(&batch).resource_spans, twice);
}

#[test]
fn a_batch_is_not_replaced_by_what_is_no_request() {
    let reason = fails(&echo(&json!({"call": "replace-with-otlp"})));
    assert!(!reason.is_empty());
}

#[test]
fn a_path_that_is_no_column_is_the_guests_to_handle() {
    let config = json!({"columns": ["record.nam"]});
    let limits = Limits::default();
    let error =
        Processor::new(Arc::clone(&ECHO), "test", &config, &within(&limits), None).unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with("plugin \"echo\" 0.1.0: `configure` failed: "),
        "{text}"
    );
    assert!(text.contains("record.name"), "{text}");
}

#[test]
fn a_log_line_and_a_count_go_under_the_processors_name() {
    let log = logged(|| {
        echo(&json!({"call": "log"}))
            .process(traces(), Place::Worker)
            .unwrap();
    });
    assert_eq!(log.lines().count(), 1, "{log}");
    assert!(
        log.contains("WARN") && log.contains("text=\"seen\""),
        "{log}"
    );
    let processor = echo(&json!({"call": "count"}));
    for _ in 0..2 {
        processor.process(traces(), Place::Worker).unwrap();
    }
    assert_eq!(processor.counters(), [("seen".to_owned(), 6)]);
}
