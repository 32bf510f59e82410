//! What otlet says of itself: log lines on standard error, and the numbers that all parts count in.

mod histogram;
mod log;
mod number;
mod throttle;

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

pub use histogram::{BOUNDS, BUCKETS, Durations, Histogram};
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

/// Starts logging as the config says, or [`LOG_VARIABLE`]. To be held for as long as the program runs: dropping it writes
/// what waits.
#[must_use = "dropping it ends the log"]
pub fn start_logging(config: &LogConfig) -> io::Result<Log> {
    let filter = EnvFilter::try_from_env(LOG_VARIABLE)
        .unwrap_or_else(|_| EnvFilter::new(config.level.name()));
    let log = Log::start(io::stderr())?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(log.writer())
        // They would go to standard error, which may be what fails.
        .log_internal_errors(false);
    match config.encoding {
        Encoding::Console => lines
            .with_ansi(io::stderr().is_terminal())
            .with_target(false)
            .init(),
        Encoding::Json => lines
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .init(),
    }
    Ok(log)
}
