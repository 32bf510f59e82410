//! What is held against a model that is plain: a list of spans, each with its trace and its time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message;

use super::{Bundle, Held, PARTED, Reach, TOGETHER};
use crate::batch::Signal;
use crate::payload::{PREFIX, Payload, prefix};

/// Of each span its trace and its own number.
type Numbered = (u64, u64);

fn id(trace: u64) -> Vec<u8> {
    [trace.to_be_bytes(), trace.to_be_bytes()].concat()
}

fn span((trace, number): Numbered) -> Span {
    Span {
        trace_id: id(trace),
        span_id: number.to_be_bytes().to_vec(),
        ..Span::default()
    }
}

fn payload(resource_spans: Vec<ResourceSpans>) -> Payload {
    let message = ExportTraceServiceRequest { resource_spans }.encode_to_vec();
    let framed = [&prefix(false, message.len())[..], &message].concat();
    Payload::plain(Signal::Traces, framed.into())
}

/// Spans in a scope each, or all in one, of a resource with a text of so many bytes.
fn request(spans: &[Numbered], said: usize, is_apart: bool) -> Payload {
    let scope = |spans: &[Numbered]| ScopeSpans {
        spans: spans.iter().copied().map(span).collect(),
        ..ScopeSpans::default()
    };
    let scopes = spans.chunks(if is_apart { 1 } else { spans.len().max(1) });
    payload(vec![ResourceSpans {
        resource: Some(Resource {
            attributes: vec![KeyValue {
                key: "k".repeat(said),
                ..KeyValue::default()
            }],
            ..Resource::default()
        }),
        scope_spans: scopes.map(scope).collect(),
        ..ResourceSpans::default()
    }])
}

fn spans_of<T>(bundle: &Bundle<T>) -> Vec<Numbered> {
    let message = bundle.framed.get(PREFIX..).unwrap();
    let request = ExportTraceServiceRequest::decode(message).unwrap();
    let resources = request.resource_spans.into_iter();
    let scopes = resources.flat_map(|resource| resource.scope_spans);
    let spans = scopes.flat_map(|scope| scope.spans);
    let number = |bytes: &[u8]| u64::from_be_bytes(bytes[..8].try_into().unwrap());
    spans
        .map(|span| (number(&span.trace_id), number(&span.span_id)))
        .collect()
}

const WAIT: Duration = Duration::from_millis(10);

fn all<T: Clone>(held: &mut Held<T>, reach: Reach) -> Vec<Bundle<T>> {
    std::iter::from_fn(|| held.take(reach, PREFIX)).collect()
}

#[derive(Clone, Debug)]
enum Step {
    /// The traces of the spans of a request, and whether each span is in a scope of its own.
    Insert(Vec<u64>, bool),
    /// Milliseconds go by, and what is due goes on.
    Due(u64),
    Oldest(usize),
    All,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (vec(0_u64..6, 0..8), any::<bool>()).prop_map(|(traces, apart)| Step::Insert(traces, apart)),
        4 => (0_u64..8).prop_map(Step::Due),
        1 => (1_usize..3).prop_map(Step::Oldest),
        1 => Just(Step::All),
    ];
    vec(step, 0..60)
}

#[derive(Default)]
struct Model {
    now: Duration,
    /// When the first span of each trace came, in that order, and its spans.
    traces: Vec<(u64, Duration, BTreeSet<u64>)>,
    /// The spans of each request that have not gone on.
    left: BTreeMap<u64, usize>,
    next: u64,
}

impl Model {
    fn insert(&mut self, traces: &[u64]) -> Vec<Numbered> {
        let mut numbered = vec![];
        for trace in traces {
            self.next += 1;
            numbered.push((*trace, self.next));
            match self.traces.iter_mut().find(|(id, ..)| id == trace) {
                Some((_, _, spans)) => drop(spans.insert(self.next)),
                None => self
                    .traces
                    .push((*trace, self.now, BTreeSet::from([self.next]))),
            }
        }
        numbered
    }

