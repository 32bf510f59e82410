//! WASI for components that import it, since some languages' run-times do whether they use it or not: clocks and randomness,
//! the folders and variables that the processor is granted, and else nothing: no sockets, names or arguments. What they print
//! goes to the log.
//!
//! A guest that sleeps in the host is out of reach of epochs, so these components are called asynchronously, on a small
//! runtime of the instance's own and under a time-out, and on worker threads only.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;
use std::{env, io, mem};

use bytes::Bytes;
use tokio::io::{AsyncWrite, empty};
use tokio::runtime::{Builder, Handle, Runtime};
use wasmtime::component::ResourceTable;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxView, WasiView, async_trait};

use super::printed::{MOST, append, lines};
use super::report::{Level, Report};
use super::sandbox::{Folder, Grants};
use super::state::State;

/// The most handles (open files, streams, things to wait for) of one instance: all instances together leave the process most
/// of the files that it may have open. Does not limit how much is read of them.
const HANDLES: usize = 64;

/// The most bytes of one request for randomness, as in the contract's own.
const RANDOM: u64 = 65_536;

/// The version of WASI whose interfaces there are; later patches of it are the same.
const VERSION: &str = "0.2.";

/// The interfaces that there are without a grant: they are imported unasked, and are empty unless something is granted.
const INTERFACES: [(&str, &[&str]); 6] = [
    (
        "cli",
        &[
            "environment",
            "exit",
            "stderr",
            "stdin",
            "stdout",
            "terminal-input",
            "terminal-output",
            "terminal-stderr",
            "terminal-stdin",
            "terminal-stdout",
        ],
    ),
    ("clocks", &["monotonic-clock", "wall-clock"]),
    ("filesystem", &["preopens", "types"]),
    ("io", &["error", "poll", "streams"]),
    ("random", &["insecure", "insecure-seed", "random"]),
    (
        "sockets",
        &[
            "instance-network",
            "ip-name-lookup",
            "network",
            "tcp",
            "tcp-create-socket",
            "udp",
            "udp-create-socket",
        ],
    ),
];

/// The WASI of one instance.
pub(super) struct Wasi {
    ctx: WasiCtx,
    table: ResourceTable,
    stdout: Printed,
    stderr: Printed,
}

/// What a guest printed since the last call.
#[derive(Clone, Default)]
struct Printed(Arc<Mutex<Vec<u8>>>);

/// Runs the calls of one instance.
#[derive(Debug)]
pub(super) struct Sleeper(Option<Runtime>);

/// Whether this import is one of those that there are.
pub(super) fn has(import: &str) -> bool {
    let Some((name, version)) = import.split_once('@') else {
        return false;
    };
    let name = name
        .strip_prefix("wasi:")
        .and_then(|name| name.split_once('/'));
    name.is_some_and(|(family, interface)| {
        let of_family = INTERFACES.iter().find(|(name, _)| *name == family);
        of_family.is_some_and(|(_, interfaces)| interfaces.contains(&interface))
    }) && version.starts_with(VERSION)
}

impl Wasi {
    /// What is granted, and nothing else; the error says which folder cannot be opened.
    pub(super) fn new(grants: &Grants) -> Result<Self, String> {
        let (stdout, stderr) = (Printed::default(), Printed::default());
        let mut ctx = WasiCtx::builder();
        ctx.stdout(stdout.clone())
            .stderr(stderr.clone())
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false)
            .max_random_size(RANDOM);
        for Folder { path, name } in &grants.files {
            ctx.preopened_dir(path, name, FsPerms::ReadOnly)
                .map_err(|error| format!("{}: {}", path.display(), error.root_cause()))?;
        }
        for name in &grants.env {
            if let Ok(value) = env::var(name) {
                ctx.env(name, value);
            }
        }
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES);
        Ok(Self {
            ctx: ctx.build(),
            table,
            stdout,
            stderr,
        })
    }

    /// Moves what was printed into the report, a line a log line.
    pub(super) fn report(&self, report: &mut Report) {
        for (printed, level) in [(&self.stdout, Level::Info), (&self.stderr, Level::Warn)] {
            lines(&printed.take(), level, report);
        }
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let wasi = self
            .wasi
            .as_mut()
            .expect("only components that import WASI are linked with it, and they have one");
        WasiCtxView {
            ctx: &mut wasi.ctx,
            table: &mut wasi.table,
        }
    }
}

