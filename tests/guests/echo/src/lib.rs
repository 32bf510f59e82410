//! A guest that makes the one call of the contract that its config picks, and returns what it read as its error.
//!
//! `{"call": "texts", "columns": ["record.name"]}`; what a call takes besides is in `Config::call`.

// The exports' names are no symbols that a native linker takes.
#![cfg(target_family = "wasm")]
#![expect(
    clippy::indexing_slicing,
    reason = "an index of JSON that is not there is null"
)]

#[path = "../../bindings.rs"]
mod bindings;

use std::fmt::Debug;
use std::sync::OnceLock;

use bindings::exports::otlet::plugin::processor::Guest;
use bindings::otlet::plugin::batch::{self, PackedTexts, Value};
use bindings::otlet::plugin::host;
use serde_json::Value as Json;

struct Plugin;

struct Config {
    json: Json,
    columns: Vec<u32>,
}

static CONFIG: OnceLock<Config> = OnceLock::new();

impl Guest for Plugin {
    fn describe() -> String {
        r#"{"version": "0.1.0", "signals": ["traces"], "config_schema": true}"#.to_owned()
    }

    fn configure(config: String) -> Result<(), String> {
        let json: Json = serde_json::from_str(&config).map_err(|error| error.to_string())?;
        let columns = strings(&json["columns"])
            .iter()
            .map(|path| batch::column(path))
            .collect::<Result<_, _>>()?;
        CONFIG.get_or_init(|| Config { json, columns });
        Ok(())
    }

    fn process() -> Result<(), String> {
        CONFIG.get().ok_or("not configured")?.call()
    }
}

impl Config {
    fn call(&self) -> Result<(), String> {
        let call = self.json["call"].as_str().unwrap_or_default();
        let table = self.json["table"].as_str().unwrap_or_default();
        let [first, second] = [0, 1].map(|i| self.columns.get(i).copied().unwrap_or(u32::MAX));
        match call {
            "signal" => read(batch::signal()),
            "rows" => read(batch::rows(table)),
            "parents" => read(batch::parents(table, "resource")),
            "keys" => read(batch::keys(table)),
            "texts" => read(batch::texts(first)),
            "packed" => read(batch::packed(first)),
            "integers" => read(batch::integers(first)),
            "doubles" => read(batch::doubles(first)),
            "values" => read(batch::values(first)),
            "ids" => read(batch::ids(first)),
            "get" => read(batch::get(first, 1)),
            "all-leaves" => read(batch::all_leaves(
                &strings(&self.json["tables"]),
                &strings(&self.json["kinds"]),
            )),
            "seed" => read(host::seed()),
            "setting" => read(host::setting(table)),
            "settings" => read(host::settings(table)),
            "random" => read(host::random(32).len()),
            "now" => read(host::now()),
            _ => edit(call, first, second),
        }
    }
}

fn edit(call: &str, first: u32, second: u32) -> Result<(), String> {
    let rows = Some([1].as_slice());
    let texts = PackedTexts {
        data: b"edited".to_vec(),
        ends: vec![6],
        present: vec![1],
    };
    match call {
        "set-texts" => batch::set_texts(first, &[None, Some("edited".to_owned())]),
        "set-packed" => batch::set_packed(first, rows, &texts),
        "set-values" => batch::set_values(first, rows, &[Value::Integer(7)]),
        "set-ids" => batch::set_ids(first, rows, &[9; 8]),
        "fill" => batch::fill(first, rows, &Value::Double(0.5)),
        "unset" => batch::unset(&[first], rows),
        "add-attributes" => {
            let values = [Value::Text("new".to_owned())];
            batch::add_attributes("record", &[1], &texts, &values);
        }
        "copy" => batch::copy(first, second, rows),
        "retain" => batch::retain("record", &[0b10]),
        "drop-rows" => batch::drop_rows("record", &[0]),
        "replace-leaves" => {
            batch::all_leaves(&["record".to_owned()], &["text".to_owned()]);
            batch::replace_leaves(&[1], &texts);
        }
        "to-otlp" => {
            let request = batch::to_otlp();
            return batch::replace_with_otlp(&[request.as_slice(), &request].concat());
        }
        "replace-with-otlp" => return batch::replace_with_otlp(&[0xff]),
        "log" => host::log("warn", "seen"),
        "count" => host::count("seen", 3),
        "print" => {
            host::print(1, b"one\ntw");
            host::print(2, &[0xff, b'!']);
            host::print(1, b"o");
        }
        other => return Err(format!("no call is named {other:?}")),
    }
    Ok(())
}

fn read(what: impl Debug) -> Result<(), String> {
    Err(format!("{what:?}"))
}

fn strings(json: &Json) -> Vec<String> {
    let strings = json.as_array().into_iter().flatten();
    strings
        .filter_map(Json::as_str)
        .map(str::to_owned)
        .collect()
}