    /// Takes out the first traces, as many as `reach` takes, and the number of those that are early.
    fn take(&mut self, reach: Reach) -> (Vec<BTreeSet<Numbered>>, u64) {
        let is_due = |since: Duration, now: Duration| since + WAIT <= now;
        let count = match reach {
            Reach::All => self.traces.len(),
            Reach::Oldest(most, _) => most.min(self.traces.len()),
            Reach::Due(now) => {
                let due = self
                    .traces
                    .iter()
                    .take_while(|(_, since, _)| is_due(*since, now));
                due.count()
            }
        };
        let taken: Vec<_> = self.traces.drain(..count).collect();
        let early = match reach {
            Reach::Oldest(_, now) => taken
                .iter()
                .filter(|(_, since, _)| !is_due(*since, now))
                .count(),
            _ => 0,
        };
        let spans = taken
            .into_iter()
            .map(|(trace, _, spans)| spans.into_iter().map(|span| (trace, span)).collect());
        (spans.collect(), early as u64)
    }
}

fn check(model: &mut Model, held: &mut Held<u64>, reach: Reach) {
    let (expected, early) = model.take(reach);
    let bundles = match reach {
        // Once, since the second time others would be the oldest.
        Reach::Oldest(..) => held.take(reach, PREFIX).into_iter().collect(),
        _ => all(held, reach),
    };
    let mut came: Vec<_> = bundles.iter().flat_map(spans_of).collect();
    came.sort_unstable();
    let mut wanted: Vec<_> = expected.iter().flatten().copied().collect();
    wanted.sort_unstable();
    assert_eq!(came, wanted);
    assert_eq!(
        bundles.iter().map(|bundle| bundle.early).sum::<u64>(),
        early
    );
    for bundle in &bundles {
        let spans: BTreeSet<_> = spans_of(bundle).into_iter().collect();
        assert_eq!(spans.len(), bundle.spans);
        for trace in &expected {
            let here = trace.intersection(&spans).count();
            assert!(here == 0 || here == trace.len(), "{trace:?} in parts");
        }
        for (request, spans) in &bundle.from {
            let left = model.left.get_mut(request).unwrap();
            *left = left.checked_sub(*spans).unwrap();
        }
    }
    assert_eq!(held.traces(), model.traces.len());
    assert_eq!(held.spans(), model.left.values().sum::<usize>());
    let due = model.traces.first().map(|(_, since, _)| *since + WAIT);
    assert_eq!(held.due(), due);
    // A request is let go of with its last span.
    let requests = held.requests.iter().flatten().count();
    assert_eq!(
        requests,
        model.left.values().filter(|left| **left > 0).count()
    );
}

proptest! {
    #[test]
    fn what_goes_in_comes_out_once_and_by_whole_traces(steps in steps()) {
        let mut model = Model::default();
        let mut held = Held::new(WAIT);
        for (token, step) in (0..).zip(steps) {
            let reach = match step {
                Step::Insert(traces, is_apart) => {
                    let spans = model.insert(&traces);
                    let request = request(&spans, 10, is_apart);
                    let inserted = held.insert(model.now, request, |spans| {
                        assert_eq!(spans, traces.len());
                        token
                    });
                    prop_assert_eq!(inserted.is_err(), traces.is_empty());
                    if !traces.is_empty() {
                        model.left.insert(token, traces.len());
                    }
                    continue;
                }
                Step::Due(milliseconds) => {
                    model.now += Duration::from_millis(milliseconds);
                    Reach::Due(model.now)
                }
                Step::Oldest(most) => Reach::Oldest(most, model.now),
                Step::All => Reach::All,
            };
            check(&mut model, &mut held, reach);
        }
        check(&mut model, &mut held, Reach::All);
        prop_assert_eq!(held.spans(), 0);
    }
}

