//! Properties of the plugin on many random traces.

use std::collections::BTreeSet;

use otlet_plugin::testing::{Harness, Request};
use sample::Sample;
use serde_json::json;

const TRACES: usize = 2_000;

/// Traces of one to three spans each, the spans of a trace apart from each other.
fn traces(seed: u64) -> Request {
    let mut state = seed;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let ids: Vec<String> = (0..TRACES)
        .map(|_| format!("{:016x}{:016x}", random(), random()))
        .collect();
    let spans = (0..3).flat_map(|round| {
        ids.iter()
            .enumerate()
            .filter(move |(number, _)| number % 3 >= round)
    });
    let spans: Vec<_> = spans
        .enumerate()
        .map(|(number, (_, id))| json!({"traceId": id, "spanId": format!("{:016x}", number + 1), "name": "span"}))
        .collect();
    let halves: Vec<_> = spans
        .chunks(spans.len() / 2 + 1)
        .map(|spans| json!({"scopeSpans": [{"spans": spans}]}))
        .collect();
    Request::from_json(&json!({ "resourceSpans": halves }).to_string()).expect("a request")
}

fn sampled(percentage: f64, request: Request) -> Request {
    let mut sample = Harness::<Sample>::new(json!({ "percentage": percentage })).expect("a config");
    sample.run(request).expect("sample never fails").request
}

/// Every span by its trace id, its own id and its trace state.
fn spans(request: &Request) -> BTreeSet<(Vec<u8>, Vec<u8>, String)> {
    let Request::Traces(request) = request else {
        return BTreeSet::new();
    };
    let scopes = request
        .resource_spans
        .iter()
        .flat_map(|resource| &resource.scope_spans);
    let spans = scopes.flat_map(|scope| &scope.spans);
    spans
        .map(|span| {
            (
                span.trace_id.clone(),
                span.span_id.clone(),
                span.trace_state.clone(),
            )
        })
        .collect()
}

fn trace_ids(request: &Request) -> BTreeSet<Vec<u8>> {
    spans(request)
        .into_iter()
        .map(|(trace_id, _, _)| trace_id)
        .collect()
}

#[test]
fn a_trace_is_kept_with_all_its_spans_or_not_at_all() {
    let all = traces(1);
    let tenth = sampled(10.0, all.clone());
    let kept = trace_ids(&tenth);
    // Three sigma of 2,000 at a tenth: 3 x sqrt(2000 x 0.1 x 0.9) = 40.2.
    assert!((160..=240).contains(&kept.len()), "{}", kept.len());
    let expected: BTreeSet<_> = spans(&all)
        .into_iter()
        .filter(|(trace_id, _, _)| kept.contains(trace_id))
        .map(|(trace_id, span_id, _)| (trace_id, span_id, "ot=th:e666".to_owned()))
        .collect();
    assert_eq!(spans(&tenth), expected);
}

#[test]
fn a_smaller_share_is_part_of_a_larger_one() {
    let all = traces(2);
    let shares =
        [0.5, 1.0, 10.0, 33.3, 50.0, 99.0].map(|share| trace_ids(&sampled(share, all.clone())));
    assert!(
        shares
            .windows(2)
            .all(|pair| pair[0].is_subset(&pair[1]) && pair[0].len() < pair[1].len())
    );
}

#[test]
fn sampling_in_two_places_is_sampling_at_the_smaller_share() {
    let all = traces(3);
    let once = sampled(10.0, all.clone());
    assert_eq!(sampled(10.0, sampled(50.0, all.clone())), once);
    assert_eq!(sampled(50.0, sampled(10.0, all)), once);
    assert_eq!(sampled(10.0, once.clone()), once);
}
