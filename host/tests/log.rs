//! A log that nobody takes stops nothing and loses nothing.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "everything here is a test, the functions that tests share included"
)]

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStderr, Command, Stdio};

use otlet_tests::backend::{Answer, Backend, Request};
use otlet_tests::program::command;
use otlet_tests::sender::{Sender, numbers, spans};
use tempfile::NamedTempFile;
use tokio::task::spawn_blocking;

const REQUESTS: u64 = 300;

/// A running otlet whose standard error is read until it is ready.
struct Otlet {
    child: Child,
    errors: Option<BufReader<ChildStderr>>,
    grpc: SocketAddr,
    _config: NamedTempFile,
}

impl Otlet {
    fn run(endpoint: &str) -> Self {
        let mut file = NamedTempFile::new().unwrap();
        write!(
            file,
            "
receivers: {{ otlp: {{ protocols: {{ grpc: {{ endpoint: 127.0.0.1:0 }} }} }} }}
exporters: {{ otlp: {{ endpoint: '{endpoint}', retry_on_failure: {{ initial_interval: 10ms }} }} }}
service: {{ pipelines: {{ traces: {{ receivers: [otlp], exporters: [otlp] }} }} }}
"
        )
        .unwrap();
        let mut child = command(env!("CARGO_BIN_EXE_otlet"))
            .args(["run", "--config"])
            .arg(file.path())
            // The libraries below speak of every frame.
            .env("OTLET_LOG", "trace")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut errors = BufReader::new(child.stderr.take().unwrap());
        let mut address = None;
        loop {
            let mut line = String::new();
            assert_ne!(errors.read_line(&mut line).unwrap(), 0, "it ended");
            if let Some((_, listening)) = line.split_once("address=") {
                address = address.or(listening.split_whitespace().next().unwrap().parse().ok());
            }
            if line.contains(" ready") {
                break;
            }
        }
        Self {
            child,
            errors: Some(errors),
            grpc: address.unwrap(),
            _config: file,
        }
    }

    /// Asks it to end, and waits for its exit code.
    fn terminate(&mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &id]).status().unwrap();
        assert!(asked.success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Otlet {
    fn drop(&mut self) {
        let _ended = self.child.kill().and_then(|()| self.child.wait());
    }
}

/// Sends to an otlet whose log is `left` as it is once it is ready, and ends it.
async fn everything_arrives<T>(leave: impl FnOnce(BufReader<ChildStderr>) -> T) {
    let backend = Backend::start();
    // The backend goes and comes, and is spoken of.
    backend.script([Answer::unavailable(), Answer::Ok, Answer::unavailable()]);
    let mut otlet = Otlet::run(&backend.endpoint());
    let left = otlet.errors.take().map(leave);
    let sender = Sender::grpc(otlet.grpc);
    for number in 0..REQUESTS {
        let answer = sender.send(&Request::Traces(spans([number]))).await;
        assert_eq!(answer.unwrap().code, 0);
    }
    drop(sender);
    let ended = spawn_blocking(move || otlet.terminate()).await.unwrap();
    assert_eq!(ended, Some(0));
    drop(left);
    assert_eq!(numbers(&backend.taken()), (0..REQUESTS).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_log_without_a_reader_loses_nothing() {
    everything_arrives(drop).await;
}

#[tokio::test]
async fn a_log_that_nobody_reads_stops_nothing() {
    everything_arrives(|errors| errors).await;
}
