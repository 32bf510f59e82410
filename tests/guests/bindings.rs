//! The contract, as wit-bindgen generates it for every guest of the tests: each has its own `Plugin`.
#![allow(
    unsafe_code,
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    clippy::undocumented_unsafe_blocks,
    clippy::allow_attributes_without_reason,
    clippy::indexing_slicing,
    reason = "generated code"
)]

wit_bindgen::generate!({ path: "../../../wit", world: "plugin" });

use crate::Plugin;

export!(Plugin with_types_in self);
