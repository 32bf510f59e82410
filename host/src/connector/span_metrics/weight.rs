//! How many spans one stands for: a sampler that keeps one of ten says so in the trace state (`ot=th:...`), by OpenTelemetry's
//! specification of probability sampling.

/// The bits of a threshold.
const BITS: u32 = 56;

/// The most that a span stands for. No sampler keeps less than one in a million, and a forged threshold must not fill counters.
const MOST: u64 = 1 << 20;

/// How many spans a span stands for, that it is one of: 1 where nothing can be read. What is no whole number is rounded up or
/// down by chance, so that many together are right.
#[inline]
pub(super) fn weight(trace_state: &[u8]) -> u64 {
    if trace_state.is_empty() {
        return 1;
    }
    let Some(threshold) = threshold(trace_state) else {
        return 1;
    };
    let kept = (1 << BITS) - threshold;
    let (whole, rest) = ((1 << BITS) / kept, (1 << BITS) % kept);
    (whole + u64::from(rest > 0 && fastrand::u64(0..kept) < rest)).min(MOST)
}

/// The threshold below which traces were dropped, of 2^56.
fn threshold(trace_state: &[u8]) -> Option<u64> {
    let state = str::from_utf8(trace_state).ok()?;
    let mut members = state.split(',').map(str::trim);
    let ours = members.find_map(|member| member.strip_prefix("ot="))?;
    let digits = ours
        .split(';')
        .find_map(|entry| entry.strip_prefix("th:"))
        .filter(|digits| (1..=14).contains(&digits.len()))?;
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let missing = 14 - u32::try_from(digits.len()).ok()?;
    Some(u64::from_str_radix(digits, 16).ok()? << (4 * missing))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_stands_for_as_many_as_its_threshold_says() {
        for (state, expected) in [
            ("", 1),
            ("ot=", 1),
            ("ot=th:0", 1),
            ("ot=th:8", 2),
            ("ot=th:c", 4),
            ("vendor=1, ot=rv:abcdefabcdefab;th:fd70a3d70a3d71,x=y", 100),
            ("ot=th:ffffffffffffff", 1 << 20),
            ("ot=th:", 1),
            ("ot=th:+8", 1),
            ("ot=th:8g", 1),
            ("ot=th:123456789012345", 1),
            ("xot=th:8", 1),
        ] {
            let weight = weight(state.as_bytes());
            // A hundredth has no exact threshold.
            assert!(
                weight.abs_diff(expected) <= u64::from(expected == 100),
                "{state} {weight}"
            );
        }
        assert_eq!(weight(&[0xff]), 1);
    }

    #[test]
    fn many_spans_of_two_thirds_stand_for_half_as_many_again() {
        let sum: u64 = (0..30_000).map(|_| weight(b"ot=th:55555555555555")).sum();
        assert!((44_000..46_000).contains(&sum), "{sum}");
    }
}
