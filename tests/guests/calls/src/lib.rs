//! A guest that makes whatever calls bytes choose: those of the attribute `calls` of the batch's first resource. What a call
//! is given is right more often than not, so that many calls are made before one traps.

// The exports' names are no symbols that a native linker takes.
#![cfg(target_family = "wasm")]

#[path = "../../bindings.rs"]
mod bindings;

use bindings::exports::otlet::plugin::processor::Guest;
use bindings::otlet::plugin::batch;
use bindings::otlet::plugin::host;
use bindings::otlet::plugin::types::{PackedTexts, Value};

struct Plugin;

/// The most calls of one batch.
const MOST: usize = 64;

const TABLES: [&str; 8] = [
    "resource", "scope", "metric", "record", "event", "link", "exemplar", "tablet",
];

const KINDS: [&str; 7] = [
    "text", "key", "integer", "double", "boolean", "bytes", "kind",
];

/// Columns of every table and type, those that can only be read, and one that is not there.
const PATHS: [&str; 20] = [
    "resource.attributes[\"service.name\"]",
    "resource.attributes[\"calls\"]",
    "scope.name",
    "scope.attributes[\"new\"]",
    "metric.name",
    "metric.unit",
    "record.attributes[\"route\"]",
    "record.attributes[\"n\"]",
    "record.attributes[\"map\"]",
    "record.trace_id",
    "record.duration",
    "span.name",
    "span.kind",
    "span.end_time_unix_nano",
    "log.body",
    "log.severity_number",
    "datapoint.value",
    "event.name",
    "link.span_id",
    "record.no_such_field",
];

impl Guest for Plugin {
    fn describe() -> String {
        "{}".to_owned()
    }

    fn configure(_: String) -> Result<(), String> {
        Ok(())
    }

    fn process() -> Result<(), String> {
        let column = batch::column("resource.attributes[\"calls\"]")?;
        let Some(Value::Bytes(bytes)) = batch::get(column, 0) else {
            return Ok(());
        };
        let mut choices = Choices(&bytes);
        for _ in 0..MOST {
            if choices.0.is_empty() {
                return Ok(());
            }
            call(&mut choices)?;
        }
        Ok(())
    }
}

/// What is left to choose by; zeros at the end.
struct Choices<'a>(&'a [u8]);

impl Choices<'_> {
    fn byte(&mut self) -> u8 {
        self.0.split_off_first().copied().unwrap_or(0)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::from(self.byte()) % bound.max(1)
    }

    fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        let chosen = list.get(self.below(list.len()));
        *chosen.expect("a number below the length is an index")
    }

    /// Now and then.
    fn rarely(&mut self) -> bool {
        self.byte() >= 240
    }

    /// A number of four bytes, for what has to be refused.
    fn wild(&mut self) -> u32 {
        u32::from_le_bytes([0; 4].map(|_: u8| self.byte()))
    }

    fn column(&mut self) -> u32 {
        if self.rarely() {
            return self.wild();
        }
        batch::column(self.pick(&PATHS)).unwrap_or(u32::MAX)
    }

    fn table(&mut self) -> &'static str {
        self.pick(&TABLES)
    }

    fn rows(&mut self) -> Option<Vec<u32>> {
        if self.byte() < 64 {
            return None;
        }
        let mut row = 0;
        let rows = (0..self.below(5)).map(|_| {
            row += u32::from(self.byte() % 3);
            row
        });
        let mut rows: Vec<_> = rows.collect();
        if !self.rarely() {
            rows.dedup();
        } else if self.byte() > 127 {
            rows.push(self.wild());
        }
        Some(rows)
    }

    fn value(&mut self) -> Value {
        match self.below(8) {
            0 => Value::Empty,
            1 => Value::Text("é".repeat(self.below(40))),
            2 => Value::Boolean(self.byte() > 127),
            3 => Value::Integer(i64::from(self.wild()) << self.below(33)),
            4 => Value::Double(f64::from_bits(u64::from(self.wild()) << self.below(33))),
            5 => Value::Bytes(vec![0xff; self.below(200)]),
            6 => Value::Json("[".repeat(self.below(256)) + &"]".repeat(self.below(256))),
            _ => Value::Json(r#"{"a": [1, null, {"b": 0.5}]}"#.to_owned()),
        }
    }

    /// So many texts; with luck they are what they should be.
    fn packed(&mut self, count: usize) -> PackedTexts {
        let len = self.below(12);
        let mut ends: Vec<u32> = (1..=count)
            .filter_map(|i| u32::try_from(i * len).ok())
            .collect();
        let mut data = b"x".repeat(count * len);
        let mut present = vec![self.byte(); count.div_ceil(8)];
        if self.rarely() {
            match self.below(6) {
                0 => ends.reverse(),
                1 => ends.push(self.wild()),
                2 => data.truncate(self.below(4)),
                3 => data.extend_from_slice(&[0xc3; 3]),
                4 => present.clear(),
                _ => data.fill(0xc3),
            }
        }
        PackedTexts {
            data,
            ends,
            present,
        }
    }

    /// As many as there are rows, or as are named.
    fn count(&mut self, rows: Option<&Vec<u32>>, table: &str) -> usize {
        if self.rarely() {
            return self.below(9);
        }
        rows.map_or_else(|| batch::rows(table) as usize, Vec::len)
    }

    fn some(&mut self, list: &[&str]) -> Vec<String> {
        (0..self.below(4))
            .map(|_| self.pick(list).to_owned())
            .collect()
    }
}

