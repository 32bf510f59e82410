//! Columns as they read.

use super::{
    super::{Signal, Value},
    BUDGET, batch, column,
    requests::{points, records, spans},
};

fn some(texts: &[&str]) -> Vec<Option<String>> {
    texts.iter().map(|text| Some((*text).to_owned())).collect()
}

#[test]
fn rows_are_counted_at_every_level() {
    let mut work = batch(Signal::Traces, &spans()).begin(BUDGET);
    let counts = |work: &mut super::Transaction| {
        [
            "resource", "scope", "metric", "record", "event", "link", "exemplar",
        ]
        .map(|table| work.rows(table).unwrap())
    };
    assert_eq!(counts(&mut work), [2, 3, 0, 6, 6, 3, 0]);
    let mut work = batch(Signal::Metrics, &points()).begin(BUDGET);
    assert_eq!(counts(&mut work), [1, 1, 5, 6, 0, 0, 6]);
    let mut work = batch(Signal::Logs, &records()).begin(BUDGET);
    assert_eq!(counts(&mut work), [1, 1, 0, 6, 0, 0, 0]);
}

#[test]
fn parents_are_found_at_any_distance() {
    let mut work = batch(Signal::Traces, &spans()).begin(BUDGET);
    assert_eq!(
        work.parents("record", "resource").unwrap(),
        [0, 0, 0, 0, 0, 1]
    );
    assert_eq!(work.parents("record", "scope").unwrap(), [0, 0, 1, 1, 1, 2]);
    assert_eq!(work.parents("event", "record").unwrap(), [0, 1, 1, 3, 4, 4]);
    assert_eq!(work.parents("event", "scope").unwrap(), [0, 0, 0, 1, 1, 1]);
    assert!(work.parents("scope", "record").is_err());
    let mut work = batch(Signal::Metrics, &points()).begin(BUDGET);
    assert_eq!(
        work.parents("record", "metric").unwrap(),
        [0, 0, 1, 2, 3, 4]
    );
    assert_eq!(
        work.parents("exemplar", "metric").unwrap(),
        [0, 0, 1, 2, 2, 3]
    );
}

#[test]
fn texts_read_as_they_were_sent() {
    let mut work = batch(Signal::Traces, &spans()).begin(BUDGET);
    let mut texts = |path: &str| work.texts(&column(path)).unwrap();
    assert_eq!(
        texts("resource.attributes[\"service.name\"]"),
        [Some("a".into()), None]
    );
    assert_eq!(
        texts("resource.schema_url"),
        [Some("https://resource".into()), None]
    );
    assert_eq!(
        texts("scope.name"),
        [Some("one".into()), Some("two".into()), None]
    );
    assert_eq!(
        texts("span.attributes[\"http.route\"]"),
        some(&[
            "/cart/1", "/cart/2", "/cart/3", "/cart/4", "/cart/5", "/cart/6"
        ])
    );
    assert_eq!(texts("span.attributes[\"n\"]"), vec![None; 6]);
    assert_eq!(texts("span.attributes[\"nowhere\"]"), vec![None; 6]);
    assert_eq!(texts("log.body"), vec![None; 6]);
    assert_eq!(
        texts("event.attributes[\"exception.message\"]"),
        some(&["boom"; 6])
    );
    assert_eq!(
        texts("span.status.message"),
        [
            None,
            Some("status 2".into()),
            None,
            Some("status 4".into()),
            None,
            Some("status 6".into())
        ]
    );
}

#[test]
fn numbers_and_ids_read_as_they_were_sent() {
    let mut work = batch(Signal::Traces, &spans()).begin(BUDGET);
    let n = work.integers(&column("record.attributes[\"n\"]")).unwrap();
    assert_eq!(
        (n.items, n.present),
        (vec![1, 2, 3, 4, 5, 6], vec![0b11_1111])
    );
    let duration = work.integers(&column("span.duration")).unwrap();
    assert_eq!(duration.items, [1, 2, 3, 4, 5, 6]);
    let ids = work.ids(&column("span.trace_id")).unwrap();
    assert_eq!(ids, (1..7).flat_map(|n| [n; 16]).collect::<Vec<u8>>());
    assert_eq!(
        work.integers(&column("span.flags")).unwrap().items,
        [257; 6]
    );
    assert_eq!(work.integers(&column("link.flags")).unwrap().items, [1; 3]);
    let code = work.integers(&column("span.status.code")).unwrap();
    assert_eq!(
        (code.items, code.present),
        (vec![0, 2, 0, 2, 0, 2], vec![0b10_1010])
    );
}

#[test]
fn points_of_every_kind_read_as_they_were_sent() {
    let mut work = batch(Signal::Metrics, &points()).begin(BUDGET);
    let value = work.doubles(&column("datapoint.value_double")).unwrap();
    assert_eq!(
        (value.items, value.present),
        (vec![1.5, -3.0, 7.0, 0.0, 0.0, 0.0], vec![0b111])
    );
    let value = work.integers(&column("datapoint.as_int")).unwrap();
    assert_eq!(
        (value.items, value.present),
        (vec![0, -3, 7, 0, 0, 0], vec![0b110])
    );
    let sum = work.doubles(&column("datapoint.sum")).unwrap();
    assert_eq!(
        (sum.items, sum.present),
        (vec![0.0, 0.0, 0.0, 0.0, 0.0, 12.5], vec![0b10_1000])
    );
    assert_eq!(
        work.integers(&column("metric.type")).unwrap().items,
        [1, 2, 3, 4, 5]
    );
    let temporality = work
        .integers(&column("metric.aggregation_temporality"))
        .unwrap();
    assert_eq!(temporality.items, [0, 2, 1, 2, 0]);
    let mut get = |path: &str, row| work.get(&column(path), row).unwrap();
    let json = |text: &str| Some(Value::Json(text.to_owned()));
    assert_eq!(get("datapoint.bucket_counts", 3), json("[1,2,3]"));
    assert_eq!(get("datapoint.explicit_bounds", 3), json("[0.5,10.0]"));
    assert_eq!(get("datapoint.positive.bucket_counts", 4), json("[300,2]"));
    assert_eq!(get("datapoint.negative.bucket_counts", 4), None);
    assert_eq!(
        get("datapoint.positive.offset", 4),
        Some(Value::Integer(-5))
    );
    assert_eq!(get("datapoint.scale", 4), Some(Value::Integer(-2)));
    assert_eq!(
        get("datapoint.quantile_values", 5),
        json(r#"[{"quantile":0.5,"value":2.0}]"#)
    );
    assert_eq!(get("metric.is_monotonic", 1), Some(Value::Boolean(true)));
    assert_eq!(get("metric.is_monotonic", 0), None);
}

#[test]
fn values_show_every_type() {
    let mut work = batch(Signal::Traces, &spans()).begin(BUDGET);
    let mut get = |key: &str| {
        work.get(&column(&format!("span.attributes[\"{key}\"]")), 0)
            .unwrap()
    };
    assert_eq!(get("ratio"), Some(Value::Double(0.5)));
    assert_eq!(get("ok"), Some(Value::Boolean(true)));
    assert_eq!(get("raw"), Some(Value::Bytes(vec![0xff, 1])));
    assert_eq!(get("list"), Some(Value::Json(r#"["a",1,[false]]"#.into())));
    assert_eq!(
        get("map"),
        Some(Value::Json(r#"{"mail":"a@b.c","deep":{"x":1.5}}"#.into()))
    );
    assert_eq!(
        work.keys("record").unwrap(),
        ["http.route", "n", "ratio", "ok", "raw", "list", "map"]
    );
}
