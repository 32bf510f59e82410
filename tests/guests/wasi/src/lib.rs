//! A guest that imports WASI, as plain cargo makes it for wasm32-wasip2: what it prints goes to the log, and of the host
//! it sees no argument, no variable and no file.

mod bindings;

use std::{env, fs};

use bindings::exports::otlet::plugin::processor::Guest;
use bindings::otlet::plugin::batch;
use bindings::otlet::plugin::types::Value;

struct Wasi;

impl Guest for Wasi {
    fn describe() -> String {
        r#"{"version": "0.1.0"}"#.to_owned()
    }

    fn configure(_config: String) -> Result<(), String> {
        #[expect(clippy::print_stdout, reason = "the host takes it as a log line")]
        {
            println!("configured");
        }
        Ok(())
    }

    fn process() -> Result<(), String> {
        let column = batch::column("resource.attributes[\"seen\"]")?;
        let seen = env::args().count()
            + env::vars().count()
            + fs::read_dir("/").map_or(0, Iterator::count);
        #[expect(clippy::print_stderr, reason = "the host takes it as a log line")]
        {
            eprintln!("sees {seen} things");
        }
        let seen = i64::try_from(seen).map_err(|error| error.to_string())?;
        batch::fill(column, None, &Value::Integer(seen));
        Ok(())
    }
}
