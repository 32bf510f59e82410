//! The plugin of `examples/plugin-*`, the same in every language: built by its script, put into the plugin directory as it is,
//! and held to the same expectations with real requests.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "everything here is a test, the functions that tests share included"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::{env, fs};

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{
    Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, metric,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use otlet_tests::backend::{Backend, Request};
use otlet_tests::metrics::{Metrics, scrape, scrape_until};
use otlet_tests::program::{Program, command};
use otlet_tests::requests::{kv, text};
use otlet_tests::sender::Sender;
use prost::Message;
use tempfile::TempDir;
use tokio::runtime::Runtime;

const OTLET: &str = env!("CARGO_BIN_EXE_otlet");

/// The languages: each has a folder `examples/plugin-LANGUAGE` with a script `build`, which writes `target/owner.wasm`, and
/// perhaps a script `check`, which tests it without otlet.
const LANGUAGES: &[&str] = &[
    "rust",
    "go",
    "c",
    "cpp",
    "lua",
    "python",
    "javascript",
    "typescript",
    "zig",
];

/// What a script ends with where the language's tools are missing: `EX_UNAVAILABLE`.
const UNAVAILABLE: i32 = 69;

fn folder(language: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../examples")
        .join(format!("plugin-{language}"))
}

/// Runs a language's script; false where its tools are missing, which is said.
fn run(script: &mut Command) -> bool {
    let output = script.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(UNAVAILABLE) {
        assert!(env::var_os("CI").is_none(), "{script:?}: {said}");
        eprintln!("skipped {script:?}: {}", said.trim_end());
        return false;
    }
    assert!(
        output.status.success(),
        "{script:?} failed:\n{}{said}",
        String::from_utf8_lossy(&output.stdout)
    );
    true
}

/// The plugin in a language, built once; none where its tools are missing.
fn built(language: &str) -> Option<PathBuf> {
    static BUILT: LazyLock<Mutex<BTreeMap<String, bool>>> = LazyLock::new(Mutex::default);
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    let wasm = folder(language).join("target/owner.wasm");
    let there = *built.entry(language.to_owned()).or_insert_with(|| {
        let there = run(&mut Command::new(folder(language).join("build")));
        if there {
            // Compiled here, one after the other and however long that takes: what runs it then has it from the cache.
            let (takes, said) = check(&wasm, "{ teams: { shop: web } }");
            assert!(takes, "{language}: {said}");
        }
        there
    });
    there.then_some(wasm)
}

/// Whether a plugin takes a config, and what `otlet check` says of it.
fn check(plugin: &Path, processor: &str) -> (bool, String) {
    let directory = directory(&[("owner".to_owned(), plugin)]);
    let config = config(
        directory.path(),
        &Backend::start(),
        &[("owner", processor.to_owned())],
    );
    let path = directory.path().join("otlet.yaml");
    fs::write(&path, config).unwrap();
    let checked = command(OTLET).arg("check").arg(path).output().unwrap();
    let said = String::from_utf8_lossy(&checked.stderr).into_owned();
    (checked.status.success(), said)
}

/// Every language whose tools are there.
fn languages() -> Vec<(&'static str, PathBuf)> {
    let languages = LANGUAGES.iter();
    languages
        .filter_map(|language| Some((*language, built(language)?)))
        .collect()
}

/// A plugin directory with these files.
fn directory(files: &[(String, &Path)]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, file) in files {
        fs::copy(file, directory.path().join(format!("{name}.wasm"))).unwrap();
    }
    directory
}

/// A config whose pipelines run these processors; what is answered was delivered.
fn config(directory: &Path, backend: &Backend, processors: &[(&str, String)]) -> String {
    let names: Vec<_> = processors.iter().map(|(name, _)| *name).collect();
    let sections = processors
        .iter()
        .map(|(name, config)| format!("  {name}: {{ config: {config} }}\n"))
        .collect::<Vec<_>>()
        .concat();
    let (pipeline, directory) = (names.join(", "), directory.display());
    let pipelines = ["traces", "metrics", "logs"]
        .iter()
        .map(|signal| {
            format!(
                "    {signal}: {{ receivers: [otlp], processors: [{pipeline}], exporters: [otlp] }}\n"
            )
        })
        .collect::<Vec<_>>()
        .concat();
    format!(
        "receivers:
  otlp: {{ protocols: {{ grpc: {{ endpoint: 127.0.0.1:0 }} }} }}
processors:
{sections}exporters:
  otlp: {{ endpoint: {}, sending_queue: {{ enabled: false }} }}
plugins: {{ directory: '{directory}' }}
admin: {{ endpoint: 127.0.0.1:0 }}
service:
  pipelines:
{pipelines}",
        backend.endpoint()
    )
}

