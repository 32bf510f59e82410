//! The functions of the contract: the generated bindings in a component, a model of the host in native tests. The rest of
//! the crate is the same on both sides.

#[cfg(target_family = "wasm")]
pub(crate) use crate::bindings::otlet::plugin::{batch, host};

#[cfg(not(target_family = "wasm"))]
pub(crate) use crate::testing::fence::{batch, host};
