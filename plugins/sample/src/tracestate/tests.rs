use super::{MAX_MEMBERS, Sampling, sampling, with_threshold};
use crate::threshold::{Randomness, Threshold};

fn threshold(text: &str) -> Threshold {
    Threshold::parse(text).expect("a threshold")
}

fn says(randomness: Option<&str>, threshold: Option<&str>) -> Sampling {
    Sampling {
        randomness: randomness.map(|text| Randomness::parse(text).expect("randomness")),
        threshold: threshold.map(|text| Threshold::parse(text).expect("a threshold")),
    }
}

#[test]
fn threshold_and_randomness_are_read_from_the_ot_member_alone() {
    let rv = Some("9b8233f7e3a151");
    assert_eq!(sampling("ot=th:c"), says(None, Some("c")));
    assert_eq!(sampling("ot=th:0;rv:9b8233f7e3a151"), says(rv, Some("0")));
    assert_eq!(
        sampling("a=1, ot=p:8;rv:9b8233f7e3a151;x1:y ,b=2"),
        says(rv, None)
    );
    assert_eq!(sampling("x=th:8,tenant@ot=th:8,oth=th:8"), says(None, None));
    assert_eq!(sampling(""), says(None, None));
}

#[test]
fn what_does_not_parse_is_as_if_it_were_not_there() {
    for state in [
        "ot", "ot=", "ot=th", "ot=th:", "ot=th:-1", "ot=th:g", "ot=rv:12", "ot=th;8", "ot=TH:8",
        "OT=th:8",
    ] {
        assert_eq!(sampling(state), says(None, None), "{state}");
    }
    assert_eq!(sampling("ot=1:1;th:8;;u=V"), says(None, Some("8")));
    assert_eq!(
        sampling("ot=th:8;th:c,ot=th:e"),
        says(None, Some("8")),
        "the first counts"
    );
}

#[test]
fn writing_a_threshold_keeps_other_members_and_sub_keys() {
    let written = |state| with_threshold(state, threshold("e666"));
    assert_eq!(written(""), "ot=th:e666");
    assert_eq!(written("ot=th:8"), "ot=th:e666");
    assert_eq!(
        written("vendor=a b,other=1"),
        "ot=th:e666,vendor=a b,other=1"
    );
    assert_eq!(
        written("a=1 ,\tot=th:8;rv:ffffffffffffff;k:v, ,b=2"),
        "ot=rv:ffffffffffffff;k:v;th:e666,a=1,b=2"
    );
    assert_eq!(written("ot=p:8;r:62"), "ot=p:8;r:62;th:e666");
    assert_eq!(
        written("ot=rv:FD70A3D70A3D71"),
        "ot=rv:FD70A3D70A3D71;th:e666",
        "rv is never rewritten"
    );
}

#[test]
fn writing_a_threshold_leaves_out_what_is_malformed_in_the_ot_member() {
    let written = |state| with_threshold(state, threshold("8"));
    assert_eq!(written("ot=rv:123;th:zz;ok:1;Bad:2;x:$"), "ot=ok:1;th:8");
    assert_eq!(
        written("ot=th:e,ot=a:b"),
        "ot=th:8",
        "a member twice is one too many"
    );
}

#[test]
fn a_full_trace_state_gives_up_its_last_member() {
    let full: Vec<String> = (0..MAX_MEMBERS)
        .map(|number| format!("v{number}=x"))
        .collect();
    let written = with_threshold(&full.join(","), threshold("8"));
    assert_eq!(written.split(',').count(), MAX_MEMBERS);
    assert!(written.starts_with("ot=th:8,v0=x,"));
    assert!(written.ends_with(",v30=x"));
}

#[test]
fn a_threshold_that_does_not_fit_is_left_out_with_the_old_one() {
    // "x:" and 248 characters, ";th:" and 2: exactly 256.
    let fits = format!("ot=th:8;x:{}", "y".repeat(248));
    let expected = format!("ot=x:{};th:ab,a=1", "y".repeat(248));
    assert_eq!(
        with_threshold(&format!("{fits},a=1"), threshold("ab")),
        expected
    );
    let longer = format!("ot=th:8;x:{}", "y".repeat(249));
    assert_eq!(
        with_threshold(&longer, threshold("ab")),
        format!("ot=x:{}", "y".repeat(249))
    );
}

#[test]
fn an_ot_member_over_its_bound_is_as_if_it_were_not_there() {
    let long = format!("ot=th:8;rv:9b8233f7e3a151;x:{},a=1", "y".repeat(256));
    assert_eq!(sampling(&long), says(None, None));
    assert_eq!(with_threshold(&long, threshold("ab")), "ot=th:ab,a=1");
}
