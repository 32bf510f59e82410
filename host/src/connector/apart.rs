//! Takes a batch that is refused for good apart, so that of what several senders sent no more is given up than what is refused.
//!
//! In two by its traces, since those behind decide on whole ones, and one trace by its spans. **Invariant**: the two halves have
//! every span of the whole once.

use std::collections::HashSet;

use bytes::Bytes;

use crate::batch::{Spans, TraceId};
use crate::payload::{self, PREFIX, Payload};

/// A batch, or a part of one.
pub(super) struct Part {
    pub(super) payload: Payload,
    pub(super) spans: usize,
}

/// What may be taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// Batches of several traces.
    Traces,
    /// Traces as well.
    Spans,
}

/// The halves of a part; none if there is nothing to be taken apart.
pub(super) fn halves(part: &Part, by: By) -> Option<[Part; 2]> {
    let message = part.payload.message()?;
    let mut ids = vec![];
    let spans = Spans::read(&message, &mut ids).ok()?;
    let first = first_half(&ids);
    let of_first: Box<dyn Fn(usize) -> bool> = match by {
        _ if !first.is_empty() => Box::new(|row| ids.get(row).is_some_and(|id| first.contains(id))),
        By::Spans if ids.len() > 1 => Box::new(|row| row < ids.len() / 2),
        _ => return None,
    };
    let half = |is_first: bool| {
        let rows = (0..ids.len()).filter(|row| of_first(*row) == is_first);
        let rows: Vec<u32> = rows.filter_map(|row| u32::try_from(row).ok()).collect();
        let mut framed = vec![0; PREFIX];
        if is_first {
            spans.write_loose(&message, &mut framed);
        }
        spans.write(&message, &rows, &mut framed);
        payload::put_prefix(&mut framed, false);
        let payload = Payload::plain(part.payload.signal(), Bytes::from(framed));
        Part {
            payload: payload.joined(part.payload.is_joined()),
            spans: rows.len(),
        }
    };
    Some([half(true), half(false)])
}

/// Half of the traces of these spans, in the order in which they come; none if all are of one.
fn first_half(ids: &[TraceId]) -> HashSet<TraceId> {
    let (mut seen, mut ordered) = (HashSet::new(), vec![]);
    for id in ids {
        if seen.insert(*id) {
            ordered.push(*id);
        }
    }
    ordered.truncate(ordered.len() / 2);
    ordered.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use otlet_tests::sender::spans;
    use prost::Message;

    use super::*;
    use crate::batch::Signal;
    use crate::payload::prefix;

    /// Spans of these traces, in this order, each with its place as its number.
    fn part(traces: &[u8]) -> Part {
        let mut request = spans(0..traces.len() as u64);
        let resources = request.resource_spans.iter_mut();
        let scopes = resources.flat_map(|resource| &mut resource.scope_spans);
        for (span, trace) in scopes.flat_map(|scope| &mut scope.spans).zip(traces) {
            span.trace_id = vec![*trace; 16];
        }
        let message = request.encode_to_vec();
        let framed = [&prefix(false, message.len())[..], &message].concat();
        Part {
            payload: Payload::plain(Signal::Traces, framed.into()).joined(true),
            spans: traces.len(),
        }
    }

    /// The trace and the number of each span.
    fn held(part: &Part) -> Vec<(u8, u8)> {
        assert!(part.payload.is_joined());
        let message = part.payload.message().unwrap();
        let request = ExportTraceServiceRequest::decode(message).unwrap();
        let scopes = request.resource_spans.iter().flat_map(|it| &it.scope_spans);
        let spans = scopes.flat_map(|scope| &scope.spans);
        let held: Vec<_> = spans
            .map(|span| (span.trace_id[0], span.span_id[7]))
            .collect();
        assert_eq!(held.len(), part.spans);
        held
    }

    #[test]
    fn a_batch_is_halved_by_its_traces_which_stay_whole() {
        for by in [By::Traces, By::Spans] {
            let [first, second] = halves(&part(&[1, 2, 1, 3, 2, 1]), by).unwrap();
            assert_eq!(held(&first), [(1, 0), (1, 2), (1, 5)]);
            assert_eq!(held(&second), [(2, 1), (3, 3), (2, 4)]);
        }
    }

    #[test]
    fn a_trace_is_halved_by_its_spans_and_only_if_that_is_wanted() {
        let trace = part(&[7, 7, 7]);
        assert!(halves(&trace, By::Traces).is_none());
        let [first, second] = halves(&trace, By::Spans).unwrap();
        assert_eq!(held(&first), [(7, 0)]);
        assert_eq!(held(&second), [(7, 1), (7, 2)]);
        assert!(halves(&part(&[7]), By::Spans).is_none());
    }
}