/// A running otlet between a test and a backend.
struct Chain {
    otlet: Program,
    backend: Backend,
    runtime: Runtime,
    sender: Sender,
    _directory: TempDir,
}

impl Chain {
    fn start(plugins: &[(String, &Path)], processors: &[(&str, String)]) -> Self {
        let (directory, backend) = (directory(plugins), Backend::start());
        let otlet = Program::start(OTLET, &config(directory.path(), &backend, processors));
        let runtime = tokio::runtime::Builder::new_current_thread();
        Self {
            sender: Sender::grpc(otlet.grpc()),
            otlet,
            backend,
            runtime: { runtime }.enable_all().build().unwrap(),
            _directory: directory,
        }
    }

    /// Sends a request, which must be taken.
    fn send(&self, request: &Request) {
        let reply = self.runtime.block_on(self.sender.send(request)).unwrap();
        assert_eq!(reply.code, 0, "{}", reply.message);
    }

    /// What the backend got of a request; none where nothing was left of it.
    fn through(&self, request: &Request) -> Option<Request> {
        let before = self.backend.taken().len();
        self.send(request);
        let taken = self.backend.taken();
        assert!(taken.len() <= before + 1);
        Some(taken.get(before)?.request.clone())
    }

    fn metrics(&self) -> Metrics {
        scrape(self.otlet.admin())
    }
}

/// One of a language alone, with this config.
fn alone(plugin: &Path, config: &str) -> Chain {
    Chain::start(
        &[("owner".to_owned(), plugin)],
        &[("owner", config.to_owned())],
    )
}

fn resource(attributes: Attributes<'_>) -> Resource {
    Resource {
        attributes: attributes
            .iter()
            .map(|(key, value)| kv(key, text(value)))
            .collect(),
        ..Resource::default()
    }
}

/// Attributes of a resource: keys and texts.
type Attributes<'a> = &'a [(&'a str, &'a str)];

