//! What is in the file: entries as other programs read them, whole ones, and in files of a bounded size.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use otlet_tests::every_field;
use prost::Message;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;

fn written(signal: Signal, message: &[u8]) -> String {
    let mut out = Vec::new();
    json::write(signal, message, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// The protobuf that otlet's own receiver reads in a text.
fn received(signal: Signal, text: &str) -> Bytes {
    let framed = crate::receiver::json_to_protobuf(signal, text.as_bytes(), 1 << 20).unwrap();
    framed.slice(PREFIX..)
}

/// Holds what is written to what opentelemetry-proto reads in it, which does not know indexes of texts, and otlet's receiver.
macro_rules! is_read_again {
    ($signal:ident, $request:expr, $kind:ty) => {
        let request: $kind = $request;
        let text = written(Signal::$signal, &request.encode_to_vec());
        let read = serde_json::from_str::<$kind>(&text).unwrap();
        let known = format!("{request:?}").replace("Some(StringValueStrindex(7))", "None");
        assert_eq!(format!("{read:?}"), known);
        let read = <$kind>::decode(received(Signal::$signal, &text)).unwrap();
        assert_eq!(read, request);
        assert!(!text.contains('\n'));
    };
}

#[test]
fn every_field_of_every_message_is_read_again_by_others() {
    is_read_again!(Traces, every_field::traces(), ExportTraceServiceRequest);
    is_read_again!(Metrics, every_field::metrics(), ExportMetricsServiceRequest);
    is_read_again!(Logs, every_field::logs(), ExportLogsServiceRequest);
}

#[test]
fn json_is_what_otlp_asks_for() {
    let request = json!({"resourceSpans": [{"resource": {"attributes": [
        {"key": "count", "value": {"intValue": "-9223372036854775808"}},
        {"key": "raw", "value": {"bytesValue": "/+8="}},
        {"key": "list", "value": {"arrayValue": {"values": [{"boolValue": false}, {}]}}},
        {"key": "none"},
        {"key": "map", "value": {"kvlistValue": {}}},
    ]}, "scopeSpans": [{"spans": [{
        "traceId": "000102030405060708090a0b0c0d0e0f", "spanId": "eee19b7ec3c1b174",
        "flags": 4_294_967_295_u32, "name": "a \"quoted\" \u{e9}\n", "kind": 3,
        "startTimeUnixNano": "18446744073709551615",
        "status": {"code": 2},
    }]}]}]});
    let text = written(
        Signal::Traces,
        &received(Signal::Traces, &request.to_string()),
    );
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), request);
}

#[test]
fn numbers_that_are_none_have_names() {
    let point = |value: f64| {
        let mut message = vec![0x21];
        message.extend_from_slice(&value.to_le_bytes());
        [vec![0x0a, 9], message].concat()
    };
    // A gauge's data points, of which field 4 is a double.
    let points: Vec<u8> = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 0.1]
        .map(point)
        .concat();
    let wrap = |field: u8, inner: Vec<u8>| {
        let len = u8::try_from(inner.len()).unwrap();
        [vec![field << 3 | 2, len], inner].concat()
    };
    let message = wrap(1, wrap(2, wrap(2, wrap(5, points))));
    let text = written(Signal::Metrics, &message);
    let expected = json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"gauge": {"dataPoints": [
        {"asDouble": "NaN"}, {"asDouble": "Infinity"}, {"asDouble": "-Infinity"}, {"asDouble": -0.0}, {"asDouble": 0.1},
    ]}}]}]}]});
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected);
}

#[test]
fn what_is_damaged_or_too_deep_is_refused_and_what_is_unknown_is_left_out() {
    let write = |message: &[u8]| json::write(Signal::Traces, message, &mut Vec::new());
    for damaged in [
        &[0x0a, 5, 1][..],
        &[0x0a, 0xff],
        &[0x08, 1],
        &[0x0b],
        &[0xff],
    ] {
        assert!(write(damaged).is_err(), "{damaged:?}");
    }
    assert_eq!(
        written(Signal::Traces, &[0x78, 1, 0x0a, 0]),
        r#"{"resourceSpans":[{}]}"#
    );
    // Arrays in arrays.
    let mut value = vec![];
    for _ in 0..200 {
        for field in [1, 5] {
            let mut outer = vec![field << 3 | 2];
            prost::encoding::encode_varint(value.len() as u64, &mut outer);
            outer.extend_from_slice(&value);
            value = outer;
        }
    }
    let deep = every_field_with(value);
    assert!(matches!(
        json::write(Signal::Logs, &deep, &mut Vec::new()),
        Err(json::Unwritable::Deep)
    ));
}

/// A log record whose body is this value.
fn every_field_with(body: Vec<u8>) -> Vec<u8> {
    [5, 2, 2, 1].into_iter().fold(body, |inner, field: u8| {
        let mut outer = vec![field << 3 | 2];
        prost::encoding::encode_varint(inner.len() as u64, &mut outer);
        outer.extend_from_slice(&inner);
        outer
    })
}

fn config(folder: &TempDir) -> Config {
    Config {
        path: folder.path().join("out.json"),
        format: Format::Json,
        append: true,
        rotation: None,
    }
}

fn text(config: &Config) -> String {
    fs::read_to_string(&config.path).unwrap()
}

