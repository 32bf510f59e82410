//! The program as it is shipped, driven over the wire: clients in front of it, scripted backends behind it.
//!
//! Nothing here calls otlet's own code, and what comes out of it is read with opentelemetry-proto.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "everything here is a test, the functions that tests share included"
)]

mod chain;
mod client;
mod corpus;
mod hidden;
mod partial;
mod pass_through;
mod plugins;
mod refusals;
mod scanner;

use otlet_tests::program::Program;

/// Starts otlet with a receiver `otlp` for both protocols; `rest` is the config from its processors on.
fn start(rest: &str) -> Program {
    let receivers = "receivers: { otlp: { protocols: { \
        grpc: { endpoint: 127.0.0.1:0 }, http: { endpoint: 127.0.0.1:0 } } } }";
    Program::start(
        env!("CARGO_BIN_EXE_otlet"),
        &format!("{receivers}\n{rest}\n"),
    )
}

/// Ends it in good order: with success, and with no client cut off, since all of them listen.
fn end(mut otlet: Program) {
    assert!(otlet.terminate().success(), "{}", otlet.said());
    let said = otlet.said();
    assert!(!said.contains("connections were cut"), "{said}");
}
