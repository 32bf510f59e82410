//! The golden cases of `redact`, run natively.

#[path = "../../cases.rs"]
mod cases;

#[test]
fn every_case_comes_out_as_written_by_hand() {
    cases::run::<redact::Redact>(env!("CARGO_MANIFEST_DIR"));
}
