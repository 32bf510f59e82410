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

/// Starts logging: `info` and above, unless [`LOG_VARIABLE`] or `default` says otherwise. To be held for as long as the
/// program runs: dropping it writes what waits.
#[must_use = "dropping it ends the log"]
pub fn start_logging(default: &str) -> io::Result<Log> {
    let filter = EnvFilter::try_from_env(LOG_VARIABLE).unwrap_or_else(|_| EnvFilter::new(default));
    let log = Log::start(io::stderr())?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(log.writer())
        .with_target(false)
        // They would go to standard error, which may be what fails.
        .log_internal_errors(false)
        .init();
    Ok(log)
}