/// Makes one call.
fn call(choices: &mut Choices<'_>) -> Result<(), String> {
    match choices.below(28) {
        0 => drop(batch::signal()),
        1 => drop(batch::rows(choices.table())),
        2 => drop(batch::parents(choices.table(), choices.table())),
        3 => drop(batch::keys(choices.table())),
        4 => drop(batch::texts(choices.column())),
        5 => drop(batch::packed(choices.column())),
        6 => drop(batch::integers(choices.column())),
        7 => drop(batch::doubles(choices.column())),
        8 => drop(batch::values(choices.column())),
        9 => drop(batch::ids(choices.column())),
        10 => drop(batch::get(choices.column(), choices.byte().into())),
        11 => drop(batch::get(choices.column(), choices.wild())),
        12..=19 => edit(choices),
        20 => {
            let (tables, kinds) = (choices.some(&TABLES), choices.some(&KINDS));
            let found = batch::all_leaves(&tables, &kinds).rows.len();
            let (first, step) = (choices.below(8), 1 + choices.below(8));
            let leaves: Vec<u32> = (0..).take(found).skip(first).step_by(step).collect();
            batch::replace_leaves(&leaves, &choices.packed(leaves.len()));
        }
        21 => batch::replace_leaves(&[choices.wild()], &choices.packed(1)),
        22 => {
            let mut request = batch::to_otlp();
            for _ in 0..choices.below(3) {
                let at = choices.wild() as usize % request.len().max(1);
                let byte = choices.byte();
                if let Some(place) = request.get_mut(at) {
                    *place = byte;
                }
            }
            return batch::replace_with_otlp(&request);
        }
        23 => {
            let request: Vec<_> = (0..choices.below(40)).map(|_| choices.byte()).collect();
            return batch::replace_with_otlp(&request);
        }
        24 => {
            let level = choices.pick(&["debug", "info", "warn", "error", "\u{1b}[31m"]);
            host::log(level, &"\u{0}line\n".repeat(choices.below(60)));
        }
        25 => {
            let name = choices.pick(&["kept", "lost", "", "{brace}", "n\n"]);
            host::count(name, choices.wild());
        }
        26 => drop(host::random(choices.byte().into())),
        _ => {
            let path: Vec<_> = (0..choices.below(30)).map(|_| choices.byte()).collect();
            drop((
                batch::column(&String::from_utf8_lossy(&path)),
                host::setting(&String::from_utf8_lossy(&path)),
                host::settings(choices.pick(&["", "/", "/calls", "/calls/0", "calls", "/~"])),
                host::print(1 + u32::from(choices.byte() / 200), &path),
                host::now(),
                host::seed(),
            ));
        }
    }
    Ok(())
}

/// Makes one call that edits.
fn edit(choices: &mut Choices<'_>) {
    let (column, rows) = (choices.column(), choices.rows());
    let named = rows.as_deref();
    match choices.below(8) {
        0 => {
            let texts = (0..choices.count(None, "record")).map(|_| Some("text".to_owned()));
            batch::set_texts(column, &texts.collect::<Vec<_>>());
        }
        1 => {
            let count = choices.count(rows.as_ref(), "record");
            batch::set_packed(column, named, &choices.packed(count));
        }
        2 => {
            let count = choices.count(rows.as_ref(), "record");
            let values: Vec<_> = (0..count).map(|_| choices.value()).collect();
            batch::set_values(column, named, &values);
        }
        3 => {
            let len = choices.count(rows.as_ref(), "record") * 8;
            batch::set_ids(column, named, &vec![choices.byte(); len]);
        }
        4 => batch::fill(column, named, &choices.value()),
        5 => batch::unset(&[column, choices.column()], named),
        6 => {
            let (table, count) = (choices.table(), choices.below(6));
            let mut rows: Vec<_> = (0..count).map(|_| u32::from(choices.byte() % 4)).collect();
            if !choices.rarely() {
                rows.sort_unstable();
            }
            let values: Vec<_> = (0..count).map(|_| choices.value()).collect();
            batch::add_attributes(table, &rows, &choices.packed(count), &values);
        }
        _ if choices.byte() > 127 => batch::copy(column, choices.column(), named),
        _ => {
            let table = choices.table();
            let len = choices.count(None, table).div_ceil(8);
            let mask: Vec<_> = (0..len).map(|_| choices.byte()).collect();
            batch::retain(table, &mask);
            batch::drop_rows(table, named.unwrap_or_default());
        }
    }
}