fn names(folder: &TempDir) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_file_is_its_owners_and_keeps_what_it_holds_unless_told_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder);
    Appender::new(&config).append(b"{one}\n").unwrap();
    assert_eq!(fs::metadata(&config.path).unwrap().mode() & 0o777, 0o600);
    Appender::new(&config).append(b"{two}\n").unwrap();
    assert_eq!(text(&config), "{one}\n{two}\n");
    let empties = Config {
        append: false,
        ..config.clone()
    };
    let mut appender = Appender::new(&empties);
    appender.append(b"{three}\n").unwrap();
    appender.append(b"{four}\n").unwrap();
    assert_eq!(text(&config), "{three}\n{four}\n");
    // Half a line, as a process leaves it that is killed.
    fs::write(&config.path, "{one}\n{tw").unwrap();
    Appender::new(&config).append(b"{two}\n").unwrap();
    assert_eq!(text(&config), "{one}\n{tw\n{two}\n");
}

#[test]
fn a_file_that_was_moved_away_is_left_and_another_begun() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder);
    let mut appender = Appender::new(&config);
    appender.append(b"{one}\n").unwrap();
    fs::rename(&config.path, folder.path().join("old")).unwrap();
    appender.append(b"{two}\n").unwrap();
    assert_eq!(text(&config), "{two}\n");
    fs::remove_file(&config.path).unwrap();
    appender.append(b"{three}\n").unwrap();
    assert_eq!(text(&config), "{three}\n");
    fs::remove_dir_all(folder.path()).unwrap();
    assert!(appender.append(b"{four}\n").is_err());
    fs::create_dir(folder.path()).unwrap();
    appender.append(b"{four}\n").unwrap();
    assert_eq!(text(&config), "{four}\n");
}

#[test]
fn full_files_are_renamed_and_the_oldest_removed() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config {
        rotation: Some(Rotation {
            max_megabytes: 1,
            max_days: 0,
            max_backups: 2,
        }),
        ..config(&folder)
    };
    let foreign = ["out-of-order.json", "out-2026-11-23T02-21-00.123.txt"];
    for name in foreign {
        fs::write(folder.path().join(name), "mine").unwrap();
    }
    let mut appender = Appender::new(&config);
    let line = [vec![b'{'; 700_000], b"\n".to_vec()].concat();
    for _ in 0..5 {
        appender.append(&line).unwrap();
    }
    let all = names(&folder);
    let full: Vec<_> = all
        .iter()
        .filter(|name| name.starts_with("out-2") && !name.ends_with("txt"))
        .collect();
    assert_eq!(full.len(), 2, "{all:?}");
    assert_eq!(all.len(), 2 + 1 + foreign.len());
    for name in full {
        assert_eq!(
            fs::metadata(folder.path().join(name)).unwrap().len(),
            700_001
        );
    }
    // By age, too.
    let old = folder.path().join("out-2020-01-01T00-00-00.000.json");
    let file = File::create(&old).unwrap();
    file.set_modified(std::time::SystemTime::now() - std::time::Duration::from_hours(49))
        .unwrap();
    let by_age = Config {
        rotation: Some(Rotation {
            max_megabytes: 1,
            max_days: 2,
            max_backups: 0,
        }),
        ..config
    };
    Appender::new(&by_age).append(b"{x}\n").unwrap();
    assert!(!old.exists());
    assert_eq!(names(&folder).len(), 2 + 1 + foreign.len());
}

#[test]
fn protobuf_has_its_length_in_front() {
    let message = Bytes::from_static(&[0x0a, 0]);
    assert_eq!(
        entry(Format::Proto, Signal::Logs, &message).unwrap(),
        [0, 0, 0, 2, 0x0a, 0]
    );
    assert_eq!(
        entry(Format::Json, Signal::Logs, &message).unwrap(),
        b"{\"resourceLogs\":[{}]}\n"
    );
}

/// Writes to a file that holds this, and gives what the file and those that were put aside hold.
fn continued(format: Format, held: &[u8], entry: &[u8]) -> (Vec<u8>, Vec<Vec<u8>>) {
    let folder = tempfile::tempdir().unwrap();
    let config = Config {
        format,
        ..config(&folder)
    };
    fs::write(&config.path, held).unwrap();
    Appender::new(&config).append(entry).unwrap();
    let aside = names(&folder)
        .into_iter()
        .filter(|name| *name != "out.json")
        .inspect(|name| assert_eq!(name.len(), "out-2026-11-23T02-21-00.123.json".len()))
        .map(|name| fs::read(folder.path().join(name)).unwrap())
        .collect();
    (fs::read(&config.path).unwrap(), aside)
}

#[test]
fn what_cannot_be_continued_is_put_aside_whole() {
    let entry = [0, 0, 0, 2, 0x0a, 0];
    let large = [&[0, 1, 0, 0][..], &vec![7; 65_536]].concat();
    for whole in [
        &[][..],
        &entry,
        &[0; 4],
        &[&entry[..], &large, &entry].concat(),
    ] {
        let expected = ([whole, &entry].concat(), vec![]);
        assert_eq!(continued(Format::Proto, whole, &entry), expected);
    }
    let json = b"{\"resourceSpans\":[]}\n";
    for torn in [
        &entry[..1],
        &entry[..4],
        &entry[..5],
        &[&entry[..], &entry[..3]].concat(),
        &[&entry[..], &large[..large.len() - 1]].concat(),
        json,
    ] {
        let expected = (entry.to_vec(), vec![torn.to_vec()]);
        assert_eq!(continued(Format::Proto, torn, &entry), expected);
    }
    for other in [&entry[..], b"notes\n", b"\n"] {
        let expected = (json.to_vec(), vec![other.to_vec()]);
        assert_eq!(continued(Format::Json, other, json), expected);
    }
}
