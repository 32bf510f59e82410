//! The metrics of otlet itself: which there are (`list`), what they are now ([`Snapshot`]), and how they are written for
//! Prometheus and for OTLP.
//!
//! Nothing is counted here. Parts count in atomics of their own, and a scrape reads them. To add a metric, name it in `list`,
//! read it in `sources`, and give it its row in METRICS.md; a test holds the three to each other.

mod list;
mod otlp;
mod process;
mod prometheus;
mod push;
mod reloads;
mod snapshot;
mod sources;

pub use list::{ALL, Kind, Metric, Unit};
pub use process::begin;
pub use prometheus::{classic, name, text};
pub use push::{Push, PushConfig, resource};
pub use reloads::Reloads;
pub use snapshot::{Family, Point, Snapshot, Value};
pub use sources::{Parts, Sources};
