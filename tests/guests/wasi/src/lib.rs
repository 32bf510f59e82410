//! A guest that imports WASI, as plain cargo makes it for wasm32-wasip2: what it prints goes to the log, and of the host
//! it sees no argument, no variable and no file. `{"sleep": true}` makes it sleep for an hour.

// The exports' names are no symbols that a native linker takes.
#![cfg(target_family = "wasm")]

mod bindings;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{env, fs, thread};

use bindings::exports::otlet::plugin::processor::Guest;
use bindings::otlet::plugin::batch;
use bindings::otlet::plugin::types::Value;

struct Wasi;

static SLEEPS: AtomicBool = AtomicBool::new(false);

impl Guest for Wasi {
    fn describe() -> String {
        r#"{"version": "0.1.0"}"#.to_owned()
    }

    fn configure(config: String) -> Result<(), String> {
        SLEEPS.store(config.contains("sleep"), Ordering::Relaxed);
        #[expect(clippy::print_stdout, reason = "the host takes it as a log line")]
        {
            println!("configured");
        }
        Ok(())
    }

    fn process() -> Result<(), String> {
        if SLEEPS.load(Ordering::Relaxed) {
            #[expect(clippy::disallowed_methods, reason = "the host has to give it up")]
            thread::sleep(Duration::from_hours(1));
        }
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
