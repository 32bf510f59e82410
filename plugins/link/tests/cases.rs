//! The golden cases of `link`, run natively.

use otlet_plugin::testing::Harness;

#[path = "../../cases.rs"]
mod cases;

#[test]
fn every_case_comes_out_as_written_by_hand() {
    cases::run(env!("CARGO_MANIFEST_DIR"), |config, request| {
        let outcome = Harness::<link::Link>::new(config)?.run(request)?;
        Ok(outcome.request)
    });
}
