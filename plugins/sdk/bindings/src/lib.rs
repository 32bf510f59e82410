//! The bindings of the contract that are kept for C and Go, so that nobody needs a generator: `plugins/sdk/c/generated` and
//! `plugins/sdk/go/internal/bindings`. This crate's test makes them anew of `wit/` and compares; it has no code of its own.
