//! `by: trace`: what is found of one row counts for all rows of its trace that the batch has. Rows without a trace stay by
//! themselves.

use otlet_plugin::{Mask, TraceIds};

use crate::rates::Rate;

/// Keeps all rows of the traces of which one is kept.
pub(crate) fn keep_together(ids: &TraceIds, kept: &mut Mask) {
    let of_kept = (0..ids.len()).filter(|row| kept.get(*row));
    let mut traces: Vec<[u8; 16]> = of_kept.filter_map(|row| ids.get(row).copied()).collect();
    if traces.is_empty() {
        return;
    }
    traces.sort_unstable();
    traces.dedup();
    for row in 0..ids.len() {
        if !kept.get(row)
            && ids
                .get(row)
                .is_some_and(|id| traces.binary_search(id).is_ok())
        {
            kept.set(row, true);
        }
    }
}

/// Gives all rows of a trace the rate that counts first of those that its rows have.
pub(crate) fn rate_together(ids: &TraceIds, rates: &mut [Option<&Rate>]) {
    let named = (0..).zip(rates.iter());
    let named = named.filter_map(|(row, rate)| Some((*ids.get(row)?, (*rate)?)));
    let mut traces: Vec<([u8; 16], &Rate)> = named.collect();
    if traces.is_empty() {
        return;
    }
    traces.sort_unstable_by_key(|(id, rate)| (*id, rate.rank()));
    traces.dedup_by_key(|(id, _)| *id);
    for (row, rate) in rates.iter_mut().enumerate() {
        let found = ids.get(row).map(|id| {
            traces
                .binary_search_by_key(id, |(trace, _)| *trace)
                .ok()
                .and_then(|at| traces.get(at))
        });
        if let Some(Some((_, first))) = found {
            *rate = Some(*first);
        }
    }
}
