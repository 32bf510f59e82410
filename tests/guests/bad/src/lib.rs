//! A guest that does wrong: its config picks the vice.

mod bindings;

use bindings::exports::otlet::plugin::processor::Guest;

struct Bad;

impl Guest for Bad {
    fn describe() -> String {
        String::new()
    }

    fn configure(_config: String) -> Result<(), String> {
        Ok(())
    }

    fn process() -> Result<(), String> {
        Ok(())
    }
}
