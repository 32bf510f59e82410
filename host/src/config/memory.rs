//! Reads `service.memory`, and says what a config needs of it: room for the largest request that is taken, or its sender would be
//! told for ever to try again.

use std::ops::RangeInclusive;

use super::reader::Reader;
use super::report::Mistake;
use super::{PipelineConfig, ReceiverConfig, units};
use crate::batch::Signal;
use crate::exporter;

/// The bounds of the process's memory: what holds one request of some use, and more than machines have.
const LIMITS: RangeInclusive<u64> = 1 << 20..=1 << 40;

/// What is asked for is whole numbers of these.
const MIB: usize = 1 << 20;

/// `least` is what the rest of the config needs, of which connectors set so much aside.
pub(super) fn read(mut reader: Reader<'_>, least: usize, aside: usize) -> Option<usize> {
    let mut limit = 0;
    reader.size("limit", LIMITS, &mut limit);
    if limit > 0 && limit < least {
        let mut what = "`limit` has no room for the largest request that a receiver takes, as it came, opened, for its processors and \
                        for its exporters".to_owned();
        if aside > 0 {
            what.push_str(", beside what connectors set aside");
        }
        let least = least.div_ceil(MIB).saturating_mul(MIB);
        let least = units::show_size(u64::try_from(least).unwrap_or(u64::MAX));
        let cure = format!(
            "write {least} or more, better several times that, or have receivers take smaller requests"
        );
        reader.report(Mistake::error(reader.place_of("limit"), what, cure));
    }
    reader.finish();
    Some(limit).filter(|limit| *limit > 0)
}

/// The least memory in which the largest request of each receiver has room, with what its pipelines are promised for it, beside
/// what connectors set aside.
pub(super) fn least(
    receivers: &[ReceiverConfig],
    exporters: &[exporter::Config],
    pipelines: &[PipelineConfig],
    aside: usize,
) -> usize {
    let needs = receivers.iter().enumerate().flat_map(|(at, receiver)| {
        let promised = Signal::ALL.map(|signal| {
            let sends = pipelines
                .iter()
                .filter(|one| one.signal == signal && one.receivers.contains(&at))
                .flat_map(|one| &one.exporters)
                .filter_map(|at| exporters.get(*at));
            sends
                .map(|exporter| exporter.least_memory(receiver.largest_request()))
                .fold(0, usize::saturating_add)
        });
        promised.map(|promised| receiver.least_memory().saturating_add(promised))
    });
    needs.max().unwrap_or_default().saturating_add(aside)
}
