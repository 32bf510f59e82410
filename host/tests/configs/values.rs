//! Every key of a config reaches the field that it is for.

use std::time::Duration;

use otlet::auth::Tokens;
use otlet::batch::Signal;
use otlet::config::{PipelineConfig, ProcessorConfig, ReceiverConfig};
use otlet::exporter::{Compression, Kind};
use otlet::letters;
use otlet::plugin::{Folder, Grants, Isolate, Limits, OnError, Sandbox};
use otlet::receiver::jsonlines::{Glob, Input, StartAt};
use otlet::receiver::{Keepalive, Protocol};
use otlet::telemetry::{Encoding, Level, LogConfig};
use otlet_tests::requests::{boolean, double, int, kv, text};
use serde_json::json;

use super::config;
use super::exporters::headers;

fn pipeline(
    name: &str,
    signal: Signal,
    processors: &[usize],
    exporters: &[usize],
) -> PipelineConfig {
    PipelineConfig {
        name: name.to_owned(),
        signal,
        receivers: vec![0],
        from: vec![],
        processors: processors.to_vec(),
        exporters: exporters.to_vec(),
        to: vec![],
    }
}

#[test]
fn every_key_reaches_its_field() {
    let config = config("ok_whole.yaml");
    let [ReceiverConfig::Otlp(receiver)] = config.receivers.as_slice() else {
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
        keepalive: Keepalive {
            max_connection_age: Some(Duration::from_mins(10)),
            max_connection_age_grace: Some(Duration::from_secs(40)),
            time: Duration::from_secs(15),
            timeout: Duration::from_secs(7),
        },
        tls: None,
        auth: None,
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
        keepalive: Keepalive::default(),
        tls: None,
        auth: None,
    };
    assert_eq!(receiver.http, Some(http));

    let expected = [
        (
            "redact",
            "redact",
            json!({"detectors": ["email", "jwt"], "action": "mask"}),
            Some(OnError::Reject),
            Sandbox::default(),
        ),
        (
            "sample/tenth",
            "sample",
            json!({"percentage": 10, "keep": {"errors": true, "slower_than": "2s"}}),
            None,
            Sandbox {
                limits: Limits {
                    memory: 67_108_864,
                    deadline: Duration::from_millis(500),
                    instances: 3,
                    handed: 33_554_432,
                    growth: 4,
                    log_lines: 0,
                },
                grants: Grants {
                    files: vec![Folder {
                        path: ".".into(),
                        name: "/tables/here".to_owned(),
                    }],
                    env: vec!["REGION".to_owned()],
                },
                isolate: Isolate::Batch,
            },
        ),
        ("sample", "sample", json!({}), None, Sandbox::default()),
    ];
    let expected = expected.map(
        |(name, plugin, config, on_error, sandbox)| ProcessorConfig {
            name: name.to_owned(),
            plugin: plugin.to_owned(),
            config,
            on_error,
            sandbox,
        },
    );
    assert_eq!(config.processors, expected);

    let expected = [
        pipeline("traces", Signal::Traces, &[0, 1, 2], &[0, 2]),
        pipeline("metrics", Signal::Metrics, &[], &[1]),
        pipeline("logs/all", Signal::Logs, &[0], &[0]),
    ];
    assert_eq!(config.pipelines, expected);
    let expected = letters::Config {
        directory: "/var/lib/otlet/dead".into(),
        max_bytes: 2_147_483_648,
        max_age: Duration::ZERO,
    };
    assert_eq!(config.dead_letters, Some(expected));
}

#[test]
fn dead_letters_are_kept_only_where_the_config_says_so() {
    assert_eq!(config("ok_smallest.yaml").dead_letters, None);
    let config = letters::Config::at("dead".into());
    assert_eq!(config.max_bytes, 1_073_741_824);
    assert_eq!(config.max_age, Duration::from_hours(7 * 24));
}

