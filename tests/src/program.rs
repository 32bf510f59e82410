//! The real binary as a test runs it.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

/// How long the program may take to be ready, or to end: far more than it needs on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// The name of its config file.
const CONFIG: &str = "otlet.yaml";

/// A running `otlet run`. Dropped, it is killed.
pub struct Program {
    child: Child,
    said: Arc<Said>,
    folder: TempDir,
}

#[derive(Default)]
struct Said {
    lines: Mutex<(Vec<String>, bool)>,
    more: Condvar,
}

/// A command of `binary` whose compiled plugins are kept beside it, so that not every test compiles them.
pub fn command(binary: &str) -> Command {
    let mut command = Command::new(binary);
    command.env("XDG_CACHE_HOME", caches(binary));
    command
}

/// Where the compiled plugins of such a command are kept.
pub fn cache(binary: &str) -> PathBuf {
    caches(binary).join("otlet")
}

fn caches(binary: &str) -> PathBuf {
    Path::new(binary).with_file_name("test-cache")
}

impl Program {
    /// Runs `binary` with a config, and waits until it is ready.
    ///
    /// # Panics
    /// If it does not become ready; what it said is in the message.
    pub fn start(binary: &str, config: &str) -> Self {
        Self::start_printing(binary, config, Stdio::inherit())
    }

    /// Runs it likewise; what it reads comes from `input`.
    ///
    /// # Panics
    /// If it does not become ready; what it said is in the message.
    pub fn start_reading(binary: &str, config: &str, input: Stdio) -> Self {
        Self::start_between(binary, config, input, Stdio::inherit())
    }

    /// Runs it likewise; what it prints goes to `output`.
    ///
    /// # Panics
    /// If it does not become ready; what it said is in the message.
    pub fn start_printing(binary: &str, config: &str, output: Stdio) -> Self {
        Self::start_between(binary, config, Stdio::inherit(), output)
    }

    /// Runs it likewise, as a process that may have `files` open, sockets included.
    ///
    /// # Panics
    /// If it does not become ready; what it said is in the message.
    pub fn start_with_open_files(binary: &str, config: &str, files: u32) -> Self {
        let mut shell = Command::new("sh");
        shell.env("XDG_CACHE_HOME", caches(binary));
        shell.args(["-c", &format!("ulimit -n {files} && exec \"$0\" \"$@\"")]);
        shell.arg(binary);
        let program = Self::begin_as(shell, config, Stdio::inherit(), Stdio::inherit());
        program.wait_for("ready");
        program
    }

    /// Runs it likewise, where the system gives no notices of changes to files; none if that cannot be had here.
    ///
    /// # Panics
    /// If it does not become ready; what it said is in the message.
    pub fn start_without_notices(binary: &str, config: &str) -> Option<Self> {
        const WITHOUT: &str = "echo 0 > /proc/sys/user/max_inotify_instances";
        let unshared = |script: &str| {
            let mut unshare = Command::new("unshare");
            unshare.env("XDG_CACHE_HOME", caches(binary));
            unshare.args(["-U", "-r", "sh", "-c", script]);
            unshare
        };
        let tried = unshared(WITHOUT).stderr(Stdio::null()).status();
        if !tried.is_ok_and(|status| status.success()) {
            return None;
        }
        let mut shell = unshared(&format!("{WITHOUT} && exec \"$0\" \"$@\""));
        shell.arg(binary);
        let program = Self::begin_as(shell, config, Stdio::inherit(), Stdio::inherit());
        program.wait_for("ready");
        Some(program)
    }

    fn start_between(binary: &str, config: &str, input: Stdio, output: Stdio) -> Self {
        let program = Self::begin(binary, config, input, output);
        program.wait_for("ready");
        program
    }

    /// Runs it likewise, and does not wait for anything.
    ///
    /// # Panics
    /// If it cannot be run.
    pub fn begin(binary: &str, config: &str, input: Stdio, output: Stdio) -> Self {
        Self::begin_as(command(binary), config, input, output)
    }

    /// Runs it with these words after those that name the config, and does not wait for anything.
    ///
    /// # Panics
    /// If it cannot be run.
    pub fn begin_with(command: Command, config: &str, words: &[&str]) -> Self {
        Self::begin_between(command, config, words, Stdio::null(), Stdio::inherit())
    }

    fn begin_as(program: Command, config: &str, input: Stdio, output: Stdio) -> Self {
        Self::begin_between(program, config, &[], input, output)
    }

