//! The real binary, running.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use tempfile::NamedTempFile;

/// How long the program may take for what it is asked to do.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running otlet. Dropped, it is killed.
pub(crate) struct Program {
    child: Child,
    log: Receiver<String>,
    /// Where it takes gRPC.
    pub(crate) grpc: SocketAddr,
    _config: NamedTempFile,
}

impl Program {
    /// Starts it with a config whose one receiver speaks gRPC, and waits until it is ready.
    pub(crate) fn run(config: &str) -> Self {
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(config.as_bytes()).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_otlet"))
            .args(["run", "--config"])
            .arg(file.path())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (lines, log) = sync_channel(10_000);
        thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                // A test that does not look at the log must not stop the program.
                let _full = lines.try_send(line);
            }
        });
        let listening = wait_for(&log, "listening");
        wait_for(&log, "ready");
        let address = listening.split("address=").nth(1).unwrap();
        Self {
            child,
            grpc: address.trim().parse().unwrap(),
            log,
            _config: file,
        }
    }

    /// Asks it to end in good order, and waits until it has begun to.
    pub(crate) fn terminate(&self) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args(["-TERM", &id]).status().unwrap();
        assert!(status.success());
        wait_for(&self.log, "shutting down");
    }

    /// Ends it as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end, and gives its exit code.
    pub(crate) fn exit_code(mut self) -> Option<i32> {
        // The log ends with the program.
        while let Some(_line) = next_line(&self.log) {}
        self.child.wait().unwrap().code()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

fn wait_for(log: &Receiver<String>, word: &str) -> String {
    let mut before = vec![];
    while let Some(line) = next_line(log) {
        if line.contains(word) {
            return line;
        }
        before.push(line);
    }
    panic!("it ended without a line with {word:?} after {before:#?}")
}

/// The next line, or none when the program has ended.
fn next_line(log: &Receiver<String>) -> Option<String> {
    match log.recv_timeout(PATIENCE) {
        Ok(line) => Some(line),
        Err(RecvTimeoutError::Disconnected) => None,
        Err(RecvTimeoutError::Timeout) => panic!("it neither ends nor says anything"),
    }
}
