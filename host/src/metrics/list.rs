//! Every metric: its name, unit, labels and help. The one place for them.

/// One metric.
#[derive(Debug)]
pub struct Metric {
    /// By OpenTelemetry's conventions. Example: `otlet.receiver.requests`.
    pub name: &'static str,
    /// What is counted.
    pub unit: Unit,
    /// How it behaves.
    pub kind: Kind,
    /// The names of its labels, in the order in which their values are given.
    pub labels: &'static [&'static str],
    /// What it is, in one sentence.
    pub help: &'static str,
}

/// What a metric counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Things, named in braces: `{request}`.
    Of(&'static str),
    /// Bytes.
    Bytes,
    /// Seconds.
    Seconds,
}

/// How a metric behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// Durations by how long they are.
    Histogram,
}

impl Unit {
    /// As OTLP spells it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Of(things) => things,
            Self::Bytes => "By",
            Self::Seconds => "s",
        }
    }
}

const REQUESTS: Unit = Unit::Of("{request}");
const ITEMS: Unit = Unit::Of("{item}");
const BATCHES: Unit = Unit::Of("{batch}");
const CONNECTIONS: Unit = Unit::Of("{connection}");

/// One listening socket.
const SOCKET: &[&str] = &["receiver", "protocol"];
/// What a receiver took in.
const TAKEN: &[&str] = &["receiver", "signal"];
/// A receiver of lines.
const LINES: &[&str] = &["receiver"];
const PROCESSOR: &[&str] = &["processor"];
const EXPORTER: &[&str] = &["exporter"];
const CONNECTOR: &[&str] = &["connector"];

macro_rules! metrics {
    ($($id:ident: $kind:ident $name:literal, $unit:expr, $labels:expr, $help:literal;)*) => {
        $(
            pub(super) static $id: Metric = Metric {
                name: $name,
                unit: $unit,
                kind: Kind::$kind,
                labels: $labels,
                help: $help,
            };
        )*

        /// Every metric, in the order in which they are written.
        pub static ALL: &[&Metric] = &[$(&$id),*];
    };
}

