//! Every key of an exporter reaches the field that it is for.

use std::time::Duration;

use otlet::exporter::{self, Compression, Kind, Retry, Target, Verbosity};
use otlet::queue::{self, Batching, Sizer};

use super::config;

/// The headers of a target, as text.
pub(super) fn headers(target: &Target) -> Vec<(&str, &str)> {
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
    let keepalive = exporter::Keepalive {
        time: Duration::from_mins(6),
        timeout: Duration::from_secs(10),
        permit_without_stream: true,
    };
    assert_eq!(target.keepalive, Some(keepalive));
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
        batch: Some(Batching {
            max_bytes: 3_145_728,
            max_delay: Duration::from_millis(50),
        }),
    };
    assert_eq!(grpc.queue, queue);

    let Kind::OtlpHttp(http_target) = &http.kind else {
        panic!("{http:?}");
    };
    assert_eq!(http_target.target.endpoint, "http://backend:4318/otlp");
    assert_eq!(http_target.target.compression, Compression::None);
    assert_eq!(http_target.target.keepalive, None);
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
fn every_compression_has_its_name() {
    let config = config("ok_compression.yaml");
    let compressions: Vec<_> = (config.exporters.iter())
        .map(|exporter| match &exporter.kind {
            Kind::Otlp(target) => target.compression,
            Kind::OtlpHttp(to) => to.target.compression,
            Kind::Debug(_) | Kind::File(_) => Compression::None,
        })
        .collect();
    let expected = [
        Compression::Zstd,
        Compression::Deflate,
        Compression::Zstd,
        Compression::Zlib,
        Compression::Deflate,
    ];
    assert_eq!(compressions, expected);
}

#[test]
fn an_endpoint_without_a_scheme_is_reached_over_tls_unless_that_is_insecure() {
    let config = config("ok_endpoint_without_scheme.yaml");
    let endpoints: Vec<_> = config
        .exporters
        .iter()
        .map(|exporter| match &exporter.kind {
            Kind::Otlp(target) => target.endpoint.to_string(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(endpoints, ["http://backend:4317/", "https://backend:4317/"]);
}

#[test]
fn every_key_of_a_file_reaches_its_field() {
    let config = config("ok_file.yaml");
    let [whole, bare] = config.exporters.as_slice() else {
        panic!("{:?}", config.exporters);
    };
    let file = |exporter: &exporter::Config| match &exporter.kind {
        Kind::File(file) => file.clone(),
        other => panic!("{other:?}"),
    };
    let expected = exporter::FileConfig {
        path: "all.bin".into(),
        format: exporter::FileFormat::Proto,
        append: false,
        rotation: Some(exporter::Rotation {
            max_megabytes: 10,
            max_days: 2,
            max_backups: 3,
        }),
    };
    assert_eq!(file(whole), expected);
    assert!(!whole.queue.enabled);
    assert_eq!(whole.retry.max_elapsed_time, Duration::ZERO);
    let expected = exporter::FileConfig {
        path: "telemetry.json".into(),
        format: exporter::FileFormat::Json,
        append: true,
        rotation: None,
    };
    assert_eq!(file(bare), expected);
    assert_eq!(bare.queue, queue::Config::default());
}
