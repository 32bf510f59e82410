//! Properties of the plugin on many random traces.

use std::collections::BTreeSet;

use otlet_plugin::testing::{Harness, Request};
use sample::Sample;
use serde_json::{Value, json};

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
        .zip(["front", "back"])
        .map(|(spans, service)| {
            let name = json!({"key": "service.name", "value": {"stringValue": service}});
            json!({"resource": {"attributes": [name]}, "scopeSpans": [{"spans": spans}]})
        })
        .collect();
    Request::from_json(&json!({ "resourceSpans": halves }).to_string()).expect("a request")
}

fn sampled(percentage: f64, request: Request) -> Request {
    sampled_by(json!({ "percentage": percentage }), request)
}

fn sampled_proportionally(percentage: f64, request: Request) -> Request {
    let config = json!({ "percentage": percentage, "mode": "proportional" });
    sampled_by(config, request)
}

fn sampled_by(config: Value, request: Request) -> Request {
    let mut sample = Harness::<Sample>::new(config).expect("a config");
    sample.run(request).expect("sample never fails").request
}

/// The spans of one of the two services.
fn of_service(number: usize, request: &Request) -> Request {
    let Request::Traces(mut request) = request.clone() else {
        return request.clone();
    };
    request.resource_spans = request.resource_spans.drain(number..=number).collect();
    request.into()
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

#[test]
fn proportional_stages_multiply_to_the_share_of_all() {
    let all = traces(4);
    let in_a_row = |shares: &[f64]| {
        let stage = |request, share: &f64| sampled_proportionally(*share, request);
        spans(&shares.iter().fold(all.clone(), stage))
    };
    let tenth = spans(&sampled(10.0, all.clone()));
    assert!(in_a_row(&[50.0, 20.0]) == tenth);
    assert!(in_a_row(&[50.0, 50.0, 40.0]) == tenth);
    let eighth = spans(&sampled(12.5, all.clone()));
    assert!(in_a_row(&[50.0, 25.0]) == eighth && in_a_row(&[25.0, 50.0]) == eighth);
    // 20 % is rounded to 0x0.3333, and half of that to 0x0.1999 where a tenth is 0x0.199a.
    let rounded = in_a_row(&[20.0, 50.0]);
    assert!(rounded.iter().all(|(_, _, state)| state == "ot=th:e667"));
    assert!(rounded.len().abs_diff(tenth.len()) <= 1);
}

#[test]
fn a_proportional_stage_keeps_its_share_of_what_arrives() {
    let all = traces(5);
    let half = sampled(50.0, all);
    let before = trace_ids(&half).len();
    let kept = trace_ids(&sampled_proportionally(25.0, half.clone())).len();
    // A quarter of about 1,000 traces, within three sigma: 3 x sqrt(1000 x 0.25 x 0.75) = 41.1.
    assert!(kept.abs_diff(before / 4) <= 41, "{kept} of {before}");
    // Where an equalizing stage takes the share of all traces that there were, which is half of these.
    let kept = trace_ids(&sampled(25.0, half)).len();
    assert!(kept.abs_diff(before / 2) <= 47, "{kept} of {before}");
}

#[test]
fn each_service_keeps_its_own_share_and_the_smaller_is_part_of_the_larger() {
    let all = traces(6);
    let service = "resource.attributes[\"service.name\"]";
    let rated = sampled_by(
        json!({ "percentage": 1, "rates": [
            { "when": { service: "front" }, "percentage": 50 },
            { "of": service, "percentages": { "back": 10, "front": 0 } },
        ] }),
        all.clone(),
    );
    let (front, back) = (of_service(0, &rated), of_service(1, &rated));
    assert_eq!(front, of_service(0, &sampled(50.0, all.clone())));
    assert_eq!(back, of_service(1, &sampled(10.0, all.clone())));
    let whole = trace_ids(&of_service(0, &all));
    let of_both: BTreeSet<_> = trace_ids(&back).intersection(&whole).cloned().collect();
    assert!(!of_both.is_empty() && of_both.is_subset(&trace_ids(&front)));
}

#[test]
fn thresholds_that_are_untrue_are_counted_and_replaced() {
    let all = traces(7);
    let Request::Traces(mut request) = all.clone() else {
        return;
    };
    for resource in &mut request.resource_spans {
        for span in &mut resource.scope_spans[0].spans {
            "ot=th:8".clone_into(&mut span.trace_state);
        }
    }
    let mut sample = Harness::<Sample>::new(json!({ "percentage": 25 })).expect("a config");
    let outcome = sample.run(request).expect("sample never fails");
    let below = spans(&all).len() - spans(&sampled(50.0, all.clone())).len();
    assert_eq!(outcome.counters["inconsistent_thresholds"], below as u64);
    assert_eq!(spans(&outcome.request), spans(&sampled(25.0, all.clone())));
    let outcome = sample.run(all).expect("sample never fails");
    assert!(outcome.counters.is_empty());
}
