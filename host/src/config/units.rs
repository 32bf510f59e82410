//! Durations, sizes and addresses as a config writes them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

/// The longest duration: far beyond any use, and far from where adding to a clock overflows.
pub(super) const MAX_DURATION: Duration = Duration::from_hours(8760);

/// Go's units of time, in nanoseconds.
const TIMES: [(&str, f64); 8] = [
    ("ns", 1.0),
    ("us", 1e3),
    ("\u{b5}s", 1e3),
    ("\u{3bc}s", 1e3),
    ("ms", 1e6),
    ("s", 1e9),
    ("m", 60e9),
    ("h", 3600e9),
];

/// The units of sizes: the decimal ones, and the binary ones that memory is counted in.
const SIZES: [(&str, f64); 8] = [
    ("", 1.0),
    ("B", 1.0),
    ("KB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
    ("KiB", 1024.0),
    ("MiB", 1_048_576.0),
    ("GiB", 1_073_741_824.0),
];

/// Reads a duration as Go writes it: `1m30s`, `500ms`, `1.5s`, `0`.
pub(super) fn duration(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let mut nanoseconds = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let (number, after) = number(rest)?;
        let end = after
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(end)?;
        nanoseconds += number * factor(&TIMES, unit)?;
        rest = after;
    }
    let duration = Duration::try_from_secs_f64(nanoseconds / 1e9).ok()?;
    (!text.is_empty() && duration <= MAX_DURATION).then_some(duration)
}

/// Reads a size: `16MiB`, `64KB`, `1.5GiB`, `4096`.
pub(super) fn size(text: &str) -> Option<u64> {
    let (number, unit) = number(text)?;
    let bytes = number * factor(&SIZES, unit.trim_start())?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is whole, not negative, and below 2^53"
    )]
    (bytes.fract() == 0.0 && bytes < 9e15).then_some(bytes as u64)
}

/// Reads `host:port` as a place to listen: an IP address, `localhost`, or nothing for every address.
pub(super) fn address(text: &str) -> Option<SocketAddr> {
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    let (host, port) = text.rsplit_once(':')?;
    let host = match host {
        "localhost" => Ipv4Addr::LOCALHOST,
        "" => Ipv4Addr::UNSPECIFIED,
        _ => return None,
    };
    Some(SocketAddr::new(IpAddr::V4(host), port.parse().ok()?))
}

/// Writes a size with the largest unit that divides it.
pub(super) fn show_size(bytes: u64) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    let fits = |(shift, _): &&(u32, &str)| bytes > 0 && bytes.trailing_zeros() >= *shift;
    match units.iter().find(fits) {
        Some((shift, unit)) => format!("{}{unit}", bytes >> shift),
        None => bytes.to_string(),
    }
}

/// Writes a duration as Go would, with one unit.
pub(super) fn show_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds, duration.subsec_nanos()) {
        (0, 0) => "0s".to_owned(),
        (_, 0) if seconds.is_multiple_of(3600) => format!("{}h", seconds / 3600),
        (_, 0) if seconds.is_multiple_of(60) => format!("{}m", seconds / 60),
        (_, 0) => format!("{seconds}s"),
        (..) => format!("{}ms", duration.as_millis()),
    }
}

/// The decimal number at the start, and what follows it.
fn number(text: &str) -> Option<(f64, &str)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end)?;
    Some((digits.parse().ok()?, rest))
}

fn factor(units: &[(&str, f64)], unit: &str) -> Option<f64> {
    units
        .iter()
        .find(|(name, _)| *name == unit)
        .map(|(_, factor)| *factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_writes_them() {
        let cases = [
            ("1m30s", 90_000),
            ("500ms", 500),
            ("1.5s", 1500),
            ("2h", 7_200_000),
            (".5s", 500),
            ("0", 0),
            ("0s", 0),
            ("1h2m3s4ms", 3_723_004),
            ("2000us", 2),
            ("2000\u{b5}s", 2),
            ("3000000ns", 3),
        ];
        for (text, milliseconds) in cases {
            assert_eq!(
                duration(text),
                Some(Duration::from_millis(milliseconds)),
                "{text}"
            );
        }
        for text in [
            "", "5", "s", "1 s", "-1s", "1d", "1.2.3s", "1s5", "9999999h", "1e3s", "\u{b5}", ".s",
        ] {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    #[test]
    fn sizes_are_read_with_decimal_and_binary_units() {
        let cases = [
            ("16MiB", 16_777_216),
            ("64KB", 64_000),
            ("4096", 4096),
            ("1.5KiB", 1536),
            ("2 GiB", 2_147_483_648),
            ("7B", 7),
        ];
        for (text, bytes) in cases {
            assert_eq!(size(text), Some(bytes), "{text}");
        }
        for text in [
            "",
            "MiB",
            "-1",
            "1.5",
            "1mb",
            "1TiB",
            "1e3",
            "99999999999999999",
        ] {
            assert_eq!(size(text), None, "{text}");
        }
    }

    #[test]
    fn addresses_are_read_as_the_collector_reads_them() {
        let cases = [
            ("localhost:4317", "127.0.0.1:4317"),
            (":4317", "0.0.0.0:4317"),
            ("0.0.0.0:0", "0.0.0.0:0"),
            ("[::]:4317", "[::]:4317"),
            ("[::1]:4318", "[::1]:4318"),
        ];
        for (text, expected) in cases {
            assert_eq!(address(text), expected.parse().ok(), "{text}");
        }
        for text in [
            "",
            "4317",
            "localhost",
            "host:4317",
            "127.0.0.1:99999",
            "::4317",
            "http://0.0.0.0:1",
        ] {
            assert_eq!(address(text), None, "{text}");
        }
    }

    #[test]
    fn sizes_and_durations_are_shown_as_they_are_written() {
        assert_eq!(show_size(16 << 20), "16MiB");
        assert_eq!(show_size(1000), "1000");
        assert_eq!(show_duration(Duration::from_secs(90)), "90s");
        assert_eq!(show_duration(Duration::from_hours(8760)), "8760h");
        assert_eq!(show_duration(Duration::from_millis(1)), "1ms");
    }
}
