//! A guest that does wrong: its config picks the vice.
//!
//! `{"vice": "spin", "n": 3}` edits a batch of traces and then does wrong; it leaves logs and metrics alone, so that a test
//! sees whether the next batch fares well. `"in": "configure"` does it there. Tests write over `MANIFEST` in the
//! component's bytes.

// The exports' names are no symbols that a native linker takes.
#![cfg(target_family = "wasm")]
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    reason = "doing wrong is what it is for"
)]

mod bindings;

use std::hint::black_box;
use std::sync::OnceLock;

use bindings::exports::otlet::plugin::processor::Guest;
use bindings::otlet::plugin::types::{PackedTexts, Value};
use bindings::otlet::plugin::{batch, host};

/// Returned by `describe`; `trap` and `spin` in its place do that.
const MANIFEST: &str = concat!(
    r#"{"version": "6.6.6", "on_error": "reject"}"#,
    "                                                                                ",
);

const MIB: usize = 1 << 20;

struct Bad;

struct Config {
    vice: String,
    n: usize,
    /// `record.attributes["edited"]`.
    edited: u32,
}

static CONFIG: OnceLock<Config> = OnceLock::new();

impl Guest for Bad {
    fn describe() -> String {
        let manifest = black_box(MANIFEST).trim_end();
        match manifest {
            "trap" => panic!("in describe"),
            "spin" => spin(),
            manifest => manifest.to_owned(),
        }
    }

    fn configure(config: String) -> Result<(), String> {
        let json: serde_json::Value =
            serde_json::from_str(&config).map_err(|error| error.to_string())?;
        let vice = json["vice"].as_str().unwrap_or("none").to_owned();
        let n = json["n"].as_u64().unwrap_or(0);
        let config = CONFIG.get_or_init(|| Config {
            vice,
            n: usize::try_from(n).unwrap_or(usize::MAX),
            edited: batch::column("record.attributes[\"edited\"]").unwrap_or(u32::MAX),
        });
        if json["in"] == "configure" {
            return config.sin();
        }
        Ok(())
    }

    fn process() -> Result<(), String> {
        let config = CONFIG.get().ok_or("not configured")?;
        if batch::signal() != "traces" {
            return Ok(());
        }
        batch::fill(config.edited, None, &Value::Text("by bad".to_owned()));
        config.sin()
    }
}

impl Config {
    fn sin(&self) -> Result<(), String> {
        match self.vice.as_str() {
            "none" => {}
            "error" => return Err("x".repeat(self.n) + "\nwas wrong"),
            "trap" => panic!("as told"),
            "spin" => spin(),
            "work" => work(self.n),
            "recurse" => drop(black_box(recurse(1))),
            "hold" => drop(black_box(vec![1_u8; self.n * MIB])),
            "grab" => grab(self.n),
            "flood" => flood(self.n),
            "wide" => host::log("warn", &"wide ".repeat(self.n)),
            "counters" => (0..self.n).for_each(|name| host::count(&format!("n{name}"), 1)),
            "random" => drop(host::random(u32::try_from(self.n).unwrap_or(u32::MAX))),
            other => self.misuse(other),
        }
        Ok(())
    }

    /// Misuses the batch.
    fn misuse(&self, how: &str) {
        let value = Value::Boolean(true);
        match how {
            "column" => drop(batch::packed(1_000_000)),
            "columns" => (0..self.n).for_each(|_| drop(batch::column("record.name"))),
            "table" => drop(batch::rows("tablet")),
            "row" => batch::fill(self.edited, Some(&[u32::MAX]), &value),
            "descending" => batch::fill(self.edited, Some(&[1, 0]), &value),
            "mask" => batch::retain("record", &[0; 1_000]),
            "ends" => batch::set_packed(self.edited, Some(&[0]), &packed(b"x", 9)),
            "utf8" => batch::set_packed(self.edited, Some(&[0]), &packed(b"\xff", 1)),
            "string" => drop(batch::rows(no_string())),
            "leaves" => batch::replace_leaves(&[7], &packed(b"x", 1)),
            "read" => loop {
                drop(batch::to_otlp());
            },
            other => panic!("no vice is called {other:?}"),
        }
    }
}

fn packed(data: &[u8], end: u32) -> PackedTexts {
    PackedTexts {
        data: data.to_vec(),
        ends: vec![end],
        present: vec![1],
    }
}

fn spin() -> ! {
    loop {
        black_box(0);
    }
}

fn flood(lines: usize) {
    for line in 0..lines {
        host::log("info", &format!("line {line}\nforged"));
    }
}

/// Works for so many milliseconds, and counts it before.
fn work(ms: usize) {
    host::count("worked", 1);
    host::log("info", "works");
    let end = host::now() + ms as u64;
    while host::now() < end {}
}

#[expect(unconditional_recursion, reason = "until the stack ends")]
fn recurse(depth: u64) -> u64 {
    black_box([depth; 16]);
    black_box(recurse(black_box(depth + 1))) + depth
}

/// Asks for more memory than it may get, and carries on without.
fn grab(mib: usize) {
    let mut bytes: Vec<u8> = Vec::new();
    let got = bytes.try_reserve_exact(mib * MIB);
    drop(black_box((bytes, got)));
}

#[expect(unsafe_code, reason = "a guest in another language may send it")]
fn no_string() -> &'static str {
    // SAFETY: nothing looks into it before it crosses to the host, which has to refuse it.
    unsafe { str::from_utf8_unchecked(black_box(b"\xff\xfe")) }
}