impl Printed {
    fn take(&self) -> Vec<u8> {
        mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn append(&self, bytes: &[u8]) {
        append(
            &mut self.0.lock().unwrap_or_else(PoisonError::into_inner),
            bytes,
        );
    }
}

impl IsTerminal for Printed {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Printed {
    /// Never asked for: preview 2 takes the stream below.
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(empty())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait]
impl Pollable for Printed {
    async fn ready(&mut self) {}
}

impl OutputStream for Printed {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.append(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(MOST)
    }
}

impl Sleeper {
    pub(super) fn new() -> io::Result<Self> {
        // A file that is read takes a thread, and one call reads one at a time.
        let runtime = Builder::new_current_thread()
            .enable_time()
            .max_blocking_threads(2)
            .build()?;
        Ok(Self(Some(runtime)))
    }

    /// Runs a call to its end, or to the end of `wall`.
    pub(super) fn run<T: Send>(
        &self,
        wall: Duration,
        call: impl Future<Output = T> + Send,
    ) -> Option<T> {
        let runtime = self.0.as_ref().expect("it is taken by drop alone");
        let run = || runtime.block_on(async { tokio::time::timeout(wall, call).await.ok() });
        if Handle::try_current().is_err() {
            return run();
        }
        // Blocking inside another runtime panics; whoever loads plugins inside of one waits for a thread.
        thread::scope(|scope| scope.spawn(run).join().ok().flatten())
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        // An ordinary drop waits for the runtime's threads, and panics where waiting is not allowed.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_is_without_a_grant_is_told_from_what_there_is_not() {
        for import in [
            "wasi:cli/stdout@0.2.6",
            "wasi:io/streams@0.2.12",
            "wasi:filesystem/types@0.2.0",
            "wasi:sockets/tcp@0.2.3",
        ] {
            assert!(has(import), "{import}");
        }
        for import in [
            "wasi:http/outgoing-handler@0.2.0",
            "wasi:clients/x@0.2.0",
            "wasi:cli",
            "wasi:cli/stdout",
            "wasi:cli/run@0.2.6",
            "wasi:cli/stdout@0.3.0",
            "wasi:filesystem/types@0.20.0",
            "otlet:plugin/batch@0.1.0",
        ] {
            assert!(!has(import), "{import}");
        }
    }

    #[test]
    fn what_is_printed_is_bounded() {
        let printed = Printed::default();
        for _ in 0..100 {
            printed.append(&[b'x'; 1_000]);
        }
        assert_eq!(printed.take().len(), MOST);
        assert!(printed.take().is_empty());
    }

    #[test]
    fn a_call_that_sleeps_too_long_is_given_up() {
        let sleeper = Sleeper::new().unwrap();
        let call = async { tokio::time::sleep(Duration::from_hours(1)).await };
        assert_eq!(sleeper.run(Duration::from_millis(1), call), None);
        assert_eq!(sleeper.run(Duration::from_secs(10), async { 1 }), Some(1));
    }

    #[test]
    fn a_call_inside_of_a_runtime_runs_too() {
        let outer = Builder::new_current_thread().build().unwrap();
        let sleeper = Sleeper::new().unwrap();
        let answer = outer.block_on(async move {
            let answer = sleeper.run(Duration::from_secs(10), async { 1 });
            drop(sleeper);
            answer
        });
        assert_eq!(answer, Some(1));
    }
}
