//! Where the numbers are, and reading them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Weak};

use arc_swap::ArcSwapOption;

use super::reloads::Reloads;
use super::snapshot::Snapshot;
use super::{list, process};
use crate::connector::{AnyConnector, Connector, span_metrics::SpanMetrics};
use crate::exporter::Exporter;
use crate::letters::Letters;
use crate::memory::Memory;
use crate::pipeline::{Intake, Stage};
use crate::plugin::{Registry, State};
use crate::receiver::{Listening, jsonlines};

/// The parts that count, once they are there.
pub struct Sources {
    registry: Arc<Registry>,
    parts: ArcSwapOption<Parts>,
    reloads: Reloads,
}

/// The parts of a running otlet.
pub struct Parts {
    /// The listening sockets, with the names of their receivers.
    pub sockets: Vec<(String, Listening)>,
    /// What the receivers of lines count, with their names.
    pub lines: Vec<(String, Arc<jsonlines::Counters>)>,
    /// What the receivers hand their requests to.
    pub intakes: Vec<Arc<Intake>>,
    /// The processors.
    pub stages: Vec<Arc<Stage>>,
    /// The exporters.
    pub exporters: Vec<Arc<Exporter>>,
    /// The connectors.
    pub connectors: Vec<Arc<AnyConnector>>,
    /// Exporters that are no longer of the config, for as long as they have something to send.
    pub draining: Vec<Weak<Exporter>>,
    /// Connectors that are no longer of the config, for as long as they hold something.
    pub handing_on: Vec<Weak<AnyConnector>>,
    /// Where dead letters are kept, if they are.
    pub letters: Option<Arc<Letters>>,
    /// What requests hold.
    pub memory: Memory,
}

impl Sources {
    /// Sources without parts yet.
    pub fn new(registry: &Arc<Registry>) -> Arc<Self> {
        process::begin();
        Arc::new(Self {
            registry: Arc::clone(registry),
            parts: ArcSwapOption::default(),
            reloads: Reloads::default(),
        })
    }

    /// Where plugins come from.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The processors.
    pub fn stages(&self) -> Vec<Arc<Stage>> {
        let parts = self.parts.load();
        parts.as_ref().map_or(vec![], |parts| parts.stages.clone())
    }

    /// Reads from these parts from now on.
    pub fn set(&self, parts: Parts) {
        self.parts.store(Some(Arc::new(parts)));
    }

    /// What became of the config since the start.
    pub fn reloads(&self) -> &Reloads {
        &self.reloads
    }

    /// Reads everything.
    pub fn snapshot(&self) -> Snapshot {
        let mut into = Snapshot::empty();
        if let Some(parts) = self.parts.load_full() {
            for (receiver, socket) in &parts.sockets {
                collect_socket(receiver, socket, &mut into);
            }
            for (receiver, counters) in &parts.lines {
                collect_lines(receiver, counters, &mut into);
            }
            for intake in &parts.intakes {
                collect_intake(intake, &mut into);
            }
            for stage in &parts.stages {
                collect_stage(stage, &mut into);
            }
            for connector in &parts.connectors {
                match &**connector {
                    AnyConnector::GroupByTrace(connector) => {
                        collect_connector(connector, &mut into);
                    }
                    AnyConnector::SpanMetrics(connector) => {
                        collect_span_metrics(connector, &mut into);
                    }
                }
            }
            for exporter in &parts.exporters {
                collect_exporter(exporter, &mut into);
            }
            collect_draining(&parts, &mut into);
            if let Some(letters) = &parts.letters {
                collect_letters(letters, &mut into);
            }
            collect_memory(&parts.memory, &mut into);
        }
        collect_plugins(&self.registry, &mut into);
        collect_reloads(&self.reloads, &mut into);
        process::collect(&mut into);
        into
    }
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sources")
    }
}

