//! Compiling in a child process, for components of the plugin directory: whoever writes there decides what is compiled, and
//! neither the time nor the memory that this takes is known before.
//!
//! The child is this program again with a subcommand that is not shown: the component is its standard input, the code its
//! standard output, and a line of reason its standard error. It knows nothing of the config and has nothing of the environment.
//!
//! **Invariant**: when a call returns, its child has ended and is waited for.

mod child;

use std::io::{self, Read as _, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::load::Problem;
use super::refusal::is_want;
use super::text::tame;

pub use child::compile_here;

/// The subcommand.
const COMMAND: &str = "compile";

/// The exit code that says that the component is to blame.
const REFUSED: u8 = 3;

/// The exit code that says that it is a core module of which no component can be made.
const INCOMPLETE: u8 = 4;

/// The most bytes of a reason that are read.
const LONGEST_REASON: u64 = 4 << 10;

/// What the standard library says, last, when there is no more memory.
const NO_MEMORY: &str = "memory allocation of";

/// What compiling one component may take.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Time on the wall: the child is niced, and may wait for a busy CPU.
    pub wall: Duration,
    /// Whole seconds of CPU time. A Python plugin, the largest measured, takes less than 40.
    pub cpu_seconds: u64,
    /// Bytes of addresses, which are more than those of memory: a Python plugin takes 350 MiB of memory.
    pub address_space: u64,
    /// Bytes of code. That of a Python plugin has 130 MiB.
    pub code: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            wall: Duration::from_mins(5),
            cpu_seconds: 120,
            address_space: 2 << 30,
            code: 512 << 20,
        }
    }
}

/// Compiles components, each in a child process.
#[derive(Clone, Debug)]
pub struct Compiler {
    program: PathBuf,
    bounds: Bounds,
}

impl Compiler {
    /// One whose children are this very program, which must be otlet.
    pub fn this_program() -> io::Result<Self> {
        // That is the file that runs, even if another has taken its place since.
        let program = if cfg!(target_os = "linux") {
            PathBuf::from("/proc/self/exe")
        } else {
            std::env::current_exe()?
        };
        Ok(Self::new(program, Bounds::default()))
    }

    /// One whose children are `program`, an otlet of this version.
    pub fn new(program: PathBuf, bounds: Bounds) -> Self {
        Self { program, bounds }
    }

    /// The code of a component.
    pub(super) fn compile(&self, wasm: &[u8]) -> Result<Vec<u8>, Problem> {
        let began = Instant::now();
        let child = self.start();
        let mut child = child.map_err(|error| {
            let reason = format!("no process for it can be started: {error}");
            if is_want(&error) {
                Problem::Want(reason)
            } else {
                Problem::Compile(reason)
            }
        })?;
        let (heard, status) = self.hear(&mut child, wasm);
        let Said { code, reason } = heard?;
        let status = status
            .map_err(|error| Problem::Compile(format!("its process cannot be seen: {error}")))?;
        if !status.success() {
            return Err(self.explain(status, &reason));
        }
        tracing::debug!(
            milliseconds = began.elapsed().as_millis(),
            bytes = code.len(),
            "compiled in a child process"
        );
        Ok(code)
    }

    fn start(&self) -> io::Result<Child> {
        let Bounds {
            cpu_seconds,
            address_space,
            ..
        } = self.bounds;
        Command::new(&self.program)
            .arg0("otlet")
            .arg(COMMAND)
            .arg(format!("--cpu-seconds={cpu_seconds}"))
            .arg(format!("--address-space={address_space}"))
            .env_clear()
            // A signal of the terminal is for otlet, which decides what becomes of its children.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
    }

    /// What a child says, and how it ended: in time, or killed.
    fn hear(
        &self,
        child: &mut Child,
        wasm: &[u8],
    ) -> (Result<Said, Problem>, io::Result<ExitStatus>) {
        let most = self.bounds.code;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (done, said) = mpsc::sync_channel(1);
        thread::scope(|threads| {
            let talk = move || {
                // Nobody listens after the time is up.
                let _unheard = done.send(talk(pipes, wasm, most));
            };
            let thread = thread::Builder::new().name("otlet-compile".to_owned());
            let started = thread.spawn_scoped(threads, talk);
            let heard = match started {
                Ok(_thread) => self.answer(said.recv_timeout(self.bounds.wall)),
                Err(error) => Err(Problem::Want(format!("no thread can be started: {error}"))),
            };
            // One that has ended keeps its status. One that has not ends here, and with it its pipes and the thread.
            let _ended = child.kill();
            (heard, child.wait())
        })
    }

    fn answer(&self, said: Result<io::Result<Said>, RecvTimeoutError>) -> Result<Said, Problem> {
        let wall = self.bounds.wall.as_secs();
        let said = said.map_err(|_late| Problem::Compile(format!("it took more than {wall} s")))?;
        let said =
            said.map_err(|error| Problem::Compile(format!("its process cannot be read: {error}")))?;
        if said.code.len() as u64 > self.bounds.code {
            let most = self.bounds.code;
            let problem = format!("its code has more than {most} bytes");
            return Err(Problem::Compile(problem));
        }
        Ok(said)
    }

    /// Why a child gave no code.
    fn explain(&self, status: ExitStatus, reason: &str) -> Problem {
        if status.code() == Some(i32::from(REFUSED)) {
            return Problem::Component(reason.to_owned());
        }
        if status.code() == Some(i32::from(INCOMPLETE)) {
            return Problem::Module(reason.to_owned());
        }
        let signal = status.signal();
        Problem::Compile(if signal == Some(Signal::XCPU.as_raw()) {
            let most = self.bounds.cpu_seconds;
            format!("it took more than {most} s of CPU time")
        } else if signal == Some(Signal::ABORT.as_raw()) && reason.contains(NO_MEMORY) {
            let most = self.bounds.address_space >> 20;
            format!("it took more than {most} MiB of address space")
        } else {
            format!("its process ended with {status}: {reason}")
        })
    }
}

/// What a child said before it ended.
struct Said {
    code: Vec<u8>,
    reason: String,
}

type Pipes = (
    Option<std::process::ChildStdin>,
    Option<std::process::ChildStdout>,
    Option<std::process::ChildStderr>,
);

/// A child reads all, writes all, and ends; what it writes beyond the bounds is not read.
fn talk((input, output, errors): Pipes, wasm: &[u8], most: u64) -> io::Result<Said> {
    if let Some(mut input) = input {
        // One that does not read it ends early, and says why.
        let _unread = input.write_all(wasm);
    }
    let mut code = vec![];
    if let Some(output) = output {
        output.take(most.saturating_add(1)).read_to_end(&mut code)?;
    }
    let mut reason = vec![];
    if let Some(errors) = errors.filter(|_| code.len() as u64 <= most) {
        errors.take(LONGEST_REASON).read_to_end(&mut reason)?;
    }
    Ok(Said {
        code,
        reason: tame(&String::from_utf8_lossy(&reason)),
    })
}
