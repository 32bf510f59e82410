//! Numbers: an integer, a double and a text that is one, compared with each other.

use std::cmp::Ordering;

/// A number. A double that is whole is an integer, so that each number is one thing only.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    /// A whole number, of any of OTLP's types.
    Whole(i128),
    /// A finite double with a fraction, or one too large to be an integer.
    Double(f64),
}

/// Beyond it a double has no fraction, and an integer of 64 bits is not meant.
const LARGEST: f64 = 18_446_744_073_709_551_616.0;

impl Number {
    /// The number that a double is; infinities are numbers, too, and `NaN` is equal to nothing.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "it is whole and small enough"
    )]
    pub(crate) fn of_double(double: f64) -> Self {
        if double.fract() == 0.0 && double.abs() <= LARGEST {
            Self::Whole(double as i128)
        } else {
            Self::Double(double)
        }
    }

    /// The number that a text is in decimal.
    pub(crate) fn of_text(text: &str) -> Option<Self> {
        if let Ok(integer) = text.parse::<i64>() {
            return Some(Self::Whole(integer.into()));
        }
        decimal(text).map(Self::of_double)
    }

    /// The number in a config.
    pub(crate) fn of_json(number: &serde_json::Number) -> Option<Self> {
        number
            .as_i128()
            .map(Self::Whole)
            .or_else(|| number.as_f64().map(Self::of_double))
    }

    /// Whether it is 0.
    pub(crate) fn is_zero(self) -> bool {
        self == Self::Whole(0)
    }

    /// How it compares, unless one of both is `NaN`.
    pub(crate) fn compare(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Whole(one), Self::Whole(other)) => Some(one.cmp(&other)),
            (one, other) => one.double().partial_cmp(&other.double()),
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "next to a double, nearly is enough"
    )]
    fn double(self) -> f64 {
        match self {
            Self::Whole(integer) => integer as f64,
            Self::Double(double) => double,
        }
    }
}

/// The number that a text is in decimal: `200`, `-0.5`, `2e3`, and not `inf` and `nan`, which Rust reads.
pub fn decimal(text: &str) -> Option<f64> {
    let is_digit =
        |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+' | b'e' | b'E');
    if !text.bytes().all(is_digit) {
        return None;
    }
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::Number;

    #[test]
    fn a_number_is_one_thing_whatever_it_came_as() {
        assert_eq!(Number::of_double(200.0), Number::Whole(200));
        assert_eq!(Number::of_double(-0.0), Number::Whole(0));
        for text in ["200", "200.0", "2e2", "+200", "0200"] {
            assert_eq!(Number::of_text(text), Some(Number::Whole(200)), "{text}");
        }
        assert_eq!(Number::of_text("0.5"), Some(Number::Double(0.5)));
        for text in ["", "inf", "NaN", "-infinity", "0x10", "200 ", "-", "1_000"] {
            assert_eq!(Number::of_text(text), None, "{text}");
        }
    }

    #[test]
    fn integers_are_compared_exactly() {
        let large = Number::Whole(i128::from(i64::MAX));
        let more = Number::Whole(i128::from(i64::MAX) + 1);
        assert_eq!(large.compare(more), Some(Ordering::Less));
        assert_eq!(
            Number::Double(0.5).compare(Number::Whole(1)),
            Some(Ordering::Less)
        );
        assert_eq!(Number::Double(f64::NAN).compare(Number::Whole(1)), None);
    }
}
