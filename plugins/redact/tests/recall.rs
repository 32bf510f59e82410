//! How much of what there is the detectors find, and what they take for it: the table in the README is what is measured
//! here. `recall/DETECTOR.txt` holds texts, one a line, with what is to be found between « and », or the whole line; a
//! `\n` is a line break. `recall/look_alikes.txt` holds what is none of it, by kind.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use otlet_plugin::Signal;
use otlet_plugin::testing::{Harness, Request};
use redact::{Detector, Redact};
use serde_json::{Value, json};

/// The pattern that stands for all those of users.
const PATTERN: &str = "customer_no";

/// What stands around a text, and how the text is spelled in there.
struct Spelling {
    head: &'static str,
    tail: &'static str,
    spell: fn(&str) -> String,
}

const SPELLINGS: [Spelling; 5] = [
    Spelling {
        head: "",
        tail: "",
        spell: str::to_owned,
    },
    Spelling {
        head: "GET /search?q=",
        tail: "&page=2 HTTP/1.1",
        spell: percent_encoded,
    },
    Spelling {
        head: r#"{"body":"{\"message\":\""#,
        tail: r#"\",\"n\":1}","n":1}"#,
        spell: |text| json_inside(&json_inside(text)),
    },
    Spelling {
        head: "kwargs={'n': 1, 'message': '",
        tail: "', 'retries': 3}",
        spell: in_python,
    },
    Spelling {
        head: "\u{1b}[32m2026-06-09T10:22:31.412Z\u{1b}[0m INFO [shop] \u{1b}[1;36m",
        tail: "\u{1b}[0m took 12ms",
        spell: str::to_owned,
    },
];

/// As in a form: of two blanks, one becomes a plus and one `%20`.
fn percent_encoded(text: &str) -> String {
    let mut blanks = 0;
    let mut out = String::new();
    for byte in text.bytes() {
        blanks += usize::from(byte == b' ');
        match byte {
            b' ' if blanks % 2 == 1 => out.push('+'),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(byte.into());
            }
            byte => write!(out, "%{byte:02X}").expect("writing to a string does not fail"),
        }
    }
    out
}

/// The inside of the JSON string that holds this text.
fn json_inside(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    let inside = quoted
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    inside.expect("a string in quotes").to_owned()
}

fn in_python(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('\'', "\\'");
    text.replace('\n', "\\n")
}

fn data(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/recall");
    fs::read_to_string(path.join(format!("{name}.txt"))).expect("a file of texts")
}

/// What becomes of these texts as bodies of log records.
fn redacted(texts: &[String]) -> Vec<String> {
    let config = json!({"patterns": [{"name": PATTERN, "pattern": r"(?i)\bcust-\d{6}\b"}]});
    let records: Vec<_> = texts
        .iter()
        .map(|text| json!({"body": {"stringValue": text}}))
        .collect();
    let request = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]});
    let request = Request::from_json(&request.to_string()).expect("a request");
    assert_eq!(request.signal(), Signal::Logs);
    let mut redact = Harness::<Redact>::new(config).expect("a config");
    let out = redact
        .run(request)
        .expect("redact never fails")
        .request
        .to_json();
    let records = out.pointer("/resourceLogs/0/scopeLogs/0/logRecords");
    let records = records
        .and_then(Value::as_array)
        .expect("the records")
        .iter();
    let texts = records.map(|record| record.pointer("/body/stringValue").and_then(Value::as_str));
    texts.map(|text| text.expect("a text").to_owned()).collect()
}

/// How many of a detector's positives are found in which spellings, and those that are not.
fn recall(name: &str) -> (usize, usize, Vec<String>) {
    let lines = data(name);
    let (mut texts, mut expected) = (Vec::new(), Vec::new());
    for line in lines.lines() {
        let line = line.replace("\\n", "\n");
        let (before, rest) = line.split_once('«').unwrap_or(("", &line));
        let (secret, behind) = rest.split_once('»').unwrap_or((rest, ""));
        let bare = [before, secret, &behind.replace(['«', '»'], "")].concat();
        for Spelling { head, tail, spell } in &SPELLINGS {
            texts.push([head, &*spell(&bare), tail].concat());
            expected.push((*head, *tail, spell(secret)));
        }
    }
    let mask = format!("[redacted:{name}");
    let mut missed = Vec::new();
    for ((text, given), (head, tail, secret)) in redacted(&texts).iter().zip(&texts).zip(expected) {
        let found = text.contains(&mask) && !text.contains(&secret);
        if !found || !text.starts_with(head) || !text.ends_with(tail) {
            missed.push(format!("{given:?} became {text:?}"));
        }
    }
    let positives = lines.lines().count();
    assert!(positives >= 30, "{name} has {positives} positives");
    (texts.len() - missed.len(), texts.len(), missed)
}

/// The look-alikes, the number of their kinds, and how many each detector takes for something.
fn false_alarms() -> (usize, usize, BTreeMap<String, usize>, Vec<String>) {
    let lines = data("look_alikes");
    let is_kind = |line: &&str| line.starts_with('[') && line.ends_with(']') && line.contains(' ');
    let kinds = lines.lines().filter(is_kind).count();
    let texts: Vec<_> = lines
        .lines()
        .filter(|line| !line.is_empty() && !is_kind(line))
        .map(str::to_owned)
        .collect();
    let (mut alarms, mut shown) = (BTreeMap::new(), Vec::new());
    for (text, given) in redacted(&texts).iter().zip(&texts) {
        for mask in text.split("[redacted:").skip(1) {
            let name = mask.split_once([']', ':']).map_or("", |(name, _)| name);
            *alarms.entry(name.to_owned()).or_insert(0) += 1;
        }
        if text != given {
            shown.push(format!("{given:?} became {text:?}"));
        }
    }
    (texts.len(), kinds, alarms, shown)
}

#[test]
fn the_readme_tells_what_is_found_and_what_is_taken_for_it() {
    let (look_alikes, kinds, alarms, mut shown) = false_alarms();
    assert!(
        look_alikes >= 200 && kinds >= 15,
        "{look_alikes} of {kinds} kinds"
    );
    let names = Detector::ALL.iter().map(Detector::name).chain([PATTERN]);
    let mut table = format!(
        "| detector | found | false alarms in {look_alikes} look-alikes of {kinds} kinds |\n|---|---|---|\n"
    );
    for name in names {
        let (found, all, missed) = recall(name);
        let alarms = alarms.get(name).copied().unwrap_or(0);
        let label = if name == PATTERN { "a pattern" } else { name };
        writeln!(table, "| {label} | {found} of {all} | {alarms} |")
            .expect("writing to a string does not fail");
        shown.extend(missed);
    }
    let readme = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(readme).expect("the README");
    assert!(
        readme.contains(&table),
        "the README is to hold this table:\n{table}\n{}",
        shown.join("\n")
    );
}
