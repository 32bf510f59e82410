//! TLS and tokens from outside: two otlets, one of which sends to the other, in front of a backend; and clients that are not
//! otlet. Whatever keeps them apart is named in the log, and nothing is lost by it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "everything here is a test, the functions that tests share included"
)]

mod check;
mod client;
mod exporters;
mod receivers;
mod tokens;

use std::path::{Path, PathBuf};

use otlet_tests::backend::{Backend, Request};
use otlet_tests::certificates::{Authority, put};
use otlet_tests::program::Program;
use otlet_tests::sender::{Sender, numbers, spans};
use tempfile::TempDir;

/// Certificates in files: `ca.crt`, and `back` and `front` of it.
struct Files {
    folder: TempDir,
    authority: Authority,
}

impl Files {
    fn new() -> Self {
        let files = Self {
            folder: tempfile::tempdir().unwrap(),
            authority: Authority::new("the authority"),
        };
        put(files.folder(), "ca.crt", &files.authority.pem());
        let back = files.authority.certify(&["localhost", "127.0.0.1"]);
        back.write(files.folder(), "back");
        files
            .authority
            .certify(&["front"])
            .write(files.folder(), "front");
        files
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// `cert_file` and `key_file` of a certificate.
    fn identity(&self, name: &str) -> String {
        let (certificate, key) = (
            self.path(&format!("{name}.crt")),
            self.path(&format!("{name}.key")),
        );
        format!(
            "cert_file: {}, key_file: {}",
            certificate.display(),
            key.display()
        )
    }

    /// A setting that names a file.
    fn setting(&self, key: &str, name: &str) -> String {
        format!("{key}: {}", self.path(name).display())
    }
}

/// An otlet that takes telemetry over gRPC and HTTP with these keys, and sends it to the backend. `rest` is the rest of the
/// config.
fn back(backend: &Backend, keys: &str, rest: &str) -> Program {
    let config = format!(
        "
receivers:
  otlp:
    protocols:
      grpc: {{ endpoint: 127.0.0.1:0, {keys} }}
      http: {{ endpoint: 127.0.0.1:0, {keys} }}
exporters: {{ otlp: {{ endpoint: '{}' }} }}
service:
  pipelines:
    traces: {{ receivers: [otlp], exporters: [otlp] }}
{rest}
",
        backend.endpoint()
    );
    Program::start(env!("CARGO_BIN_EXE_otlet"), &config)
}

/// An otlet that sends what it gets to an endpoint, again and again.
fn front(exporter: &str, endpoint: &str, keys: &str, rest: &str) -> Program {
    let config = format!(
        "
receivers: {{ otlp: {{ protocols: {{ grpc: {{ endpoint: 127.0.0.1:0 }} }} }} }}
exporters:
  {exporter}:
    endpoint: '{endpoint}'
    retry_on_failure: {{ initial_interval: 20ms, max_interval: 100ms }}
    {keys}
service:
  pipelines:
    traces: {{ receivers: [otlp], exporters: [{exporter}] }}
{rest}
"
    );
    Program::start(env!("CARGO_BIN_EXE_otlet"), &config)
}

/// Sends a span of that number to an otlet, which must take it.
async fn send(otlet: &Program, number: u64) {
    let request = Request::Traces(spans([number]));
    let reply = Sender::grpc(otlet.grpc()).send(&request).await.unwrap();
    assert_eq!(reply.code, 0, "{}", reply.message);
}

/// The spans that arrived, once there are so many.
fn arrived(backend: &Backend, count: usize) -> Vec<u64> {
    numbers(&backend.wait_until(&format!("{count} spans"), |received| {
        numbers(received).len() >= count
    }))
}
