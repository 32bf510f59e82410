//! Lines of standard input arrive, hold their writer up where they cannot, and end otlet when they end.

#![allow(
    clippy::unwrap_used,
    reason = "everything here is a test, the functions that tests share included"
)]

use std::io::{PipeWriter, Read as _, Write as _, pipe};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use otlet_tests::backend::{Answer, Backend};
use otlet_tests::program::Program;
use otlet_tests::records::{bodies, records};

/// otlet between a pipe and a backend.
fn start(backend: &Backend, exporter: &str) -> (Program, PipeWriter) {
    let (reader, writer) = pipe().unwrap();
    let config = format!(
        "
receivers: {{ jsonlines: {{ stdin: true }} }}
exporters: {{ otlp: {{ endpoint: '{}', {exporter} }} }}
service: {{ pipelines: {{ logs: {{ receivers: [jsonlines], exporters: [otlp] }} }} }}
",
        backend.endpoint()
    );
    let program = Program::start_reading(env!("CARGO_BIN_EXE_otlet"), &config, reader.into());
    (program, writer)
}

#[test]
fn the_end_of_standard_input_ends_otlet_once_everything_is_sent() {
    let backend = Backend::start();
    backend.script([Answer::unavailable(), Answer::unavailable()]);
    let (mut otlet, mut writer) = start(&backend, "retry_on_failure: { initial_interval: 10ms }");
    let expected: Vec<_> = (0..5000).map(|number| format!("line {number}")).collect();
    writer.write_all(expected.join("\n").as_bytes()).unwrap();
    drop(writer);
    assert_eq!(otlet.ended().code(), Some(0), "{}", otlet.said());
    let taken = backend.taken();
    let mut arrived = bodies(&taken);
    // Requests that are sent at the same time arrive in any order.
    let mut expected = expected;
    expected.sort();
    arrived.sort();
    assert_eq!(arrived, expected);
    assert!(
        records(&taken)
            .iter()
            .all(|(_, record)| record.attributes.is_empty())
    );
}

#[test]
fn a_line_does_not_wait_for_the_next() {
    let backend = Backend::start();
    let (_otlet, mut writer) = start(&backend, "");
    for line in ["one", "two"] {
        writeln!(writer, "{line}").unwrap();
        backend.wait_until(line, |received| {
            bodies(received).iter().any(|body| body == line)
        });
    }
}

#[test]
fn a_writer_whose_lines_are_not_taken_waits_and_loses_none() {
    const LINES: usize = 60_000;
    let backend = Backend::start();
    backend.always(Answer::unavailable());
    let exporter = "sending_queue: { enabled: false }, retry_on_failure: { enabled: false }";
    let (mut otlet, mut writer) = start(&backend, exporter);
    let done = Arc::new(AtomicBool::new(false));
    let writing = thread::spawn({
        let done = Arc::clone(&done);
        move || {
            for number in 0..LINES {
                // At once: a pipe has no buffer on this side.
                let line = format!("{number:0100}\n");
                writer.write_all(line.as_bytes()).unwrap();
            }
            done.store(true, Ordering::SeqCst);
        }
    });
    backend.wait_for_attempts(4);
    assert!(!done.load(Ordering::SeqCst), "6 MB went somewhere");
    backend.always(Answer::Ok);
    writing.join().unwrap();
    assert_eq!(otlet.ended().code(), Some(0));
    let expected: Vec<_> = (0..LINES).map(|number| format!("{number:0100}")).collect();
    assert_eq!(bodies(&backend.taken()), expected);
}

#[test]
fn a_signal_waits_for_the_last_words_of_the_writer() {
    let backend = Backend::start();
    let (mut otlet, mut writer) = start(&backend, "");
    otlet.signal("INT");
    otlet.wait_for("shutting down");
    writeln!(writer, "caught a signal").unwrap();
    drop(writer);
    assert_eq!(otlet.ended().code(), Some(0), "{}", otlet.said());
    assert_eq!(bodies(&backend.taken()), ["caught a signal"]);
}

#[test]
fn a_signal_while_plugins_compile_ends_otlet_well_and_leaves_the_lines_in_the_pipe() {
    let backend = Backend::start();
    let config = format!(
        "
receivers: {{ jsonlines: {{ stdin: true }} }}
processors: {{ redact: , link: , sample: {{ config: {{ percentage: 50 }} }} }}
exporters: {{ otlp: {{ endpoint: '{}' }} }}
service: {{ pipelines: {{ logs: {{ receivers: [jsonlines], processors: [sample, link, redact], exporters: [otlp] }} }} }}
",
        backend.endpoint()
    );
    for signal in ["TERM", "INT"] {
        let (mut reader, mut writer) = pipe().unwrap();
        let input = reader.try_clone().unwrap().into();
        let binary = env!("CARGO_BIN_EXE_otlet");
        writer.write_all(b"one\ntwo\n").unwrap();
        let mut otlet = Program::begin(binary, &config, input, Stdio::inherit());
        let line = otlet.wait_for("starting");
        assert!(line.contains(env!("CARGO_PKG_VERSION")), "{line}");
        assert!(line.contains("otlet.yaml"), "{line}");
        otlet.signal(signal);
        assert_eq!(otlet.ended().code(), Some(0), "{}", otlet.said());
        otlet.wait_for("told to end before it had started: nothing was received");
        assert!(!otlet.said().contains(" ready"), "{}", otlet.said());
        drop(writer);
        let mut left = String::new();
        reader.read_to_string(&mut left).unwrap();
        assert_eq!(left, "one\ntwo\n");
    }
}
