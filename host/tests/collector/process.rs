//! A real OpenTelemetry Collector as a child process: `tests/collector`, which `.ci/run` builds.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use tempfile::TempDir;

/// What it says once it receives.
const READY: &str = "Everything is ready";

/// How often a port is chosen anew that somebody else took meanwhile.
const TRIES: usize = 5;

/// A running Collector. Dropped, it is killed.
pub(crate) struct Collector {
    child: Child,
    /// Where it receives OTLP.
    pub(crate) grpc: SocketAddr,
    pub(crate) http: SocketAddr,
    _folder: TempDir,
}

/// The program; without one the test fails in CI and says elsewhere that it skips.
pub(crate) fn binary() -> Option<PathBuf> {
    let binary = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/collector/collector");
    if binary.exists() {
        return Some(binary);
    }
    let is_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(!is_ci, "CI builds the Collector first");
    let why = "skipped: there is no Collector; `.ci/run` shows how to build it";
    writeln!(io::stderr(), "{why}").ok()?;
    None
}

impl Collector {
    /// Starts one that receives with these keys besides `endpoint`, and sends by one exporter with these.
    pub(crate) fn start(binary: &Path, receiver: &str, exporter: &str, keys: &str) -> Self {
        for _ in 0..TRIES {
            if let Some(collector) = Self::try_start(binary, receiver, exporter, keys) {
                return collector;
            }
        }
        panic!("no Collector could be started");
    }

    fn try_start(binary: &Path, receiver: &str, exporter: &str, keys: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let (grpc, http) = (free_port(), free_port());
        let config = format!(
            "
receivers:
  otlp:
    protocols:
      grpc: {{ endpoint: '{grpc}', {receiver} }}
      http: {{ endpoint: '{http}', {receiver} }}
exporters:
  {exporter}: {{ sending_queue: {{ enabled: false }}, {keys} }}
service:
  telemetry: {{ metrics: {{ level: none }} }}
  pipelines:
    traces: {{ receivers: [otlp], exporters: [{exporter}] }}
    metrics: {{ receivers: [otlp], exporters: [{exporter}] }}
    logs: {{ receivers: [otlp], exporters: [{exporter}] }}
"
        );
        let path = folder.path().join("collector.yaml");
        std::fs::write(&path, config).unwrap();
        let mut child = Command::new(binary)
            .arg("--config")
            .arg(path)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut errors = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        while errors.read_line(&mut said).unwrap() > 0 {
            if said.contains(READY) {
                // Whoever does not read holds it up.
                thread::spawn(move || io::copy(&mut errors, &mut io::sink()));
                return Some(Self {
                    child,
                    grpc,
                    http,
                    _folder: folder,
                });
            }
        }
        child.wait().unwrap();
        assert!(said.contains("address already in use"), "{said}");
        None
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.child.kill().and_then(|()| self.child.wait());
    }
}

/// A port that is free now: a Collector does not say which it chose.
fn free_port() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap()
}
