//! Receivers, processors, exporters and extensions by name, `type` or `type/name`; and what a Collector's components are in
//! otlet.

use std::fmt::{self, Display, Formatter};

use crate::plugin::is_plugin_name;

use super::report::{Mistake, Place, listed, quoted};
use super::yaml::Entry;

/// The type of the receiver that gives logs alone.
pub(super) const JSON_LINES: &str = "jsonlines";

/// The type of the connector that holds spans.
const GROUP_BY_TRACE: &str = "groupbytrace";

/// The types of the connector that makes metrics of spans: the Collector has both names for it.
const SPAN_METRICS: [&str; 2] = ["spanmetrics", "span_metrics"];

/// Whether a connector's name is that of one that makes metrics of spans.
pub(super) fn makes_metrics(name: &str) -> bool {
    let word = name.split('/').next().unwrap_or_default();
    SPAN_METRICS.contains(&word)
}

/// What stands in a pipeline, and what stands beside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Receiver,
    Processor,
    Exporter,
    Connector,
    Extension,
}

/// One entry of `receivers`, `processors`, `exporters` or `connectors`.
#[derive(Clone, Debug)]
pub(super) struct Component {
    /// The whole name.
    pub(super) name: String,
    pub(super) place: Place,
    /// Whether a pipeline names it.
    pub(super) used: bool,
}

impl AsRef<str> for Component {
    fn as_ref(&self) -> &str {
        &self.name
    }
}

impl Kind {
    /// What stands in a pipeline under a key of its own, in the order data takes.
    pub(super) const ALL: [Self; 3] = [Self::Receiver, Self::Processor, Self::Exporter];

    /// The same, with what stands there as an exporter or a receiver.
    pub(super) const NAMED: [Self; 4] = [
        Self::Receiver,
        Self::Processor,
        Self::Exporter,
        Self::Connector,
    ];

    /// The section that lists them, and, but for connectors, the key that names them in a pipeline.
    pub(super) fn section(self) -> &'static str {
        match self {
            Self::Receiver => "receivers",
            Self::Processor => "processors",
            Self::Exporter => "exporters",
            Self::Connector => "connectors",
            Self::Extension => "extensions",
        }
    }

    pub(super) fn with_article(self) -> &'static str {
        match self {
            Self::Receiver => "a receiver",
            Self::Processor => "a processor",
            Self::Exporter => "an exporter",
            Self::Connector => "a connector",
            Self::Extension => "an extension",
        }
    }

    /// The types that are part of otlet.
    fn types(self) -> &'static [&'static str] {
        match self {
            Self::Receiver => &["otlp", JSON_LINES],
            Self::Processor => &[],
            Self::Exporter => &["otlp", "otlphttp", "debug", "file"],
            Self::Connector => &[GROUP_BY_TRACE, "spanmetrics", "span_metrics"],
            Self::Extension => &["bearertokenauth"],
        }
    }
}

impl Display for Kind {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Receiver => "receiver",
            Self::Processor => "processor",
            Self::Exporter => "exporter",
            Self::Connector => "connector",
            Self::Extension => "extension",
        })
    }
}

/// The type of the component at `entry`, if its name is one and otlet has the type; any type of processor may be a
/// plugin.
pub(super) fn type_of(kind: Kind, entry: &Entry) -> Result<&str, Mistake> {
    let (word, name) = match entry.key.split_once('/') {
        Some((word, name)) => (word, Some(name)),
        None => (entry.key.as_str(), None),
    };
    if !is_plugin_name(word) || name.is_some_and(|name| !is_name(name)) {
        let what = format!(
            "{} is not the name of {}",
            quoted(&entry.key),
            kind.with_article()
        );
        let cure = "write its type, with a name of your own after a slash if you like: `type/name`";
        return Err(Mistake::error(entry.place, what, cure));
    }
    if kind == Kind::Processor || kind.types().contains(&word) {
        return Ok(word);
    }
    Err(unknown_type(kind, word, entry.place, kind.types()))
}

