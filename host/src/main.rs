//! otlet.
fn main() {}
