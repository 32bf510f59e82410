//! The arithmetic of consistent probability sampling: 56 random bits that a trace has, and the threshold they must reach.
//!
//! By the OpenTelemetry specification of probability sampling. Whoever samples a trace at a share s keeps it where
//! its randomness is at least (1 - s) x 2^56, so that a smaller share is always a subset of a larger one, at any place.

use std::fmt;

/// 2^56: how many values randomness has.
const RANGE: u64 = 1 << 56;

/// The hexadecimal digits of 56 bits.
const DIGITS: u32 = 14;

/// The significant digits of a threshold made from a share: what the specification recommends to SDKs and the Collector
/// has by default. Only with the same rounding do they all keep the same traces at the same percentage.
pub(crate) const PRECISION: u32 = 4;

/// What a trace's randomness must reach for the trace to be kept: how many of 2^56 traces are rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Threshold(u64);

impl Threshold {
    /// Rejects nothing: every trace counts for itself.
    pub(crate) const KEEP_ALL: Self = Self(0);

    /// Rejects everything. It is no probability, so it has no text and is never written.
    pub(crate) const KEEP_NONE: Self = Self(RANGE);

    /// The threshold that keeps this share, from 0 to 1, of all traces, rounded to `precision` hexadecimal digits after the
    /// leading `f`s.
    pub(crate) fn of_share(share: f64, precision: u32) -> Self {
        if share <= 0.0 {
            return Self::KEEP_NONE;
        }
        #[expect(clippy::cast_precision_loss, reason = "a power of two is exact")]
        let scaled = (share * RANGE as f64).round();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "positive, and the clamp bounds it"
        )]
        let kept = (scaled as u64).clamp(1, RANGE);
        let leading = (kept.leading_zeros().saturating_sub(8)) / 4;
        let digits = (precision + leading).clamp(1, DIGITS);
        let rejected = RANGE - kept;
        let unit = 1_u64 << (4 * (DIGITS - digits));
        let rounded = (rejected + unit / 2) / unit * unit;
        Self(rounded.min(RANGE - 1))
    }

    /// Reads the value of a `th`: 1 to 14 hexadecimal digits, the zeros at the end left out.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = u32::try_from(text.len())
            .ok()
            .filter(|digits| (1..=DIGITS).contains(digits))?;
        Some(Self(hexadecimal(text)? << (4 * (DIGITS - digits))))
    }

    /// Whether a trace with this randomness is kept.
    pub(crate) fn keeps(self, randomness: Randomness) -> bool {
        randomness.0 >= self.0
    }
}

/// The value of a `th`, without the zeros at its end.
impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{:014x}", self.0);
        let short = text.trim_end_matches('0');
        f.write_str(if short.is_empty() { "0" } else { short })
    }
}

/// The 56 random bits by which everybody decides on a trace alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Randomness(u64);

impl Randomness {
    /// The last 7 bytes of a trace id.
    pub(crate) fn of_trace_id(id: [u8; 16]) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the lowest 56 bits are meant"
        )]
        let low = u128::from_be_bytes(id) as u64;
        Self(low & (RANGE - 1))
    }

    /// Reads the value of an `rv`: 14 hexadecimal digits.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        (text.len() == 14).then(|| hexadecimal(text))?.map(Self)
    }
}

/// Hexadecimal digits and nothing else: `from_str_radix` alone would take a sign.
fn hexadecimal(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    digits.then(|| u64::from_str_radix(text, 16).ok())?
}

#[cfg(test)]
mod tests;