fn collect_socket(receiver: &str, socket: &Listening, into: &mut Snapshot) {
    let counters = socket.counters();
    let protocol = socket.protocol();
    let labels = [receiver, protocol];
    into.add(&list::RECEIVER_REQUESTS, labels, counters.requests.get());
    for (kind, count) in counters.refusals() {
        into.add(&list::RECEIVER_REFUSED, [receiver, protocol, kind], count);
    }
    into.add(
        &list::RECEIVER_DURATION,
        labels,
        counters.durations.durations(),
    );
    into.add(&list::RECEIVER_BYTES, labels, counters.bytes.get());
    into.add(&list::RECEIVER_IN_FLIGHT, labels, socket.in_flight());
    into.add(&list::RECEIVER_PARTIAL, labels, counters.partial.get());
    into.add(
        &list::RECEIVER_REJECTED_ITEMS,
        labels,
        counters.rejected_items.get(),
    );
    into.add(&list::RECEIVER_CONNECTIONS, labels, socket.connections());
    into.add(
        &list::RECEIVER_CONNECTIONS_ACCEPTED,
        labels,
        counters.connections.get(),
    );
    into.add(
        &list::RECEIVER_CONNECTIONS_REFUSED,
        labels,
        counters.connections_refused.get(),
    );
    into.add(
        &list::RECEIVER_HANDSHAKES_FAILED,
        labels,
        counters.handshakes_failed.get(),
    );
}

fn collect_lines(receiver: &str, counters: &jsonlines::Counters, into: &mut Snapshot) {
    let labels = [receiver];
    for (metric, counter) in [
        (&list::LINES_BYTES, &counters.bytes),
        (&list::LINES_PASSED_OVER, &counters.refused),
        (&list::LINES_CUTS, &counters.cuts),
        (&list::LINES_NOT_UTF8, &counters.not_utf8),
    ] {
        into.add(metric, labels, counter.get());
    }
    into.add(&list::LINES_HELD, labels, counters.held());
}

fn collect_intake(intake: &Intake, into: &mut Snapshot) {
    for (signal, taken) in intake.taken().iter() {
        let labels = [intake.receiver(), signal.name()];
        into.add(&list::RECEIVER_ACCEPTED, labels, taken.requests.get());
        into.add(&list::RECEIVER_ACCEPTED_ITEMS, labels, taken.items.get());
        into.add(
            &list::RECEIVER_REFUSED_ITEMS,
            labels,
            taken.refused_items.get(),
        );
    }
}

fn collect_stage(stage: &Stage, into: &mut Snapshot) {
    let (processor, counters) = (stage.processor(), &stage.counters);
    let stats = processor.stats();
    let labels = [processor.name()];
    for (metric, counter) in [
        (&list::PROCESSOR_BATCHES, &counters.batches),
        (&list::PROCESSOR_INCOMING, &counters.records_in),
        (&list::PROCESSOR_OUTGOING, &counters.records_out),
        (&list::PROCESSOR_DROPPED, &counters.records_dropped),
        (&list::PROCESSOR_REJECTED, &counters.records_rejected),
        (&list::PROCESSOR_HAND_OVERS, &counters.handed_over),
        (&list::PROCESSOR_EDITS, &stats.edits),
    ] {
        into.add(metric, labels, counter.get());
    }
    let on_error = processor.on_error().name();
    for (cause, count) in stats.failures() {
        let labels = [processor.name(), cause.name(), on_error];
        into.add(&list::PROCESSOR_FAILURES, labels, count);
    }
    let durations = stats.durations.durations();
    into.add(&list::PROCESSOR_DURATION, labels, durations);
    into.add(&list::PROCESSOR_INSTANCES, labels, processor.instances());
    into.add(
        &list::PROCESSOR_TRIPPED,
        labels,
        u64::from(processor.is_tripped()),
    );
    into.add(&list::PROCESSOR_MEMORY, labels, stats.memory());
    into.add(&list::PLUGIN_LINES, labels, processor.dropped_lines());
    for (counter, count) in processor.counters() {
        into.add(&list::PLUGIN_COUNTS, [processor.name(), &counter], count);
    }
}

