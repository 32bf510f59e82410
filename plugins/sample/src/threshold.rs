//! The arithmetic of consistent probability sampling: 56 random bits that a trace has, and the threshold they must reach.
//!
//! By the OpenTelemetry specification of probability sampling. Whoever samples a trace at a share s keeps it where
//! its randomness is at least (1 - s) x 2^56, so that a smaller share is always a subset of a larger one, at any place.

use std::fmt;

/// 2^56: how many values randomness has.
const RANGE: u64 = 1 << 56;

/// 2^-56: the smallest probability.
const LEAST: f64 = 1.0 / 72_057_594_037_927_936.0;

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
    /// leading `f`s or zeros, so that a share near 0 or 1 is as exact as any other.
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
        let rejected = RANGE - kept;
        let leading = |part: u64| part.leading_zeros().saturating_sub(8) / 4;
        let digits = (precision + leading(kept).max(leading(rejected))).clamp(1, DIGITS);
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

    /// The threshold that keeps this share of what has passed `self`: the specification's product of both probabilities.
    /// One below the smallest that there is (2^-56) keeps nothing. It is never lower than `self`, whatever the rounding.
    pub(crate) fn times(self, share: f64, precision: u32) -> Self {
        #[expect(
            clippy::cast_precision_loss,
            reason = "3 of 56 bits, far below the precision"
        )]
        let passed = (RANGE - self.0) as f64 / RANGE as f64;
        let product = passed * share;
        if product < LEAST {
            return Self::KEEP_NONE;
        }
        Self::of_share(product, precision).max(self)
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

    /// Made of 64 random bits, for what has no randomness of its own but has passed a threshold already.
    pub(crate) fn of_chance(bits: u64, passed: Threshold) -> Self {
        let above = (u128::from(RANGE - passed.0) * u128::from(bits)) >> 64;
        Self(passed.0 + above as u64)
    }

    /// A hash of these bytes, for what has no randomness of its own: the same in every otlet, and never to be changed.
    pub(crate) fn of_hash(bytes: &[u8]) -> Self {
        // FNV-1a, whose upper bits say little of the last bytes, and the end of MurmurHash3, which mixes them all.
        let mut hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        Self((hash ^ (hash >> 33)) >> 8)
    }

    /// Reads the value of an `rv`: 14 hexadecimal digits.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        (text.len() == 14).then(|| hexadecimal(text))?.map(Self)
    }
}

/// The value of an `rv`.
impl fmt::Display for Randomness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:014x}", self.0)
    }
}

/// Hexadecimal digits and nothing else: `from_str_radix` alone would take a sign.
fn hexadecimal(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    digits.then(|| u64::from_str_radix(text, 16).ok())?
}

#[cfg(test)]
mod tests;
