//! The components of tests/guests.

include!(concat!(env!("OUT_DIR"), "/guests.rs"));