fn collect_plugins(registry: &Registry, into: &mut Snapshot) {
    let mut refused = BTreeMap::<_, u64>::new();
    for entry in registry.list() {
        match (&entry.state, &entry.about) {
            (State::Current, Some(about)) => {
                let version = about.version.as_deref().unwrap_or_default();
                let digest = entry.digest.map(|digest| digest.to_string());
                let digest = digest.unwrap_or_default();
                let labels = [entry.name.as_str(), version, &digest];
                into.add(&list::PLUGIN_INFO, labels, 1_u64);
            }
            (State::Refused(refusal), _) => {
                *refused.entry((entry.name, refusal.why.name())).or_default() += 1;
            }
            _ => {}
        }
    }
    for ((name, why), files) in &refused {
        into.add(&list::PLUGIN_REFUSED, [name.as_str(), why], *files);
    }
}

fn collect_letters(letters: &Arc<Letters>, into: &mut Snapshot) {
    let counters = letters.counters();
    for (metric, counter) in [
        (&list::LETTERS, &counters.written),
        (&list::LETTERS_ITEMS, &counters.written_items),
        (&list::LETTERS_UNWRITTEN, &counters.unwritten),
        (&list::LETTERS_EXPIRED, &counters.expired),
    ] {
        into.add(metric, [], counter.get());
    }
    into.add(&list::LETTERS_DISK, [], letters.used());
}

fn collect_memory(memory: &Memory, into: &mut Snapshot) {
    into.add(&list::MEMORY_HELD, [], memory.held());
    into.add(&list::MEMORY_MOST, [], memory.most());
    into.add(&list::MEMORY_LIMIT, [], memory.limit());
    into.add(&list::MEMORY_REFUSED, [], memory.refused());
}

fn collect_connector(connector: &Connector, into: &mut Snapshot) {
    let counters = connector.counters();
    let labels = [connector.name()];
    for (metric, gauge) in [
        (&list::CONNECTOR_TRACES, &counters.traces),
        (&list::CONNECTOR_ITEMS, &counters.spans),
    ] {
        into.add(metric, labels, gauge.get());
    }
    let queue = connector.queue();
    let (depth, capacity, lost) = (queue.depth(), queue.capacity(), queue.lost());
    into.add(&list::CONNECTOR_BYTES, labels, depth.bytes);
    into.add(&list::CONNECTOR_MAX, labels, capacity.bytes);
    for (metric, counter) in [
        (&list::CONNECTOR_SENT, &counters.sent),
        (&list::CONNECTOR_SENT_ITEMS, &counters.sent_items),
        (&list::CONNECTOR_EARLY, &counters.early),
        (&list::CONNECTOR_LATE, &counters.late),
        (&list::CONNECTOR_PARTED, &counters.parted),
        (&list::CONNECTOR_RETRIES, &counters.retries),
        (&list::CONNECTOR_FAILED_ITEMS, &counters.failed_items),
    ] {
        into.add(metric, labels, counter.get());
    }
    into.add(&list::CONNECTOR_REFUSED, labels, queue.refused());
    into.add(&list::CONNECTOR_LOST, labels, lost.requests);
    into.add(&list::CONNECTOR_LOST_ITEMS, labels, lost.items);
}

fn collect_span_metrics(connector: &SpanMetrics, into: &mut Snapshot) {
    let counters = connector.counters();
    let labels = [connector.name()];
    for (metric, number) in [
        (&list::CONNECTOR_SERIES, counters.series()),
        (&list::CONNECTOR_SERIES_BYTES, counters.bytes()),
        (&list::CONNECTOR_MAX, connector.max_bytes() as u64),
    ] {
        into.add(metric, labels, number);
    }
    for (metric, counter) in [
        (&list::CONNECTOR_COUNTED, &counters.items),
        (&list::CONNECTOR_OVERFLOW, &counters.overflow_items),
        (&list::CONNECTOR_UNCOUNTED, &counters.uncounted_items),
        (&list::CONNECTOR_FLUSHES, &counters.flushes),
        (&list::CONNECTOR_SENT, &counters.sent),
        (&list::CONNECTOR_RETRIES, &counters.retries),
        (&list::CONNECTOR_FAILED_ITEMS, &counters.failed_items),
    ] {
        into.add(metric, labels, counter.get());
    }
}

