//! The detectors by name: what a config lists, what a mask says and what a counter counts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What redact can find. Of findings of the same length in the same place, the first in this order gives the mask.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Detector {
    /// E-mail addresses: `alice@example.org`.
    Email,
    /// Payment card numbers: 13 to 19 digits of a known issuer with a right check digit, plain or in groups parted by a
    /// space, a dash, a dot or the like, in text and in integers.
    CreditCard,
    /// Tokens after the word Bearer: `Authorization: Bearer 0aFc...`.
    Bearer,
    /// User and password after the word Basic, in base64.
    Basic,
    /// JSON Web Tokens: `eyJ...` in base64url, signed, unsigned or cut off.
    Jwt,
    /// Secrets in URLs: user and password before the host, and query parameters such as `token` or `X-Amz-Signature`.
    UrlSecret,
    /// Values under names of secrets (`password`, `api_key`, `authorization`, `cookie`, ...): attributes and maps at any
    /// depth, JSON, Python, YAML and XML values in a text, `password=...`, `Password: ...` and `--password ...`; private
    /// keys in PEM.
    SecretKey,
}

impl Detector {
    /// Every detector, in their order.
    pub const ALL: [Self; 7] = [
        Self::Email,
        Self::CreditCard,
        Self::Bearer,
        Self::Basic,
        Self::Jwt,
        Self::UrlSecret,
        Self::SecretKey,
    ];

    /// What takes the place of what was found.
    pub const fn mask(self) -> &'static str {
        match self {
            Self::Email => "[redacted:email]",
            Self::CreditCard => "[redacted:credit_card]",
            Self::Bearer => "[redacted:bearer]",
            Self::Basic => "[redacted:basic]",
            Self::Jwt => "[redacted:jwt]",
            Self::UrlSecret => "[redacted:url_secret]",
            Self::SecretKey => "[redacted:secret_key]",
        }
    }

    /// The counter of masks written in this detector's name.
    pub const fn counter(self) -> &'static str {
        match self {
            Self::Email => "redacted_email",
            Self::CreditCard => "redacted_credit_card",
            Self::Bearer => "redacted_bearer",
            Self::Basic => "redacted_basic",
            Self::Jwt => "redacted_jwt",
            Self::UrlSecret => "redacted_url_secret",
            Self::SecretKey => "redacted_secret_key",
        }
    }
}

/// A set of detectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wanted(u8);

impl Wanted {
    /// The set of these.
    pub(crate) fn of(detectors: &[Detector]) -> Self {
        Self(
            detectors
                .iter()
                .fold(0, |set, &detector| set | Self::bit(detector)),
        )
    }

    /// Whether the set holds this one.
    pub(crate) const fn has(self, detector: Detector) -> bool {
        self.0 & Self::bit(detector) != 0
    }

    const fn bit(detector: Detector) -> u8 {
        1 << detector as u8
    }
}

/// The length of the mask that stands at the beginning of `text`, 0 if none does: what is masked is not found again.
pub(crate) fn mask_length(text: &[u8]) -> usize {
    if !text.starts_with(b"[redacted:") {
        return 0;
    }
    Detector::ALL
        .iter()
        .map(|detector| detector.mask())
        .find(|mask| text.starts_with(mask.as_bytes()))
        .map_or(0, str::len)
}

/// Whether `text` ends with a mask.
pub(crate) fn ends_with_mask(text: &[u8]) -> bool {
    Detector::ALL
        .iter()
        .any(|detector| text.ends_with(detector.mask().as_bytes()))
}
