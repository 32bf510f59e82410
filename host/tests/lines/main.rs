//! Lines of files arrive, whatever becomes of the files, the backend and the program.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "everything here is a test, the functions that tests share included"
)]

mod starts;

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use opentelemetry_proto::tonic::logs::v1::LogRecord;
use otlet_tests::backend::{Answer, Backend, Code};
use otlet_tests::program::Program;
use otlet_tests::records::{self, bodies, records};
use otlet_tests::requests::{kv, text};
use tempfile::TempDir;

/// A folder of logs, and what otlet keeps.
struct Logs {
    folder: TempDir,
    backend: Backend,
}

impl Logs {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            backend: Backend::start(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn append(&self, name: &str, text: impl AsRef<[u8]>) -> File {
        let path = self.path(name);
        let mut file = File::options()
            .append(true)
            .create(true)
            .open(path)
            .unwrap();
        file.write_all(text.as_ref()).unwrap();
        file
    }

    /// Runs otlet on `app.log` with these keys besides.
    fn otlet(&self, keys: &str) -> Program {
        self.otlet_with(
            &format!("include: ['{}'], {keys}", self.path("app.log").display()),
            "",
        )
    }

    /// Runs otlet with these keys of the receiver and of the exporter.
    fn otlet_with(&self, receiver: &str, exporter: &str) -> Program {
        let config = format!(
            "
receivers: {{ jsonlines: {{ poll_interval: 10ms, storage: '{}', {receiver} }} }}
exporters: {{ otlp: {{ endpoint: '{}', {exporter} }} }}
service: {{ pipelines: {{ logs: {{ receivers: [jsonlines], exporters: [otlp] }} }} }}
",
            self.path("positions").display(),
            self.backend.endpoint()
        );
        Program::start(env!("CARGO_BIN_EXE_otlet"), &config)
    }

    /// Waits until a line has arrived.
    fn wait_for(&self, line: &str) {
        self.backend.wait_until(line, |received| {
            bodies(received).iter().any(|body| body == line)
        });
    }

    /// What has arrived, in order.
    fn arrived(&self) -> Vec<String> {
        let mut arrived = bodies(&self.backend.taken());
        arrived.sort();
        arrived
    }
}

fn lines(numbers: std::ops::Range<u32>) -> (Vec<String>, String) {
    let lines: Vec<_> = numbers.map(|number| format!("line {number:06}")).collect();
    let text = lines.join("\n") + "\n";
    (lines, text)
}

fn body(record: &LogRecord) -> &str {
    records::body(record).unwrap()
}

#[test]
fn a_line_arrives_as_a_record_that_says_where_it_comes_from() {
    let logs = Logs::new();
    logs.append("app.log", "{\"message\": \"paid\"}\r\n\r\n\nplain text\n");
    logs.append("app.log", b"not \xff UTF-8\n");
    let long = "word ".repeat(300);
    logs.append("app.log", format!("{long}\nthe end\n"));
    let keys = "start_at: beginning, max_line_size: 1KiB, \
                resource: { service.name: shop, replicas: 3, canary: true }";
    let _otlet = logs.otlet(keys);
    logs.wait_for("the end");
    let received = logs.backend.received();
    let records = records(&received);
    let bodies: Vec<_> = records.iter().map(|(_, record)| body(record)).collect();
    let (head, tail) = long.split_at(1020);
    let expected = [
        "{\"message\": \"paid\"}",
        "plain text",
        "not \u{fffd} UTF-8",
        head,
        tail,
        "the end",
    ];
    assert_eq!(bodies, expected);
    let path = logs.path("app.log").display().to_string();
    for (resource, record) in records {
        let replicas = otlet_tests::requests::int(3);
        let canary = otlet_tests::requests::boolean(true);
        assert_eq!(
            resource.attributes,
            [
                kv("service.name", text("shop")),
                kv("replicas", replicas),
                kv("canary", canary)
            ]
        );
        assert_eq!(
            record.attributes,
            [
                kv("log.file.name", text("app.log")),
                kv("log.file.path", text(&path))
            ]
        );
        assert!(record.observed_time_unix_nano > 0);
        assert_eq!(record.time_unix_nano, 0);
    }
}

#[test]
fn only_what_comes_later_is_read_unless_told_otherwise() {
    let logs = Logs::new();
    logs.append("app.log", "old\nhalf");
    let include = format!("include: ['{}']", logs.path("*.log").display());
    let _otlet = logs.otlet_with(&include, "");
    logs.append("app.log", " a line\n");
    logs.wait_for("half a line");
    // A file that appears later is new from its first line on.
    logs.append("later.log", "first\nsecond\n");
    logs.wait_for("second");
    assert_eq!(logs.arrived(), ["first", "half a line", "second"]);
}

#[test]
fn files_that_are_excluded_or_no_files_are_not_read() {
    let logs = Logs::new();
    logs.append("app.log", "yes\n");
    logs.append("other.log", "no\n");
    fs::create_dir(logs.path("folder.log")).unwrap();
    let keys = format!(
        "include: ['{0}/*.log'], exclude: ['{0}/o*'], start_at: beginning",
        logs.folder.path().display()
    );
    let mut otlet = logs.otlet_with(&keys, "");
    logs.wait_for("yes");
    assert!(otlet.terminate().success());
    assert_eq!(logs.arrived(), ["yes"]);
}

#[test]
fn a_line_is_not_read_before_it_is_whole() {
    let logs = Logs::new();
    logs.append("app.log", "");
    logs.append("other.log", "");
    let include = format!("include: ['{}']", logs.path("*.log").display());
    let _otlet = logs.otlet_with(&include, "");
    logs.append("app.log", "{\"half\":");
    // Whoever has read this has read the other twice.
    for number in 0..5 {
        logs.append("other.log", format!("{number}\n"));
        logs.wait_for(&number.to_string());
    }
    assert_eq!(logs.arrived().len(), 5);
    logs.append("app.log", "true}\n");
    logs.wait_for("{\"half\":true}");
}

#[test]
fn lines_stay_in_the_file_while_the_backend_refuses_the_credentials() {
    let logs = Logs::new();
    let refusal = |code| Answer::Status {
        code,
        retry_after: None,
    };
    let refusals = [Code::Unauthenticated, Code::PermissionDenied].map(refusal);
    logs.backend.script(refusals);
    logs.append("app.log", "one\ntwo\n");
    let include = format!("include: ['{}']", logs.path("app.log").display());
    let otlet = logs.otlet_with(
        &format!("{include}, start_at: beginning"),
        "sending_queue: { enabled: false }, retry_on_failure: { enabled: false }",
    );
    logs.backend.wait_for(3);
    assert_eq!(logs.arrived(), ["one", "two"]);
    assert!(!otlet.said().contains("passed over"));
}

#[test]
fn a_last_line_without_an_end_is_read_after_a_while() {
    let logs = Logs::new();
    logs.append("app.log", "the end");
    let _otlet = logs.otlet("start_at: beginning, force_flush_period: 20ms");
    logs.wait_for("the end");
}

#[test]
fn nothing_is_lost_or_doubled_where_logs_are_rotated_by_renaming() {
    let logs = Logs::new();
    let mut expected = vec![];
    let mut otlet = logs.otlet("start_at: beginning");
    for round in 0..6 {
        let (mut some, text) = lines(round * 1000..round * 1000 + 600);
        let mut writer = logs.append("app.log", text);
        logs.wait_for(some.last().unwrap());
        fs::rename(logs.path("app.log"), logs.path("app.log.1")).unwrap();
        // The writer does not know yet.
        let (late, text) = lines(round * 1000 + 600..round * 1000 + 700);
        writer.write_all(text.as_bytes()).unwrap();
        some.extend(late);
        expected.extend(some);
    }
    logs.wait_for(expected.last().unwrap());
    assert!(otlet.terminate().success());
    assert_eq!(logs.arrived(), expected);
}

#[test]
fn nothing_is_lost_or_doubled_where_logs_are_copied_and_truncated() {
    let logs = Logs::new();
    let mut expected = vec![];
    let mut otlet = logs.otlet("start_at: beginning");
    for round in 0..6 {
        let (some, text) = lines(round * 1000..round * 1000 + 100 * (round + 1));
        logs.append("app.log", text);
        logs.wait_for(some.last().unwrap());
        fs::copy(logs.path("app.log"), logs.path("app.log.1")).unwrap();
        File::options()
            .write(true)
            .truncate(true)
            .open(logs.path("app.log"))
            .unwrap();
        expected.extend(some);
    }
    assert!(otlet.terminate().success());
    assert_eq!(logs.arrived(), expected);
}

#[test]
fn a_restart_goes_on_where_it_was_also_in_a_file_that_was_rotated_meanwhile() {
    let logs = Logs::new();
    let (mut expected, text) = lines(0..2500);
    logs.append("app.log", text);
    let mut otlet = logs.otlet("start_at: beginning");
    logs.wait_for(expected.last().unwrap());
    assert!(otlet.terminate().success());

    let (late, text) = lines(2500..2600);
    logs.append("app.log", text);
    fs::rename(logs.path("app.log"), logs.path("app.log.1")).unwrap();
    let (new, text) = lines(2600..2700);
    logs.append("app.log", text);
    expected.extend(late);
    expected.extend(new);
    // What there is of a first start is not what there is of this one.
    let mut otlet = logs.otlet("start_at: end");
    logs.backend.wait_until("the rest", |received| {
        bodies(received).len() >= expected.len()
    });
    assert!(otlet.terminate().success());
    assert_eq!(logs.arrived(), expected);
    assert_eq!(mode(&logs.path("positions/jsonlines.json")), 0o600);
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn kill_9_loses_nothing() {
    let logs = Logs::new();
    logs.backend.always(Answer::After(
        std::time::Duration::from_millis(5),
        Box::new(Answer::Ok),
    ));
    let (expected, text) = lines(0..20_000);
    let (begin, end) = text.split_at(text.len() / 3 * 2);
    logs.append("app.log", begin);
    let include = format!(
        "include: ['{}'], start_at: beginning",
        logs.path("app.log").display()
    );
    // What the exporter's own queue holds would be lost with the process.
    let exporter = "sending_queue: { enabled: false }";
    for kills in 1..4 {
        let mut otlet = logs.otlet_with(&include, exporter);
        let before = logs.backend.received().len();
        logs.backend.wait_for(before + kills);
        otlet.kill();
    }
    let _otlet = logs.otlet_with(&include, exporter);
    logs.append("app.log", end);
    logs.wait_for(expected.last().unwrap());
    let mut arrived = logs.arrived();
    arrived.dedup();
    assert_eq!(arrived, expected);
}

#[test]
fn a_backend_that_refuses_for_a_while_gets_everything_once() {
    let logs = Logs::new();
    let refusals = std::iter::repeat_with(Answer::unavailable).take(4);
    logs.backend.script(refusals);
    let (expected, text) = lines(0..2500);
    logs.append("app.log", text);
    let include = format!(
        "include: ['{}'], start_at: beginning",
        logs.path("app.log").display()
    );
    let exporter = "sending_queue: { enabled: false }, retry_on_failure: { enabled: false }";
    let mut otlet = logs.otlet_with(&include, exporter);
    logs.wait_for(expected.last().unwrap());
    assert!(otlet.terminate().success());
    assert_eq!(logs.arrived(), expected);
    assert!(logs.backend.attempts() >= 4 + 3);
}

#[test]
fn what_is_refused_for_good_is_told_with_its_place_and_passed_over() {
    let logs = Logs::new();
    logs.backend.script([Answer::refused()]);
    logs.append("app.log", "refused\n");
    let include = format!(
        "include: ['{}'], start_at: beginning",
        logs.path("app.log").display()
    );
    let otlet = logs.otlet_with(&include, "sending_queue: { enabled: false }");
    let told = otlet.wait_for("passed over");
    let path = logs.path("app.log").display().to_string();
    assert!(
        told.contains(&path) && told.contains("from=0 to=8"),
        "{told}"
    );
    logs.append("app.log", "taken\n");
    logs.wait_for("taken");
    assert_eq!(logs.arrived(), ["taken"]);
}

#[test]
fn a_file_that_cannot_be_read_is_told_once_and_keeps_no_other_from_being_read() {
    let logs = Logs::new();
    logs.append("app.log", "readable\n");
    // To be read, whoever runs this, and not from its beginning, where nothing is mapped.
    let include = format!(
        "include: [/proc/self/mem, '{}'], start_at: beginning",
        logs.path("app.log").display()
    );
    let otlet = logs.otlet_with(&include, "");
    let told = otlet.wait_for("cannot be read");
    assert!(
        told.contains("/proc/self/mem") && told.contains("give otlet the right"),
        "{told}"
    );
    logs.wait_for("readable");
    for number in 0..5 {
        logs.append("app.log", format!("{number}\n"));
        logs.wait_for(&number.to_string());
    }
    assert_eq!(
        otlet.said().matches("cannot be read").count(),
        1,
        "{}",
        otlet.said()
    );
}

#[test]
fn more_files_than_may_be_open_are_read_in_turns() {
    const FILES: usize = 700;
    let logs = Logs::new();
    let include = format!(
        "include: ['{}'], start_at: beginning",
        logs.path("*.log").display()
    );
    let mut expected = vec![];
    for round in 0..2 {
        // What was read before is not read again.
        let mut otlet = logs.otlet_with(&include, "");
        for part in 0..2 {
            for number in 0..FILES {
                let line = format!("{round} {part} {number}");
                logs.append(&format!("{number}.log"), format!("{line}\n"));
                expected.push(line);
            }
            logs.backend.wait_until("every file", |received| {
                bodies(received).len() >= expected.len()
            });
        }
        assert!(otlet.terminate().success());
    }
    expected.sort();
    assert_eq!(logs.arrived(), expected);
}
