//! What otlet says of itself: log lines on standard error.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

/// The environment variable that chooses what is logged, such as `debug` or `otlet::exporter=debug`.
pub const LOG_VARIABLE: &str = "OTLET_LOG";

/// Starts logging: `info` and above, unless [`LOG_VARIABLE`] or `default` says otherwise.
pub fn start_logging(default: &str) {
    let filter = EnvFilter::try_from_env(LOG_VARIABLE).unwrap_or_else(|_| EnvFilter::new(default));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr)
        .with_target(false)
        .init();
}
