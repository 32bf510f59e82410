//! The command line.

mod plugins;
mod reload;
mod replay;
mod source;
mod waiting;

use std::env;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

use anyhow::Context;
use clap::{Parser, Subcommand};
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal as UnixSignal, SignalKind, signal};
use tokio::sync::oneshot;

use crate::app::{self, App, Front, Prepared, Refused, Running};
use crate::config::{Draft, Report};
use crate::plugin::{BUNDLED, Compiler, Registry, compile_here, default_cache};
use crate::telemetry::Logging;
use crate::{config, demo, heap, metrics, telemetry};
use source::{Changed, Read, Source};

/// Receives OpenTelemetry data over OTLP, runs sandboxed WebAssembly plugins over it and exports it.
#[derive(Parser)]
#[command(name = "otlet", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run until SIGTERM or SIGINT, or the end of standard input if nothing else is received, then send what waits and end; a second signal ends at once. The config is read again when it changes, and on SIGHUP.
    Run {
        /// The config file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Wait for plugins whose files are not there yet, or cannot be used with this config, instead of refusing to start.
        #[arg(long)]
        wait_for_plugins: bool,
    },
    /// Check a config file and report every mistake in it.
    Check {
        /// The config file.
        file: PathBuf,
    },
    /// Say what can be configured.
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Say what plugins there are.
    Plugin {
        #[command(subcommand)]
        command: PluginCommand,
    },
    /// Send dead letters to where they were to go, the oldest first, and remove each that was delivered.
    Replay {
        /// The directory that they are kept in.
        directory: PathBuf,
        /// The config file with the pipelines and exporters that they name.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Show what otlet does with the telemetry of a small shop, over loopback, in a few seconds.
    Demo {
        /// Chooses the shop's customers, orders and accidents.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Compile a component from standard input to standard output. otlet runs itself so for the files of the plugin directory.
    #[command(hide = true)]
    Compile {
        /// The most seconds of CPU time.
        #[arg(long)]
        cpu_seconds: u64,
        /// The most bytes of addresses.
        #[arg(long)]
        address_space: u64,
    },
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Print every key with its default and a comment.
    Defaults,
}

#[derive(Subcommand)]
enum PluginCommand {
    /// List the bundled plugins and the files of the plugin directory, with what is wrong with them.
    List {
        /// The config file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// How the list is written.
        #[arg(long, value_enum, default_value_t = plugins::Format::Table)]
        format: plugins::Format,
    },
}

/// Runs the program and gives its exit code: 0 done, 1 failed, 2 a bad command line or config.
pub fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Run {
            config,
            wait_for_plugins,
        } => run(&config, wait_for_plugins),
        Command::Check { file } => check(&file),
        Command::Config {
            command: ConfigCommand::Defaults,
        } => {
            say(&mut io::stdout(), config::DEFAULTS.trim_end());
            Ok(ExitCode::SUCCESS)
        }
        Command::Plugin {
            command: PluginCommand::List { config, format },
        } => plugins::list(&config, format),
        Command::Replay { directory, config } => replay::main(&directory, &config),
        Command::Compile {
            cpu_seconds,
            address_space,
        } => Ok(compile_here(cpu_seconds, address_space)),
        Command::Demo { seed } => demo::main(seed).map(|()| ExitCode::SUCCESS),
    };
    result.unwrap_or_else(|error| {
        say(&mut io::stderr(), &format!("otlet: {error:#}"));
        ExitCode::FAILURE
    })
}

/// A closed terminal is no reason to fail.
fn say(to: &mut impl Write, text: &str) {
    let _closed = writeln!(to, "{text}");
}

/// Makes a config's plugins ready; what there is to say about it goes to standard error.
fn prepare(draft: Draft) -> anyhow::Result<Option<Prepared>> {
    let registry = registry(&draft)?;
    Ok(prepare_with(draft, &registry))
}

fn registry(draft: &Draft) -> anyhow::Result<Arc<Registry>> {
    let cache = default_cache(|name| env::var_os(name));
    let compiler = Compiler::this_program().context("this program's file cannot be found")?;
    Ok(app::registry(draft, &BUNDLED, cache, Some(compiler))?)
}

fn prepare_with(draft: Draft, registry: &Arc<Registry>) -> Option<Prepared> {
    match app::prepare(draft, registry) {
        Ok(prepared) => {
            say_report(&prepared.warnings);
            Some(prepared)
        }
        Err(report) => {
            say_report(&report);
            None
        }
    }
}

fn say_report(report: &Report) {
    if !report.is_empty() {
        let styled = io::stderr().is_terminal();
        say(&mut io::stderr(), &report.render(styled));
    }
}

const BAD_CONFIG: u8 = 2;

fn check(path: &Path) -> anyhow::Result<ExitCode> {
    if prepare(config::load(path))?.is_none() {
        return Ok(ExitCode::from(BAD_CONFIG));
    }
    say(&mut io::stdout(), &format!("{}: ok", path.display()));
    Ok(ExitCode::SUCCESS)
}

