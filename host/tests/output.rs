//! What the `debug` exporter prints goes through a pipe, whose reader may stop reading.

#![allow(
    clippy::unwrap_used,
    reason = "everything here is a test, the functions that tests share included"
)]

use std::io::{PipeReader, Read, pipe};
use std::thread;

use otlet_tests::backend::{Backend, Request};
use otlet_tests::program::Program;
use otlet_tests::sender::{Sender, numbers, spans};
use tokio::task::spawn_blocking;

const RESOURCE_EXHAUSTED: u16 = 8;

/// The requests that the exporter's queue holds.
const QUEUE: usize = 1000;

/// The refusals in a row after which a queue stays full: what is in the pipe's buffer has long been printed.
const REFUSALS: usize = 50;

/// otlet with a pipeline that prints what comes over gRPC, and one that forwards what comes over HTTP; and the other end of
/// its output, which nobody reads.
fn start(backend: &Backend) -> (Program, PipeReader) {
    let (reader, writer) = pipe().unwrap();
    let config = format!(
        "
receivers:
  otlp/printed: {{ protocols: {{ grpc: {{ endpoint: 127.0.0.1:0 }} }} }}
  otlp/forwarded: {{ protocols: {{ http: {{ endpoint: 127.0.0.1:0 }} }} }}
exporters:
  debug: {{ verbosity: detailed }}
  otlp: {{ endpoint: '{}' }}
service:
  pipelines:
    traces/printed: {{ receivers: [otlp/printed], exporters: [debug] }}
    traces/forwarded: {{ receivers: [otlp/forwarded], exporters: [otlp] }}
",
        backend.endpoint()
    );
    let program = Program::start_printing(env!("CARGO_BIN_EXE_otlet"), &config, writer.into());
    (program, reader)
}

/// Sends requests that print 25 KB each until the queue is full and stays so, and gives how many were taken.
async fn fill(sender: &Sender) -> usize {
    let request = Request::Traces(spans(0..100));
    let (mut taken, mut refused) = (0, 0);
    while refused < REFUSALS {
        let reply = sender.send(&request).await.unwrap();
        if reply.code == 0 {
            (taken, refused) = (taken + 1, 0);
        } else {
            assert_eq!(reply.code, RESOURCE_EXHAUSTED, "{}", reply.message);
            assert!(reply.message.contains("\"debug\""), "{}", reply.message);
            refused += 1;
        }
        assert!(taken < 2 * QUEUE, "its queue has no end");
    }
    assert!(taken >= QUEUE, "{taken}");
    taken
}

#[tokio::test]
async fn an_output_that_nobody_reads_stops_its_pipeline_and_nothing_else() {
    let backend = Backend::start();
    let (mut otlet, _unread) = start(&backend);
    fill(&Sender::grpc(otlet.grpc())).await;

    let forwarded = Sender::http(otlet.http());
    for number in 0..20 {
        let reply = forwarded.send(&Request::Traces(spans([number]))).await;
        assert_eq!(reply.unwrap().code, 200);
    }
    backend.wait_for(20);
    assert_eq!(numbers(&backend.taken()), (0..20).collect::<Vec<_>>());

    let (ended, said) = spawn_blocking(move || (otlet.terminate(), otlet.said()))
        .await
        .unwrap();
    assert_eq!(ended.code(), Some(1), "{said}");
    assert!(said.contains("lost_requests=1000"), "{said}");
    assert!(!said.contains("panicked"), "{said}");
}

#[tokio::test]
async fn a_reader_that_comes_back_reads_everything() {
    let backend = Backend::start();
    let (mut otlet, mut reader) = start(&backend);
    let taken = fill(&Sender::grpc(otlet.grpc())).await;

    let reading = thread::spawn(move || {
        let mut printed = String::new();
        reader.read_to_string(&mut printed).map(|_len| printed)
    });
    let ended = spawn_blocking(move || otlet.terminate()).await.unwrap();
    assert!(ended.success());
    let printed = reading.join().unwrap().unwrap();
    let heads = printed.matches("traces: 1 resources, 100 spans\n").count();
    assert_eq!(heads, taken);
    assert_eq!(printed.matches("    span #").count(), 100 * taken);
}
