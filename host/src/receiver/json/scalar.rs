//! JSON's numbers and strings, read as protobuf's JSON mapping reads them.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use prost::encoding::WireType;

use crate::otlp::Kind;

/// A JSON value that is neither an object nor an array.
#[derive(Clone, Copy)]
pub(super) enum Scalar<'a> {
    Boolean(bool),
    Integer(i128),
    Double(f64),
    Text(&'a [u8]),
}

/// The same value as protobuf writes it, without its tag.
pub(super) enum Encoded<'a> {
    Varint(u64),
    Fixed32(u32),
    Fixed64(u64),
    Delimited(Cow<'a, [u8]>),
}

/// base64 with padding or without, as the mapping lets it be.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

impl<'a> Scalar<'a> {
    /// The value in a field of this kind, if it can be there.
    pub(super) fn encoded(self, kind: Kind) -> Option<Encoded<'a>> {
        Some(match kind {
            Kind::Message(_) => return None,
            Kind::Text => Encoded::Delimited(match String::from_utf8_lossy(self.text()?) {
                Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
                Cow::Owned(text) => Cow::Owned(text.into_bytes()),
            }),
            Kind::Id(size) => {
                let id = hex(self.text()?).filter(|id| id.is_empty() || id.len() == size)?;
                Encoded::Delimited(id.into())
            }
            Kind::Bytes => Encoded::Delimited(base64(self.text()?)?.into()),
            Kind::Boolean => match self {
                Self::Boolean(value) => Encoded::Varint(value.into()),
                _ => return None,
            },
            Kind::Double => Encoded::Fixed64(self.double()?.to_bits()),
            Kind::Int32 => signed(i32::try_from(self.integer()?).ok()?),
            Kind::Enum(names) => signed(i32::try_from(self.member(names)?).ok()?),
            Kind::Int64 => signed(i64::try_from(self.integer()?).ok()?),
            Kind::Uint32 => Encoded::Varint(u32::try_from(self.integer()?).ok()?.into()),
            Kind::Uint64 => Encoded::Varint(self.integer()?.try_into().ok()?),
            Kind::Sint32 => {
                let value = i32::try_from(self.integer()?).ok()?;
                Encoded::Varint(((value << 1) ^ (value >> 31)).cast_unsigned().into())
            }
            Kind::Fixed32 => Encoded::Fixed32(self.integer()?.try_into().ok()?),
            Kind::Fixed64 => Encoded::Fixed64(self.integer()?.try_into().ok()?),
            Kind::Sfixed64 => {
                let value = i64::try_from(self.integer()?).ok()?;
                Encoded::Fixed64(value.cast_unsigned())
            }
        })
    }

    fn text(self) -> Option<&'a [u8]> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    fn integer(self) -> Option<i128> {
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

    fn double(self) -> Option<f64> {
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
    fn member(self, names: &[&str]) -> Option<i128> {
        let position = self
            .text()
            .and_then(|text| names.iter().position(|name| name.as_bytes() == text));
        match position {
            Some(number) => i128::try_from(number).ok(),
            None => self.integer(),
        }
    }
}

impl Encoded<'_> {
    pub(super) fn is_default(&self) -> bool {
        match self {
            Self::Varint(value) | Self::Fixed64(value) => *value == 0,
            Self::Fixed32(value) => *value == 0,
            Self::Delimited(value) => value.is_empty(),
        }
    }

    pub(super) fn wire_type(&self) -> WireType {
        match self {
            Self::Varint(_) => WireType::Varint,
            Self::Fixed32(_) => WireType::ThirtyTwoBit,
            Self::Fixed64(_) => WireType::SixtyFourBit,
            Self::Delimited(_) => WireType::LengthDelimited,
        }
    }
}

/// A negative number is ten bytes, of 32 bits as well.
fn signed<'a>(value: impl Into<i64>) -> Encoded<'a> {
    Encoded::Varint(value.into().cast_unsigned())
}

/// Bytes written in hexadecimal, in either case.
fn hex(text: &[u8]) -> Option<Vec<u8>> {
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
fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let decoded = STANDARD
        .decode(text)
        .or_else(|_standard| URL_SAFE.decode(text));
    decoded.ok()
}
