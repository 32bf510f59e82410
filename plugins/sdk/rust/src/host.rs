//! What the host does for every plugin: its log, its counters, the time, random bytes.

use crate::{edit::number, fence::host};

/// How grave a line of the log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// For whoever looks for a fault.
    Debug,
    /// Worth knowing.
    Info,
    /// Something is wrong, and the plugin goes on.
    Warn,
    /// Something is wrong, and the plugin cannot do its work.
    Error,
}

/// Writes a line to the host's log, under the processor's name. The host bounds the lines a second. Never put telemetry
/// into it.
pub fn log(level: Level, message: &str) {
    let level = match level {
        Level::Debug => "debug",
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
    };
    host::log(level, message);
}

/// Adds to a counter, which the host exports under the processor's name.
pub fn count(name: &str, add: usize) {
    host::count(name, number(add));
}

/// Milliseconds since the Unix epoch.
pub fn now() -> u64 {
    host::now()
}

/// Bytes that are random at each start of the host, and the same for every instance of this plugin until it ends: a key for
/// hashes that instances must agree on.
pub fn seed() -> [u8; 32] {
    *host::seed()
        .first_chunk()
        .expect("the host gives 32 bytes, as the contract says")
}

/// Random bytes.
pub fn random<const N: usize>() -> [u8; N] {
    let bytes = host::random(number(N));
    *bytes
        .first_chunk()
        .expect("the host gives as many bytes as asked for, up to 65,536")
}
