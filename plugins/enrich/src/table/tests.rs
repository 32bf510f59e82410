use std::fmt::Write as _;

use otlet_plugin::testing::Harness;
use serde_json::{Value, json};

use crate::Enrich;
use crate::action::tests::attributes;

/// A config that looks the attribute `k` up in a table, for its columns `team` and `tier`.
fn config(table: &Value) -> Value {
    json!({
        "tables": {"teams": table},
        "actions": [{
            "lookup": "record.attributes[\"k\"]",
            "in": "teams",
            "to": {"team": "record.attributes[\"team\"]", "tier": "record.attributes[\"tier\"]"},
        }],
    })
}

fn mistake(table: &Value) -> String {
    Harness::<Enrich>::new(config(table))
        .err()
        .expect("a mistake")
        .into()
}

/// The team and the tier that this key has.
fn found(table: &Value, key: &Value) -> (Value, Value) {
    let mut enrich = Harness::<Enrich>::new(config(table)).unwrap();
    let records = json!([{"attributes": [{"key": "k", "value": key}]}]);
    let request = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}).to_string();
    let request = otlet_plugin::testing::Request::from_json(&request).unwrap();
    let out = enrich.run(request).unwrap().request.to_json();
    let record = out["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0].clone();
    let of = |wanted: &str| {
        let mut pairs = attributes(&record).into_iter();
        pairs
            .find(|(key, _)| *key == wanted)
            .map_or(Value::Null, |(_, value)| value.clone())
    };
    (of("team"), of("tier"))
}

fn text(text: &str) -> Value {
    json!({"stringValue": text})
}

#[test]
fn csv_has_a_header_quotes_and_any_line_ends() {
    let table = json!({
        "key": "service",
        "csv": "\u{feff}team,service,tier\r\n\"check, out\",cart,1\r\n\r\n\"the \"\"a\"\" team\",shop,\r\n\"two\nlines\",42,x",
    });
    assert_eq!(
        found(&table, &text("cart")),
        (text("check, out"), text("1"))
    );
    assert_eq!(
        found(&table, &text("shop")),
        (text("the \"a\" team"), Value::Null),
        "an empty cell is nothing"
    );
    assert_eq!(
        found(&table, &json!({"intValue": "42"})),
        (text("two\nlines"), text("x")),
        "a number by its digits"
    );
    assert_eq!(found(&table, &text("Cart")), (Value::Null, Value::Null));
}

