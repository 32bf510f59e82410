//! Tests a plugin natively.

pub(crate) mod fence;