#[test]
fn a_trace_that_comes_again_is_late_and_a_group_of_its_own() {
    let mut held = Held::new(WAIT);
    held.insert(Duration::ZERO, request(&[(1, 1), (2, 2)], 1, false), |_| 0)
        .unwrap();
    assert!(held.take(Reach::Due(WAIT), PREFIX).is_some());
    held.insert(WAIT, request(&[(1, 3), (3, 4), (1, 5)], 1, false), |_| 1)
        .unwrap();
    assert_eq!((held.late(), held.traces()), (1, 2));
    assert_eq!(held.due(), Some(2 * WAIT));
}

#[test]
fn what_is_no_request_is_given_back() {
    let mut held = Held::<u64>::new(WAIT);
    let bytes = [&prefix(false, 2)[..], &[0x0a, 9]].concat();
    let payload = Payload::plain(Signal::Traces, bytes.into());
    assert!(held.insert(Duration::ZERO, payload, |_| 0).is_err());
    assert_eq!((held.traces(), held.due()), (0, None));
}

#[test]
fn bundles_are_bounded_and_a_trace_that_is_larger_goes_on_in_parts() {
    // A trace of 12 MB among small ones, in requests of 100 KB.
    let mut held = Held::new(WAIT);
    let (mut number, mut expected) = (0, vec![]);
    for _request in 0..120 {
        let spans: Vec<Numbered> = (0..100)
            .map(|span| {
                number += 1;
                (if span % 10 == 0 { number } else { 0 }, number)
            })
            .collect();
        let large = spans.iter().map(|numbered| Span {
            name: "n".repeat(if numbered.0 == 0 { 1100 } else { 100 }),
            ..span(*numbered)
        });
        let scope = ScopeSpans {
            spans: large.collect(),
            ..ScopeSpans::default()
        };
        let request = payload(vec![ResourceSpans {
            scope_spans: vec![scope],
            ..ResourceSpans::default()
        }]);
        held.insert(Duration::ZERO, request, |spans| spans).unwrap();
        expected.extend(spans);
    }
    let bundles = all(&mut held, Reach::Due(WAIT));
    let sizes: Vec<_> = bundles.iter().map(|bundle| bundle.framed.len()).collect();
    assert!(
        sizes.iter().all(|size| *size < PARTED + (1 << 16)),
        "{sizes:?}"
    );
    assert!(
        sizes.iter().filter(|size| **size > TOGETHER).count() >= 2,
        "{sizes:?}"
    );
    assert_eq!(held.parted(), 1);
    let mut came: Vec<_> = bundles.iter().flat_map(spans_of).collect();
    came.sort_unstable_by_key(|(_, number)| *number);
    assert_eq!(came, expected);
}

#[test]
fn what_spans_share_is_not_written_again_and_again() {
    // A thousand traces of a span, each due a little later than the one before it, in a request that says much beside them.
    let spans: Vec<Numbered> = (0..1000).map(|number| (number, number)).collect();
    let request = request(&spans, 100_000, false);
    let size = request.opened_size();
    let mut held = Held::new(WAIT);
    for at in 0..1000 {
        let first = [(at, 1000 + at)];
        let now = Duration::from_millis(at);
        let one = self::request(&first, 1, false);
        held.insert(now, one, |spans| spans).unwrap();
    }
    held.insert(Duration::from_secs(1), request, |spans| spans)
        .unwrap();
    let mut bundles = vec![];
    for at in 0..1000 {
        let now = WAIT + Duration::from_millis(at);
        bundles.extend(held.take(Reach::Due(now), PREFIX));
    }
    let written: usize = bundles.iter().map(|bundle| bundle.framed.len()).sum();
    assert!(written < 12 * size, "{written} of {size}");
    let came: usize = bundles.iter().map(|bundle| spans_of(bundle).len()).sum();
    let counted: usize = bundles.iter().map(|bundle| bundle.spans).sum();
    let of_requests = bundles.iter().flat_map(|bundle| &bundle.from);
    let of_requests: usize = of_requests.map(|(_, spans)| spans).sum();
    assert_eq!((came, counted, of_requests), (2000, 2000, 2000));
    assert_eq!((held.spans(), held.traces()), (0, 0));
    assert_eq!(held.requests.iter().flatten().count(), 0);
}
