//! What the tests of otlet share.

pub mod backend;
pub mod certificates;
pub mod every_field;
pub mod guests;
pub mod metrics;
pub mod program;
pub mod records;
pub mod requests;
pub mod sender;
