//! JSON's numbers and strings, read as protobuf's JSON mapping reads them.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// A JSON value that is neither an object nor an array.
#[derive(Clone, Copy)]
pub(super) enum Scalar<'a> {
    Boolean(bool),
    Integer(i128),
    Double(f64),
    Text(&'a [u8]),
}

/// base64 with padding or without, as the mapping lets it be.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

impl<'a> Scalar<'a> {
    pub(super) fn text(self) -> Option<&'a [u8]> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn integer(self) -> Option<i128> {
        match self {
            Self::Integer(value) => Some(value),
            // `1.0` and `1e3` are integers to the mapping. Beyond 2^63 a double has no digits left to trust, and
            // serde_json reads integers in full up to 2^64.
            Self::Double(value) if value.fract() == 0.0 && value.abs() < 9.3e18 =>
            {
                #[expect(clippy::cast_possible_truncation, reason = "it is whole, and in range")]
                Some(value as i128)
            }
            Self::Text(text) => str::from_utf8(text).ok()?.parse().ok(),
            Self::Double(_) | Self::Boolean(_) => None,
        }
    }

    pub(super) fn double(self) -> Option<f64> {
        match self {
            Self::Double(value) => Some(value),
            #[expect(clippy::cast_precision_loss, reason = "the field is a double")]
            Self::Integer(value) => Some(value as f64),
            Self::Text(b"NaN") => Some(f64::NAN),
            Self::Text(b"Infinity") => Some(f64::INFINITY),
            Self::Text(b"-Infinity") => Some(f64::NEG_INFINITY),
            // Rust reads more than JSON's numbers: "inf", "+1".
            Self::Text(text @ [b'-' | b'0'..=b'9', ..]) => {
                let value: f64 = str::from_utf8(text).ok()?.parse().ok()?;
                value.is_finite().then_some(value)
            }
            Self::Text(_) | Self::Boolean(_) => None,
        }
    }

    /// A member of an enum, by its number or by its name, which stands at its number in `names`.
    pub(super) fn member(self, names: &[&str]) -> Option<i128> {
        let named = self
            .text()
            .and_then(|text| names.iter().position(|name| name.as_bytes() == text));
        match named {
            Some(number) => i128::try_from(number).ok(),
            None => self.integer(),
        }
    }
}

/// Bytes written in hexadecimal, in either case.
pub(super) fn hex(text: &[u8]) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    pairs
        .iter()
        .map(|[high, low]| u8::try_from(digit(*high)? << 4 | digit(*low)?).ok())
        .collect()
}

/// Bytes written in base64, in either alphabet.
pub(super) fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let decoded = STANDARD
        .decode(text)
        .or_else(|_standard| URL_SAFE.decode(text));
    decoded.ok()
}
