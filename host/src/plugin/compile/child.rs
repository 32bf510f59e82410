//! The child: it takes what it needs no longer from itself, and compiles.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::process::ExitCode;

use rustix::process::{Resource, Rlimit, getrlimit, nice, setrlimit};

use super::{INCOMPLETE, REFUSED};
use crate::plugin::load::LARGEST;
use crate::plugin::{complete, engine};

/// How much nicer than otlet: on a busy machine it still has about a tenth of a CPU, and so ends.
const NICER: i32 = 10;

/// Why there is no code.
enum Fault {
    /// The component is to blame.
    Component(String),
    /// The core module is.
    Module(String),
    /// Something else is.
    Other(String),
}

/// Compiles the component on standard input to standard output, within so much CPU time and so many bytes of addresses.
pub fn compile_here(cpu_seconds: u64, address_space: u64) -> ExitCode {
    let (code, reason) = match compile(cpu_seconds, address_space) {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Fault::Component(reason)) => (ExitCode::from(REFUSED), reason),
        Err(Fault::Module(reason)) => (ExitCode::from(INCOMPLETE), reason),
        Err(Fault::Other(reason)) => (ExitCode::FAILURE, reason),
    };
    // Whoever does not listen does not ask.
    let _unheard = writeln!(io::stderr(), "{reason}");
    code
}

fn compile(cpu_seconds: u64, address_space: u64) -> Result<(), Fault> {
    let other = |what: &'static str| {
        move |error: io::Error| Fault::Other(format!("{what} failed: {error}"))
    };
    confine(cpu_seconds, address_space).map_err(other("setting its limits"))?;
    let mut wasm = vec![];
    let most = u64::try_from(LARGEST).unwrap_or(u64::MAX);
    let read = io::stdin().lock().take(most).read_to_end(&mut wasm);
    read.map_err(other("reading the component"))?;
    let mut config = engine::code();
    config.parallel_compilation(false);
    let engine = wasmtime::Engine::new(&config)
        .map_err(|error| Fault::Other(format!("the compiler cannot start: {error:#}")))?;
    let component = complete::component(&wasm).map_err(Fault::Module)?;
    let code = engine
        .precompile_component(&component)
        .map_err(|error| Fault::Component(format!("{error:#}")))?;
    let mut output = io::stdout().lock();
    let written = output.write_all(&code).and_then(|()| output.flush());
    written.map_err(other("writing the code"))
}

/// Leaves this process no more than compiling needs.
fn confine(cpu_seconds: u64, address_space: u64) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Signal, set_parent_process_death_signal};

        set_parent_process_death_signal(Some(Signal::KILL))?;
        // Where memory runs out the kernel is to end this process and not otlet; some containers do not let it say so.
        let _refused = fs::write("/proc/self/oom_score_adj", "1000");
    }
    nice(NICER)?;
    // At the soft limit comes the signal that says what it is for.
    limit(Resource::Cpu, cpu_seconds, cpu_seconds.saturating_add(1))?;
    for (resource, most) in [
        (Resource::Core, 0),
        // It writes no files and starts no processes; pipes are not meant.
        (Resource::Fsize, 0),
        (Resource::Nproc, 0),
        (Resource::As, address_space),
    ] {
        limit(resource, most, most)?;
    }
    Ok(())
}

/// Limits a resource, unless it is limited more already.
fn limit(resource: Resource, soft: u64, hard: u64) -> io::Result<()> {
    let now = getrlimit(resource);
    let least = |wanted: u64, now: Option<u64>| Some(now.map_or(wanted, |now| now.min(wanted)));
    let new = Rlimit {
        current: least(soft, now.current),
        maximum: least(hard, now.maximum),
    };
    match setrlimit(resource, new) {
        // Other systems do not know, or do not allow, all of them.
        Err(error) if cfg!(target_os = "linux") => Err(error.into()),
        _ => Ok(()),
    }
}
