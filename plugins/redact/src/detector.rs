//! The detectors by name: what a config lists, what a mask says and what a counter counts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What redact can find. Of findings of the same length in the same place, the first in this order gives the mask.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Detector {
    /// One of the user's own patterns.
    #[serde(skip)]
    Pattern(Name),
    /// E-mail addresses: `alice@example.org`.
    Email,
    /// Payment card numbers: 13 to 19 digits of a known issuer with a right check digit, plain or in groups parted by a
    /// space, a dash, a dot or the like, in text and in integers.
    CreditCard,
    /// International bank account numbers with right check digits, plain or in groups of four.
    Iban,
    /// US social security numbers: `123-45-6789`, and in other forms under names that say so.
    UsSsn,
    /// Telephone numbers: international ones with a plus, North American ones in their groups, and all others behind a word
    /// that names them.
    Phone,
    /// IPv4 and IPv6 addresses, but for those of private networks and of the machine itself.
    Ip,
    /// Private keys in blocks of their own: PEM, OpenSSH, PGP and that of `PuTTY`.
    PrivateKey,
    /// Tokens after the word Bearer: `Authorization: Bearer 0aFc...`.
    Bearer,
    /// User and password after the word Basic, in base64.
    Basic,
    /// JSON Web Tokens: `eyJ...` in base64url, signed, unsigned or cut off.
    Jwt,
    /// Keys with a form of their own: `AKIA...`, `ghp_...`, `sk_live_...`, `xoxb-...` and others.
    ApiKey,
    /// Secrets in URLs: user and password before the host, and query parameters such as `token` or `X-Amz-Signature`.
    UrlSecret,
    /// Values under names of secrets (`password`, `api_key`, `authorization`, `cookie`, ...): attributes and maps at any
    /// depth, JSON, Python, YAML and XML values in a text, `password=...`, `Password: ...` and `--password ...`.
    SecretKey,
}

impl Detector {
    /// Every detector but the user's own, in their order.
    pub const ALL: [Self; 13] = [
        Self::Email,
        Self::CreditCard,
        Self::Iban,
        Self::UsSsn,
        Self::Phone,
        Self::Ip,
        Self::PrivateKey,
        Self::Bearer,
        Self::Basic,
        Self::Jwt,
        Self::ApiKey,
        Self::UrlSecret,
        Self::SecretKey,
    ];

    /// The name: in a config, in masks and, behind `redacted_`, of the counter of masks.
    pub fn name(&self) -> &str {
        match self {
            Self::Pattern(name) => name.as_str(),
            Self::Email => "email",
            Self::CreditCard => "credit_card",
            Self::Iban => "iban",
            Self::UsSsn => "us_ssn",
            Self::Phone => "phone",
            Self::Ip => "ip",
            Self::PrivateKey => "private_key",
            Self::Bearer => "bearer",
            Self::Basic => "basic",
            Self::Jwt => "jwt",
            Self::ApiKey => "api_key",
            Self::UrlSecret => "url_secret",
            Self::SecretKey => "secret_key",
        }
    }
}

/// The name of one of the user's patterns: short, so that every finding has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    letters: [u8; Name::LONGEST],
    length: u8,
}

impl Name {
    /// The longest name.
    pub const LONGEST: usize = 31;

    /// The name that reads so, if it may be one: of `a-z`, `0-9` and `_`, and not too long.
    pub fn new(name: &str) -> Option<Self> {
        let mut letters = [0; Self::LONGEST];
        letters
            .get_mut(..name.len())?
            .copy_from_slice(name.as_bytes());
        let length = u8::try_from(name.len()).ok()?;
        (length > 0 && name.bytes().all(is_letter)).then_some(Self { letters, length })
    }

    /// The name as a text.
    pub fn as_str(&self) -> &str {
        let letters = self.letters.get(..usize::from(self.length));
        letters
            .and_then(|letters| std::str::from_utf8(letters).ok())
            .unwrap_or_default()
    }
}

/// What names of detectors are of.
const fn is_letter(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_')
}

/// A set of detectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wanted(u16);

impl Wanted {
    /// The set of these.
    pub(crate) const fn of(detectors: &[Detector]) -> Self {
        let mut set = 0;
        let mut rest = detectors;
        while let [detector, more @ ..] = rest {
            set |= Self::bit(*detector);
            rest = more;
        }
        Self(set)
    }

    /// Whether the set holds this one.
    pub(crate) const fn has(self, detector: Detector) -> bool {
        self.0 & Self::bit(detector) != 0
    }