#[test]
fn references_to_the_environment_are_filled_in() {
    let config = config("ok_environment_and_anchors.yaml");
    let [ReceiverConfig::Otlp(receiver)] = config.receivers.as_slice() else {
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
fn every_key_of_a_receiver_of_lines_reaches_its_field() {
    let config = config("ok_jsonlines.yaml");
    let [
        ReceiverConfig::JsonLines(stdin),
        ReceiverConfig::JsonLines(files),
        ..,
    ] = config.receivers.as_slice()
    else {
        panic!("{:?}", config.receivers);
    };
    assert_eq!(stdin.name, "jsonlines");
    assert_eq!(stdin.input, Input::Stdin);
    assert_eq!(stdin.max_line_size, 65_536);
    let resource = [
        kv("service.name", text("shop")),
        kv("replicas", int(3)),
        kv("share", double(0.5)),
        kv("canary", boolean(true)),
        kv("version", text("1.0")),
    ];
    assert_eq!(stdin.resource, resource);
    let Input::Files(sought) = &files.input else {
        panic!("{files:?}");
    };
    assert_eq!(files.max_line_size, 1_048_576);
    let include: Vec<_> = sought.include.iter().map(Glob::as_str).collect();
    assert_eq!(include, ["/var/log/shop/*.log", "logs/{a,b}/**/*.json"]);
    assert_eq!(sought.exclude[0].as_str(), "/var/log/shop/*.gz");
    assert_eq!(sought.start_at, StartAt::Beginning);
    assert_eq!(
        sought.storage.as_deref().unwrap().to_str(),
        Some("/var/lib/otlet")
    );
    assert_eq!(sought.poll_interval, Duration::from_secs(1));
    assert_eq!(sought.force_flush_period, Duration::ZERO);
}

#[test]
fn admin_and_the_log_are_as_the_config_says() {
    let config = config("ok_admin.yaml");
    let admin = config.admin.unwrap();
    assert_eq!(admin.endpoint, "0.0.0.0:8888".parse().unwrap());
    assert_eq!(config.logs.level, Level::Warn);
    assert_eq!(config.logs.encoding, Encoding::Json);
    let silent = super::config("ok_smallest.yaml");
    assert_eq!(silent.admin, None);
    assert_eq!(silent.logs, LogConfig::default());
}

#[test]
fn own_metrics_go_where_the_config_says() {
    let config = config("ok_own_telemetry.yaml");
    let name = ("service.name".to_owned(), "gateway".to_owned());
    assert_eq!(config.resource, [name]);
    let [grpc, http] = config.readers.as_slice() else {
        panic!("{:?}", config.readers);
    };
    assert_eq!(grpc.interval, Duration::from_secs(5));
    let Kind::Otlp(target) = &grpc.exporter.kind else {
        panic!("{:?}", grpc.exporter.kind);
    };
    assert_eq!(target.endpoint, "http://backend:4317");
    assert_eq!(target.compression, Compression::None);
    assert_eq!(http.interval, Duration::from_mins(1));
    let Kind::OtlpHttp(to) = &http.exporter.kind else {
        panic!("{:?}", http.exporter.kind);
    };
    let whole = to.metrics_endpoint.as_ref().unwrap();
    assert_eq!(whole, "http://backend:4318/v1/metrics");
}

#[test]
fn tokens_reach_who_sends_them_and_who_demands_them() {
    let config = config("ok_tokens.yaml");
    let [ReceiverConfig::Otlp(receiver)] = config.receivers.as_slice() else {
        panic!("{:?}", config.receivers);
    };
    let auth = receiver.http.as_ref().unwrap().auth.clone().unwrap();
    assert_eq!(auth.name, "bearertokenauth/server");
    assert_eq!(
        (auth.header.as_str(), auth.scheme.as_str()),
        ("x-token", "Token")
    );
    let given =
        |tokens: &[&str]| Tokens::Given(tokens.iter().map(|one| (*one).to_owned()).collect());
    assert_eq!(auth.tokens, given(&["s3cret-token", "other"]));
    for exporter in &config.exporters {
        let target = match &exporter.kind {
            Kind::Otlp(target) => target,
            Kind::OtlpHttp(to) => &to.target,
            other => panic!("{other:?}"),
        };
        let auth = target.auth.clone().unwrap();
        assert_eq!(
            (auth.header.as_str(), auth.scheme.as_str()),
            ("authorization", "Bearer")
        );
        assert_eq!(auth.tokens, given(&["s3cret-token"]));
    }
    assert!(!format!("{config:?}").contains("s3cret"));
}