/// The mistake of a type that otlet does not have; `types` are those it has.
pub(super) fn unknown_type(kind: Kind, word: &str, place: Place, types: &[&str]) -> Mistake {
    let what = if kind == Kind::Processor {
        format!("no plugin is named {}", quoted(word))
    } else {
        format!("otlet has no {kind} {}", quoted(word))
    };
    if let Some(cure) = instead(kind, word) {
        return Mistake::error(place, what, cure);
    }
    let cure = match kind {
        Kind::Receiver => OTHER_RECEIVER.to_owned(),
        _ if types.is_empty() => "remove it".to_owned(),
        Kind::Connector => OTHER_CONNECTOR.to_owned(),
        Kind::Extension => OTHER_EXTENSION.to_owned(),
        _ => format!("there are {}", listed(types, "and")),
    };
    Mistake::error(place, what, cure).or_meant(word, &types.iter().collect())
}

fn is_name(name: &str) -> bool {
    let visible = |c: char| !c.is_whitespace() && !c.is_control();
    !name.is_empty() && name.len() <= 1024 && name.chars().all(visible)
}

const OTHER_RECEIVER: &str = "otlet receives OTLP: have a Collector receive this and send it to otlet with its `otlp` exporter";

const OTHER_EXTENSION: &str = "otlet has `bearertokenauth` alone: remove it here and in `service`";

const OTHER_CONNECTOR: &str = "otlet has `groupbytrace` and `spanmetrics`: run it in a Collector behind otlet, and remove it here";

/// What to do instead of using a component of the Collector.
pub(super) fn instead(kind: Kind, word: &str) -> Option<&'static str> {
    let table = match kind {
        Kind::Receiver => RECEIVERS,
        Kind::Processor => PROCESSORS,
        Kind::Exporter => EXPORTERS,
        Kind::Connector => CONNECTORS,
        Kind::Extension => EXTENSIONS,
    };
    table
        .iter()
        .find(|(words, _)| words.contains(&word))
        .map(|(_, cure)| *cure)
}

/// Component types, and what to do instead.
type Instead = &'static [(&'static [&'static str], &'static str)];

const RECEIVERS: Instead = &[
    (
        &["jaeger", "zipkin", "opencensus", "skywalking"],
        "otlet receives OTLP: have the services export OTLP, which every OpenTelemetry SDK does",
    ),
    (
        &["otlphttp", "otlp_http", "otlp_grpc"],
        "write `otlp: { protocols: { grpc: , http: } }`, which is both protocols",
    ),
    (
        &["filelog", "file_log", "otlpjsonfile", "stdin"],
        "use `jsonlines`, which reads the lines of files (`include`) or of standard input (`stdin: true`); the plugin `link` with `lift: true` takes JSON apart",
    ),
    (
        &["journald"],
        "pipe it into the receiver `jsonlines` with `stdin: true`: `journalctl --follow --output=json | otlet run ...`",
    ),
    (
        &["syslog", "tcplog", "udplog", "fluentforward", "k8slog"],
        "have it written to files, and read them with the receiver `jsonlines`; or have a Collector receive it and send it to otlet",
    ),
];