    fn begin_between(
        mut program: Command,
        config: &str,
        words: &[&str],
        input: Stdio,
        output: Stdio,
    ) -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let path = folder.path().join(CONFIG);
        std::fs::write(&path, config).expect("a file can be written");
        let mut child = program
            .args(["run", "--config"])
            .arg(path)
            .args(words)
            .stdin(input)
            .stdout(output)
            .stderr(Stdio::piped())
            .spawn()
            .expect("otlet runs");
        let said = Arc::<Said>::default();
        let errors = BufReader::new(child.stderr.take().expect("standard error is piped"));
        let heard = Arc::clone(&said);
        thread::spawn(move || heard.listen(errors));
        Self {
            child,
            said,
            folder,
        }
    }

    /// Where the first receiver with gRPC listens.
    pub fn grpc(&self) -> SocketAddr {
        self.address("protocol=\"grpc\"")
    }

    /// Where the receiver of this name listens for gRPC.
    pub fn grpc_of(&self, receiver: &str) -> SocketAddr {
        self.address(&format!("receiver=\"{receiver}\" protocol=\"grpc\""))
    }

    /// Where the first receiver with HTTP listens.
    pub fn http(&self) -> SocketAddr {
        self.address("protocol=\"http\"")
    }

    /// Where the admin endpoint listens.
    pub fn admin(&self) -> SocketAddr {
        self.address("admin endpoint listening")
    }

    fn address(&self, protocol: &str) -> SocketAddr {
        let line = self.wait_for(protocol);
        let address = line
            .split("address=")
            .nth(1)
            .expect("the line names an address");
        address
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .parse()
            .expect("it is an address")
    }

    /// The process's number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The folder that its config is in, which nothing else uses.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Puts another config in the place of the one it runs, whole at once.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn configure(&self, config: &str) {
        let new = self.folder().join("otlet.new");
        std::fs::write(&new, config).expect("a file can be written");
        std::fs::rename(new, self.folder().join(CONFIG)).expect("a file can be renamed");
    }

    /// Puts another config there and has it read by SIGHUP; gives the line of the log that holds `text`, waited for.
    ///
    /// # Panics
    /// If no such line comes.
    pub fn reload(&self, config: &str, text: &str) -> String {
        let before = self.lines();
        self.configure(config);
        self.signal("HUP");
        self.wait_for_after(before, text)
    }

    /// The number of lines that it has said.
    pub fn lines(&self) -> usize {
        let lines = self.said.lines.lock();
        lines.unwrap_or_else(PoisonError::into_inner).0.len()
    }

    /// The first line of its log that holds `text`, waited for.
    ///
    /// # Panics
    /// If no such line comes.
    pub fn wait_for(&self, text: &str) -> String {
        self.wait_for_after(0, text)
    }

    /// The first line likewise after so many lines.
    ///
    /// # Panics
    /// If no such line comes.
    pub fn wait_for_after(&self, before: usize, text: &str) -> String {
        let find = |lines: &[String]| {
            let mut later = lines.iter().skip(before);
            later.find(|line| line.contains(text)).cloned()
        };
        let lines = self
            .said
            .lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (lines, _) = self
            .said
            .more
            .wait_timeout_while(lines, PATIENCE, |(lines, ended)| {
                find(lines).is_none() && !*ended
            })
            .unwrap_or_else(PoisonError::into_inner);
        let found = find(&lines.0);
        assert!(
            found.is_some(),
            "otlet never said {text:?}:\n{}",
            lines.0.join("\n")
        );
        found.unwrap_or_default()
    }

    /// All that it has said until now.
    pub fn said(&self) -> String {
        let lines = self.said.lines.lock();
        lines.unwrap_or_else(PoisonError::into_inner).0.join("\n")
    }

    /// Asks it to end with SIGTERM, and waits until it has.
    ///
    /// # Panics
    /// If it does not end.
    pub fn terminate(&mut self) -> ExitStatus {
        self.signal("TERM");
        self.ended()
    }

    /// Waits until it has ended.
    ///
    /// # Panics
    /// If it does not end.
    pub fn ended(&mut self) -> ExitStatus {
        let lines = self.said.lines.lock();
        let lines = lines.unwrap_or_else(PoisonError::into_inner);
        // Its standard error closes when it ends.
        let (lines, _) = self
            .said
            .more
            .wait_timeout_while(lines, PATIENCE, |(_, ended)| !*ended)
            .unwrap_or_else(PoisonError::into_inner);
        assert!(lines.1, "otlet does not end:\n{}", lines.0.join("\n"));
        drop(lines);
        self.child.wait().expect("otlet can be waited for")
    }

    /// Kills it with SIGKILL.
    pub fn kill(&mut self) {
        self.child.kill().expect("otlet can be killed");
        self.child.wait().expect("otlet can be waited for");
    }

    /// Sends it a signal by its name.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args(["-s", name, &self.child.id().to_string()])
            .status();
        assert!(
            sent.is_ok_and(|status| status.success()),
            "SIG{name} could not be sent"
        );
    }
}

impl Drop for Program {
    #[allow(clippy::print_stderr, reason = "shown for a test that fails")]
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.child.kill().and_then(|()| self.child.wait());
        if thread::panicking() {
            eprintln!("otlet said:\n{}", self.said());
        }
    }
}

impl Said {
    fn listen(&self, errors: impl BufRead) {
        for line in errors.lines().map_while(Result::ok) {
            self.lines
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .0
                .push(line);
            self.more.notify_all();
        }
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).1 = true;
        self.more.notify_all();
    }
}
