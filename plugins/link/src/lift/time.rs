//! The moment that a text or a number stands for, in nanoseconds since 1970. A time without a zone is none: it would be wrong by
//! hours wherever a service does not run on UTC.

use super::object::{Json, fields};

/// Keys that hold a record's time, the best first.
const KEYS: [&str; 12] = [
    "@timestamp",
    "timestamp",
    "@t",
    "time",
    "ts",
    "instant",
    "asctime",
    "datetime",
    "Timestamp",
    "timeMillis",
    "eventTime",
    "time_unix_nano",
];

const SECOND: i64 = 1_000_000_000;

/// How good a key is for a time: less is better.
pub(super) fn rank(key: &str) -> Option<usize> {
    KEYS.iter().position(|known| *known == key)
}

/// The time that a value says.
pub(super) fn read(value: &Json<'_>) -> Option<i64> {
    match value {
        Json::Number(number) => epoch(number),
        Json::Text(text) => written(text).or_else(|| epoch(text)),
        Json::Map(map) => parts(map),
        _ => None,
    }
}

/// Reads a number of seconds, or of thousandths, millionths or billionths of them: which, its size says. It is between 2001
/// and 2262, since smaller numbers may be durations.
fn epoch(number: &str) -> Option<i64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || whole.starts_with('0') {
        return None;
    }
    let places = match whole.len() {
        10 => 9,
        13 => 6,
        16 => 3,
        19 => 0,
        _ => return None,
    };
    let more = decimals(fraction, places)?;
    let scale = 10_i64.checked_pow(u32::try_from(places).ok()?)?;
    whole
        .parse::<i64>()
        .ok()?
        .checked_mul(scale)?
        .checked_add(more)
}

/// The first of these decimals as a number of so many digits.
fn decimals(fraction: &str, places: usize) -> Option<i64> {
    let known = fraction.get(..places).unwrap_or(fraction);
    let missing = u32::try_from(places - known.len()).ok()?;
    let number: i64 = if known.is_empty() {
        0
    } else {
        known.parse().ok()?
    };
    number.checked_mul(10_i64.checked_pow(missing)?)
}

/// Reads log4j's `{"epochSecond": .., "nanoOfSecond": ..}` and Google Cloud's `{"seconds": .., "nanos": ..}`.
fn parts(map: &str) -> Option<i64> {
    let fields = fields(map)?;
    let number = |keys: [&str; 2]| {
        let field = fields
            .iter()
            .find(|field| keys.contains(&field.key.as_ref()))?;
        match field.value {
            Json::Number(number) => number.parse::<i64>().ok(),
            _ => None,
        }
    };
    let seconds = number(["epochSecond", "seconds"]).filter(|seconds| *seconds > 0)?;
    let nanos = number(["nanoOfSecond", "nanos"]).filter(|nanos| (0..SECOND).contains(nanos))?;
    seconds.checked_mul(SECOND)?.checked_add(nanos)
}

/// Reads RFC 3339 and what is like it: `2026-11-22T10:00:00.123456Z`, a blank for the `T`, a comma for the point, `+0200` for
/// `+02:00`, `UTC` for `Z`.
fn written(text: &str) -> Option<i64> {
    let mut rest = text.trim();
    let year = number(&mut rest, 4)?;
    skip(&mut rest, &["-"])?;
    let month = number(&mut rest, 2)?;
    skip(&mut rest, &["-"])?;
    let day = number(&mut rest, 2)?;
    skip(&mut rest, &["T", "t", " "])?;
    let hour = number(&mut rest, 2)?;
    skip(&mut rest, &[":"])?;
    let minute = number(&mut rest, 2)?;
    skip(&mut rest, &[":"])?;
    let second = number(&mut rest, 2)?;
    let mut nanos = 0;
    if skip(&mut rest, &[".", ","]).is_some() {
        let end = rest.bytes().position(|byte| !byte.is_ascii_digit());
        let (fraction, zone) = rest.split_at_checked(end?)?;
        if fraction.is_empty() {
            return None;
        }
        nanos = decimals(fraction, 9)?;
        rest = zone;
    }
    let offset = zone(rest)?;
    let days = days(year, month, day)?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = ((days * 24 + hour) * 60 + minute - offset) * 60 + second;
    let time = seconds.checked_mul(SECOND)?.checked_add(nanos)?;
    (time > 0).then_some(time)
}

/// The minutes that a zone is ahead of UTC.
fn zone(text: &str) -> Option<i64> {
    let text = text.strip_prefix(' ').unwrap_or(text);
    if matches!(text, "Z" | "z" | "UTC" | "GMT") {
        return Some(0);
    }
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let mut rest = text.get(1..)?;
    let hours = number(&mut rest, 2)?;
    let mut minutes = 0;
    if !rest.is_empty() {
        let _colon = skip(&mut rest, &[":"]);
        minutes = number(&mut rest, 2)?;
    }
    (rest.is_empty() && hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

/// The days from 1970 to a date of the Gregorian calendar, from 1970 to 2262.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        _ => return None,
    };
    if !(1970..=2262).contains(&year) || !(1..=length).contains(&day) {
        return None;
    }
    // Years that begin in March have their leap day last.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let before = 365 * year + year / 4 - year / 100 + year / 400;
    Some(before + (153 * month + 2) / 5 + day - 1 - 719_468)
}

