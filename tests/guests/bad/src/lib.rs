//! A guest that does wrong: its config picks the vice.
//!
//! `{"vice": "spin", "n": 3}` edits a batch of traces and then does wrong; it leaves logs and metrics alone, so that a test
//! sees whether the next batch fares well. `"in": "configure"` does it there, and `"if": "poison"` only where a record has
//! an attribute of that name. Tests write over `MANIFEST` in the component's bytes.

// The exports' names are no symbols that a native linker takes.
#![cfg(target_family = "wasm")]
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    reason = "doing wrong is what it is for"
)]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "the numbers are those of tests"
)]

#[path = "../../bindings.rs"]
mod bindings;

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use bindings::exports::otlet::plugin::processor::Guest;
use bindings::otlet::plugin::types::{PackedTexts, Value};
use bindings::otlet::plugin::{batch, host};

/// Returned by `describe`; `trap`, `spin`, `batch`, `huge`, `utf8` and `wide` in its place do that.
const MANIFEST: &str = concat!(
    r#"{"version": "6.6.6", "on_error": "reject"}"#,
    "                                                                                ",
);

const MIB: usize = 1 << 20;

struct Plugin;

struct Config {
    vice: String,
    n: usize,
    /// `record.attributes["edited"]`.
    edited: u32,
    /// The attribute without which it does no wrong.
    only_if: Option<u32>,
}

static CONFIG: OnceLock<Config> = OnceLock::new();

/// The batches that this instance was given.
static AGE: AtomicI64 = AtomicI64::new(0);

/// Whether the host is called while it asks for room to put its answer.
static REENTERS: AtomicBool = AtomicBool::new(false);

#[global_allocator]
static ALLOCATOR: Reentering = Reentering;

/// The allocator that guests have, which calls the host on demand.
struct Reentering;

#[expect(unsafe_code, reason = "an allocator's functions are")]
// SAFETY: all is the system allocator's.
unsafe impl GlobalAlloc for Reentering {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if REENTERS.load(Ordering::Relaxed) {
            host::now();
        }
        // SAFETY: as the caller has it.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: as the caller has it.
        unsafe { System.dealloc(place, layout) }
    }
}

impl Guest for Plugin {
    fn describe() -> String {
        let manifest = black_box(MANIFEST).trim_end();
        match manifest {
            "trap" => panic!("in describe"),
            "spin" => spin(),
            "batch" => batch::signal(),
            "huge" => "[".repeat(2 * MIB),
            "utf8" => no_string().to_owned(),
            "wide" => format!(r#"{{"on_error": "{}"}}"#, r"x\n".repeat(MIB / 4)),
            manifest => manifest.to_owned(),
        }
    }

    fn configure(config: String) -> Result<(), String> {
        let json: serde_json::Value =
            serde_json::from_str(&config).map_err(|error| error.to_string())?;
        let vice = json["vice"].as_str().unwrap_or("none").to_owned();
        let n = json["n"].as_u64().unwrap_or(0);
        let attribute = |key: &str| batch::column(&format!("record.attributes[\"{key}\"]"));
        let only_if = json["if"].as_str().map(attribute).transpose()?;
        let edited = attribute("edited")?;
        let config = CONFIG.get_or_init(|| Config {
            vice,
            n: usize::try_from(n).unwrap_or(usize::MAX),
            edited,
            only_if,
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
        AGE.fetch_add(1, Ordering::Relaxed);
        batch::fill(config.edited, None, &Value::Text("by bad".to_owned()));
        let is_meant = |column| batch::texts(column).iter().any(Option::is_some);
        if config.only_if.is_some_and(|column| !is_meant(column)) {
            return Ok(());
        }
        config.sin()
    }
}

impl Config {
    fn sin(&self) -> Result<(), String> {
        match self.vice.as_str() {
            "none" => {}
            "error" => return Err("x".repeat(self.n) + "\nwas wrong"),
            "no words" => return Err(no_string().to_owned()),
            "trap" => panic!("as told"),
            "spin" => spin(),
            "work" => work(self.n),
            "square" => square(self.n),
            "recurse" => drop(black_box(recurse(1))),
            "hold" => drop(black_box(vec![1_u8; self.n * MIB])),
            "grab" => grab(self.n),
            "leak" => std::mem::forget(black_box(vec![1_u8; self.n * MIB])),
            "age" => {
                let age = Value::Integer(AGE.load(Ordering::Relaxed));
                batch::fill(self.edited, None, &age);
            }
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
            "drop-rows" => batch::drop_rows("record", &[1, 0]),
            "pointer" => drop(host::setting("vice")),
            "print" => host::print(3, b"x"),
            "ends" => batch::set_packed(self.edited, Some(&[0]), &packed(b"x", 9)),
            "utf8" => batch::set_packed(self.edited, Some(&[0]), &packed(b"\xff", 1)),
            "string" => drop(batch::rows(no_string())),
            "re-enter" => {
                REENTERS.store(true, Ordering::Relaxed);
                drop(batch::keys("record"));
            }
            "leaves" => batch::replace_leaves(&[7], &packed(b"x", 1)),
            "present" => batch::set_packed(self.edited, Some(&[0]), &absent()),
            "backwards" => batch::set_packed(self.edited, Some(&[0, 1]), &backwards()),
            "garbage" => drop(batch::replace_with_otlp(&[0xff; 64])),
            "value" => {
                let value = Value::Text("x".repeat(self.n << 10));
                batch::fill(self.edited, Some(&[0]), &value);
            }
            "blow-up" => {
                let value = Value::Text("x".repeat(self.n << 10));
                batch::fill(self.edited, None, &value);
            }
            "replace" => drop(batch::replace_with_otlp(&padding(self.n << 10))),
            "edits" => (0..self.n).for_each(|n| {
                batch::fill(self.edited, Some(&[0]), &Value::Integer(n as i64));
            }),
            "give" => batch::set_texts(self.edited, &vec![Some("x".repeat(MIB)); self.n]),
            "read" if self.n > 0 => (0..self.n).for_each(|_| drop(batch::to_otlp())),
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

/// A text without the bit that says whether it is there.
fn absent() -> PackedTexts {
    PackedTexts {
        present: vec![],
        ..packed(b"x", 1)
    }
}

/// Two texts, of which the second ends before the first.
fn backwards() -> PackedTexts {
    PackedTexts {
        data: b"xx".to_vec(),
        ends: vec![2, 1],
        present: vec![3],
    }
}

/// A request of so many bytes and a few, which is one field that OTLP does not have.
fn padding(len: usize) -> Vec<u8> {
    let mut request = vec![0x7a];
    let mut left = len;
    while left >= 0x80 {
        request.push((left & 0x7f) as u8 | 0x80);
        left >>= 7;
    }
    request.push(left as u8);
    request.resize(request.len() + len, b'x');
    request
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

/// Goes over the whole batch for each of its bytes, or one in so many.
fn square(step: usize) {
    let bytes = batch::to_otlp();
    for one in bytes.iter().step_by(step) {
        black_box(bytes.iter().fold(*one, |sum, other| sum ^ other));
    }
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
