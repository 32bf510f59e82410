//! The instrument that measures otlet: a load generator, a sink that counts, a bare tonic forwarder to compare with, and
//! a run that puts them around the program under test.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::indexing_slicing,
    clippy::unnecessary_wraps,
    reason = "an instrument: its numbers are small, its inputs its own, and protobuf's fields are options"
)]

pub mod forward;
pub mod load;
pub mod machine;
pub mod overload;
mod process;
pub mod requests;
pub mod run;
pub mod sandbox;
pub mod sink;

/// The gRPC method that every request of the instrument calls.
pub const EXPORT_TRACES: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
/// The same for logs.
pub const EXPORT_LOGS: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
