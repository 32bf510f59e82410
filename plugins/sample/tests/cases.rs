//! The golden cases of `sample`, run natively.

#[path = "../../cases.rs"]
mod cases;

#[test]
fn every_case_comes_out_as_written_by_hand() {
    cases::run::<sample::Sample>(env!("CARGO_MANIFEST_DIR"));
}
