//! A guest of many versions: it writes its number on every record.
//!
//! Tests make versions by writing over `ORDERS` in the component's bytes: `{"number": 2}`, and what the version does wrong
//! with batches that have a record named `GET /404`: `{"number": 3, "vice": "trap"}` or `"error"`. With `"always": true` it
//! does so with all, and with `"configure": true` it takes no config.

// The exports' names are no symbols that a native linker takes.
#![cfg(target_family = "wasm")]
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    reason = "an index of JSON that is not there is null, and a trap is a vice"
)]

#[path = "../../bindings.rs"]
mod bindings;

use std::hint::black_box;
use std::sync::OnceLock;

use bindings::exports::otlet::plugin::processor::Guest;
use bindings::otlet::plugin::types::Value;
use bindings::otlet::plugin::{batch, host};
use serde_json::Value as Json;

/// What this version does.
const ORDERS: &str = concat!(
    r#"{"number": 1}"#,
    "                                                                        ",
);

struct Plugin;

struct Version {
    orders: Json,
    name: u32,
    /// `record.attributes["version"]`.
    column: u32,
}

static VERSION: OnceLock<Version> = OnceLock::new();

impl Guest for Plugin {
    fn describe() -> String {
        r#"{"on_error": "reject", "config_schema": true}"#.to_owned()
    }

    fn configure(config: String) -> Result<(), String> {
        let orders: Json = serde_json::from_str(black_box(ORDERS).trim_end())
            .map_err(|error| error.to_string())?;
        if orders["configure"] == true {
            return Err("as ordered".to_owned());
        }
        if let Some(wants) = orders["wants"].as_str()
            && !config.contains(wants)
        {
            return Err(format!("it wants {wants}"));
        }
        let version = Version {
            orders,
            name: batch::column("record.name")?,
            column: batch::column("record.attributes[\"version\"]")?,
        };
        VERSION.get_or_init(|| version);
        Ok(())
    }

    fn process() -> Result<(), String> {
        VERSION.get().ok_or("not configured")?.stamp()
    }
}

impl Version {
    fn stamp(&self) -> Result<(), String> {
        let number = self.orders["number"].as_i64().unwrap_or_default();
        batch::fill(self.column, None, &Value::Integer(number));
        host::count("stamped", 1);
        let is_told_to = |name: &Option<String>| name.as_deref() == Some("GET /404");
        let fails = self.orders["always"] == true
            || batch::signal() == "traces" && batch::texts(self.name).iter().any(is_told_to);
        match self.orders["vice"].as_str() {
            Some("trap") if fails => panic!("as ordered"),
            Some("error") if fails => Err("as ordered".to_owned()),
            _ => Ok(()),
        }
    }
}
