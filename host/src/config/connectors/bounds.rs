//! Finds bounds of connectors that do not go with those of what stands before and behind them. Nothing is lost by any, so that
//! they are warnings.

use crate::connector::{self, AnyConfig};
use crate::exporter;
use crate::queue::{self, Sizer};

use super::super::reader::{Mistakes, Reader};
use super::super::report::{Mistake, quoted};
use super::super::units;
use super::super::yaml::Entry;
use super::super::{PipelineConfig, ReceiverConfig};

/// What connectors stand between. The numbers in the pipelines are positions in the entries.
pub(in super::super) struct Around<'a> {
    pub(in super::super) connectors: &'a [Entry],
    pub(in super::super) exporters: &'a [Entry],
    pub(in super::super) pipelines: &'a [PipelineConfig],
    /// Those that could be read.
    pub(in super::super) configs: (
        &'a [ReceiverConfig],
        &'a [AnyConfig],
        &'a [exporter::Config],
    ),
    /// What `service.memory` says.
    pub(in super::super) memory: Option<usize>,
}

const MAX_BYTES: &str = "max_bytes";

/// Reports what has bounds that do not go together, once all can be read.
pub(in super::super) fn check(around: &Around<'_>, mistakes: &Mistakes) {
    let is_read = around.configs.1.len() == around.connectors.len();
    if !is_read || mistakes.borrow().iter().any(Mistake::is_fatal) {
        return;
    }
    let mut found = vec![];
    for (at, (entry, config)) in around.connectors.iter().zip(around.configs.1).enumerate() {
        let AnyConfig::GroupByTrace(config) = config else {
            continue;
        };
        found.extend(around.refuses(at, entry, config, mistakes));
        found.extend(around.parts(at, entry));
    }
    found.extend(around.starves(mistakes));
    mistakes.borrow_mut().extend(found);
}

impl Around<'_> {
    /// Requests that are larger than all that a connector may hold.
    fn refuses(
        &self,
        at: usize,
        entry: &Entry,
        config: &connector::Config,
        mistakes: &Mistakes,
    ) -> Option<Mistake> {
        let feeding = self.pipelines.iter().filter(|one| one.to.contains(&at));
        let receivers = feeding.flat_map(|one| &one.receivers);
        let receivers = receivers.filter_map(|at| self.configs.0.get(*at));
        let size = |receiver: &&ReceiverConfig| {
            // With what a queue counts for a request beside its bytes.
            u64::try_from(receiver.largest_request()).unwrap_or(u64::MAX) + 1024
        };
        let receiver = receivers.max_by_key(size)?;
        if size(&receiver) <= config.max_bytes {
            return None;
        }
        let what = format!(
            "connector {} refuses for good the largest requests that receiver {} takes, since it may not hold as much",
            quoted(&entry.key),
            quoted(receiver.name())
        );
        let least = units::show_size(size(&receiver).next_multiple_of(1 << 20));
        let cure = format!(
            "write `max_bytes: {least}` or more, better several times that, or have the receiver take smaller requests"
        );
        let place = Reader::new(entry.place, &entry.value, mistakes).place_of(MAX_BYTES);
        Some(Mistake::warning(place, what, cure))
    }

    /// Exporters with a queue that has no room for what a connector hands on at once.
    fn parts(&self, at: usize, entry: &Entry) -> Vec<Mistake> {
        let behind = self.pipelines.iter().filter(|one| one.from.contains(&at));
        let mut exporters: Vec<_> = behind.flat_map(|one| &one.exporters).collect();
        exporters.sort_unstable();
        exporters.dedup();
        let exporters = exporters
            .into_iter()
            .filter_map(|at| Some((self.exporters.get(*at)?, self.configs.2.get(*at)?)));
        let parts = exporters.filter_map(|(exporter, config)| {
            let cure = larger(&config.queue)?;
            let what = format!(
                "the queue of exporter {} may have no room for what connector {} hands on at once: that is parted then, and traces with it",
                quoted(&exporter.key),
                quoted(&entry.key)
            );
            Some(Mistake::warning(exporter.place, what, cure))
        });
        parts.collect()
    }

    /// Connectors that may take the memory that others need.
    fn starves(&self, mistakes: &Mistakes) -> Option<Mistake> {
        let configs = self.configs.1.iter();
        let held = configs.map(|config| match config {
            AnyConfig::GroupByTrace(config) => config.max_bytes,
            AnyConfig::SpanMetrics(config) => config.max_bytes as u64,
        });
        let connectors = self.connectors.iter().zip(held.clone());
        let says = |(entry, _): &(&Entry, _)| {
            Reader::new(entry.place, &entry.value, mistakes).has(MAX_BYTES)
        };
        let written = connectors.filter(says);
        let (entry, _) = written.max_by_key(|(_, most)| *most)?;
        let most = held.fold(0, u64::saturating_add);
        let limit = u64::try_from(self.memory?).unwrap_or(u64::MAX);
        if most <= limit / 2 {
            return None;
        }
        let what = "connectors may hold more than half of what `service.memory.limit` allows for all requests";
        let cure = "write a smaller `max_bytes`, or a `limit` of at least twice those of all connectors: else traces are handed on early \
                    where others find no memory";
        let place = Reader::new(entry.place, &entry.value, mistakes).place_of(MAX_BYTES);
        Some(Mistake::warning(place, what, cure))
    }
}

/// What to write where a queue has no room for the most that is handed on at once.
fn larger(queue: &queue::Config) -> Option<&'static str> {
    const BYTES: u64 = connector::MOST_BYTES as u64;
    const SPANS: u64 = connector::MOST_SPANS as u64;
    if queue.max_bytes < BYTES {
        return Some("write `max_bytes: 16MiB` or more in its `sending_queue`");
    }
    match queue.sizer {
        Sizer::Bytes if queue.queue_size < BYTES => {
            Some("write `queue_size: 16MiB` or more in its `sending_queue`")
        }
        Sizer::Items if queue.queue_size < SPANS => {
            Some("write `queue_size: 100000` or more in its `sending_queue`")
        }
        _ => None,
    }
}
