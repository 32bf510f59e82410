//! What otlet says of itself: log lines on standard error, and the numbers that all parts count in.

mod histogram;
mod instance;
mod log;
mod number;
mod throttle;

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

pub use histogram::{BOUNDS, BUCKETS, Durations, Histogram};
pub use instance::instance;
pub use log::Log;
pub use number::{Counter, Gauge};
pub use throttle::Throttle;

/// The environment variable that chooses what is logged, such as `debug` or `otlet::exporter=debug`.
pub const LOG_VARIABLE: &str = "OTLET_LOG";

/// How otlet logs (`service.telemetry.logs`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogConfig {
    /// The least that is logged, unless [`LOG_VARIABLE`] says otherwise. Example: `level: info`.
    pub level: Level,
    /// What a line looks like. Example: `encoding: json`.
    pub encoding: Encoding,
}

/// How much a line of the log matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    /// For who looks for a fault.
    Debug,
    /// What one should know.
    #[default]
    Info,
    /// What one should look at.
    Warn,
    /// What was lost.
    Error,
}

/// What a line of the log looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// For people.
    #[default]
    Console,
    /// A JSON object a line.
    Json,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// Logging, until it is dropped: then what waits is written.
pub struct Logging {
    _log: Log,
    /// None where [`LOG_VARIABLE`] has chosen.
    filter: Option<SetFilter>,
}

type SetFilter = Box<dyn Fn(EnvFilter) + Send + Sync>;

impl Logging {
    /// Logs at this level from now on, unless [`LOG_VARIABLE`] has chosen.
    pub fn set_level(&self, level: Level) {
        if let Some(set) = &self.filter {
            set(EnvFilter::new(level.name()));
        }
    }
}

/// Starts logging as the config says, or [`LOG_VARIABLE`]. To be held for as long as the program runs: dropping it writes
/// what waits.
#[must_use = "dropping it ends the log"]
pub fn start_logging(config: &LogConfig) -> io::Result<Logging> {
    let chosen = EnvFilter::try_from_env(LOG_VARIABLE).ok();
    let is_chosen = chosen.is_some();
    let filter = chosen.unwrap_or_else(|| EnvFilter::new(config.level.name()));
    let log = Log::start(io::stderr())?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(log.writer())
        // They would go to standard error, which may be what fails.
        .log_internal_errors(false);
    let set: SetFilter = match config.encoding {
        Encoding::Console => {
            let lines = lines
                .with_ansi(io::stderr().is_terminal())
                .with_target(false)
                .with_filter_reloading();
            let handle = lines.reload_handle();
            lines.init();
            Box::new(move |filter| {
                // It fails once nobody logs any more.
                let _gone = handle.reload(filter);
            })
        }
        Encoding::Json => {
            let lines = lines
                .json()
                .flatten_event(true)
                .with_current_span(false)
                .with_span_list(false)
                .with_filter_reloading();
            let handle = lines.reload_handle();
            lines.init();
            Box::new(move |filter| {
                // It fails once nobody logs any more.
                let _gone = handle.reload(filter);
            })
        }
    };
    Ok(Logging {
        _log: log,
        filter: (!is_chosen).then_some(set),
    })
}
