//! The `file` exporter from outside: what was acknowledged is in the file, in whole lines, or kept as a dead letter.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "everything here is a test, the functions that tests share included"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use otlet_tests::backend::Request;
use otlet_tests::program::{Program, command};
use otlet_tests::sender::{Sender, spans};
use prost::Message;

const OTLET: &str = env!("CARGO_BIN_EXE_otlet");

fn config(path: &Path, keys: &str, rest: &str) -> String {
    format!(
        "
receivers: {{ otlp: {{ protocols: {{ grpc: {{ endpoint: 127.0.0.1:0 }} }} }} }}
exporters: {{ file: {{ path: '{}', {keys} }} }}
{rest}
service: {{ pipelines: {{ traces: {{ receivers: [otlp], exporters: [file] }} }} }}
",
        path.display()
    )
}

async fn send(otlet: &Program, numbers: impl IntoIterator<Item = u64>) {
    let sender = Sender::grpc(otlet.grpc());
    for number in numbers {
        let reply = sender
            .send(&Request::Traces(spans([number])))
            .await
            .unwrap();
        assert_eq!(reply.code, 0, "{}", reply.message);
    }
}

/// The requests of a file, a line each.
fn lines(path: &Path) -> Vec<ExportTraceServiceRequest> {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test]
async fn what_was_acknowledged_is_in_the_file_after_the_end_and_stays_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spans.json");
    let keys = "sending_queue: { num_consumers: 1 }";
    for run in [0..20, 20..30] {
        let mut otlet = Program::start(OTLET, &config(&path, keys, ""));
        send(&otlet, run).await;
        assert!(otlet.terminate().success());
    }
    let mut written = lines(&path);
    let mut expected: Vec<_> = (0..30).map(|number| spans([number])).collect();
    // Requests of several IO threads need not keep their order.
    for list in [&mut written, &mut expected] {
        list.sort_by_key(|one| {
            one.resource_spans[0].scope_spans[0].spans[0]
                .span_id
                .clone()
        });
    }
    assert_eq!(written, expected);
    let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
}

#[tokio::test]
async fn a_directory_that_comes_back_gets_what_waited_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("later/spans.bin");
    let keys = "format: proto, retry_on_failure: { initial_interval: 5ms, max_interval: 5ms }";
    let mut otlet = Program::start(OTLET, &config(&path, keys, ""));
    send(&otlet, [7]).await;
    assert!(
        otlet
            .said()
            .contains("is in a directory that does not exist")
    );
    let line = otlet.wait_for("the file cannot be written");
    assert!(line.contains("later/spans.bin"), "{line}");
    fs::create_dir(path.parent().unwrap()).unwrap();
    assert!(otlet.terminate().success());
    let message = spans([7]).encode_to_vec();
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    assert_eq!(fs::read(&path).unwrap(), [&length[..], &message].concat());
}

/// Makes a FIFO.
fn make_pipe(path: &Path) {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
}

#[test]
fn a_pipe_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let (path, yaml) = (
        folder.path().join("pipe.json"),
        folder.path().join("otlet.yaml"),
    );
    make_pipe(&path);
    fs::write(&yaml, config(&path, "", "")).unwrap();
    for arguments in [&["check"][..], &["run", "--config"]] {
        let output = command(OTLET).args(arguments).arg(&yaml).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{said}");
        let mistake = format!("error: `{}` is a pipe, not a file", path.display());
        assert!(said.contains(&mistake), "{said}");
    }
}

#[tokio::test]
async fn a_pipe_that_comes_in_the_files_place_holds_nothing_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spans.json");
    let keys = "retry_on_failure: { initial_interval: 5ms, max_interval: 5ms }";
    let mut otlet = Program::start(OTLET, &config(&path, keys, ""));
    make_pipe(&path);
    send(&otlet, [2]).await;
    let line = otlet.wait_for("the file cannot be written");
    assert!(line.contains("it is a pipe, not a file"), "{line}");
    fs::remove_file(&path).unwrap();
    assert!(otlet.terminate().success());
    assert_eq!(lines(&path), [spans([2])]);
}

#[tokio::test]
async fn a_full_disk_leaves_whole_lines_and_what_is_given_up_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (path, dead) = (folder.path().join("spans.json"), folder.path().join("dead"));
    // No file may have more than 4 KiB.
    let script = folder.path().join("otlet.sh");
    let text = format!("#!/bin/sh\ntrap '' XFSZ\nulimit -f 8\nexec '{OTLET}' \"$@\"\n");
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o700)).unwrap();
    let keys =
        "retry_on_failure: { initial_interval: 1ms, max_interval: 5ms, max_elapsed_time: 30ms }";
    let rest = format!("dead_letters: {{ directory: '{}' }}", dead.display());
    let config = config(&path, keys, &rest);
    let mut otlet = Program::start(script.to_str().unwrap(), &config);
    send(&otlet, 0..40).await;
    assert!(otlet.terminate().success());
    let written = lines(&path);
    assert!(
        !written.is_empty() && written.len() < 40,
        "{}",
        written.len()
    );
    let mut found = written;
    for entry in fs::read_dir(&dead).unwrap() {
        let entry = entry.unwrap().path();
        if entry
            .extension()
            .is_some_and(|extension| extension == "otlp")
        {
            let letter = fs::read(entry).unwrap();
            found.push(ExportTraceServiceRequest::decode(letter.as_slice()).unwrap());
        }
    }
    let id = |one: &ExportTraceServiceRequest| {
        one.resource_spans[0].scope_spans[0].spans[0]
            .span_id
            .clone()
    };
    found.sort_by_key(id);
    let expected: Vec<_> = (0..40).map(|number| spans([number])).collect();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn half_a_message_of_a_killed_otlet_is_put_aside_with_a_word() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spans.bin");
    let message = spans([1]).encode_to_vec();
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    let whole = [&length[..], &message].concat();
    let torn = [&whole[..], &whole[..whole.len() - 1]].concat();
    fs::write(&path, &torn).unwrap();
    let mut otlet = Program::start(OTLET, &config(&path, "format: proto", ""));
    send(&otlet, [1]).await;
    let line = otlet.wait_for("the file cannot be continued");
    assert!(otlet.terminate().success());
    assert_eq!(fs::read(&path).unwrap(), whole);
    let mut others = fs::read_dir(folder.path()).unwrap();
    let aside = others
        .find_map(|entry| Some(entry.unwrap().path()).filter(|entry| *entry != path))
        .unwrap();
    assert_eq!(fs::read(&aside).unwrap(), torn);
    for file in [&path, &aside] {
        assert!(line.contains(file.to_str().unwrap()), "{line}");
    }
}