fn run(path: &Path, waits: bool) -> anyhow::Result<ExitCode> {
    metrics::begin();
    heap::use_small_pages();
    control()?.block_on(async {
        let mut signals = Signals::new()?;
        let file = path.to_owned();
        let read = unless_told(&mut signals.ends, move || source::load(&file));
        let Some(read) = read.await? else {
            say(
                &mut io::stderr(),
                "otlet: told to end before it had started",
            );
            return Ok(ExitCode::SUCCESS);
        };
        let log = telemetry::start_logging(read.draft.logs())
            .context("no thread for the log could be started")?;
        let version = env!("CARGO_PKG_VERSION");
        tracing::info!(version, config = %path.display(), "starting");
        let mut source = Source::new(path);
        let (front, prepared) = match start(read, waits, &mut source, &mut signals).await? {
            Start::Ready(front, prepared) => (front, prepared),
            Start::Bad => return Ok(ExitCode::from(BAD_CONFIG)),
            Start::Told => {
                tracing::info!("told to end before it had started: nothing was received");
                return Ok(ExitCode::SUCCESS);
            }
        };
        say_report(&prepared.warnings);
        log.set_level(prepared.config.logs.level);
        let mut app = match front {
            Some(front) => App::start_behind(front, *prepared)?,
            None => App::start(*prepared)?,
        };
        // What reading the config and loading plugins took.
        heap::give_back();
        tokio::spawn(heap::tend());
        tracing::info!("ready");
        serve(&mut app, &mut source, &mut signals, &log).await
    })
}

/// What came of making the first config ready.
enum Start {
    /// With what stands already, if it waited.
    Ready(Option<Front>, Box<Prepared>),
    /// It cannot be used, which was said.
    Bad,
    /// A signal came first.
    Told,
}

/// Makes a config ready, once its plugins are there if it is to wait for them.
async fn start(
    read: Read,
    waits: bool,
    source: &mut Source,
    signals: &mut Signals,
) -> anyhow::Result<Start> {
    let registry = registry(&read.draft)?;
    if waits {
        return waiting::wait(read, &registry, source, signals).await;
    }
    source.watch(read.config);
    Ok(
        match attempt(read.draft, &registry, &mut signals.ends).await? {
            None => Start::Told,
            Some(Ok(prepared)) => Start::Ready(None, Box::new(prepared)),
            Some(Err(refused)) => {
                say_report(&refused.report);
                Start::Bad
            }
        },
    )
}

/// Makes a config ready that nothing runs before; nothing comes of it if it is told to end.
async fn attempt(
    draft: Draft,
    registry: &Arc<Registry>,
    ends: &mut Ends,
) -> anyhow::Result<Option<Result<Prepared, Refused>>> {
    let registry = Arc::clone(registry);
    let prepare = move || app::prepare_beside(&Running::default(), draft, &registry);
    unless_told(ends, prepare).await
}

/// Does what takes long on a thread of its own; nothing comes of it if a signal comes first, and the thread is left behind.
async fn unless_told<T: Send + 'static>(
    signals: &mut Ends,
    work: impl FnOnce() -> T + Send + 'static,
) -> anyhow::Result<Option<T>> {
    let (done, result) = oneshot::channel();
    thread::Builder::new()
        .name("otlet-start".to_owned())
        .spawn(move || {
            // Nobody listens after a signal.
            let _unheard = done.send(work());
        })
        .context("no thread could be started")?;
    tokio::select! {
        result = result => Ok(Some(result.context("the start failed")?)),
        () = signals.wait() => Ok(None),
    }
}

/// Runs until a signal or the end of all input, and then until all is sent or another signal comes.
async fn serve(
    app: &mut App,
    source: &mut Source,
    signals: &mut Signals,
    log: &Logging,
) -> anyhow::Result<ExitCode> {
    loop {
        let changed = tokio::select! {
            () = signals.ends.wait() => break,
            () = app.finished() => break,
            _ = signals.hangup.recv() => Changed::Config,
            changed = source.changed() => changed,
        };
        if !reload::reload(app, source, changed, &mut signals.ends, log).await {
            break;
        }
    }
    tracing::info!("shutting down: no new requests, and what waits is sent");
    let ended = tokio::select! {
        lost = app.shut_down() => Some(lost),
        () = signals.ends.wait() => None,
    };
    let lost_requests = match ended {
        Some(0) => return Ok(ExitCode::SUCCESS),
        Some(lost) => lost,
        None => app.abort().await,
    };
    tracing::error!(lost_requests, "ended before everything was sent");
    Ok(ExitCode::FAILURE)
}

/// The runtime of the main thread, which carries no telemetry.
pub(crate) fn control() -> anyhow::Result<Runtime> {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .context("no runtime could be started")
}

/// The signals that otlet obeys. A signal that comes before it is waited for is not forgotten.
struct Signals {
    ends: Ends,
    /// Asks for the config to be read again; several at once are one.
    hangup: UnixSignal,
}

/// The signals that ask otlet to end.
struct Ends {
    terminate: UnixSignal,
    interrupt: UnixSignal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            ends: Ends::new()?,
            hangup: signal(SignalKind::hangup())?,
        })
    }
}

impl Ends {
    fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