metrics! {
    RECEIVER_REQUESTS: Counter "otlet.receiver.requests", REQUESTS, SOCKET,
        "Requests that came in, whatever became of them.";
    RECEIVER_REFUSED: Counter "otlet.receiver.refused_requests", REQUESTS,
        &["receiver", "protocol", "error.type"],
        "Requests that were refused or not whole, by why.";
    RECEIVER_DURATION: Histogram "otlet.receiver.request.duration", Unit::Seconds, SOCKET,
        "Time from a request's head to its answer.";
    RECEIVER_BYTES: Counter "otlet.receiver.received", Unit::Bytes, SOCKET,
        "Bytes of bodies as they came, of requests that were read whole.";
    RECEIVER_IN_FLIGHT: Gauge "otlet.receiver.in_flight", Unit::Bytes, SOCKET,
        "Bytes that requests hold now, bounded by max_in_flight.";
    RECEIVER_PARTIAL: Counter "otlet.receiver.partial_requests", REQUESTS, SOCKET,
        "Requests that a backend took in part or with a warning, of which a sender that waited was told.";
    RECEIVER_REJECTED_ITEMS: Counter "otlet.receiver.rejected_items", ITEMS, SOCKET,
        "Spans, data points or log records that backends did not take of such requests.";
    RECEIVER_CONNECTIONS: Gauge "otlet.receiver.connections", CONNECTIONS, SOCKET,
        "Connections open now.";
    RECEIVER_CONNECTIONS_ACCEPTED: Counter "otlet.receiver.accepted_connections", CONNECTIONS,
        SOCKET, "Connections that were taken.";
    RECEIVER_CONNECTIONS_REFUSED: Counter "otlet.receiver.refused_connections", CONNECTIONS,
        SOCKET, "Connections that were closed at once, since max_connections were open.";
    RECEIVER_HANDSHAKES_FAILED: Counter "otlet.receiver.failed_handshakes", CONNECTIONS,
        SOCKET, "Connections that ended with their TLS handshake.";
    RECEIVER_ACCEPTED: Counter "otlet.receiver.accepted_requests", REQUESTS, TAKEN,
        "Requests that every pipeline of their signal took.";
    RECEIVER_ACCEPTED_ITEMS: Counter "otlet.receiver.accepted_items", ITEMS, TAKEN,
        "Spans, data points or log records in accepted requests; compressed requests that no processor or queue needs open count none.";
    RECEIVER_REFUSED_ITEMS: Counter "otlet.receiver.refused_items", ITEMS, TAKEN,
        "Spans, data points or log records in requests that were opened and refused.";
    LINES_BYTES: Counter "otlet.receiver.read", Unit::Bytes, LINES,
        "Bytes of lines that a jsonlines receiver read.";
    LINES_HELD: Gauge "otlet.receiver.held_items", ITEMS, LINES,
        "Log records that a jsonlines receiver read and that are not taken yet.";
    LINES_PASSED_OVER: Counter "otlet.receiver.passed_over_items", ITEMS, LINES,
        "Log records of a jsonlines receiver that were refused for good and passed over.";
    LINES_CUTS: Counter "otlet.receiver.line_cuts", Unit::Of("{cut}"), LINES,
        "Cuts through lines that were longer than max_line_size.";
    LINES_NOT_UTF8: Counter "otlet.receiver.not_utf8_lines", Unit::Of("{line}"), LINES,
        "Lines that were not UTF-8, whose wrong bytes were replaced.";

    MEMORY_HELD: Gauge "otlet.memory.held", Unit::Bytes, &[],
        "Bytes of requests that are held now or promised to processors and exporters, bounded by service.memory.limit.";
    MEMORY_MOST: Gauge "otlet.memory.most_held", Unit::Bytes, &[],
        "The most bytes of requests that were held or promised at a time.";
    MEMORY_LIMIT: Gauge "otlet.memory.limit", Unit::Bytes, &[],
        "The bound on the bytes of requests that are held.";
    MEMORY_REFUSED: Counter "otlet.memory.refusals", Unit::Of("{refusal}"), &[],
        "How often a request did not fit within the bound.";

    PROCESSOR_BATCHES: Counter "otlet.processor.batches", BATCHES, PROCESSOR,
        "Batches that a processor was given.";
    PROCESSOR_INCOMING: Counter "otlet.processor.incoming_items", ITEMS, PROCESSOR,
        "Spans, data points or log records that a processor was given.";
    PROCESSOR_OUTGOING: Counter "otlet.processor.outgoing_items", ITEMS, PROCESSOR,
        "Spans, data points or log records that went on.";
    PROCESSOR_DROPPED: Counter "otlet.processor.dropped_items", ITEMS, PROCESSOR,
        "Spans, data points or log records that were dropped, by the plugin or because it failed.";
    PROCESSOR_REJECTED: Counter "otlet.processor.rejected_items", ITEMS, PROCESSOR,
        "Spans, data points or log records that went back to their senders, because the plugin failed.";
    PROCESSOR_EDITS: Counter "otlet.processor.edits", Unit::Of("{field}"), PROCESSOR,
        "Fields replaced, added or removed at any depth; dropped records and whole batches replaced are not among them.";
    PROCESSOR_FAILURES: Counter "otlet.processor.failures", BATCHES,
        &["processor", "error.type", "on_error"],
        "Batches that a plugin failed on, by why, and what happened to them.";
    PROCESSOR_DURATION: Histogram "otlet.processor.duration", Unit::Seconds, PROCESSOR,
        "Time of a plugin's calls: of the CPU where it is long enough to be measured.";
    PROCESSOR_HAND_OVERS: Counter "otlet.processor.hand_overs", BATCHES, PROCESSOR,
        "Batches that went to a worker thread, since the plugin may take long.";
    PROCESSOR_INSTANCES: Gauge "otlet.processor.instances", Unit::Of("{instance}"), PROCESSOR,
        "Instances of the plugin alive now.";
    PROCESSOR_TRIPPED: Gauge "otlet.processor.tripped", Unit::Of("1"), PROCESSOR,
        "1 while a plugin that failed again and again is left alone and its on_error is applied, else 0.";
    PROCESSOR_MEMORY: Gauge "otlet.processor.instance.memory", Unit::Bytes, PROCESSOR,
        "Linear memory of the instances alive now.";
    PLUGIN_LINES: Counter "otlet.plugin.dropped_log_lines", Unit::Of("{line}"), PROCESSOR,
        "Lines that a plugin logged or printed and that were left out, over log_lines or withheld.";
    PLUGIN_INFO: Gauge "otlet.plugin.info", Unit::Of("1"), &["plugin", "version", "digest"],
        "Always 1, for each plugin that is loaded.";
    PLUGIN_REFUSED: Gauge "otlet.plugin.refused_files", Unit::Of("{file}"), &["plugin", "error.type"],
        "Files of the plugin directory that are refused now, by why.";
    PLUGIN_COUNTS: Counter "otlet.plugin.counts", Unit::Of("{count}"), &["processor", "counter"],
        "What plugins count themselves, by the names that they give.";

    CONNECTOR_TRACES: Gauge "otlet.connector.held_traces", Unit::Of("{trace}"), CONNECTOR,
        "Traces that are held until they are whole.";
    CONNECTOR_ITEMS: Gauge "otlet.connector.held_items", ITEMS, CONNECTOR,
        "Spans that are held, or handed on and not taken yet.";
    CONNECTOR_BYTES: Gauge "otlet.connector.held_memory", Unit::Bytes, CONNECTOR,
        "Bytes of the requests that these came in, with 512 for each request.";
    CONNECTOR_MAX: Gauge "otlet.connector.memory_limit", Unit::Bytes, CONNECTOR,
        "The bound on what is held, or on what series take: max_bytes.";
    CONNECTOR_SENT: Counter "otlet.connector.sent_batches", BATCHES, CONNECTOR,
        "Batches of traces, or of metrics, that the pipelines behind the connector took.";
    CONNECTOR_SENT_ITEMS: Counter "otlet.connector.sent_items", ITEMS, CONNECTOR,
        "Spans in them.";
    CONNECTOR_EARLY: Counter "otlet.connector.early_traces", Unit::Of("{trace}"), CONNECTOR,
        "Traces that were handed on before wait_duration was over, since num_traces or max_bytes was reached, or others found no memory.";
    CONNECTOR_LATE: Counter "otlet.connector.late_traces", Unit::Of("{trace}"), CONNECTOR,
        "Traces of which spans came after it was handed on, and were held anew; of those handed on long ago not all are known.";
    CONNECTOR_PARTED: Counter "otlet.connector.parted_traces", Unit::Of("{trace}"), CONNECTOR,
        "Traces that were handed on in parts, since they have more than 8 MiB or 65,536 spans.";
    CONNECTOR_RETRIES: Counter "otlet.connector.retries", Unit::Of("{attempt}"), CONNECTOR,
        "Attempts after a batch's first, since the pipelines had no room for it.";
    CONNECTOR_FAILED_ITEMS: Counter "otlet.connector.failed_items", ITEMS, CONNECTOR,
        "Spans that the pipelines refused for good though they were acknowledged, or data points of span metrics.";
    CONNECTOR_REFUSED: Counter "otlet.connector.enqueue_failed_requests", REQUESTS, CONNECTOR,
        "Requests that found max_bytes reached, and were refused.";
    CONNECTOR_LOST: Counter "otlet.connector.lost_requests", REQUESTS, CONNECTOR,
        "Requests that were taken and are lost, because otlet had to end.";
    CONNECTOR_LOST_ITEMS: Counter "otlet.connector.lost_items", ITEMS, CONNECTOR,
        "Spans in them.";
    CONNECTOR_SERIES: Gauge "otlet.connector.series", Unit::Of("{series}"), CONNECTOR,
        "Series of span metrics that are kept, as of the last time that they were handed on.";
    CONNECTOR_SERIES_BYTES: Gauge "otlet.connector.series.memory", Unit::Bytes, CONNECTOR,
        "Bytes that they take, bounded by max_bytes.";
    CONNECTOR_COUNTED: Counter "otlet.connector.counted_items", ITEMS, CONNECTOR,
        "Spans that span metrics count.";
    CONNECTOR_OVERFLOW: Counter "otlet.connector.overflow_items", ITEMS, CONNECTOR,
        "Spans among them that found no room for a series of their own, and are under otel.metric.overflow.";
    CONNECTOR_UNCOUNTED: Counter "otlet.connector.uncounted_items", ITEMS, CONNECTOR,
        "Spans that span metrics do not count: of resources without service.name, or malformed.";
    CONNECTOR_FLUSHES: Counter "otlet.connector.flushes", Unit::Of("{flush}"), CONNECTOR,
        "How often span metrics were handed on.";

    CONNECTOR_DRAINING: Gauge "otlet.connector.draining_items", ITEMS, CONNECTOR,
        "Spans that a connector of that name still has to hand on, which a reload of the config removed.";

    EXPORTER_SENT: Counter "otlet.exporter.sent_requests", REQUESTS, EXPORTER,
        "Requests that the backend took.";
    EXPORTER_SENT_ITEMS: Counter "otlet.exporter.sent_items", ITEMS, EXPORTER,
        "Spans, data points or log records in them, without those that the backend rejected.";
    EXPORTER_REJECTED_ITEMS: Counter "otlet.exporter.rejected_items", ITEMS, EXPORTER,
        "Spans, data points or log records that the backend rejected of requests that it took (partial success).";
    EXPORTER_FAILED: Counter "otlet.exporter.failed_requests", REQUESTS, EXPORTER,
        "Requests that the backend refused for good, or that were given up though they were acknowledged.";
    EXPORTER_FAILED_ITEMS: Counter "otlet.exporter.failed_items", ITEMS, EXPORTER,
        "Spans, data points or log records in them.";
    EXPORTER_RETURNED: Counter "otlet.exporter.returned_requests", REQUESTS, EXPORTER,
        "Requests that could not be sent, and whose senders were told to try again, with the queue off.";
    EXPORTER_RETURNED_ITEMS: Counter "otlet.exporter.returned_items", ITEMS, EXPORTER,
        "Spans, data points or log records in them, again for each time.";
    EXPORTER_RETRIES: Counter "otlet.exporter.retries", Unit::Of("{attempt}"), EXPORTER,
        "Attempts after a request's first.";
    EXPORTER_DURATION: Histogram "otlet.exporter.attempt.duration", Unit::Seconds, EXPORTER,
        "Time of an attempt, whatever came of it.";
    EXPORTER_FAILING: Gauge "otlet.exporter.failing", Unit::Of("1"), EXPORTER,
        "Whether the last attempt failed: 1 if so, else 0.";
    EXPORTER_QUEUE: Gauge "otlet.exporter.queue.requests", REQUESTS, EXPORTER,
        "Requests that the queue holds: reserved, waiting and being sent.";
    EXPORTER_QUEUE_ITEMS: Gauge "otlet.exporter.queue.items", ITEMS, EXPORTER,
        "Spans, data points or log records that the queue holds.";
    EXPORTER_QUEUE_BYTES: Gauge "otlet.exporter.queue.memory", Unit::Bytes, EXPORTER,
        "Bytes that the queue holds, with 512 for each request.";
    EXPORTER_QUEUE_SIZE: Gauge "otlet.exporter.queue.capacity", Unit::Of("1"),
        &["exporter", "sizer"], "The queue's bound, queue_size, in what its sizer counts.";
    EXPORTER_QUEUE_MAX: Gauge "otlet.exporter.queue.memory_limit", Unit::Bytes, EXPORTER,
        "The queue's bound in bytes, max_bytes.";
    EXPORTER_REFUSED: Counter "otlet.exporter.enqueue_failed_requests", REQUESTS, EXPORTER,
        "Requests that found the queue full, and were refused.";
    EXPORTER_LOST: Counter "otlet.exporter.lost_requests", REQUESTS, EXPORTER,
        "Requests that were taken and are lost, because otlet had to end.";
    EXPORTER_LOST_ITEMS: Counter "otlet.exporter.lost_items", ITEMS, EXPORTER,
        "Spans, data points or log records in them.";

    EXPORTER_DRAINING: Gauge "otlet.exporter.draining_requests", REQUESTS, EXPORTER,
        "Requests that an exporter of that name still has to send, which a reload of the config removed or changed.";

    LETTERS: Counter "otlet.dead_letters.written", Unit::Of("{letter}"), &[],
        "Dead letters that were written.";
    LETTERS_ITEMS: Counter "otlet.dead_letters.written_items", ITEMS, &[],
        "Spans, data points or log records in them.";
    LETTERS_UNWRITTEN: Counter "otlet.dead_letters.unwritten", Unit::Of("{letter}"), &[],
        "Dead letters that could not be written.";
    LETTERS_EXPIRED: Counter "otlet.dead_letters.expired", Unit::Of("{letter}"), &[],
        "Dead letters that were removed because of their age.";
    LETTERS_DISK: Gauge "otlet.dead_letters.disk_usage", Unit::Bytes, &[],
        "Room on the disk that dead letters take, or are about to.";

    CONFIG_RELOADS: Counter "otlet.config.reloads", Unit::Of("{reload}"), &["outcome"],
        "How often the config was read again: applied, unchanged, or refused, after which nothing is different.";
    CONFIG_LOADED: Gauge "otlet.config.last_good", Unit::Seconds, &[],
        "When the config was last found to be good, in seconds since 1970.";
    BUILD: Gauge "otlet.build_info", Unit::Of("1"), &["version"], "Always 1, with the version of otlet.";
    PROCESS_START: Gauge "process.start_time", Unit::Seconds, &[],
        "When the process started, in seconds since 1970.";
    PROCESS_CPU: Counter "process.cpu.time", Unit::Seconds, &[],
        "CPU time that the process has used.";
    PROCESS_MEMORY: Gauge "process.memory.usage", Unit::Bytes, &[],
        "Memory of the process that is resident, on Linux.";
}
