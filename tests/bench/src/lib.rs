//! The instrument that measures otlet and its peers: a load generator, a sink that counts, a bare tonic forwarder to compare
//! with, and scenarios that put them around programs under test and report what these cost.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::unnecessary_wraps,
    reason = "an instrument: its numbers are small, its inputs its own, its progress is told, and protobuf's fields are options"
)]

pub mod forward;
pub mod load;
pub mod machine;
pub mod otlp;
mod process;
mod program;
pub mod report;
pub mod requests;
pub mod run;
pub mod sandbox;
pub mod scenario;
pub mod sink;
pub mod swap;
mod turn;
mod yaml;
