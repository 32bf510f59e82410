//! What opentelemetry-proto's serde refuses or loses of OTLP's JSON, though the specification allows it: the cure for the
//! first, an error for the second.
//!
//! NaN and the infinities stay out of reach where OTLP holds any double: those are errors here.

use serde_json::{Map, Value, json};

use crate::Error;

/// What stands in one of several fields and silently is not there if it does not parse.
const CHOICES: &[&str] = &[
    "gauge",
    "sum",
    "histogram",
    "exponentialHistogram",
    "summary",
    "asDouble",
    "asInt",
];

/// Adds the empty fields that may be left out, and that serde misses.
pub(super) fn complete(json: &mut Value) {
    match json {
        Value::Array(items) => items.iter_mut().for_each(complete),
        Value::Object(fields) => {
            for (name, value) in fields.iter_mut() {
                match (name.as_str(), value) {
                    ("arrayValue", Value::Object(list)) => add(list, "values", &json!([])),
                    ("kvlistValue", Value::Object(map)) => {
                        add(map, "values", &json!([]));
                        map.values_mut()
                            .for_each(|values| each(values, |entry| add(entry, "key", &json!(""))));
                    }
                    ("attributes" | "metadata" | "filteredAttributes", values) => {
                        each(values, |entry| add(entry, "key", &json!("")));
                    }
                    ("entityRefs", references) => each(references, |reference| {
                        add(reference, "schemaUrl", &json!(""));
                        add(reference, "type", &json!(""));
                        add(reference, "idKeys", &json!([]));
                        add(reference, "descriptionKeys", &json!([]));
                    }),
                    _ => {}
                }
            }
            fields.values_mut().for_each(complete);
        }
        _ => {}
    }
}

fn add(fields: &mut Map<String, Value>, name: &str, value: &Value) {
    fields.entry(name).or_insert_with(|| value.clone());
}

fn each(list: &mut Value, change: impl FnMut(&mut Map<String, Value>)) {
    let items = list.as_array_mut().into_iter().flatten();
    items.filter_map(Value::as_object_mut).for_each(change);
}

/// Fails if a choice that was given is no longer there once it was read.
pub(super) fn check(given: &Value, read: &Value, path: &str) -> Result<(), Error> {
    match (given, read) {
        (Value::Array(given), Value::Array(read)) => {
            let mut items = given.iter().zip(read).enumerate();
            items.try_for_each(|(index, (given, read))| {
                check(given, read, &format!("{path}[{index}]"))
            })
        }
        (Value::Object(given), Value::Object(read)) => {
            given.iter().try_for_each(|(name, value)| {
                let path = format!("{path}.{name}");
                match read.get(name) {
                    Some(read) => check(value, read, &path),
                    None if CHOICES.contains(&name.as_str()) && !value.is_null() => {
                        Err(Error::new(format!("{path}: is not as OTLP has it")))
                    }
                    None => Ok(()),
                }
            })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::Request;

    fn log(record: &Value) -> Value {
        json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]})
    }

    fn metric(metric: &Value) -> Value {
        json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]})
    }

    fn read(json: &Value) -> Value {
        Request::from_json(&json.to_string()).unwrap().to_json()
    }

    #[test]
    fn empty_fields_may_be_left_out() {
        let record = read(&log(&json!({
            "body": {"arrayValue": {}},
            "attributes": [
                {"value": {"kvlistValue": {}}},
                {"key": "a"},
                {"key": "b", "value": {"kvlistValue": {"values": [{"value": {}}]}}},
            ],
        })));
        let record = &record["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0];
        assert_eq!(record["body"], json!({"arrayValue": {"values": []}}));
        assert_eq!(
            record["attributes"][0],
            json!({"key": "", "value": {"kvlistValue": {"values": []}}})
        );
        assert_eq!(
            record["attributes"][2]["value"]["kvlistValue"]["values"][0]["key"],
            ""
        );
        let resource = json!({"resourceLogs": [{"resource": {"entityRefs": [{"type": "t"}]}}]});
        assert_eq!(
            read(&resource)["resourceLogs"][0]["resource"]["entityRefs"][0]["type"],
            "t"
        );
    }

    #[test]
    fn numbers_are_numbers_or_strings_and_unknown_fields_are_passed_over() {
        let record = read(&log(&json!({
            "timeUnixNano": 7,
            "observedTimeUnixNano": "8",
            "severityNumber": 99,
            "later": {"x": []},
            "body": {"later": 1, "intValue": 9},
        })));
        let record = &record["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0];
        assert_eq!(record["timeUnixNano"], "7");
        assert_eq!(record["observedTimeUnixNano"], "8");
        assert_eq!(record["severityNumber"], 99);
        assert_eq!(record["body"], json!({"intValue": "9"}));
    }

    #[test]
    fn data_that_does_not_parse_is_an_error_and_not_gone() {
        let error = |json: &Value| {
            Request::from_json(&json.to_string())
                .unwrap_err()
                .message()
                .to_owned()
        };
        assert_eq!(
            error(&metric(
                &json!({"sum": {"dataPoints": [{"timeUnixNano": {}}]}})
            )),
            "request.resourceMetrics[0].scopeMetrics[0].metrics[0].sum: is not as OTLP has it"
        );
        assert_eq!(
            error(&metric(
                &json!({"gauge": {"dataPoints": [{"asInt": 1}, {"asInt": "x"}]}})
            )),
            "request.resourceMetrics[0].scopeMetrics[0].metrics[0].gauge.dataPoints[1].asInt: is not as OTLP has it"
        );
        let fine = metric(&json!({"gauge": {"dataPoints": [{"asInt": 1}, {"asDouble": 2}]}}));
        assert!(Request::from_json(&fine.to_string()).is_ok());
    }
}
