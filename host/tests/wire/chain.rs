//! The corpus through all four bundled plugins at once, each record held against what the facts say must become of it: which
//! go, which ids they get, what is added, and of each text what is hidden and nothing else.

use std::collections::BTreeSet;

use otlet_tests::backend::Request;
use serde_json::{Value, json};

use crate::corpus::{self, Sent};
use crate::hidden::Hidden;
use crate::plugins::through;
use crate::scanner::Scanner;

const PROCESSORS: &str = r#"
  link:
  enrich:
    config:
      actions:
        - { set: 'resource.attributes["deployment.environment.name"]', value: test, if: missing }
        - { copy: 'resource.attributes["service.name"]', to: 'record.attributes["chain.service"]' }
        - { set: 'event.attributes["chain.seen"]', value: true }
  redact:
  sample: { config: { percentage: 50, keep: { errors: true } } }"#;

/// Half of all 56-bit numbers are at least this.
const HALF: u64 = 1 << 55;

#[test]
fn of_every_record_becomes_what_the_facts_say() {
    let all = "[link, enrich, redact, sample]";
    let (sent, received) = through(PROCESSORS, all, all, all);
    let mut facts = Facts::read();
    let mut hidden = Hidden::new();
    let mut received = received.iter();
    for sent in &sent {
        let Some(expected) = facts.expected(sent) else {
            continue;
        };
        let arrived = received.next().expect("a request with records is sent on");
        hidden.compare(&sent.file, &expected, &json_of(arrived));
    }
    assert!(received.next().is_none());
    assert_eq!(facts.linked, 232);
    assert_eq!(facts.links.next(), None);
    hidden.check();
}

#[test]
fn no_two_series_become_one() {
    let (sent, received) = through("{ redact: {} }", "[redact]", "[redact]", "[redact]");
    let before: Vec<_> = sent.iter().map(Sent::request).collect();
    let series = |requests: &[Request]| {
        let mut series = BTreeSet::new();
        for request in requests.iter().map(json_of) {
            each_point(&request, &mut |metric, point| {
                let time = &point["timeUnixNano"];
                series.insert(format!("{metric} {} {time}", point["attributes"]));
            });
        }
        series.len()
    };
    assert_eq!(series(&before), 650, "no series has two points at a time");
    assert_eq!(series(&received), 650);
    let left = Scanner::new().scan(&received);
    assert!(left.is_clean(), "{left:?}");
}

/// What is known of the corpus besides its requests.
struct Facts {
    /// What `links.jsonl` says of the next log record without a trace id.
    links: std::vec::IntoIter<Value>,
    /// The log records that were to be linked.
    linked: usize,
}

impl Facts {
    fn read() -> Self {
        Self {
            links: corpus::lines("links.jsonl").into_iter(),
            linked: 0,
        }
    }

    /// The request with all that the plugins add and without what they drop, before anything in it is hidden. None where no
    /// record is left.
    fn expected(&mut self, sent: &Sent) -> Option<Value> {
        let mut request = json_of(&sent.request());
        for resource in items(&mut request, &format!("resource{}", capital(&sent.signal))) {
            let service = attribute(&resource["resource"], "service.name").cloned();
            if attribute(&resource["resource"], "deployment.environment.name").is_none() {
                let environment = json!({"stringValue": "test"});
                add(
                    &mut resource["resource"],
                    "deployment.environment.name",
                    &environment,
                );
            }
            for scope in items(resource, &format!("scope{}", capital(&sent.signal))) {
                for name in ["spans", "logRecords", "metrics"] {
                    if let Some(records) = list(scope, name) {
                        records.retain_mut(|record| self.record(name, record, service.as_ref()));
                    }
                }
            }
        }
        prune(&mut request);
        let is_left = request.as_object()?.values().any(|list| list != &json!([]));
        is_left.then_some(request)
    }

    /// Changes a record, and says whether it is kept.
    fn record(&mut self, name: &str, record: &mut Value, service: Option<&Value>) -> bool {
        let service = service.expect("every service of the corpus has a name");
        match name {
            "metrics" => {
                for point in points(record) {
                    add(point, "chain.service", service);
                }
                true
            }
            "logRecords" => {
                add(record, "chain.service", service);
                if record["traceId"] == "" {
                    self.link(record);
                }
                let is_error = record["severityNumber"].as_i64() >= Some(17);
                is_error || randomness(record).is_none_or(|random| random >= HALF)
            }
            _ => {
                add(record, "chain.service", service);
                for event in items(record, "events") {
                    add(event, "chain.seen", &json!({"boolValue": true}));
                }
                let is_error = record["status"]["code"] == 2;
                let threshold = if is_error { "ot=th:0" } else { "ot=th:8" };
                let state = record["traceState"].as_str().unwrap_or_default();
                assert!(!state.contains("ot="), "no service of the corpus samples");
                record["traceState"] = match state {
                    "" => threshold.to_owned(),
                    others => format!("{threshold},{others}"),
                }
                .into();
                is_error || randomness(record) >= Some(HALF)
            }
        }
    }

