//! Every `tests/configs/NAME.yaml` is a test: what it gives is in `NAME.err`, or, if it can be used, in `NAME.ok`, which
//! holds the warnings.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use otlet::batch::Signal;
use otlet::config::{self, Config, Draft, Limits, OnError, PipelineConfig, ProcessorConfig};
use otlet::exporter::{Compression, Kind, Retry, Target, Verbosity};
use otlet::queue::{self, Sizer};
use otlet::receiver::Protocol;
use serde_json::{Value, json};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/configs")
}

/// The environment of the cases; everything else is not set.
fn environment(name: &str) -> Option<String> {
    let value = match name {
        "TOKEN" => "s3cret-token",
        "BACKEND" => "http://backend:4317",
        "MANY" => "12",
        "EMPTY" => "",
        _ => return None,
    };
    Some(value.to_owned())
}

/// The files of a folder with that extension.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension() == Some(OsStr::new(extension)))
        .collect();
    files.sort();
    files
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap().to_string_lossy().into_owned()
}

fn schemas() -> BTreeMap<String, Value> {
    files(&folder().join("schemas"), "json")
        .iter()
        .map(|path| {
            let schema = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
            (stem(path), schema)
        })
        .collect()
}

/// Reads a config and checks its plugins, as the program does.
fn draft(name: &str, bytes: &[u8], schemas: &BTreeMap<String, Value>) -> Draft {
    let mut draft = config::parse(name, bytes, &environment);
    let plugins: Vec<String> = draft
        .processors()
        .map(|processor| processor.plugin.clone())
        .collect();
    let names: Vec<&str> = schemas.keys().map(String::as_str).collect();
    for (at, plugin) in plugins.iter().enumerate() {
        match schemas.get(plugin) {
            Some(schema) => draft.check_plugin_config(at, schema),
            None => draft.no_plugin(at, &names),
        }
    }
    draft
}

/// The extension of the file that says what is expected of a case, and what it should say.
fn outcome(case: &Path, schemas: &BTreeMap<String, Value>) -> (&'static str, String) {
    let name = case.file_name().unwrap().to_str().unwrap();
    match draft(name, &fs::read(case).unwrap(), schemas).finish() {
        Ok(loaded) => ("ok", loaded.warnings.to_string()),
        Err(report) => ("err", report.to_string()),
    }
}

