//! Tests of a plugin by `cargo test`, without WebAssembly: a [`Harness`] runs it natively on a [`Request`].
//!
//! Behind the harness stands a [`model`] of the contract. It is slow and obvious on purpose, written from the contract
//! alone: otlet holds its own, fast code against it.
//!
//! ```
//! # use otlet_plugin::{Batch, Column, Error, Manifest, Plugin, Signal, host};
//! use otlet_plugin::testing::{Harness, Request};
//! use serde_json::json;
//! # #[derive(serde::Deserialize, schemars::JsonSchema)]
//! # struct Config { host: String }
//! # struct Tag { column: Column, host: String }
//! # impl Plugin for Tag {
//! #     type Config = Config;
//! #     fn manifest() -> Manifest { Manifest::new("1.0.0") }
//! #     fn new(config: Config) -> Result<Self, Error> {
//! #         Ok(Self { column: Column::open("resource.attributes[\"host.name\"]")?, host: config.host })
//! #     }
//! #     fn process(&mut self, batch: &mut Batch) -> Result<(), Error> {
//! #         batch.fill(&self.column, .., &self.host);
//! #         host::count("tagged", 1);
//! #         Ok(())
//! #     }
//! # }
//!
//! let request = Request::from_json(r#"{"resourceLogs": [{"scopeLogs": [{"logRecords": [{}]}]}]}"#).unwrap();
//! let outcome = Harness::<Tag>::new(json!({"host": "a"})).unwrap().run(request).unwrap();
//! assert_eq!(
//!     outcome.request.to_json()["resourceLogs"][0]["resource"]["attributes"],
//!     json!([{"key": "host.name", "value": {"stringValue": "a"}}])
//! );
//! assert_eq!(outcome.counters["tagged"], 1);
//! ```

#![allow(
    clippy::indexing_slicing,
    reason = "an index out of range is a fault of the model, which a test should show"
)]

pub(crate) mod fence;
mod harness;
pub mod model;
mod request;
#[cfg(test)]
mod tests;

pub use crate::contract::{Leaves as PackedLeaves, PackedDoubles, PackedIntegers, PackedTexts};
pub use harness::{Harness, Line, Outcome};
pub use request::Request;