const PROCESSORS: Instead = &[
    (
        &["batch"],
        "remove it, or put requests together where they leave: `sending_queue: { batch: {} }` of the exporter",
    ),
    (
        &["memory_limiter"],
        "otlet bounds its memory itself: remove it, and write `memory: { limit: 1GiB }` under `service`",
    ),
    (
        &[
            "attributes",
            "resource",
            "transform",
            "span",
            "metricstransform",
        ],
        "use the plugin `enrich`, which sets, copies, renames and removes attributes and fields",
    ),
    (
        &["k8sattributes", "resourcedetection"],
        "use the plugin `enrich` with `${env:NAME}`, or `OTEL_RESOURCE_ATTRIBUTES` where the telemetry comes from",
    ),
    (
        &["redaction"],
        "use the plugin `redact`, which masks what looks like a secret wherever it stands",
    ),
    (
        &["probabilistic_sampler"],
        "use the plugin `sample`, which keeps a share of the traces by their trace id",
    ),
    (
        &["tail_sampling"],
        "hold traces with the connector `groupbytrace`, and decide on them behind it with the plugin `sample` and `by: trace`",
    ),
    (
        &["spanmetrics", "span_metrics"],
        "it is a connector: list it under `connectors`, and name it in the `exporters` of a pipeline of traces and the `receivers` of one of metrics",
    ),
    (
        &[GROUP_BY_TRACE],
        "it is a connector here: list it under `connectors`, and name it in the `exporters` of one pipeline and the `receivers` of another",
    ),
    (
        &["filter"],
        "use the plugin `sample`: `rates` with `percentage: 0` drop spans and log records, `metrics` drops metrics",
    ),
    (
        &[
            "groupbyattrs",
            "cumulativetodelta",
            "deltatocumulative",
            "deltatorate",
            "interval",
            "routing",
        ],
        "otlet has nothing like it yet: run it in a Collector behind otlet, and remove it here",
    ),
];

const EXPORTERS: Instead = &[
    (&["logging"], "it is named `debug`"),
    (&["otlp_http"], "it is named `otlphttp`"),
    (&["otlp_grpc"], "it is named `otlp`"),
    (
        &["jaeger", "zipkin"],
        "otlet sends OTLP, which Jaeger and most backends take: use `otlp` or `otlphttp`",
    ),
    (
        &["prometheus", "prometheusremotewrite"],
        "otlet sends OTLP, which Prometheus takes at /api/v1/otlp: use `otlphttp`",
    ),
    (
        &[
            "loki",
            "elasticsearch",
            "datadog",
            "splunk_hec",
            "clickhouse",
            "googlecloud",
            "azuremonitor",
            "awsxray",
            "sentry",
        ],
        "otlet sends OTLP: use `otlphttp` if the backend takes it, or a Collector between the two",
    ),
    (
        &["kafka", "loadbalancing", "pulsar", "awss3"],
        "otlet sends OTLP: use `otlp` to a Collector that has this exporter",
    ),
    (
        &["nop"],
        "otlet has no exporter that sends nothing: use `debug`",
    ),
];

const CONNECTORS: Instead = &[
    (
        &["forward"],
        "name the receivers themselves in the pipelines that it leads to, and remove it",
    ),
    (
        &["servicegraph", "service_graph"],
        "otlet makes no graph of services yet: run it in a Collector beside otlet, on all spans, and remove it here",
    ),
    (
        &["count", "sum", "signaltometrics", "exceptions"],
        "otlet makes no metrics of telemetry yet: run it in a Collector behind otlet, and remove it here",
    ),
    (
        &["routing"],
        "name the receiver in several pipelines, and drop what is not theirs with the plugin `sample`",
    ),
    (
        &["failover", "roundrobin", "round_robin"],
        "otlet keeps to one backend an exporter: put a load balancer before the backends, and remove it",
    ),
];

const EXTENSIONS: Instead = &[
    (
        &["health_check", "healthcheckv2"],
        "otlet tells its health at `admin`: remove it here and in `service`, and ask /healthz or /readyz there",
    ),
    (
        &["zpages", "pprof"],
        "otlet shows what it does at `admin`, in metrics and in its log: remove it here and in `service`",
    ),
    (
        &["file_storage", "db_storage"],
        "otlet's queues are in memory: remove it here and in `service`",
    ),
    (
        &["headers_setter"],
        "use `headers` of the exporter, or `bearertokenauth` for a token from a file",
    ),
    (
        &["basicauth"],
        "use `bearertokenauth`, with `scheme: Basic` and the user and password in base64 as its `token`",
    ),
    (
        &[
            "oauth2client",
            "oidc",
            "sigv4auth",
            "googleclientauth",
            "azure_auth",
        ],
        "have something fetch the token into a file, and use `bearertokenauth` with its `filename`: it is read again when it changes",
    ),
    (
        &["memory_limiter", "memory_ballast"],
        "otlet bounds its memory itself: remove it here and in `service`",
    ),
];
