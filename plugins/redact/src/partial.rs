//! Partial forms: what of a finding tells without identifying.

use std::fmt::Write as _;
use std::net::IpAddr;

use crate::detector::Detector;

/// What has fewer digits would give away too much with the last four.
const SHORTEST: usize = 7;
/// How much of a number stays.
const LAST: usize = 4;

/// The mask that shows the part of this value that may be shown, if there is one; the value is without escapes.
pub(crate) fn write(detector: Detector, value: &[u8], out: &mut String) -> bool {
    let written = match detector {
        Detector::Email => domain(value).map(|domain| write!(out, "[redacted:email]@{domain}")),
        Detector::CreditCard | Detector::Iban | Detector::UsSsn | Detector::Phone => {
            last_digits(value).map(|last| write!(out, "[redacted:{}:{last}]", detector.name()))
        }
        Detector::Ip => network(value).map(|network| write!(out, "[redacted:ip:{network}]")),
        _ => None,
    };
    written.is_some()
}

/// The domain of an address.
fn domain(address: &[u8]) -> Option<&str> {
    let sign = address.iter().rposition(|&byte| byte == b'@')?;
    let domain = std::str::from_utf8(address.get(sign + 1..)?).ok()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    (!domain.is_empty() && domain.bytes().all(plain)).then_some(domain)
}

/// The last four digits of a number, if it ends with them and has more.
fn last_digits(number: &[u8]) -> Option<String> {
    let characters = number.iter().filter(|byte| byte.is_ascii_alphanumeric());
    let last: Vec<u8> = characters.clone().rev().take(LAST).copied().collect();
    let digits = last.iter().all(u8::is_ascii_digit) && characters.count() >= SHORTEST;
    digits.then(|| last.iter().rev().copied().map(char::from).collect())
}

/// The network of an address: the /24 of an IPv4 address, the /48 of an IPv6 address.
fn network(address: &[u8]) -> Option<String> {
    let address: IpAddr = std::str::from_utf8(address).ok()?.parse().ok()?;
    Some(match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}::/48")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::write;
    use crate::detector::Detector::{self, CreditCard, Email, Iban, Ip, Jwt, Phone, UsSsn};

    fn partial(detector: Detector, value: &str) -> Option<String> {
        let mut out = String::new();
        write(detector, value.as_bytes(), &mut out).then_some(out)
    }

    #[test]
    fn a_part_that_tells_without_identifying_stays() {
        for (detector, value, expected) in [
            (Email, "alice@example.org", "[redacted:email]@example.org"),
            (
                Email,
                "\"a@b\"@x-y.example.org",
                "[redacted:email]@x-y.example.org",
            ),
            (
                CreditCard,
                "4111 1111 1111 1234",
                "[redacted:credit_card:1234]",
            ),
            (Iban, "DE89 3704 0044 0532 0130 00", "[redacted:iban:3000]"),
            (UsSsn, "123-45-6789", "[redacted:us_ssn:6789]"),
            (Phone, "+1 (555) 010-9876", "[redacted:phone:9876]"),
            (Ip, "203.0.113.77", "[redacted:ip:203.0.113.0/24]"),
            (Ip, "::ffff:203.0.113.77", "[redacted:ip:203.0.113.0/24]"),
            (Ip, "2001:db8:0:17::5", "[redacted:ip:2001:db8:0::/48]"),
        ] {
            assert_eq!(partial(detector, value).as_deref(), Some(expected));
        }
    }

    #[test]
    fn what_has_no_such_part_is_left_to_the_mask() {
        for (detector, value) in [
            (Email, "alice"),
            (Email, "alice@"),
            (Email, "alice@b\u{fc}cher.example"),
            (Iban, "MT84MALT011000012345MTLCAST001SX"),
            (Phone, "55-1234"),
            (Ip, "203.0.113.777"),
            (Ip, "[2001:db8::1]"),
            (Jwt, "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0."),
        ] {
            assert_eq!(partial(detector, value), None, "{value}");
        }
    }
}