fn collect_exporter(exporter: &Exporter, into: &mut Snapshot) {
    let counters = exporter.counters();
    let labels = [exporter.name()];
    for (metric, counter) in [
        (&list::EXPORTER_SENT, &counters.sent_requests),
        (&list::EXPORTER_SENT_ITEMS, &counters.sent_items),
        (&list::EXPORTER_REJECTED_ITEMS, &counters.rejected_items),
        (&list::EXPORTER_FAILED, &counters.failed_requests),
        (&list::EXPORTER_FAILED_ITEMS, &counters.failed_items),
        (&list::EXPORTER_RETURNED, &counters.returned_requests),
        (&list::EXPORTER_RETURNED_ITEMS, &counters.returned_items),
        (&list::EXPORTER_RETRIES, &counters.retries),
    ] {
        into.add(metric, labels, counter.get());
    }
    let attempts = counters.attempts.durations();
    into.add(&list::EXPORTER_DURATION, labels, attempts);
    into.add(&list::EXPORTER_FAILING, labels, counters.is_failing());
    let queue = exporter.queue();
    let (depth, capacity, lost) = (queue.depth(), queue.capacity(), queue.lost());
    let sizer = [exporter.name(), capacity.sizer.name()];
    into.add(&list::EXPORTER_QUEUE, labels, depth.requests);
    into.add(&list::EXPORTER_QUEUE_ITEMS, labels, depth.items);
    into.add(&list::EXPORTER_QUEUE_BYTES, labels, depth.bytes);
    into.add(&list::EXPORTER_QUEUE_SIZE, sizer, capacity.size);
    into.add(&list::EXPORTER_QUEUE_MAX, labels, capacity.bytes);
    into.add(&list::EXPORTER_REFUSED, labels, queue.refused());
    into.add(&list::EXPORTER_LOST, labels, lost.requests);
    into.add(&list::EXPORTER_LOST_ITEMS, labels, lost.items);
}

/// The sum of each name, and none of those that are always told.
fn summed<'a>(
    names: impl Iterator<Item = &'a str>,
    counts: impl Iterator<Item = (String, u64)>,
) -> BTreeMap<String, u64> {
    let mut sums: BTreeMap<String, u64> = names.map(|name| (name.to_owned(), 0)).collect();
    for (name, count) in counts {
        *sums.entry(name).or_default() += count;
    }
    sums
}

/// Adds what is still to be sent under the name of each exporter and connector that is, or was, of the config.
fn collect_draining(parts: &Parts, into: &mut Snapshot) {
    let exporters = parts.exporters.iter().map(|exporter| exporter.name());
    let draining = parts.draining.iter().filter_map(Weak::upgrade);
    let draining = draining.map(|one| (one.name().to_owned(), one.queue().depth().requests));
    for (name, requests) in summed(exporters, draining) {
        into.add(&list::EXPORTER_DRAINING, [name.as_str()], requests);
    }
    let connectors = parts.connectors.iter().map(|connector| connector.name());
    let handing_on = parts.handing_on.iter().filter_map(Weak::upgrade);
    let handing_on = handing_on.map(|one| (one.name().to_owned(), one.held().items));
    for (name, spans) in summed(connectors, handing_on) {
        into.add(&list::CONNECTOR_DRAINING, [name.as_str()], spans);
    }
}

fn collect_reloads(reloads: &Reloads, into: &mut Snapshot) {
    for (outcome, counter) in reloads.outcomes() {
        into.add(&list::CONFIG_RELOADS, [outcome], counter.get());
    }
    if let Some(loaded) = reloads.loaded() {
        into.add(&list::CONFIG_LOADED, [], loaded);
    }
}
