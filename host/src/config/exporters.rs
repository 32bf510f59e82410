//! Reads `exporters`: the Collector's `otlp`, `otlphttp` and `debug`, with its keys and its defaults.

use std::ops::RangeInclusive;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Uri};

use crate::exporter::{Compression, Config, HttpTarget, Kind, Retry, Target, Verbosity};
use crate::queue::{self, Sizer};

use super::reader::{Lacking, Mistakes, Reader, place_of_value};
use super::report::{Mistake, Place, quoted};
use super::yaml::{Entry, Value};

/// The Collector's defaults for one attempt.
const GRPC_TIMEOUT: Duration = Duration::from_secs(5);
const HTTP_TIMEOUT: Duration = Duration::from_secs(30);

const TIMEOUTS: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_hours(1);
const WAITS: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_hours(24);

/// Keys of the Collector's clients that otlet has no equivalent for.
const LACKING: Lacking = &[
    (
        "tls",
        "otlet has no TLS yet: remove it, and write `endpoint: http://host:port`",
    ),
    (
        "auth",
        "otlet has no extensions: remove it, and put the credentials into `headers`",
    ),
    ("authority", "otlet takes it from the endpoint: remove it"),
    (
        "balancer_name",
        "otlet keeps to one backend an exporter: remove it",
    ),
    (
        "keepalive",
        "otlet keeps its connections alive itself: remove it",
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
    ("batcher", "otlet sends requests as they come: remove it"),
    ("compression_params", "otlet chooses the level: remove it"),
    ("cookies", "otlet keeps no cookies: remove it"),
    ("middlewares", "otlet has no extensions: remove it"),
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

const QUEUE_LACKING: Lacking = &[
    (
        "storage",
        "otlet's queue is in memory: remove it; with `enabled: false` a sender keeps what no backend has",
    ),
    (
        "wait_for_result",
        "`enabled: false` answers the sender after the backend has: write that instead",
    ),
    (
        "block_on_overflow",
        "a full queue refuses, and the sender tries again: remove it",
    ),
    (
        "blocking",
        "a full queue refuses, and the sender tries again: remove it",
    ),
    ("batch", "otlet sends requests as they come: remove it"),
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
    mistakes: &Mistakes,
) -> Option<Config> {
    match kind {
        "otlp" => read_otlp(name, reader.lacking(LACKING), mistakes),
        "otlphttp" => read_otlphttp(name, reader.lacking(LACKING), mistakes),
        _ => Some(read_debug(name, reader.lacking(DEBUG_LACKING))),
    }
}

fn read_otlp(name: &str, mut reader: Reader<'_>, mistakes: &Mistakes) -> Option<Config> {
    let target = read_target(name, &mut reader, grpc_endpoint, mistakes);
    read_rest(name, reader, target.map(Kind::Otlp), GRPC_TIMEOUT)
}

fn read_otlphttp(name: &str, mut reader: Reader<'_>, mistakes: &Mistakes) -> Option<Config> {
    let mut whole = |key| reader.text(key, URL, "write `http://host:4318/v1/...`", http_endpoint);
    let (traces, metrics, logs) = (
        whole("traces_endpoint"),
        whole("metrics_endpoint"),
        whole("logs_endpoint"),
    );
    let target = read_target(name, &mut reader, http_endpoint, mistakes);
    let kind = target.map(|target| {
        Kind::OtlpHttp(Box::new(HttpTarget {
            target,
            traces_endpoint: traces,
            metrics_endpoint: metrics,
            logs_endpoint: logs,
        }))
    });
    read_rest(name, reader, kind, HTTP_TIMEOUT)
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

fn read_target(
    name: &str,
    reader: &mut Reader<'_>,
    parse: fn(&str) -> Result<Uri, (String, String)>,
    mistakes: &Mistakes,
) -> Option<Target> {
    if !reader.has("endpoint") {
        let what = format!("exporter {} has no endpoint", quoted(name));
        let cure = "write `endpoint: http://host:port`";
        reader.report(Mistake::error(reader.place(), what, cure));
    }
    let endpoint = reader.text("endpoint", URL, "write `http://host:port`", parse);
    let mut compression = Compression::Gzip;
    let words = [("gzip", Compression::Gzip), ("none", Compression::None)];
    reader.choice("compression", &words, &mut compression);
    let headers = reader
        .named("headers")
        .iter()
        .filter_map(|entry| header(entry, mistakes))
        .collect();
    Some(Target {
        endpoint: endpoint?,
        headers,
        compression,
    })
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

fn read_retry(mut reader: Reader<'_>) -> Retry {
    let mut retry = Retry::default();
    reader.boolean("enabled", &mut retry.enabled);
    reader.duration("initial_interval", WAITS, &mut retry.initial_interval);
    reader.duration("max_interval", WAITS, &mut retry.max_interval);
    reader.duration(
        "max_elapsed_time",
        Duration::ZERO..=super::units::MAX_DURATION,
        &mut retry.max_elapsed_time,
    );
    reader.number("multiplier", 1.0..=100.0, &mut retry.multiplier);
    reader.number(
        "randomization_factor",
        0.0..=1.0,
        &mut retry.randomization_factor,
    );
    if retry.max_interval < retry.initial_interval {
        let what = "`max_interval` is shorter than `initial_interval`";
        let cure = "make `max_interval` at least as long";
        let key = if reader.has("max_interval") {
            "max_interval"
        } else {
            "initial_interval"
        };
        reader.report(Mistake::error(reader.place_of(key), what, cure));
    }
    reader.finish();
    retry
}

fn read_queue(reader: Reader<'_>) -> queue::Config {
    let mut reader = reader.lacking(QUEUE_LACKING);
    let mut queue = queue::Config::default();
    reader.boolean("enabled", &mut queue.enabled);
    reader.integer("num_consumers", 1..=1000, &mut queue.num_consumers);
    let words = [
        ("requests", Sizer::Requests),
        ("items", Sizer::Items),
        ("bytes", Sizer::Bytes),
    ];
    reader.choice("sizer", &words, &mut queue.sizer);
    if queue.sizer == Sizer::Bytes {
        reader.size("queue_size", 1..=1 << 40, &mut queue.queue_size);
    } else {
        reader.integer("queue_size", 1..=1_000_000_000, &mut queue.queue_size);
    }
    reader.size("max_bytes", 1 << 20..=1 << 40, &mut queue.max_bytes);
    // A thousand requests are a good default, a thousand bytes or spans are not.
    if queue.sizer != Sizer::Requests && !reader.has("queue_size") {
        let what = "this `sizer` needs a `queue_size`";
        let cure = "write how many may wait, such as `queue_size: 64MiB` for bytes or `queue_size: 100000` for items";
        reader.report(Mistake::error(reader.place_of("sizer"), what, cure));
    }
    reader.finish();
    queue
}

/// What an endpoint should be, for a message.
const URL: &str = "a URL, such as `http://backend:4317`";

/// A backend's URL for gRPC: a host and a port, nothing after it.
fn grpc_endpoint(text: &str) -> Result<Uri, (String, String)> {
    let uri = url(text, 4317)?;
    let host = uri.authority().map_or("", |authority| authority.as_str());
    if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
        let what = format!("{} has a path, which gRPC has no use for", quoted(text));
        return Err((what, format!("write `http://{host}`")));
    }
    if uri.port().is_none() {
        let what = format!("{} has no port", quoted(text));
        return Err((what, format!("write `http://{host}:4317`")));
    }
    Ok(uri)
}

/// A backend's URL for HTTP.
fn http_endpoint(text: &str) -> Result<Uri, (String, String)> {
    url(text, 4318)
}

/// An `http://` URL with a host and without credentials.
fn url(text: &str, port: u16) -> Result<Uri, (String, String)> {
    let Some((scheme, rest)) = text.split_once("://") else {
        let what = format!("{} has no scheme", quoted(text));
        let cure = if text.contains(':') {
            format!("write `http://{text}`")
        } else {
            format!("write `http://{text}:{port}`")
        };
        return Err((what, cure));
    };
    if scheme.eq_ignore_ascii_case("https") {
        let what = format!("{} needs TLS, which otlet does not have yet", quoted(text));
        let cure = format!("write `http://{rest}`, to a backend or a proxy that takes plain HTTP");
        return Err((what, cure));
    }
    if !scheme.eq_ignore_ascii_case("http") {
        let what = format!("{} is not a scheme that otlet knows", quoted(scheme));
        let rest = rest.trim_start_matches('/');
        return Err((what, format!("write `http://{rest}`")));
    }
    let wrong = || {
        let what = format!("{} is not a URL", quoted(text));
        (what, format!("write `http://host:{port}`"))
    };
    let uri: Uri = text.parse().ok().ok_or_else(wrong)?;
    let authority = uri.authority().ok_or_else(wrong)?;
    if authority.as_str().contains('@') {
        let what = "the endpoint holds credentials".to_owned();
        return Err((
            what,
            "put them into `headers`: `authorization: ...`".to_owned(),
        ));
    }
    let bare = authority.as_str().trim_start_matches('[');
    let host_only = authority.host().len() == authority.as_str().len();
    if authority.host().is_empty()
        || bare.is_empty()
        || (!host_only && authority.port_u16().is_none())
    {
        return Err(wrong());
    }
    Ok(uri)
}

/// Headers that are the protocol's own.
const RESERVED: [&str; 8] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "te",
    "transfer-encoding",
    "user-agent",
];

fn header(entry: &Entry, mistakes: &Mistakes) -> Option<(HeaderName, HeaderValue)> {
    let wrong = |place: Place, what: String, cure: &str| {
        mistakes
            .borrow_mut()
            .push(Mistake::error(place, what, cure));
    };
    let name = HeaderName::from_bytes(entry.key.as_bytes());
    let Ok(name) = name else {
        let what = format!("{} is not the name of a header", quoted(&entry.key));
        wrong(
            entry.place,
            what,
            "use letters, digits and hyphens: `x-tenant`",
        );
        return None;
    };
    if RESERVED.contains(&name.as_str()) || name.as_str().starts_with("grpc-") {
        let what = format!("header `{name}` is the protocol's own");
        wrong(entry.place, what, "remove it");
        return None;
    }
    let text = match &entry.value.value {
        Value::Scalar(scalar) if !entry.value.is_null() => scalar.text.as_str(),
        Value::Unknown => return None,
        _ => {
            let what = format!(
                "expected text for header `{name}`, found {}",
                entry.value.found()
            );
            wrong(
                place_of_value(entry),
                what,
                "write one value: `name: value`",
            );
            return None;
        }
    };
    let Ok(mut value) = HeaderValue::from_str(text) else {
        let what = format!("the value of header `{name}` holds what a header cannot");
        wrong(
            place_of_value(entry),
            what,
            "use visible characters on one line",
        );
        return None;
    };
    // Headers carry credentials: they stay out of what is printed for debugging.
    value.set_sensitive(true);
    Some((name, value))
}
