//! Every parser of otlet as a function of bytes. `cargo test` feeds them mutations of their seeds; the examples are the same
//! functions for libFuzzer (CONTRIBUTING.md says how), or run the files that they are given.
//!
//! A function panics when something does not hold that must hold whatever the bytes are.

pub mod batch;
pub mod calls;
mod choices;
mod coding;
pub mod column;
pub mod config;
pub mod grpc;
pub mod gzip;
pub mod http;
pub mod json;
pub mod lift;
pub mod link;
mod protobuf;
mod receiver;
pub mod redact;
pub mod trace_state;
pub mod zlib;
pub mod zstd;

use std::ffi::OsString;
use std::ops::Range;
use std::{fs, io};

#[cfg(fuzzing)]
#[doc(hidden)]
pub use libfuzzer_sys;

/// A parser, and what it is fed with.
pub struct Target {
    /// Its name, which is its module's and its example's.
    pub name: &'static str,
    /// Feeds it; says whether the bytes were taken for what they should be.
    pub run: fn(&[u8]) -> bool,
    /// Inputs to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// The bytes in front that choose what is done with the rest: a mutation draws all of them anew.
    pub choices: Range<usize>,
    /// What the parser has an eye for: mutations put it in.
    pub words: &'static [&'static str],
}

/// Every target.
pub const TARGETS: [Target; 14] = [
    batch::TARGET,
    calls::TARGET,
    column::TARGET,
    config::TARGET,
    grpc::TARGET,
    gzip::TARGET,
    http::TARGET,
    json::TARGET,
    lift::TARGET,
    link::TARGET,
    redact::TARGET,
    trace_state::TARGET,
    zlib::TARGET,
    zstd::TARGET,
];

impl Target {
    /// Feeds it these files.
    pub fn replay(&self, files: impl Iterator<Item = OsString>) -> io::Result<()> {
        for file in files {
            (self.run)(&fs::read(file)?);
        }
        Ok(())
    }
}

/// Makes an example of the target in this module.
#[macro_export]
macro_rules! example {
    ($target:ident) => {
        #[cfg(fuzzing)]
        $crate::libfuzzer_sys::fuzz_target!(|data: &[u8]| {
            ($crate::$target::TARGET.run)(data);
        });

        #[cfg(not(fuzzing))]
        fn main() -> std::io::Result<()> {
            $crate::$target::TARGET.replay(std::env::args_os().skip(1))
        }
    };
}
