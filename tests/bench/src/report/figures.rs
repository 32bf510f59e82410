//! The figures of a report, computed from turns.

use crate::run::{Played, Turns};
use crate::turn::Turn;

/// One program's figures in one scenario.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Figures {
    pub(super) program: String,
    pub(super) ns_per_record: Option<Spread>,
    /// To the first program of the same round.
    pub(super) ratio: Option<Spread>,
    pub(super) records_per_second: f64,
    pub(super) busy: f64,
    pub(super) waited: f64,
    /// p50, p90, p99 and p99.9.
    pub(super) latency_ms: [f64; 4],
    /// p99 of the second in which it was the greatest.
    pub(super) worst_ms: f64,
    pub(super) retryable: u64,
    pub(super) permanent: u64,
    pub(super) failed: u64,
    pub(super) unsent: u64,
    pub(super) goodput: Option<f64>,
    pub(super) ready_ms: Spread,
    pub(super) idle_mib: f64,
    pub(super) peak_mib: f64,
    pub(super) final_mib: f64,
    pub(super) cpu_ms_per_second: f64,
    pub(super) binary_mb: f64,
}

/// The median of some numbers, with the least and the greatest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) least: f64,
    pub(super) most: f64,
}

impl Spread {
    /// None of no numbers.
    pub(super) fn of(numbers: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut numbers: Vec<_> = numbers.into_iter().collect();
        numbers.sort_by(f64::total_cmp);
        let upper = *numbers.get(numbers.len() / 2)?;
        let lower = *numbers.get((numbers.len() - 1) / 2)?;
        Some(Self {
            median: f64::midpoint(lower, upper),
            least: *numbers.first()?,
            most: *numbers.last()?,
        })
    }
}

/// The figures of all programs that had a turn.
pub(super) fn of(played: &Played) -> Vec<Figures> {
    let Some(first) = played.programs.first() else {
        return vec![];
    };
    (played.programs.iter())
        .filter_map(|program| figures(program, first))
        .collect()
}

fn worst(turn: &Turn) -> u64 {
    let seconds = turn.outcome.each_second.iter();
    seconds.map(|second| second.p99).max().unwrap_or_default()
}

fn figures(program: &Turns, first: &Turns) -> Option<Figures> {
    let turns: Vec<&Turn> = program.turns.iter().flatten().collect();
    let spread = |of: &dyn Fn(&Turn) -> f64| Spread::of(turns.iter().map(|turn| of(turn)));
    let median = |of: &dyn Fn(&Turn) -> f64| Some(spread(of)?.median);
    let sum = |of: &dyn Fn(&Turn) -> u64| turns.iter().map(|turn| of(turn)).sum::<u64>();
    let ratios = program.turns.iter().zip(&first.turns).filter_map(|pair| {
        let (Some(turn), Some(first)) = pair else {
            return None;
        };
        Some(turn.ns_per_record()? / first.ns_per_record()?)
    });
    let micros = [
        median(&|turn| turn.outcome.latency.p50 as f64)?,
        median(&|turn| turn.outcome.latency.p90 as f64)?,
        median(&|turn| turn.outcome.latency.p99 as f64)?,
        median(&|turn| turn.outcome.latency.p999 as f64)?,
    ];
    Some(Figures {
        program: program.program.clone(),
        ns_per_record: Spread::of(turns.iter().filter_map(|turn| turn.ns_per_record())),
        ratio: Spread::of(ratios),
        records_per_second: median(&|turn| turn.outcome.records as f64 / turn.outcome.seconds)?,
        busy: median(&|turn| turn.busy)?,
        waited: median(&|turn| turn.waited)?,
        latency_ms: micros.map(|micros| micros / 1e3),
        worst_ms: median(&|turn| worst(turn) as f64 / 1e3)?,
        retryable: sum(&|turn| turn.outcome.retryable),
        permanent: sum(&|turn| turn.outcome.permanent),
        failed: sum(&|turn| turn.outcome.failed),
        unsent: sum(&|turn| turn.outcome.unsent),
        goodput: Spread::of(turns.iter().filter_map(|turn| turn.goodput)).map(|it| it.median),
        ready_ms: spread(&|turn| turn.ready_ms)?,
        idle_mib: median(&|turn| turn.idle_kib as f64 / 1024.0)?,
        peak_mib: spread(&|turn| turn.peak_kib as f64 / 1024.0)?.most,
        final_mib: median(&|turn| turn.final_kib as f64 / 1024.0)?,
        cpu_ms_per_second: median(&|turn| turn.cpu_ns as f64 / 1e6 / turn.outcome.seconds)?,
        binary_mb: median(&|turn| turn.binary_bytes as f64 / 1e6)?,
    })
}