fn spans(of: &[(Attributes<'_>, &[&str])]) -> Request {
    let resource_spans = of.iter().map(|(attributes, names)| ResourceSpans {
        resource: Some(resource(attributes)),
        scope_spans: vec![ScopeSpans {
            spans: names
                .iter()
                .map(|name| Span {
                    trace_id: vec![7; 16],
                    span_id: vec![7; 8],
                    name: (*name).to_owned(),
                    ..Span::default()
                })
                .collect(),
            ..ScopeSpans::default()
        }],
        ..ResourceSpans::default()
    });
    Request::Traces(
        opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest {
            resource_spans: resource_spans.collect(),
        },
    )
}

fn logs(attributes: Attributes<'_>) -> Request {
    let record = LogRecord {
        body: Some(text("GET /healthz")),
        event_name: "GET /healthz".to_owned(),
        ..LogRecord::default()
    };
    Request::Logs(
        opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest {
            resource_logs: vec![ResourceLogs {
                resource: Some(resource(attributes)),
                scope_logs: vec![ScopeLogs {
                    log_records: vec![record],
                    ..ScopeLogs::default()
                }],
                ..ResourceLogs::default()
            }],
        },
    )
}

fn metrics(attributes: Attributes<'_>) -> Request {
    let gauge = Gauge {
        data_points: vec![NumberDataPoint::default()],
    };
    let metric = Metric {
        name: "GET /healthz".to_owned(),
        data: Some(metric::Data::Gauge(gauge)),
        ..Metric::default()
    };
    Request::Metrics(
        opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest {
            resource_metrics: vec![ResourceMetrics {
                resource: Some(resource(attributes)),
                scope_metrics: vec![ScopeMetrics {
                    metrics: vec![metric],
                    ..ScopeMetrics::default()
                }],
                ..ResourceMetrics::default()
            }],
        },
    )
}

const NAME: &str = "service.name";

#[test]
fn every_language_sets_teams_drops_spans_and_counts() {
    for (language, plugin) in languages() {
        let teams = "{ checkout: payments, \"c/a~r\\\"t ü\": web }";
        let config = format!("{{ teams: {teams}, drop: [GET /healthz, \"ü\"] }}");
        let chain = alone(&plugin, &config);
        let said = chain.otlet.wait_for("a plugin logs");
        assert!(
            said.contains(" INFO ") && said.contains("owner sets \\\"team\\\" for 2 services"),
            "{language}: {said}"
        );
        let strange = "c/a~r\"t ü";
        let sent = spans(&[
            (
                &[(NAME, "checkout"), ("team", "old"), ("after", "x")],
                &["GET /healthz", "GET /pay", "GET /healthz/live"],
            ),
            (&[(NAME, strange)], &["GET /", "über", "", "GET /healt"]),
            (&[(NAME, "unknown")], &["GET /healthz"]),
            (&[("host.name", "checkout")], &["GET /cart"]),
            (&[(NAME, "checkou")], &["get /healthz"]),
        ]);
        let expected = spans(&[
            (
                &[(NAME, "checkout"), ("team", "payments"), ("after", "x")],
                &["GET /pay"],
            ),
            (
                &[(NAME, strange), ("team", "web")],
                &["GET /", "", "GET /healt"],
            ),
            (&[("host.name", "checkout")], &["GET /cart"]),
            (&[(NAME, "checkou")], &["get /healthz"]),
        ]);
        assert_eq!(chain.through(&sent), Some(expected), "{language}");
        let (of, owned) = ([(NAME, strange)], [(NAME, strange), ("team", "web")]);
        assert_eq!(chain.through(&logs(&of)), Some(logs(&owned)), "{language}");
        assert_eq!(
            chain.through(&metrics(&of)),
            Some(metrics(&owned)),
            "{language}"
        );
        // Nothing is left of it.
        let emptied = spans(&[(&of, &["GET /healthz"])]);
        assert_eq!(chain.through(&emptied), None, "{language}");

        let admin = chain.otlet.admin();
        let counted = |metrics: &Metrics, counter| {
            let labels = [("processor", "owner"), ("counter", counter)];
            metrics.count("otlet_plugin_counts_total", &labels)
        };
        let metrics = scrape_until(admin, language, |metrics| {
            counted(metrics, "resources_owned") == 5
        });
        assert_eq!(counted(&metrics, "spans_dropped"), 5, "{language}");
        assert_eq!(failures(&metrics), 0, "{language}");
    }
}

fn failures(metrics: &Metrics) -> u64 {
    metrics.count("otlet_processor_failures_total", &[])
}

#[test]
fn every_language_takes_another_attribute() {
    for (language, plugin) in languages() {
        let config = r#"{ teams: { shop: "" }, attribute: 'say "team"\' }"#;
        let chain = alone(&plugin, config);
        let owned = logs(&[(NAME, "shop"), (r#"say "team"\"#, "")]);
        let got = chain.through(&logs(&[(NAME, "shop")]));
        assert_eq!(got, Some(owned), "{language}");
    }
}

#[test]
fn mistakes_in_the_config_are_told_in_every_language() {
    for (language, plugin) in languages() {
        for (wrong, says) in [
            ("{}", "key `teams` is missing"),
            ("{ teams: {} }", "for `teams`"),
            ("{ teams: { shop: 5 } }", "for `shop`"),
            ("{ teams: { a: b }, atribute: x }", "unknown key `atribute`"),
            ("{ teams: { a: b }, attribute: \"\" }", "for `attribute`"),
            ("{ teams: { a: b }, drop: GET }", "for `drop`"),
            ("{ teams: { a: b }, drop: [\"\"] }", "an empty text"),
        ] {
            let (takes, said) = check(&plugin, wrong);
            assert!(!takes, "{language} takes {wrong}");
            assert!(said.contains(says), "{language}, {wrong}: {said}");
        }
    }
}

/// The requests of the corpus in the order in which they came.
fn corpus() -> Vec<Request> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/corpus");
    let index = fs::read_to_string(folder.join("index.jsonl")).unwrap();
    let requests: Vec<_> = index
        .lines()
        .map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            let message = fs::read(folder.join(line["file"].as_str().unwrap())).unwrap();
            let message = message.as_slice();
            match line["signal"].as_str().unwrap() {
                "traces" => Request::Traces(Message::decode(message).unwrap()),
                "metrics" => Request::Metrics(Message::decode(message).unwrap()),
                _ => Request::Logs(Message::decode(message).unwrap()),
            }
        })
        .collect();
    assert_eq!(requests.len(), 319);
    requests
}

/// Does to a request what the plugin should do, with opentelemetry-proto's types; what it says is what was counted.
fn own(request: &mut Request, attribute: &str, teams: &BTreeMap<&str, &str>, drop: &[&str]) {
    let set = |resource: &mut Option<Resource>| {
        let Some(resource) = resource else { return };
        let name = resource.attributes.iter().find(|one| one.key == NAME);
        let Some(Any::StringValue(name)) = name.and_then(value) else {
            return;
        };
        if let Some(team) = teams.get(name.as_str()) {
            resource.attributes.retain(|one| one.key != attribute);
            resource.attributes.push(kv(attribute, text(team)));
        }
    };
    match request {
        Request::Traces(request) => {
            let keep = |name: &str| !drop.iter().any(|prefix| name.starts_with(prefix));
            for resource in &mut request.resource_spans {
                set(&mut resource.resource);
                for scope in &mut resource.scope_spans {
                    scope.spans.retain(|span| keep(&span.name));
                }
                resource.scope_spans.retain(|scope| !scope.spans.is_empty());
            }
            let resources = &mut request.resource_spans;
            resources.retain(|resource| !resource.scope_spans.is_empty());
        }
        Request::Logs(request) => {
            let resources = request.resource_logs.iter_mut();
            resources.for_each(|one| set(&mut one.resource));
        }
        Request::Metrics(request) => {
            let resources = request.resource_metrics.iter_mut();
            resources.for_each(|one| set(&mut one.resource));
        }
    }
}

fn value(attribute: &KeyValue) -> Option<&Any> {
    attribute.value.as_ref()?.value.as_ref()
}

/// The names of the services and spans in requests, each with how often it comes.
fn names(requests: &[Request]) -> (BTreeMap<String, usize>, BTreeMap<String, usize>) {
    let (mut services, mut spans) = (BTreeMap::new(), BTreeMap::new());
    for request in requests {
        let resources: Vec<_> = match request {
            Request::Traces(request) => {
                let of = request.resource_spans.iter();
                of.map(|one| &one.resource).collect()
            }
            Request::Logs(request) => {
                let of = request.resource_logs.iter();
                of.map(|one| &one.resource).collect()
            }
            Request::Metrics(request) => {
                let of = request.resource_metrics.iter();
                of.map(|one| &one.resource).collect()
            }
        };
        for resource in resources.into_iter().flatten() {
            let name = resource.attributes.iter().find(|one| one.key == NAME);
            if let Some(Any::StringValue(name)) = name.and_then(value) {
                *services.entry(name.clone()).or_default() += 1;
            }
        }
        if let Request::Traces(request) = request {
            let scopes = request
                .resource_spans
                .iter()
                .flat_map(|one| &one.scope_spans);
            for span in scopes.flat_map(|scope| &scope.spans) {
                *spans.entry(span.name.clone()).or_default() += 1;
            }
        }
    }
    (services, spans)
}

#[test]
fn all_languages_in_one_pipeline_work_on_the_corpus() {
    let languages = languages();
    let requests = corpus();
    let (services, spans) = names(&requests);
    assert!(services.len() > 1 && spans.len() > 1);
    // Every other service has an owner; each language drops the spans of another name.
    let teams: BTreeMap<_, _> = services
        .keys()
        .step_by(2)
        .map(|service| (service.as_str(), "Straße"))
        .collect();
    let drops: Vec<_> = spans.keys().map(String::as_str).collect();
    let attributes: Vec<_> = languages
        .iter()
        .map(|(language, _)| format!("team.{language}"))
        .collect();
    let plugins: Vec<_> = languages
        .iter()
        .map(|(language, plugin)| (format!("owner-{language}"), plugin.as_path()))
        .collect();
    let processors: Vec<_> = (plugins.iter().zip(&attributes).zip(&drops))
        .map(|(((name, _), attribute), drop)| {
            let config =
                serde_json::json!({"teams": teams, "attribute": attribute, "drop": [drop]});
            (name.as_str(), config.to_string())
        })
        .collect();
    let chain = Chain::start(&plugins, &processors);
    let mut left = 0;
    for request in &requests {
        let mut expected = request.clone();
        for (attribute, drop) in attributes.iter().zip(&drops) {
            own(&mut expected, attribute, &teams, &[drop]);
        }
        let expected = (expected.items() > 0).then_some(expected);
        left += usize::from(expected.is_some());
        assert_eq!(chain.through(request), expected);
    }
    assert!(left > 200, "{left}");
    assert_eq!(failures(&chain.metrics()), 0);
}

/// The calls after which an instance has all the memory that it needs, and those in which it may take no more.
const WARM: usize = 1_000;
const CALLS: usize = 5_000;

/// What garbage collectors may vary by.
const JITTER: f64 = 1_048_576.0;

#[test]
fn five_thousand_batches_take_no_more_memory_than_a_thousand() {
    let names: Vec<String> = (0..100)
        .map(|n| format!("{} /a/path/of/some/length/{n}", ["GET", "POST"][n % 2]))
        .collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let request = spans(&[(&[(NAME, "checkout")], &names)]);
    for (language, plugin) in languages() {
        let chain = alone(&plugin, "{ teams: { checkout: payments }, drop: [GET] }");
        let memory = || {
            chain
                .metrics()
                .sum("otlet_processor_instance_memory_bytes", &[])
        };
        for _ in 0..WARM {
            chain.send(&request);
        }
        let (warm, mut most) = (memory(), 0.0_f64);
        for call in WARM..CALLS {
            chain.send(&request);
            if call % 100 == 0 {
                most = most.max(memory());
            }
        }
        assert!(
            most <= warm + JITTER,
            "{language} has {most} bytes after {CALLS} batches, and had {warm} after {WARM}"
        );
        assert_eq!(failures(&chain.metrics()), 0, "{language}");
    }
}

#[test]
fn the_tests_of_every_language_pass() {
    for language in LANGUAGES {
        let check = folder(language).join("check");
        if check.is_file() && built(language).is_some() {
            run(&mut Command::new(check));
        }
    }
}

/// A script that raises errors and catches them, as Lua's own unwinding has it.
const CATCHES: &str = r#"
local plugin = { manifest = '{"version": "1.0.0"}' }
local said
function plugin.configure(config)
  if config.refuse then error("refuse: " .. config.refuse[2].why, 0) end
  said = otlet.attribute("resource", "said")
end
function plugin.process()
  local ok, inner = pcall(error, "inner", 0)
  local lines = coroutine.wrap(function() coroutine.yield("first") error("late", 0) end)
  local first, _, late = lines(), pcall(lines)
  for _ = 1, 1000 do pcall(error, {}) end
  local leaves, texts = {}, {}
  for leaf, text, row, path, kind in otlet.leaves({ "record" }, { "text" }) do
    if path == "record.body" then leaves[#leaves + 1], texts[#texts + 1] = leaf, text .. row .. kind end
  end
  otlet.replace_leaves(leaves, texts)
  said:fill(nil, table.concat({ tostring(ok), inner, first, late }, " "))
  print("printed", 1.5)
  if otlet.signal() == "metrics" then error("not for metrics") end
end
return plugin
"#;

#[test]
fn a_lua_script_catches_errors_and_what_it_does_not_catch_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (script, wasm) = (folder.path().join("a.lua"), folder.path().join("a.wasm"));
    fs::write(&script, CATCHES).unwrap();
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins/sdk/lua");
    let mut build = Command::new(sdk.join("build"));
    // The example's build makes the interpreter.
    if built("lua").is_none() || !run(build.arg(script).arg("-o").arg(&wasm)) {
        return;
    }
    let chain = alone(&wasm, "{}");
    let Some(Request::Logs(through)) = chain.through(&logs(&[(NAME, "shop")])) else {
        panic!("it passes logs on");
    };
    let logs = &through.resource_logs[0];
    let said = ("said", text("false inner first late"));
    assert_eq!(
        logs.resource.as_ref().unwrap().attributes[1],
        kv(said.0, said.1)
    );
    let record = &logs.scope_logs[0].log_records[0];
    assert_eq!(record.body, Some(text("GET /healthz0text")));
    chain.otlet.wait_for("printed 1.5");
    // The batch is as it was before.
    let sent = metrics(&[(NAME, "shop")]);
    assert_eq!(chain.through(&sent), Some(sent));
    chain.otlet.wait_for("plugin.lua:20: not for metrics");

    let (takes, said) = check(&wasm, "{ refuse: [{}, { why: strange }] }");
    assert!(!takes);
    assert!(said.contains("refuse: strange"), "{said}");
}
