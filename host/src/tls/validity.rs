//! When a certificate begins and ceases to be valid, read out of its DER.

use std::time::{SystemTime, UNIX_EPOCH};

use super::der::{Certificate, element};
use crate::date::{Moment, days};

const NANOS: u64 = 1_000_000_000;

const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// Says when a certificate that is not valid now expired, or will become valid. One that cannot be read is not judged.
pub(super) fn invalid_now(certificate: &[u8]) -> Option<String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
    let (not_before, not_after) = validity(certificate)?;
    if now > not_after {
        Some(format!("expired at {}", date(not_after)))
    } else if now < not_before {
        Some(format!("is not valid before {}", date(not_before)))
    } else {
        None
    }
}

/// The seconds since 1970 from and to which it is valid.
fn validity(certificate: &[u8]) -> Option<(u64, u64)> {
    let validity = Certificate::read(certificate)?.validity;
    let (from_tag, from, rest) = element(validity)?;
    let (to_tag, to, _) = element(rest)?;
    Some((time(from_tag, from)?, time(to_tag, to)?))
}

/// `YYMMDDHHMMSSZ` or, after 2049, `YYYYMMDDHHMMSSZ`.
fn time(tag: u8, text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (year, rest) = text.split_at_checked(match tag {
        UTC_TIME => 2,
        GENERALIZED_TIME => 4,
        _ => return None,
    })?;
    let year: u64 = year.parse().ok()?;
    let year = match (tag, year) {
        (UTC_TIME, 50..) => 1900 + year,
        (UTC_TIME, _) => 2000 + year,
        _ => year,
    };
    let mut fields = [0_u64; 5];
    let mut rest = rest;
    for field in &mut fields {
        let (digits, after) = rest.split_at_checked(2)?;
        *field = digits.parse().ok()?;
        rest = after;
    }
    let [month @ 1..=12, day @ 1..=31, hour, minute, second] = fields else {
        return None;
    };
    let days = days(year.max(1970), month, day);
    rest.is_empty()
        .then_some(days * 86_400 + hour * 3600 + minute * 60 + second)
}

/// A moment as `2026-01-31 23:59 UTC`.
pub(super) fn date(seconds: u64) -> String {
    let Moment {
        year,
        month,
        day,
        hour,
        minute,
        ..
    } = Moment::of(seconds.saturating_mul(NANOS));
    format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02} UTC")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_shown() {
        for (tag, text, seconds, shown) in [
            (UTC_TIME, "700101000000Z", 0, "1970-01-01 00:00 UTC"),
            (
                UTC_TIME,
                "991231235959Z",
                946_684_799,
                "1999-12-31 23:59 UTC",
            ),
            (
                UTC_TIME,
                "000229120000Z",
                951_825_600,
                "2000-02-29 12:00 UTC",
            ),
            (
                UTC_TIME,
                "491231235959Z",
                2_524_607_999,
                "2049-12-31 23:59 UTC",
            ),
            (
                GENERALIZED_TIME,
                "20500301000000Z",
                2_529_705_600,
                "2050-03-01 00:00 UTC",
            ),
            (
                GENERALIZED_TIME,
                "21000301000000Z",
                4_107_542_400,
                "2100-03-01 00:00 UTC",
            ),
        ] {
            assert_eq!(time(tag, text.as_bytes()), Some(seconds), "{text}");
            assert_eq!(date(seconds), shown);
        }
        for (tag, text) in [
            (UTC_TIME, ""),
            (UTC_TIME, "700101000000"),
            (UTC_TIME, "701301000000Z"),
            (UTC_TIME, "7001010000Z"),
            (UTC_TIME, "70010100000000Z"),
            (GENERALIZED_TIME, "700101000000Z"),
            (2, "700101000000Z"),
        ] {
            assert_eq!(time(tag, text.as_bytes()), None, "{text}");
        }
    }
}
