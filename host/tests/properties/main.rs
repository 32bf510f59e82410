//! otlet's batches against the contract's model, which `otlet-plugin` brings for the tests of plugins: the same reads and edits
//! on both must show and make the same.
//!
//! A failure names its seed and what was done. `SEEDS=20000 cargo test -p otlet --test properties` runs more of them.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test fails by a panic, and says why"
)]

mod columns;
mod coverage;
mod generate;
mod leaves;
mod markers;
mod runs;
mod same;
mod steps;
mod wire;
