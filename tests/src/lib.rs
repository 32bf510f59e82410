//! What the tests of otlet share.

pub mod backend;
pub mod guests;
pub mod program;
pub mod sender;
