use super::{Decision, Share};
use crate::config::Mode::{self, Equalizing, Proportional};
use crate::threshold::{Randomness, Threshold};
use crate::tracestate::sampling;

/// Its randomness is 0x80000000000000: the last trace kept at 50 %.
const HALF: u128 = 0xfefe_fefe_fefe_fefe_fe80_0000_0000_0000;

/// Whose randomness is the highest of all.
const LAST: u128 = u128::MAX;

fn decided_by(share: &Share, trace_id: u128, state: &str) -> Decision {
    let said = sampling(state);
    let of_id = Randomness::of_trace_id(trace_id.to_be_bytes());
    share.decide(said.randomness.unwrap_or(of_id), said.threshold)
}

fn decided_in(mode: Mode, percentage: f64, trace_id: u128, state: &str) -> Decision {
    decided_by(&Share::of_percentage(percentage, mode), trace_id, state)
}

fn decided(percentage: f64, trace_id: u128, state: &str) -> Decision {
    decided_in(Equalizing, percentage, trace_id, state)
}

fn proportional(percentage: f64, trace_id: u128, state: &str) -> Decision {
    decided_in(Proportional, percentage, trace_id, state)
}

fn kept_at(threshold: &str) -> Decision {
    Decision::KeepAt(Threshold::parse(threshold).expect("a threshold"))
}

#[test]
fn traces_without_a_trace_state_are_decided_by_their_id_in_both_modes() {
    for mode in [Equalizing, Proportional] {
        let decided = |percentage, trace_id| decided_in(mode, percentage, trace_id, "");
        assert_eq!(decided(50.0, HALF), kept_at("8"));
        assert_eq!(decided(49.0, HALF), Decision::Drop);
        assert_eq!(
            decided(25.0, 0xdddd_dddd_dddd_dddd_ddc0_0000_0000_0000),
            kept_at("c")
        );
        assert_eq!(
            decided(25.0, 0xdddd_dddd_dddd_dddd_ddb0_0000_0000_0000),
            Decision::Drop
        );
        assert_eq!(
            decided(1.0, 0xa0a0_a0a0_a0a0_a0a0_a0fe_0000_0000_0000),
            kept_at("fd70a")
        );
        assert_eq!(decided(0.0, LAST), Decision::Drop);
        assert_eq!(decided(100.0, 0), kept_at("0"));
    }
}

#[test]
fn explicit_randomness_stands_in_for_the_id() {
    for mode in [Equalizing, Proportional] {
        let decided = |percentage, trace_id, state| decided_in(mode, percentage, trace_id, state);
        assert_eq!(decided(1.0, HALF, "ot=rv:FD70A3D70A3D71"), kept_at("fd70a"));
        assert_eq!(decided(49.0, HALF, "ot=rv:ffffffffffffff"), kept_at("828f"));
        assert_eq!(decided(50.0, HALF, "ot=rv:7fffffffffffff"), Decision::Drop);
        assert_eq!(decided(50.0, 0, "ot=rv:ffffffffffffff"), kept_at("8"));
        assert_eq!(
            decided(50.0, HALF, "ot=rv:123"),
            kept_at("8"),
            "malformed, so the id counts"
        );
    }
}

#[test]
fn a_threshold_is_raised_and_never_lowered() {
    assert_eq!(decided(25.0, LAST, "ot=th:8"), kept_at("c"));
    assert_eq!(decided(25.0, HALF, "ot=th:8"), Decision::Drop);
    assert_eq!(decided(50.0, LAST, "ot=th:c"), Decision::Keep);
    assert_eq!(
        decided(50.0, 0, "ot=rv:90000000000000;th:80000000000000"),
        Decision::Keep
    );
    assert_eq!(decided(6.25, LAST, "ot=th:fffffffffffff8"), Decision::Keep);
}

/// The Collector's own cases for its probabilistic sampler, at its default precision where it gives none.
#[test]
fn a_proportional_stage_multiplies_probabilities() {
    assert_eq!(proportional(25.0, LAST, "ot=th:8"), kept_at("e"));
    assert_eq!(
        proportional(50.0, 0, "ot=rv:c0000000000000;th:8"),
        kept_at("c")
    );
    assert_eq!(
        proportional(50.0, 0, "ot=rv:90000000000000;th:80000000000000"),
        Decision::Drop
    );
    // 50 % x 40 % is 20 %, whose threshold is 0.8 = 0x0.cccc cccd.
    assert_eq!(
        proportional(40.0, 0xd0_0000_0000_0000, "ot=th:8"),
        kept_at("cccd")
    );
    assert_eq!(
        proportional(40.0, 0xb0_0000_0000_0000, "ot=th:8"),
        Decision::Drop
    );
    // 2^-14 x 2^-14.
    let least = 100.0 / 16_384.0;
    assert_eq!(proportional(least, LAST, "ot=th:fffc"), kept_at("fffffff"));
    assert_eq!(decided(least, LAST, "ot=th:fffc"), Decision::Keep);
}

#[test]
fn a_product_below_the_smallest_probability_keeps_nothing() {
    // 2^-53 x 2^-3 is 2^-56, which one trace passes, and half of it none.
    assert_eq!(
        proportional(12.5, LAST, "ot=th:fffffffffffff8"),
        kept_at("ffffffffffffff")
    );
    assert_eq!(
        proportional(6.25, LAST, "ot=th:fffffffffffff8"),
        Decision::Drop
    );
}

#[test]
fn a_proportional_stage_never_lowers_a_threshold_by_rounding() {
    // 0x0.80018 would round to 0x0.8002, and at 100 % nothing is raised.
    assert_eq!(proportional(100.0, LAST, "ot=th:80018"), Decision::Keep);
    // 0x0.80001a is 32,768.10 of 2^16, and after 99.999 % it is 32,768.43, which rounds to 0x0.8000.
    assert_eq!(proportional(99.999, LAST, "ot=th:80001a"), Decision::Keep);
}

#[test]
fn a_threshold_that_the_randomness_contradicts_does_not_count() {
    for mode in [Equalizing, Proportional] {
        let decided = |percentage, state| decided_in(mode, percentage, 0, state);
        assert_eq!(decided(25.0, "ot=rv:c0000000000000;th:e"), kept_at("c"));
        assert_eq!(decided(1.0, "ot=rv:40000000000000;th:8"), Decision::Drop);
        assert_eq!(decided(100.0, "ot=rv:40000000000000;th:8"), kept_at("0"));
    }
}

#[test]
fn a_row_that_a_rule_keeps_counts_for_itself_unless_it_was_sampled_before() {
    let rule = |state| decided_by(&Share::ALL, HALF, state);
    assert_eq!(rule(""), kept_at("0"));
    assert_eq!(rule("ot=th:8"), Decision::Keep);
    assert_eq!(
        rule("ot=rv:40000000000000;th:8"),
        kept_at("0"),
        "untrue, so as if it were not there"
    );
}