    fn link(&mut self, record: &mut Value) {
        let line = self.links.next().expect("a line for every such record");
        assert_eq!(record["timeUnixNano"], line["time_unix_nano"].to_string());
        for (field, key) in [("traceId", "trace_id"), ("spanId", "span_id")] {
            record[field] = line[key].as_str().unwrap_or_default().into();
        }
        self.linked += usize::from(record["traceId"] != "");
        // Only these say whether their trace is sampled, and all say that it is.
        let case = line["case"].as_str().unwrap_or_default();
        if SAMPLED.contains(&case) {
            record["flags"] = 1.into();
        }
    }
}

/// The shapes of lines that say that their trace is sampled.
const SAMPLED: [&str; 7] = [
    "attr_otelTraceID",
    "attr_trace_id",
    "camel_upper_json",
    "map_body",
    "otel_text_format",
    "raw_json_body",
    "traceparent_text",
];

/// The last 56 bits of the trace id.
fn randomness(record: &Value) -> Option<u64> {
    let id = record["traceId"].as_str().unwrap_or_default();
    u64::from_str_radix(id.get(18..)?, 16).ok()
}

/// Drops what has no records.
fn prune(request: &mut Value) {
    for resources in request
        .as_object_mut()
        .into_iter()
        .flat_map(|lists| lists.values_mut())
    {
        for resource in resources.as_array_mut().into_iter().flatten() {
            for (name, scopes) in resource.as_object_mut().into_iter().flatten() {
                if name.starts_with("scope") {
                    let scopes = scopes.as_array_mut().expect("scopes are a list");
                    scopes.retain(has_records);
                }
            }
        }
        let resources = resources.as_array_mut().expect("resources are a list");
        resources.retain(|resource| {
            let scopes = resource.as_object().into_iter().flatten();
            scopes
                .filter(|(name, _)| name.starts_with("scope"))
                .any(|(_, scopes)| scopes != &json!([]))
        });
    }
}

fn has_records(scope: &Value) -> bool {
    ["spans", "logRecords", "metrics"]
        .iter()
        .any(|name| scope[name].as_array().is_some_and(|list| !list.is_empty()))
}

fn json_of(request: &Request) -> Value {
    let json = match request {
        Request::Traces(request) => serde_json::to_value(request),
        Request::Metrics(request) => serde_json::to_value(request),
        Request::Logs(request) => serde_json::to_value(request),
    };
    json.unwrap()
}

fn capital(signal: &str) -> &'static str {
    match signal {
        "traces" => "Spans",
        "metrics" => "Metrics",
        _ => "Logs",
    }
}

/// The list of that name, if there is one.
fn list<'a>(of: &'a mut Value, name: &str) -> Option<&'a mut Vec<Value>> {
    of.get_mut(name)?.as_array_mut()
}

/// What is in the list of that name.
fn items<'a>(of: &'a mut Value, name: &str) -> impl Iterator<Item = &'a mut Value> {
    list(of, name).into_iter().flatten()
}

/// The data points of a metric.
fn points(metric: &mut Value) -> impl Iterator<Item = &mut Value> {
    let data = metric.as_object_mut().into_iter().flatten();
    data.filter_map(|(_, data)| data.get_mut("dataPoints")?.as_array_mut())
        .flatten()
}

/// Calls `f` with every data point, and all that names its metric.
fn each_point(request: &Value, f: &mut impl FnMut(String, &Value)) {
    let list = |of: &Value, name: &str| of[name].as_array().cloned().unwrap_or_default();
    for resource in list(request, "resourceMetrics") {
        for scope in list(&resource, "scopeMetrics") {
            for mut metric in list(&scope, "metrics") {
                let name = [&resource["resource"], &scope["scope"], &metric["name"]];
                let name = format!("{name:?} {}", metric["unit"]);
                points(&mut metric).for_each(|point| f(name.clone(), point));
            }
        }
    }
}

fn attribute<'a>(of: &'a Value, key: &str) -> Option<&'a Value> {
    let mut attributes = of["attributes"].as_array()?.iter();
    let found = attributes.find(|attribute| attribute["key"] == key)?;
    Some(&found["value"])
}

fn add(to: &mut Value, key: &str, value: &Value) {
    let attribute = json!({ "key": key, "value": value });
    let attributes = list(to, "attributes");
    attributes.expect("it has attributes").push(attribute);
}
