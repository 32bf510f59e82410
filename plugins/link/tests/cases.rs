//! The golden cases of `link`, run natively.

#[path = "../../cases.rs"]
mod cases;

#[test]
fn every_case_comes_out_as_written_by_hand() {
    cases::run::<link::Link>(env!("CARGO_MANIFEST_DIR"));
}
