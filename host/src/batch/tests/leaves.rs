//! Every leaf, and what replaces it.

use opentelemetry_proto::tonic::common::v1::any_value::Value::StringValue;

use super::{
    super::{Leaves, PackedTexts, Signal, Transaction, Value},
    BUDGET, batch, column, edited, logs, metrics,
    requests::{boolean, bytes, kv, map, points, records, span, spans, text},
    traces,
};

const KINDS: [&str; 6] = ["text", "key", "integer", "double", "boolean", "bytes"];

fn strings(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Each leaf as "row path kind text".
fn shown(leaves: &Leaves) -> Vec<String> {
    let mut start = 0;
    (0..leaves.rows.len())
        .map(|i| {
            let end = leaves.texts.ends[i] as usize;
            let text = String::from_utf8(leaves.texts.data[start..end].to_vec()).unwrap();
            start = end;
            let place = leaves.places[i] as usize;
            let (path, kind) = (&leaves.place_paths[place], &leaves.place_kinds[place]);
            format!("{} {path} {kind} {text}", leaves.rows[i])
        })
        .collect()
}

fn scan(work: &mut Transaction, tables: &[&str], kinds: &[&str]) -> Vec<String> {
    shown(&work.all_leaves(&strings(tables), &strings(kinds)).unwrap())
}

fn packed(texts: &[Option<&str>]) -> PackedTexts {
    let mut out = PackedTexts::default();
    for (i, text) in texts.iter().enumerate() {
        out.data
            .extend_from_slice(text.unwrap_or_default().as_bytes());
        out.ends.push(out.data.len().try_into().unwrap());
        if i % 8 == 0 {
            out.present.push(0);
        }
        out.present[i / 8] |= u8::from(text.is_some()) << (i % 8);
    }
    out
}

#[test]
fn every_leaf_of_a_span_is_given_in_the_order_of_the_wire() {
    let mut work = batch(Signal::Traces, &spans()).begin(BUDGET);
    let mut leaves = scan(&mut work, &["record"], &KINDS);
    leaves.retain(|leaf| leaf.starts_with('1'));
    assert_eq!(
        leaves,
        [
            "1 record.trace_state text ot=th:2",
            "1 record.name text span 2",
            "1 record.attributes[\"http.route\"]#key key http.route",
            "1 record.attributes[\"http.route\"] text /cart/2",
            "1 record.attributes[\"n\"]#key key n",
            "1 record.attributes[\"n\"] integer 2",
            "1 record.attributes[\"ratio\"]#key key ratio",
            "1 record.attributes[\"ratio\"] double 0.5",
            "1 record.attributes[\"ok\"]#key key ok",
            "1 record.attributes[\"ok\"] boolean true",
            "1 record.attributes[\"raw\"]#key key raw",
            "1 record.attributes[\"raw\"] bytes \u{fffd}\u{2}",
            "1 record.attributes[\"list\"]#key key list",
            "1 record.attributes[\"list\"][] text a",
            "1 record.attributes[\"list\"][] integer 1",
            "1 record.attributes[\"list\"][][] boolean false",
            "1 record.attributes[\"map\"]#key key map",
            "1 record.attributes[\"map\"][\"mail\"]#key key mail",
            "1 record.attributes[\"map\"][\"mail\"] text a@b.c",
            "1 record.attributes[\"map\"][\"deep\"]#key key deep",
            "1 record.attributes[\"map\"][\"deep\"][\"x\"]#key key x",
            "1 record.attributes[\"map\"][\"deep\"][\"x\"] double 1.5",
            "1 record.status.message text status 2",
        ]
    );
}

#[test]
fn resources_scopes_events_and_links_have_leaves() {
    let mut work = batch(Signal::Traces, &spans()).begin(BUDGET);
    let mut leaves = scan(
        &mut work,
        &["resource", "scope", "link", "event"],
        &["text"],
    );
    leaves.truncate(18);
    assert_eq!(
        leaves,
        [
            "0 resource.attributes[\"service.name\"] text a",
            "0 resource.entity_refs.schema_url text https://entity",
            "0 resource.entity_refs.type text service",
            "0 resource.entity_refs.id_keys[] text service.name",
            "0 resource.entity_refs.description_keys[] text host.cpus",
            "0 resource.entity_refs.description_keys[] text other",
            "0 resource.schema_url text https://resource",
            "0 scope.name text one",
            "0 scope.version text 1.2",
            "0 scope.attributes[\"scope.kind\"] text lib",
            "0 scope.schema_url text https://scope",
            "1 scope.name text two",
            "1 scope.version text 1.2",
            "1 scope.attributes[\"scope.kind\"] text lib",
            "1 scope.schema_url text https://scope",
            "0 link.trace_state text l=1",
            "0 link.attributes[\"link.kind\"] text follows",
            "1 link.trace_state text l=1",
        ]
    );
}

#[test]
fn metrics_and_logs_have_leaves() {
    let mut work = batch(Signal::Metrics, &points()).begin(BUDGET);
    let leaves = scan(&mut work, &["metric", "exemplar", "record"], &["text"]);
    assert_eq!(leaves.len(), 5 * 4 + 6 + 6);
    assert_eq!(
        leaves[..5],
        [
            "0 metric.name text gauge",
            "0 metric.description text what gauge is",
            "0 metric.unit text ms",
            "0 metric.metadata[\"origin\"] text test",
            "1 metric.name text sum",
        ]
    );
    assert_eq!(
        leaves[20],
        "0 exemplar.filtered_attributes[\"user\"] text someone"
    );
    assert_eq!(leaves[31], "5 record.attributes[\"route\"] text /s");
    let mut work = batch(Signal::Logs, &records()).begin(BUDGET);
    let mut leaves = scan(&mut work, &["record"], &["text", "bytes"]);
    leaves.retain(|leaf| leaf.contains("body") || leaf.starts_with('0'));
    assert_eq!(
        leaves,
        [
            "0 record.severity_text text INFO",
            "0 record.attributes[\"logger\"] text shop",
            "0 record.event_name text shop.event",
            "1 record.body text body 1",
            "2 record.body[\"message\"] text hello",
            "3 record.body[] text x",
            "3 record.body[] bytes y",
            "5 record.body text body 5",
        ]
    );
}

#[test]
fn every_leaf_can_be_replaced() {
    for signal in Signal::ALL {
        let sent = match signal {
            Signal::Traces => batch(signal, &spans()),
            Signal::Metrics => batch(signal, &points()),
            Signal::Logs => batch(signal, &records()),
        };
        let tables = [
            "resource", "scope", "metric", "record", "event", "link", "exemplar",
        ];
        let back = edited(sent, |work| {
            let leaves = work
                .all_leaves(&strings(&tables), &strings(&KINDS))
                .unwrap();
            let all: Vec<u32> = (0..).take(leaves.rows.len()).collect();
            let texts = packed(&vec![Some("masked"); all.len()]);
            work.replace_leaves(&all, &texts).unwrap();
        });
        let mut work = back.clone().begin(BUDGET);
        for leaf in scan(&mut work, &tables, &KINDS) {
            assert!(leaf.ends_with(" masked"), "{leaf}");
        }
        match signal {
            Signal::Traces => drop(traces(&back)),
            Signal::Metrics => drop(metrics(&back)),
            Signal::Logs => drop(logs(&back)),
        }
    }
}

#[test]
fn leaves_are_replaced_in_place_and_removed() {
    let back = edited(batch(Signal::Traces, &spans()), |work| {
        let leaves = work
            .all_leaves(&strings(&["record"]), &strings(&KINDS))
            .unwrap();
        let all = shown(&leaves);
        let at = |leaf: &str| u32::try_from(all.iter().position(|l| l == leaf).unwrap()).unwrap();
        let wanted = [
            (
                at("0 record.attributes[\"http.route\"]#key key http.route"),
                Some("route"),
            ),
            (at("0 record.attributes[\"n\"] integer 1"), Some("one")),
            (at("0 record.attributes[\"ratio\"] double 0.5"), Some("0.5")),
            (at("0 record.attributes[\"ok\"] boolean true"), None),
            (
                at("0 record.attributes[\"raw\"] bytes \u{fffd}\u{1}"),
                Some("x"),
            ),
            (at("0 record.attributes[\"list\"][] integer 1"), None),
            (
                at("0 record.attributes[\"map\"][\"mail\"] text a@b.c"),
                Some("***"),
            ),
            (
                at("0 record.attributes[\"map\"][\"deep\"][\"x\"] double 1.5"),
                None,
            ),
            (at("1 record.name text span 2"), None),
        ];
        let (leaves, texts): (Vec<u32>, Vec<Option<&str>>) = wanted.into_iter().unzip();
        work.replace_leaves(&leaves, &packed(&texts)).unwrap();
    });
    let spans = traces(&back);
    let [one, two] = &spans.resource_spans[0].scope_spans[0].spans[..] else {
        panic!("two spans");
    };
    let mut want = span(1);
    want.attributes = vec![
        kv("route", text("/cart/1")),
        kv("n", text("one")),
        kv("ratio", super::requests::double(0.5)),
        kv("raw", bytes(b"x")),
        kv(
            "list",
            super::requests::array(vec![
                text("a"),
                super::requests::array(vec![boolean(false)]),
            ]),
        ),
        kv(
            "map",
            map(vec![kv("mail", text("***")), kv("deep", map(Vec::new()))]),
        ),
    ];
    assert_eq!(*one, want);
    let mut want = span(2);
    want.name.clear();
    assert_eq!(*two, want);
}

#[test]
fn leaves_in_earlier_edits_are_found_and_replaced() {
    let back = edited(batch(Signal::Traces, &spans()), |work| {
        let json = Value::Json(r#"{"mail":"x@y.z","n":[1,"two"]}"#.into());
        work.fill(&column("span.attributes[\"added\"]"), Some(&[0]), &json)
            .unwrap();
        work.fill(
            &column("scope.name"),
            Some(&[2]),
            &Value::Text("made".into()),
        )
        .unwrap();
    });
    let back = edited(back, |work| {
        let leaves = work
            .all_leaves(&strings(&["record", "scope"]), &strings(&["text"]))
            .unwrap();
        let all = shown(&leaves);
        let at = |leaf: &str| u32::try_from(all.iter().position(|l| l == leaf).unwrap()).unwrap();
        let mail = at("0 record.attributes[\"added\"][\"mail\"] text x@y.z");
        let two = at("0 record.attributes[\"added\"][\"n\"][] text two");
        let made = at("2 scope.name text made");
        // In two calls: the second must not undo the first, nor be kept from the same attribute by it.
        work.replace_leaves(&[mail, made], &packed(&[Some("***"), Some("other")]))
            .unwrap();
        work.replace_leaves(&[two], &packed(&[Some("2")])).unwrap();
        let added = work.get(&column("span.attributes[\"added\"]"), 0).unwrap();
        assert_eq!(
            added,
            Some(Value::Json(r#"{"mail":"***","n":[1,"2"]}"#.into()))
        );
    });
    let spans = traces(&back);
    let scope = spans.resource_spans[1].scope_spans[0]
        .scope
        .clone()
        .unwrap();
    assert_eq!(scope.name, "other");
}

#[test]
fn leaves_edited_since_are_left_alone() {
    let route = column("span.attributes[\"http.route\"]");
    let back = edited(batch(Signal::Traces, &spans()), |work| {
        let leaves = work
            .all_leaves(&strings(&["record"]), &strings(&["text"]))
            .unwrap();
        let at = shown(&leaves)
            .iter()
            .position(|leaf| leaf.ends_with("/cart/1"))
            .unwrap();
        work.fill(&route, Some(&[0]), &Value::Text("since".into()))
            .unwrap();
        work.replace_leaves(&[at.try_into().unwrap()], &packed(&[Some("late")]))
            .unwrap();
    });
    let spans = traces(&back);
    let value = spans.resource_spans[0].scope_spans[0].spans[0].attributes[0]
        .value
        .clone();
    assert_eq!(value.unwrap().value, Some(StringValue("since".into())));
}

#[test]
fn dropped_rows_have_no_leaves_and_take_no_edit() {
    let back = edited(batch(Signal::Traces, &spans()), |work| {
        work.retain("record", &[0b10_0001]).unwrap();
        let leaves = scan(work, &["event", "record"], &["text"]);
        assert!(
            leaves
                .iter()
                .all(|leaf| leaf.starts_with('0') || leaf.starts_with('5'))
        );
        assert!(leaves.contains(&"5 record.name text span 6".to_owned()));
        assert_eq!(work.keys("event").unwrap(), ["exception.message"]);
        work.fill(&column("event.name"), None, &Value::Text("e".into()))
            .unwrap();
        work.retain("record", &[0b10_0000]).unwrap();
        assert_eq!(work.keys("event").unwrap(), Vec::<String>::new());
    });
    let spans = traces(&back);
    assert_eq!(spans.resource_spans.len(), 1);
    assert_eq!(spans.resource_spans[0].scope_spans[0].spans, [span(6)]);
}
