//! Whether the work of bundled plugins on hostile texts is linear in them. What a guest executes is counted (wasmtime's fuel), so
//! that a busy machine changes nothing. What the host does for the guest is not counted.

use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime::{Store, Trap};

use super::super::bound::Bound;
use super::super::engine::code;
use super::super::limits::Meter;
use super::super::report::Report;
use super::super::state::State;
use super::super::{BUNDLED, bindings};
use super::*;

/// The bytes of a short text: more than anything looks ahead or behind.
const SHORT: usize = 4 << 10;

/// How many times as long a long text is. Quadratic work on it takes as many times as many steps for a byte.
const TIMES: usize = 32;

/// How many times as many steps for a byte of a long text are let pass.
const MOST: u64 = 2;

/// How hostile texts begin and what they repeat.
static HOSTILE: LazyLock<serde_json::Value> = LazyLock::new(|| {
    let fixture = include_str!("../../../../tests/fixtures/hostile.json");
    serde_json::from_str(fixture).unwrap()
});

/// How the texts of this name begin and what they repeat.
fn hostile(name: &str) -> Vec<(&str, &str)> {
    let list = |key: &str| -> Vec<&str> {
        let list = HOSTILE[name][key].as_array().unwrap();
        list.iter().map(|one| one.as_str().unwrap()).collect()
    };
    let (starts, patterns) = (list("starts"), list("patterns"));
    let all = starts
        .iter()
        .flat_map(|start| patterns.iter().map(move |pattern| (*start, *pattern)));
    all.collect()
}

/// A component whose steps are counted.
struct Counted {
    linker: Linker<State>,
    component: Component,
    config: String,
}

/// An instance of it.
struct Live {
    store: Store<State>,
    exports: bindings::Plugin,
}

impl Counted {
    fn new(wasm: &[u8], config: &serde_json::Value) -> Self {
        let mut settings = code();
        settings.epoch_interruption(false).consume_fuel(true);
        let engine = wasmtime::Engine::new(&settings).unwrap();
        let mut linker = Linker::new(&engine);
        bindings::Plugin::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)
            .unwrap();
        Self {
            component: Component::from_binary(&engine, wasm).unwrap(),
            linker,
            config: config.to_string(),
        }
    }

    fn bundled(name: &str, config: &serde_json::Value) -> Self {
        let mut bundled = BUNDLED.iter();
        let (_, wasm) = bundled.find(|(bundled, _)| *bundled == name).unwrap();
        Self::new(wasm, config)
    }

    fn live(&self) -> Live {
        let meter = Meter::new(256 << 20, &Arc::default());
        let state = State::new(meter, Bound::worker(Duration::MAX), [7; 32], None);
        let mut store = Store::new(self.component.engine(), state);
        store.set_fuel(u64::MAX).unwrap();
        let exports =
            bindings::Plugin::instantiate(&mut store, &self.component, &self.linker).unwrap();
        let plugin = exports.otlet_plugin_processor();
        plugin
            .call_configure(&mut store, &self.config)
            .unwrap()
            .unwrap();
        Live { store, exports }
    }

    /// Has the plugin work on what `batch` makes of each text, and fails the test where more than linear steps are taken.
    fn is_linear(&self, texts: &[(&str, &str)], batch: impl Fn(&str) -> Batch) {
        let mut live = self.live();
        // What is made once is made.
        live.steps(batch("first"), u64::MAX);
        let mut told = vec![];
        for (start, pattern) in texts {
            let text = |len: usize| [*start, &pattern.repeat(len / pattern.len())].concat();
            let short = live.steps(batch(&text(SHORT)), u64::MAX).unwrap();
            let most = short * u64::try_from(TIMES).unwrap() * MOST;
            if live.steps(batch(&text(SHORT * TIMES)), most).is_none() {
                told.push(format!("{start:?} and {pattern:?} again and again"));
                live = self.live();
            }
        }
        assert!(told.is_empty(), "not linear: {told:#?}");
    }
}

impl Live {
    /// The steps that the plugin takes for a batch; none if they are more than these, and it is not to be called again.
    fn steps(&mut self, batch: Batch, most: u64) -> Option<u64> {
        let state = self.store.data_mut();
        state.batch = Some(batch.begin(1 << 30).growing(1_000));
        state.report = Report::default();
        self.store.set_fuel(most).unwrap();
        let plugin = self.exports.otlet_plugin_processor();
        match plugin.call_process(&mut self.store) {
            Ok(done) => done.unwrap(),
            Err(error) if error.downcast_ref() == Some(&Trap::OutOfFuel) => return None,
            Err(error) => panic!("{error:?}"),
        }
        Some(most - self.store.get_fuel().unwrap())
    }
}

/// One log record of this body.
fn body(text: &str) -> Batch {
    let request = ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            scope_logs: vec![ScopeLogs {
                log_records: vec![LogRecord {
                    body: Some(AnyValue {
                        value: Some(Any::StringValue(text.to_owned())),
                    }),
                    ..LogRecord::default()
                }],
                ..ScopeLogs::default()
            }],
            ..ResourceLogs::default()
        }],
    };
    Batch::new(Signal::Logs, request.encode_to_vec().into()).unwrap()
}

/// Spans of which one has a statement for a database of this system.
fn statement(system: &str, text: &str) -> Batch {
    let mut request = request();
    let span = &mut request.resource_spans[0].scope_spans[0].spans[0];
    for (key, value) in [("db.system.name", system), ("db.query.text", text)] {
        span.attributes
            .push(attribute(key, Any::StringValue(value.to_owned())));
    }
    Batch::new(Signal::Traces, request.encode_to_vec().into()).unwrap()
}

#[test]
fn redact_scans_hostile_texts_in_linear_time() {
    Counted::bundled("redact", &json!({})).is_linear(&hostile("redact"), body);
}

#[test]
fn redact_shapes_hostile_statements_in_linear_time() {
    let redact = Counted::bundled("redact", &json!({"detectors": ["jwt"], "sql": "shape"}));
    // One for each dialect.
    for system in [
        "",
        "db2",
        "postgresql",
        "mysql",
        "sqlite",
        "mssql",
        "oracle",
        "spanner",
        "snowflake",
    ] {
        redact.is_linear(&hostile("sql"), |text| statement(system, text));
    }
}

#[test]
fn link_reads_hostile_texts_in_linear_time() {
    Counted::bundled("link", &json!({})).is_linear(&hostile("link"), body);
}

#[test]
fn link_takes_hostile_objects_apart_in_linear_time() {
    Counted::bundled("link", &json!({"lift": true})).is_linear(&hostile("lift"), body);
}

#[test]
#[should_panic(expected = "not linear")]
fn quadratic_work_is_told() {
    // It counts the bytes that are like it for one byte in 16.
    let guest = Counted::new(guests::BAD, &json!({"vice": "square", "n": 16}));
    guest.is_linear(&[("", "a")], |text| statement("", text));
}
