//! Reads `exporters`: the Collector's `otlp`, `otlphttp` and `debug`, with its keys and its defaults.

pub(super) mod file;
mod queueing;
mod target;

use std::iter;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::exporter::{Config, HttpTarget, Keepalive, Kind, Retry, Target, Verbosity};
use crate::queue;

use super::extensions::Extensions;
use super::reader::{Lacking, Mistakes, Reader};
use queueing::{read_queue, read_retry};
use target::{Protocol, URL, check_way, http_endpoint, is_https, read_target};

/// The Collector's defaults for one attempt.
const GRPC_TIMEOUT: Duration = Duration::from_secs(5);
const HTTP_TIMEOUT: Duration = Duration::from_secs(30);

const TIMEOUTS: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_hours(1);

/// Pings over HTTP/2.
const PINGS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_hours(24);

/// Keys of the Collector's clients that otlet has no equivalent for.
const LACKING: Lacking = &[
    ("authority", "otlet takes it from the endpoint: remove it"),
    (
        "balancer_name",
        "otlet keeps to one backend an exporter: remove it",
    ),
    (
        "read_buffer_size",
        "otlet sizes its buffers itself: remove it",
    ),
    (
        "write_buffer_size",
        "otlet sizes its buffers itself: remove it",
    ),
    (
        "wait_for_ready",
        "otlet connects again by itself: remove it",
    ),
    ("encoding", "otlet sends protobuf: remove it"),
    ("proxy_url", "otlet sends to the endpoint itself: remove it"),
    (
        "batcher",
        "write `sending_queue: { batch: { max_bytes: 2MiB, max_delay: 200ms } }`",
    ),
    ("compression_params", "otlet chooses the level: remove it"),
    ("cookies", "otlet keeps no cookies: remove it"),
    ("middlewares", "otlet has no middlewares: remove it"),
    (
        "max_idle_conns",
        "otlet bounds its connections by `sending_queue.num_consumers`: remove it",
    ),
    (
        "max_conns_per_host",
        "otlet bounds its connections by `sending_queue.num_consumers`: remove it",
    ),
    (
        "idle_conn_timeout",
        "otlet closes idle connections itself: remove it",
    ),
];

const DEBUG_LACKING: Lacking = &[
    (
        "sampling_initial",
        "otlet prints every request: remove it, or put the plugin `sample` before it",
    ),
    (
        "sampling_thereafter",
        "otlet prints every request: remove it, or put the plugin `sample` before it",
    ),
    (
        "use_internal_logger",
        "otlet prints to standard output: remove it",
    ),
    ("output_paths", "otlet prints to standard output: remove it"),
    (
        "loglevel",
        "write `verbosity: basic`, `normal` or `detailed`",
    ),
];

/// Reads one exporter, if it is of a type that otlet has; `None` beside a mistake if it cannot be used.
pub(super) fn read(
    kind: &str,
    name: &str,
    reader: Reader<'_>,
    extensions: &Extensions<'_>,
    mistakes: &Mistakes,
) -> Option<Config> {
    match kind {
        "otlp" => read_otlp(name, reader.lacking(LACKING), extensions, mistakes),
        "otlphttp" => read_otlphttp(name, reader.lacking(LACKING), extensions, mistakes),
        "file" => read_file(name, reader.lacking(file::LACKING)),
        _ => Some(read_debug(name, reader.lacking(DEBUG_LACKING))),
    }
}

fn read_otlp(
    name: &str,
    mut reader: Reader<'_>,
    extensions: &Extensions<'_>,
    mistakes: &Mistakes,
) -> Option<Config> {
    let target = read_target(name, &mut reader, Protocol::Grpc, extensions, mistakes);
    if let Some((target, tls)) = &target {
        tls.check(&reader, is_https(&target.endpoint));
        check_way(&reader, target, iter::once(&target.endpoint));
    }
    let keepalive = reader.section("keepalive").map(read_keepalive);
    let kind = target.map(|(target, _)| {
        Kind::Otlp(Target {
            keepalive,
            ..target
        })
    });
    read_rest(name, reader, kind, GRPC_TIMEOUT)
}

/// A Collector's clients ping by default every 10 s, which grpc-go's servers do not like: see [`Keepalive`].
fn read_keepalive(mut reader: Reader<'_>) -> Keepalive {
    let mut keepalive = Keepalive::default();
    reader.duration("time", PINGS, &mut keepalive.time);
    reader.duration("timeout", PINGS, &mut keepalive.timeout);
    reader.boolean(
        "permit_without_stream",
        &mut keepalive.permit_without_stream,
    );
    reader.finish();
    keepalive
}

fn read_otlphttp(
    name: &str,
    mut reader: Reader<'_>,
    extensions: &Extensions<'_>,
    mistakes: &Mistakes,
) -> Option<Config> {
    let mut whole = |key| reader.text(key, URL, "write `https://host:4318/v1/...`", http_endpoint);
    let (traces, metrics, logs) = (
        whole("traces_endpoint"),
        whole("metrics_endpoint"),
        whole("logs_endpoint"),
    );
    let target = read_target(name, &mut reader, Protocol::Http, extensions, mistakes);
    let kind = target.map(|(target, tls)| {
        let to = HttpTarget {
            target,
            traces_endpoint: traces,
            metrics_endpoint: metrics,
            logs_endpoint: logs,
        };
        tls.check(&reader, to.endpoints().any(is_https));
        check_way(&reader, &to.target, to.endpoints());
        Kind::OtlpHttp(Box::new(to))
    });
    read_rest(name, reader, kind, HTTP_TIMEOUT)
}

fn read_file(name: &str, mut reader: Reader<'_>) -> Option<Config> {
    let file = file::read(name, &mut reader);
    let retry = reader.section("retry_on_failure").map(read_retry);
    let queue = reader.section("sending_queue").map(read_queue);
    reader.finish();
    Some(Config {
        name: name.to_owned(),
        kind: Kind::File(file?),
        timeout: Duration::ZERO,
        retry: retry.unwrap_or_default(),
        queue: queue.unwrap_or_default(),
    })
}

fn read_debug(name: &str, mut reader: Reader<'_>) -> Config {
    let mut verbosity = Verbosity::Basic;
    let words = [
        ("basic", Verbosity::Basic),
        ("normal", Verbosity::Normal),
        ("detailed", Verbosity::Detailed),
    ];
    reader.choice("verbosity", &words, &mut verbosity);
    reader.finish();
    Config {
        name: name.to_owned(),
        kind: Kind::Debug(verbosity),
        timeout: GRPC_TIMEOUT,
        retry: Retry::default(),
        queue: queue::Config::default(),
    }
}

fn read_rest(
    name: &str,
    mut reader: Reader<'_>,
    kind: Option<Kind>,
    mut timeout: Duration,
) -> Option<Config> {
    reader.duration("timeout", TIMEOUTS, &mut timeout);
    let retry = reader.section("retry_on_failure").map(read_retry);
    let queue = reader.section("sending_queue").map(read_queue);
    reader.finish();
    Some(Config {
        name: name.to_owned(),
        kind: kind?,
        timeout,
        retry: retry.unwrap_or_default(),
        queue: queue.unwrap_or_default(),
    })
}
