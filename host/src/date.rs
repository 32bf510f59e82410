//! Dates of the proleptic Gregorian calendar, as numbers and as text. Howard Hinnant's algorithms: years begin in March, so
//! that the leap day is the last.

use std::fmt::{self, Display, Formatter};
use std::time::{SystemTime, UNIX_EPOCH};

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

const DAY: u64 = 24 * 60 * 60;
const NANOS: u64 = 1_000_000_000;

/// The seconds since 1970 of a date as HTTP writes it now, such as `Sun, 06 Nov 1994 08:49:37 GMT`.
pub fn parse_http(text: &str) -> Option<u64> {
    let (_weekday, rest) = text.split_once(", ")?;
    let mut words = rest.split(' ');
    let day = words.next()?.parse::<u64>().ok()?;
    let month = words.next()?;
    let month = u64::try_from(MONTHS.iter().position(|name| *name == month)? + 1).ok()?;
    let year = words.next()?.parse::<u64>().ok()?;
    let mut clock = words.next()?.split(':').map(str::parse::<u64>);
    let (hour, minute, second) = (
        clock.next()?.ok()?,
        clock.next()?.ok()?,
        clock.next()?.ok()?,
    );
    let whole = words.next() == Some("GMT") && words.next().is_none() && clock.next().is_none();
    let sane = (1970..10_000).contains(&year)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second < 61;
    if !whole || !sane {
        return None;
    }
    Some(days(year, month, day) * DAY + hour * 3600 + minute * 60 + second)
}

/// A moment of UTC, part by part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// From 1970 on.
    pub year: u64,
    /// From 1 on.
    pub month: u64,
    /// From 1 on.
    pub day: u64,
    /// Below 24.
    pub hour: u64,
    /// Below 60.
    pub minute: u64,
    /// Below 60.
    pub second: u64,
    /// Below a second.
    pub nanos: u64,
}

impl Moment {
    /// The moment so many nanoseconds after 1970 began.
    pub fn of(nanos: u64) -> Self {
        let seconds = nanos / NANOS;
        let (year, month, day) = date(seconds / DAY);
        let clock = seconds % DAY;
        Self {
            year,
            month,
            day,
            hour: clock / 3600,
            minute: clock / 60 % 60,
            second: clock % 60,
            nanos: nanos % NANOS,
        }
    }

    /// This moment, by the machine's clock.
    pub fn now() -> Self {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self::of(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
    }
}

/// As RFC 3339 has it, to the microsecond: `2026-11-22T16:08:00.123456Z`.
impl Display for Moment {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self {
            year,
            month,
            day,
            hour,
            minute,
            second,
            nanos,
        } = self;
        let micros = nanos / 1000;
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z"
        )
    }
}

/// A time in nanoseconds since 1970 as people read it: `2026-11-22 16:08:00.123456789 UTC`.
pub fn format_nanos(nanos: u64) -> String {
    let Moment {
        year,
        month,
        day,
        hour,
        minute,
        second,
        nanos,
    } = Moment::of(nanos);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{nanos:09} UTC")
}

/// The days since 1970-01-01 of a date that is not before it.
pub fn days(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The date of a day since 1970-01-01.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let of_era = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * of_era + of_era / 4 - of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = era * 400 + of_era + u64::from(month <= 2);
    (year, month, of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_dates_are_read_and_written() {
        for (http, seconds, written) in [
            (
                "Thu, 01 Jan 1970 00:00:00 GMT",
                0,
                "1970-01-01 00:00:00.000000000 UTC",
            ),
            (
                "Sun, 06 Nov 1994 08:49:37 GMT",
                784_111_777,
                "1994-11-06 08:49:37.000000000 UTC",
            ),
            (
                "Tue, 29 Feb 2000 23:59:59 GMT",
                951_868_799,
                "2000-02-29 23:59:59.000000000 UTC",
            ),
            (
                "Mon, 01 Mar 2100 00:00:00 GMT",
                4_107_542_400,
                "2100-03-01 00:00:00.000000000 UTC",
            ),
        ] {
            assert_eq!(parse_http(http), Some(seconds));
            assert_eq!(format_nanos(seconds * NANOS), written);
        }
        let moment = Moment::of(1_795_363_680_123_456_789);
        assert_eq!(moment.to_string(), "2026-11-22T16:08:00.123456Z");
        assert_eq!(format_nanos(u64::MAX), "2554-07-21 23:34:33.709551615 UTC");
    }

    #[test]
    fn every_day_of_four_centuries_is_itself_again() {
        for day in 0..146_097 * 2 {
            let (year, month, of_month) = date(day);
            assert_eq!(days(year, month, of_month), day);
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 GMT+1",
            "Sun, 00 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:49:37 GMT",
            "Sun, 06 Nov 1994 08:49 GMT",
            "Sun, 06 Nov 99999999999999999999 08:49:37 GMT",
            "Sun, 06 Nov 1066 08:49:37 GMT",
        ] {
            assert_eq!(parse_http(text), None, "{text}");
        }
    }
}
