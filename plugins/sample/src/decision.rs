//! What becomes of one span or log record.

use crate::threshold::{Randomness, Threshold};
use crate::tracestate::Sampling;

/// What becomes of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// It goes.
    Drop,
    /// It stays as it is.
    Keep,
    /// It stays, and its trace state says this threshold from now on.
    KeepAt(Threshold),
}

/// Decides on a row by its trace, for a stage that wants `threshold`: the specification's equalizing downstream sampler.
///
/// A threshold that is higher already stays, since no later stage can raise a probability. One that the row's own randomness
/// contradicts is untrue and is as if it were not there. A row without randomness belongs to no trace and is kept, unchanged.
pub(crate) fn decide(
    threshold: Threshold,
    trace_id: Option<[u8; 16]>,
    upstream: Sampling,
) -> Decision {
    let Some(randomness) = upstream
        .randomness
        .or_else(|| trace_id.map(Randomness::of_trace_id))
    else {
        return Decision::Keep;
    };
    match upstream
        .threshold
        .filter(|upstream| upstream.keeps(randomness))
    {
        Some(upstream) if upstream >= threshold => Decision::Keep,
        _ if threshold.keeps(randomness) => Decision::KeepAt(threshold),
        _ => Decision::Drop,
    }
}

#[cfg(test)]
mod tests {
    use super::{Decision, decide};
    use crate::threshold::Threshold;
    use crate::tracestate::sampling;

    /// Its randomness is 0x80000000000000: the last trace kept at 50 %.
    const HALF: u128 = 0xfefe_fefe_fefe_fefe_fe80_0000_0000_0000;

    fn decided(percentage: f64, trace_id: u128, state: &str) -> Decision {
        let threshold = Threshold::of_share(percentage / 100.0, 4);
        decide(threshold, id(trace_id), sampling(state))
    }

    /// As a batch gives it: an id of zeros is absent.
    fn id(number: u128) -> Option<[u8; 16]> {
        (number != 0).then(|| number.to_be_bytes())
    }

    fn kept_at(threshold: &str) -> Decision {
        Decision::KeepAt(Threshold::parse(threshold).expect("a threshold"))
    }

    #[test]
    fn traces_without_a_trace_state_are_decided_by_their_id() {
        assert_eq!(decided(50.0, HALF, ""), kept_at("8"));
        assert_eq!(decided(49.0, HALF, ""), Decision::Drop);
        assert_eq!(
            decided(25.0, 0xdddd_dddd_dddd_dddd_ddc0_0000_0000_0000, ""),
            kept_at("c")
        );
        assert_eq!(
            decided(25.0, 0xdddd_dddd_dddd_dddd_ddb0_0000_0000_0000, ""),
            Decision::Drop
        );
        assert_eq!(
            decided(1.0, 0xa0a0_a0a0_a0a0_a0a0_a0fe_0000_0000_0000, ""),
            kept_at("fd70a")
        );
        assert_eq!(decided(0.0, u128::MAX, ""), Decision::Drop);
    }

    #[test]
    fn explicit_randomness_stands_in_for_the_id() {
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

    #[test]
    fn a_threshold_is_raised_and_never_lowered() {
        assert_eq!(decided(25.0, u128::MAX, "ot=th:8"), kept_at("c"));
        assert_eq!(decided(25.0, HALF, "ot=th:8"), Decision::Drop);
        assert_eq!(decided(50.0, u128::MAX, "ot=th:c"), Decision::Keep);
        assert_eq!(
            decided(50.0, 0, "ot=rv:90000000000000;th:80000000000000"),
            Decision::Keep
        );
        assert_eq!(
            decided(6.25, u128::MAX, "ot=th:fffffffffffff8"),
            Decision::Keep
        );
    }

    #[test]
    fn a_threshold_that_the_randomness_contradicts_does_not_count() {
        assert_eq!(decided(25.0, 0, "ot=rv:c0000000000000;th:e"), kept_at("c"));
        assert_eq!(decided(1.0, 0, "ot=rv:40000000000000;th:8"), Decision::Drop);
    }

    #[test]
    fn a_row_without_a_trace_is_kept_as_it_is() {
        assert_eq!(decided(1.0, 0, ""), Decision::Keep);
        assert_eq!(decided(0.0, 0, "ot=th:8"), Decision::Keep);
    }

    #[test]
    fn a_row_that_a_rule_keeps_counts_for_itself_unless_it_was_sampled_before() {
        let rule = |state| decide(Threshold::KEEP_ALL, id(HALF), sampling(state));
        assert_eq!(rule(""), kept_at("0"));
        assert_eq!(rule("ot=th:8"), Decision::Keep);
        assert_eq!(
            rule("ot=rv:40000000000000;th:8"),
            kept_at("0"),
            "untrue, so as if it were not there"
        );
    }
}