    /// Whether the sets share one.
    pub(crate) const fn has_any(self, others: Self) -> bool {
        self.0 & others.0 != 0
    }

    const fn bit(detector: Detector) -> u16 {
        match detector {
            Detector::Pattern(_) => 0,
            Detector::Email => 1,
            Detector::CreditCard => 1 << 1,
            Detector::Iban => 1 << 2,
            Detector::UsSsn => 1 << 3,
            Detector::Phone => 1 << 4,
            Detector::Ip => 1 << 5,
            Detector::PrivateKey => 1 << 6,
            Detector::Bearer => 1 << 7,
            Detector::Basic => 1 << 8,
            Detector::Jwt => 1 << 9,
            Detector::ApiKey => 1 << 10,
            Detector::UrlSecret => 1 << 11,
            Detector::SecretKey => 1 << 12,
        }
    }
}

/// What every mask begins with; the detector's name follows.
pub(crate) const MASK: &[u8] = b"[redacted:";
/// A hash, or a part of a value, in a mask is no longer.
const HASH: usize = 64;
/// No mask is longer.
pub(crate) const LONGEST_MASK: usize = MASK.len() + Name::LONGEST + HASH + 2;

/// The length of the mask that stands at the beginning of `text`, 0 if none does: what is masked is not found again. A mask
/// is `[redacted:email]`, or with a hash or a part of the value `[redacted:email:3f2a9c0b7d1e4f56]`,
/// `[redacted:ip:192.0.2.0/24]`.
pub(crate) fn mask_length(text: &[u8]) -> usize {
    let Some(rest) = text.strip_prefix(MASK) else {
        return 0;
    };
    let name = run(rest, Name::LONGEST, is_letter);
    let (_, rest) = rest.split_at(name);
    let hash = match rest.strip_prefix(b":") {
        Some(rest) => 1 + run(rest, HASH, is_of_hash),
        None => 0,
    };
    if name > 0 && hash != 1 && rest.get(hash) == Some(&b']') {
        MASK.len() + name + hash + 1
    } else {
        0
    }
}

/// What hashes and parts of values are of.
const fn is_of_hash(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':' | b'/')
}

/// Whether `text` ends with a mask.
pub(crate) fn ends_with_mask(text: &[u8]) -> bool {
    let Some(inside) = text.strip_suffix(b"]") else {
        return false;
    };
    let near = inside.len().saturating_sub(LONGEST_MASK);
    let bracket = inside.iter().skip(near).rposition(|&byte| byte == b'[');
    bracket
        .and_then(|bracket| text.get(near + bracket..))
        .is_some_and(|mask| mask_length(mask) == mask.len())
}

/// How many such bytes `text` begins with, of no more than `most`.
fn run(text: &[u8], most: usize, within: impl Fn(u8) -> bool) -> usize {
    text.iter()
        .take(most)
        .take_while(|&&byte| within(byte))
        .count()
}

#[cfg(test)]
mod tests {
    use super::{Detector, Name, ends_with_mask, mask_length};

    #[test]
    fn a_detector_is_listed_by_the_name_it_masks_with() {
        for detector in Detector::ALL {
            let listed = serde_json::to_value(detector).unwrap();
            assert_eq!(listed, detector.name());
        }
    }

    #[test]
    fn a_pattern_has_a_short_plain_name() {
        let name = Name::new("customer_no2").unwrap();
        assert_eq!(Detector::Pattern(name).name(), "customer_no2");
        let long = "x".repeat(Name::LONGEST + 1);
        for name in ["", "Customer", "customer-no", "\u{fc}", &long] {
            assert_eq!(Name::new(name), None, "{name}");
        }
    }

    #[test]
    fn masks_are_known() {
        for mask in [
            "[redacted:email]",
            "[redacted:customer_no2]",
            "[redacted:email:3f2a9c0b7d1e4f56]",
            "[redacted:ip:192.0.2.0/24]",
            "[redacted:ip:2001:db8:0::/48]",
        ] {
            let before = format!("x {mask}");
            let behind = format!("{mask} x");
            assert_eq!(mask_length(behind.as_bytes()), mask.len(), "{mask}");
            assert!(ends_with_mask(before.as_bytes()), "{mask}");
        }
        for text in [
            "",
            "]",
            "[redacted:]",
            "[redacted:email",
            "[redacted:email:]",
            "[redacted:email:x]",
            "[redacted: email]",
            "x]",
        ] {
            assert_eq!(mask_length(text.as_bytes()), 0, "{text}");
            assert!(!ends_with_mask(text.as_bytes()), "{text}");
        }
    }
}
