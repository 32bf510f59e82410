//! What the counts are taken of: the host's `batch`, built alone, with the requests and cases that it is put through.
//!
//! The host's other modules and their dependencies are left out, so that this builds in seconds and no change elsewhere moves
//! the compiler to inline differently here.
#![allow(
    clippy::indexing_slicing,
    reason = "an instrument, whose inputs are its own"
)]

pub mod cases;
#[path = "../../../../host/src"]
mod host {
    pub mod batch;
}
pub mod requests;

pub use host::batch;
