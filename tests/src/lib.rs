//! What the tests of otlet share.

pub mod guests;