/// Takes so many digits off the front.
fn number(rest: &mut &str, digits: usize) -> Option<i64> {
    let (number, behind) = rest.split_at_checked(digits)?;
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    *rest = behind;
    number.parse().ok()
}

/// Takes one of these off the front.
fn skip(rest: &mut &str, any: &[&str]) -> Option<()> {
    *rest = any.iter().find_map(|one| rest.strip_prefix(one))?;
    Some(())
}

#[cfg(test)]
mod tests {
    use super::{Json, rank, read};

    /// 2026-11-22T14:39:46Z
    const MOMENT: i64 = 1_795_358_386_000_000_000;

    fn text(text: &str) -> Option<i64> {
        read(&Json::Text(text.into()))
    }

    #[test]
    fn texts_are_read_in_every_spelling_of_rfc_3339() {
        for (spelled, nanos) in [
            ("2026-11-22T14:39:46Z", 0),
            ("2026-11-22 14:39:46Z", 0),
            ("2026-11-22t14:39:46z", 0),
            ("2026-11-22T14:39:46.68Z", 680_000_000),
            ("2026-11-22T14:39:46.123456789Z", 123_456_789),
            ("2026-11-22T14:39:46.1234567891Z", 123_456_789),
            ("2026-11-22T16:39:46.5+02:00", 500_000_000),
            ("2026-11-22T16:39:46,5+0200", 500_000_000),
            ("2026-11-22T09:09:46-05:30", 0),
            ("2026-11-22T15:39:46+01", 0),
            ("2026-11-22 14:39:46,680 UTC", 680_000_000),
            ("2026-11-23T00:39:46+10:00", 0),
        ] {
            assert_eq!(text(spelled), Some(MOMENT + nanos), "{spelled}");
        }
        assert_eq!(text("2000-02-29T00:00:00Z"), Some(951_782_400_000_000_000));
        assert_eq!(text("1970-01-01T00:00:01Z"), Some(1_000_000_000));
        assert_eq!(
            text("2024-12-31T23:59:59Z"),
            Some(1_735_689_599_000_000_000)
        );
    }

    #[test]
    fn what_is_no_moment_is_left() {
        for wrong in [
            "2026-11-22 14:39:46,680",
            "2026-11-22T14:39:46",
            "2026-11-22",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-01-32T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:60:00Z",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00 CET",
            "2026-01-01T00:00:00+1",
            "2026-01-01T00:00:00+01:000",
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00Z",
            "2262-12-31T00:00:00Z",
            "9999-01-01T00:00:00Z",
            "+026-01-01T00:00:00Z",
            "noon",
            "",
            "12:30",
        ] {
            assert_eq!(text(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn numbers_are_seconds_or_parts_of_them_by_their_size() {
        for (number, nanos) in [
            ("1795358386", 0),
            ("1795358386.123456789", 123_456_789),
            ("1795358386.5", 500_000_000),
            ("1795358386123", 123_000_000),
            ("1795358386123.25", 123_250_000),
            ("1795358386123456", 123_456_000),
            ("1795358386123456789", 123_456_789),
        ] {
            assert_eq!(
                read(&Json::Number(number)),
                Some(MOMENT + nanos),
                "{number}"
            );
            assert_eq!(text(number), Some(MOMENT + nanos), "{number}");
        }
        for number in [
            "0",
            "12",
            "0.35",
            "-1795358386",
            "179535838",
            "17953583860",
            "1.795358386e9",
            "9999999999999999999",
        ] {
            assert_eq!(read(&Json::Number(number)), None, "{number}");
        }
    }

    #[test]
    fn maps_of_seconds_and_nanoseconds_are_read() {
        for (map, expected) in [
            (
                r#"{"epochSecond":1795358386,"nanoOfSecond":7}"#,
                Some(MOMENT + 7),
            ),
            (r#"{"seconds":1795358386,"nanos":0}"#, Some(MOMENT)),
            (r#"{"seconds":1795358386}"#, None),
            (r#"{"seconds":1795358386,"nanos":1000000000}"#, None),
            (r#"{"seconds":"1795358386","nanos":0}"#, None),
            ("{}", None),
        ] {
            assert_eq!(read(&Json::Map(map.into())), expected, "{map}");
        }
        assert_eq!(read(&Json::Null), None);
        assert!(rank("@timestamp") < rank("ts") && rank("duration").is_none());
    }
}