#[test]
fn every_config_gives_the_report_beside_it() {
    let schemas = schemas();
    let mut wrong = Vec::new();
    for case in files(&folder(), "yaml") {
        let (extension, text) = outcome(&case, &schemas);
        let expected = fs::read_to_string(case.with_extension(extension)).unwrap_or_default();
        let one = case.with_extension("ok").exists() != case.with_extension("err").exists();
        if !one || !case.with_extension(extension).exists() || expected.trim_end() != text {
            wrong.push(format!(
                "=== {} should give\n{expected}\n=== but gives, as .{extension}\n{text}\n",
                case.display()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_report_has_its_config() {
    for extension in ["err", "ok"] {
        for path in files(&folder(), extension) {
            assert!(path.with_extension("yaml").exists(), "{}", path.display());
        }
    }
    assert!(files(&folder(), "err").len() >= 30);
    assert!(files(&folder(), "ok").len() >= 3);
}

fn config(name: &str) -> Config {
    let bytes = fs::read(folder().join(name)).unwrap();
    draft(name, &bytes, &schemas()).finish().unwrap().config
}

#[test]
fn every_key_reaches_its_field() {
    let config = config("ok_whole.yaml");
    let [receiver] = config.receivers.as_slice() else {
        panic!("{:?}", config.receivers);
    };
    assert_eq!(receiver.name, "otlp");
    let grpc = Protocol {
        endpoint: "127.0.0.1:4317".parse().unwrap(),
        max_request_size: 33_554_432,
        max_in_flight: 536_870_912,
        max_connections: 2000,
        max_concurrent_streams: 100,
        read_timeout: Duration::from_secs(10),
        idle_timeout: Duration::from_secs(90),
    };
    assert_eq!(receiver.grpc, Some(grpc));
    let http = Protocol {
        endpoint: "127.0.0.1:4318".parse().unwrap(),
        max_request_size: 20_971_520,
        max_in_flight: 1_073_741_824,
        max_connections: 10,
        max_concurrent_streams: 8,
        read_timeout: Duration::from_millis(1500),
        idle_timeout: Duration::from_hours(2),
    };
    assert_eq!(receiver.http, Some(http));

    let expected = [
        (
            "redact",
            "redact",
            json!({"detectors": ["email", "jwt"], "action": "mask"}),
            Some(OnError::Reject),
            Limits::default(),
        ),
        (
            "sample/tenth",
            "sample",
            json!({"percentage": 10, "keep": {"errors": true, "slower_than": "2s"}}),
            None,
            Limits {
                memory: Some(67_108_864),
                deadline: Some(Duration::from_millis(500)),
            },
        ),
        ("sample", "sample", json!({}), None, Limits::default()),
    ];
    let expected = expected.map(|(name, plugin, config, on_error, limits)| ProcessorConfig {
        name: name.to_owned(),
        plugin: plugin.to_owned(),
        config,
        on_error,
        limits,
    });
    assert_eq!(config.processors, expected);

    let pipeline = |name: &str, signal, processors: &[usize], exporters: &[usize]| PipelineConfig {
        name: name.to_owned(),
        signal,
        receivers: vec![0],
        processors: processors.to_vec(),
        exporters: exporters.to_vec(),
    };
    let expected = [
        pipeline("traces", Signal::Traces, &[0, 1, 2], &[0, 2]),
        pipeline("metrics", Signal::Metrics, &[], &[1]),
        pipeline("logs/all", Signal::Logs, &[0], &[0]),
    ];
    assert_eq!(config.pipelines, expected);
}

/// The headers of a target, as text.
fn headers(target: &Target) -> Vec<(&str, &str)> {
    target
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
        .collect()
}

#[test]
fn every_key_of_an_exporter_reaches_its_field() {
    let config = config("ok_whole.yaml");
    let [grpc, http, debug] = config.exporters.as_slice() else {
        panic!("{:?}", config.exporters);
    };
    let Kind::Otlp(target) = &grpc.kind else {
        panic!("{grpc:?}");
    };
    assert_eq!(grpc.name, "otlp");
    assert_eq!(target.endpoint, "http://backend:4317/");
    assert_eq!(target.compression, Compression::Gzip);
    let expected = [
        ("x-tenant", "shop"),
        ("x-number", "7"),
        ("authorization", "Bearer s3cret-token"),
    ];
    assert_eq!(headers(target), expected);
    assert!(!format!("{grpc:?}").contains("s3cret"), "{grpc:?}");
    assert_eq!(grpc.timeout, Duration::from_secs(3));
    let retry = Retry {
        enabled: true,
        initial_interval: Duration::from_millis(100),
        max_interval: Duration::from_secs(10),
        max_elapsed_time: Duration::ZERO,
        multiplier: 2.0,
        randomization_factor: 0.1,
    };
    assert_eq!(grpc.retry, retry);
    let queue = queue::Config {
        enabled: true,
        num_consumers: 4,
        queue_size: 67_108_864,
        sizer: Sizer::Bytes,
        max_bytes: 134_217_728,
    };
    assert_eq!(grpc.queue, queue);

    let Kind::OtlpHttp(http_target) = &http.kind else {
        panic!("{http:?}");
    };
    assert_eq!(http_target.target.endpoint, "http://backend:4318/otlp");
    assert_eq!(http_target.target.compression, Compression::None);
    let whole = [
        (&http_target.traces_endpoint, "http://traces:4318/v1/traces"),
        (
            &http_target.metrics_endpoint,
            "http://metrics:4318/v1/metrics",
        ),
        (&http_target.logs_endpoint, "http://logs:4318/v1/logs"),
    ];
    for (endpoint, expected) in whole {
        assert_eq!(endpoint.as_ref().unwrap(), expected);
    }
    assert_eq!(http.timeout, Duration::from_secs(30));
    assert!(!http.queue.enabled);
    assert!(matches!(debug.kind, Kind::Debug(Verbosity::Detailed)));
}

#[test]
fn references_to_the_environment_are_filled_in() {
    let config = config("ok_environment_and_anchors.yaml");
    let [receiver] = config.receivers.as_slice() else {
        panic!("{:?}", config.receivers);
    };
    let endpoint = receiver.grpc.as_ref().unwrap().endpoint;
    assert_eq!(endpoint, "127.0.0.1:0".parse().unwrap());
    for exporter in &config.exporters {
        let Kind::Otlp(target) = &exporter.kind else {
            panic!("{exporter:?}");
        };
        assert_eq!(target.endpoint, "http://backend:4317/");
        let expected = [
            ("price", "$5"),
            ("cost", "5$"),
            ("literal", "${env:TOKEN}"),
            ("empty", "x"),
        ];
        assert_eq!(headers(target), expected);
        assert_eq!(exporter.queue.num_consumers, 12);
    }
    let timeouts: Vec<u64> = config
        .exporters
        .iter()
        .map(|exporter| exporter.timeout.as_secs())
        .collect();
    assert_eq!(timeouts, [5, 60]);
}

#[test]
fn no_report_shows_what_the_environment_holds() {
    let schemas = schemas();
    let mut references = 0;
    for case in files(&folder(), "yaml") {
        let text = String::from_utf8_lossy(&fs::read(&case).unwrap()).into_owned();
        references += text.matches("TOKEN}").count();
        let (_, report) = outcome(&case, &schemas);
        assert!(!report.contains("s3cret"), "{report}");
    }
    assert!(references >= 5, "{references}");
}

#[test]
fn a_file_is_read_with_its_path_in_the_report() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("otlet.yaml");
    let report = config::load(&path).finish().unwrap_err().to_string();
    assert!(report.contains("cannot read the config"), "{report}");
    assert!(report.contains("otlet.yaml"), "{report}");
    fs::copy(self::folder().join("ok_smallest.yaml"), &path).unwrap();
    let loaded = config::load(&path).finish().unwrap();
    assert_eq!(loaded.config.pipelines.len(), 1);
    assert!(loaded.warnings.is_empty());
}

#[test]
fn a_huge_file_is_refused_and_a_large_one_is_read_in_a_moment() {
    let huge = vec![b'#'; 1_048_577];
    let report = config::parse("huge.yaml", &huge, &environment).finish();
    let report = report.unwrap_err().to_string();
    assert!(report.contains("more than 1048576 bytes"), "{report}");
    let mut large = "receivers:\n".to_owned();
    while large.len() < 1_000_000 {
        large.push_str("  jaeger/\u{17e}: { a: [1, 2] }\n");
    }
    let report = config::parse("large.yaml", large.as_bytes(), &environment).finish();
    assert!(report.unwrap_err().errors() > 0);
}

/// Mutations of valid configs, to find what the reader does not expect.
const MUTATIONS: usize = 20_000;

#[test]
fn mutated_configs_never_panic() {
    let schemas = schemas();
    let read = |paths: Vec<PathBuf>| -> Vec<Vec<u8>> {
        let yaml = |path: &PathBuf| fs::read(path.with_extension("yaml")).unwrap();
        paths.iter().map(yaml).collect()
    };
    let valid = read(files(&folder(), "ok"));
    let all = read(files(&folder(), "yaml"));
    let mut random = fastrand::Rng::with_seed(4317);
    let mut usable = 0;
    for _ in 0..MUTATIONS {
        let mut bytes = random.choice(&valid).unwrap().clone();
        for _ in 0..random.usize(1..=4) {
            mutate(&mut bytes, &all, &mut random);
        }
        match draft("mutated.yaml", &bytes, &schemas).finish() {
            Ok(loaded) => {
                usable += 1;
                assert!(!loaded.config.pipelines.is_empty());
            }
            Err(report) => {
                assert!(report.errors() > 0);
                assert!(!report.render(random.bool()).is_empty());
            }
        }
    }
    // A test that only ever sees syntax errors would find nothing.
    assert!(usable > MUTATIONS / 100, "{usable} usable");
}

/// Changes a config in one place.
fn mutate(bytes: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut fastrand::Rng) {
    const PIECES: [&str; 24] = [
        ": ",
        "- ",
        "\n",
        "\n  ",
        "\t",
        "{",
        "}",
        "[",
        "]",
        "&a ",
        "*a",
        "<<: ",
        "!!str ",
        "| \n",
        "\"",
        "'",
        "#",
        "${env:",
        "}",
        "$$",
        "---\n",
        "\u{e9}",
        "~",
        "99999999999999999999",
    ];
    let from = random.usize(0..=bytes.len());
    let to = (from + random.usize(0..12)).min(bytes.len());
    match random.u8(0..5) {
        0 => drop(bytes.drain(from..to)),
        1 => {
            let piece = random.choice(PIECES).unwrap();
            bytes.splice(from..from, piece.bytes());
        }
        2 => {
            let other = random.choice(seeds).unwrap();
            let start = random.usize(0..=other.len());
            let end = (start + random.usize(0..40)).min(other.len());
            bytes.splice(from..to, other[start..end].iter().copied());
        }
        3 => bytes.truncate(bytes.len() - random.usize(0..=bytes.len().min(8))),
        _ => {
            if let Some(byte) = bytes.get_mut(from) {
                *byte = random.u8(..);
            }
        }
    }
}
