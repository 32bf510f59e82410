//! otlet receives OpenTelemetry data over OTLP, runs sandboxed WebAssembly plugins over it and exports it.
//!
//! The modules stand in the order data takes; ARCHITECTURE.md has the picture.

pub mod acceptance;
pub mod admin;
pub mod app;
pub mod auth;
pub mod batch;
pub mod cli;
pub mod compression;
pub mod config;
pub mod connector;
pub mod date;
pub mod demo;
pub mod exporter;
pub mod fresh;
pub mod heap;
pub mod letters;
pub mod memory;
pub mod metrics;
pub(crate) mod otlp;
pub mod payload;
pub mod pipeline;
pub mod plugin;
pub mod queue;
pub mod receiver;
pub mod refusal;
pub mod rpc;
pub mod runtime;
pub mod telemetry;
pub mod tls;
pub mod watch;
