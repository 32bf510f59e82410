//! Reads `retry_on_failure` and `sending_queue`.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::exporter::Retry;
use crate::queue::{self, Batching, Sizer};

use super::super::reader::{Lacking, Reader};
use super::super::report::Mistake;
use super::super::units::{self, MAX_DURATION};

const BATCH_LACKING: Lacking = &[
    ("flush_timeout", "it is named `max_delay`"),
    (
        "min_size",
        "otlet sends what waited for `max_delay`: remove it",
    ),
    ("max_size", "otlet counts bytes: write `max_bytes: 2MiB`"),
    ("sizer", "otlet counts bytes: remove it"),
];

const DELAYS: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_mins(1);
const WAITS: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_hours(24);

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
];

pub(super) fn read_retry(mut reader: Reader<'_>) -> Retry {
    let mut retry = Retry::default();
    reader.boolean("enabled", &mut retry.enabled);
    reader.duration("initial_interval", WAITS, &mut retry.initial_interval);
    reader.duration("max_interval", WAITS, &mut retry.max_interval);
    reader.duration(
        "max_elapsed_time",
        Duration::ZERO..=MAX_DURATION,
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

pub(super) fn read_queue(reader: Reader<'_>) -> queue::Config {
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
    if let Some(section) = reader.section("batch") {
        if !queue.enabled {
            let what = "`batch` needs the queue that `enabled: false` switches off";
            let cure = "remove one of the two: a sender that waits for the backend should not wait for other senders";
            reader.report(Mistake::error(section.place(), what, cure));
        }
        queue.batch = Some(read_batch(section, queue.max_bytes));
    }
    // A thousand requests are a good default, a thousand bytes or spans are not.
    if queue.sizer != Sizer::Requests && !reader.has("queue_size") {
        let what = "this `sizer` needs a `queue_size`";
        let cure = "write how many may wait, such as `queue_size: 64MiB` for bytes or `queue_size: 100000` for items";
        reader.report(Mistake::error(reader.place_of("sizer"), what, cure));
    }
    reader.finish();
    queue
}

fn read_batch(reader: Reader<'_>, most: u64) -> Batching {
    let mut reader = reader.lacking(BATCH_LACKING);
    let mut batch = Batching::default();
    // One record of the usual size fits in the least.
    reader.size("max_bytes", 4096..=1 << 30, &mut batch.max_bytes);
    reader.duration("max_delay", DELAYS, &mut batch.max_delay);
    if u64::try_from(batch.max_bytes).unwrap_or(u64::MAX) > most {
        let most = units::show_size(most);
        let what =
            format!("a batch of `max_bytes` is more than the queue holds, `max_bytes: {most}`");
        let cure = "write a smaller `max_bytes` for the batch, or a larger one for the queue";
        reader.report(Mistake::error(reader.place_of("max_bytes"), what, cure));
    }
    reader.finish();
    batch
}