#[test]
fn json_keeps_its_types() {
    let of_key = json!({"json": r#"{"cart": {"team": "checkout", "tier": 1}, "shop": {"team": ["a"], "tier": null}}"#});
    assert_eq!(
        found(&of_key, &text("cart")),
        (text("checkout"), json!({"intValue": "1"}))
    );
    assert_eq!(
        found(&of_key, &text("shop")),
        (json!({"arrayValue": {"values": [text("a")]}}), Value::Null)
    );
    let list = json!({"key": "id", "json": r#"[{"id": 7, "team": "x", "tier": 0.5}, {"id": "8", "tier": true}]"#});
    assert_eq!(
        found(&list, &json!({"intValue": "7"})),
        (text("x"), json!({"doubleValue": 0.5}))
    );
    assert_eq!(
        found(&list, &text("8")),
        (Value::Null, json!({"boolValue": true}))
    );
    let rows = json!({"rows": {"cart": {"team": "checkout", "tier": 1}}});
    assert_eq!(found(&rows, &text("cart")).0, text("checkout"));
}

#[test]
fn mistakes_in_a_table_name_the_place_and_the_cure() {
    let csv = |text: &str| json!({"csv": text, "key": "service"});
    let mistakes = [
        (
            json!({}),
            "tables.teams: is not one table: give it one of `csv`, `json` and `rows`",
        ),
        (json!({"csv": "a", "json": "{}"}), "is not one table"),
        (json!({"csv": "service,team,tier\n"}), "csv: needs `key`"),
        (csv(""), "csv: is empty: the first line names the columns"),
        (
            csv("name,team,tier"),
            "csv: key: has no column `service`: there are `name`, `team` and `tier`",
        ),
        (
            csv("service,team"),
            "csv: has no column `tier`: there are `service` and `team`",
        ),
        (csv("service,team,tier,team"), "has the column `team` twice"),
        (
            csv("service,team,tier\ncart,a,b\nshop,a"),
            "csv: line 3 has 2 cells, and the first line names 3",
        ),
        (
            csv("service,team,tier\ncart,a,b\n\ncart,a,b"),
            "csv: line 4: the key `cart` is there twice",
        ),
        (
            csv("service,team,tier\n,a,b"),
            "csv: line 2: a key is empty",
        ),
        (
            csv("service,team,tier\ncart,\"a\n\"\"b,c"),
            "csv: line 2 has a quote that does not end",
        ),
        (
            csv("service,team,tier\ncart,\"a,b"),
            "csv: line 2 has a quote that does not end",
        ),
        (
            json!({"json": "{\"a\": {\"team\": 1}"}),
            "json: EOF while parsing",
        ),
        (
            json!({"json": "7"}),
            "expected a map of rows, or a list of them",
        ),
        (
            json!({"json": "{\"a\": 7}"}),
            "invalid type: integer `7`, expected a map",
        ),
        (
            json!({"json": "{\"a\": {\"team\": 1}}"}),
            "json: has no row with `tier`, which a `lookup` asks for",
        ),
        (
            json!({"json": "{\"a\": {},\n \"a\": {}}"}),
            "the key `a` is there twice: leave one row out at line 2",
        ),
        (
            json!({"json": "{}", "key": "id"}),
            "is a map, whose names are the keys: leave `key` out",
        ),
        (
            json!({"json": "[]"}),
            "needs `key`, what `lookup` finds a row by",
        ),
        (
            json!({"json": "[{\"id\": null}]", "key": "id"}),
            "row 1 has no text or number as `id`",
        ),
        (
            json!({"rows": {"a": {"team": 1, "tier": u64::MAX}}}),
            "rows: 18446744073709551615 is beyond OTLP's integers",
        ),
    ];
    for (table, says) in mistakes {
        let error = mistake(&table);
        assert!(
            error.starts_with("tables.teams: ") && error.contains(says),
            "{table}: {error}"
        );
    }
}

#[test]
fn lookups_are_refused_that_find_nothing() {
    let table = json!({"rows": {"cart": {"team": "a"}}});
    let lookup = |more: Value| {
        let mut action = json!({"lookup": "record.attributes[\"k\"]", "in": "teams", "to": {"team": "log.body"}});
        action
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let config = json!({"tables": {"teams": table}, "actions": [action]});
        String::from(Harness::<Enrich>::new(config).err().expect("a mistake"))
    };
    let mistakes = [
        (
            json!({"in": "owners"}),
            "actions[0].in: no such table as `owners`: write `teams`",
        ),
        (
            json!({"to": {}}),
            "actions[0].to: is no map of columns to paths",
        ),
        (json!({"to": "log.body"}), "to: is no map of columns"),
        (
            json!({"to": {"team": "log.severity_number"}}),
            "and the table has others: look it up into an attribute, and `convert` that",
        ),
        (
            json!({"to": {"team": "resource.attributes[\"a\"]"}}),
            "to: a resource cannot take",
        ),
        (
            json!({"to": {"tem": "log.body"}}),
            "tables.teams: rows: has no row with `tem`",
        ),
        (
            json!({"default": {"tem": 1}}),
            "default: tem is not set: `to` has no path for it",
        ),
        (
            json!({"to": {"team": "log.event_name"}, "default": {"team": 1}}),
            "default: team: log.event_name takes a text, not 1",
        ),
    ];
    for (more, says) in mistakes {
        let error = lookup(more.clone());
        assert!(error.contains(says), "{more}: {error}");
    }
}

#[test]
fn a_large_table_is_read_and_holds_each_value_once() {
    let mut csv = "service,team,tier,note\n".to_owned();
    for row in 0..50_000 {
        writeln!(
            csv,
            "service-{row},team-{},{},a note that nobody asks for",
            row % 100,
            row % 3
        )
        .unwrap();
    }
    let config = crate::config::Table {
        csv: Some(csv),
        key: Some("service".to_owned()),
        ..Default::default()
    };
    let table = super::Table::new(config, vec!["team".to_owned(), "tier".to_owned()]).unwrap();
    assert_eq!((table.rows.len(), table.values.len()), (50_000, 104));
    let row = table.row("service-49999").unwrap();
    assert_eq!(table.cell(row, 0), Some(&"team-99".into()));
    assert_eq!(table.cell(row, 1), Some(&"1".into()));
}
