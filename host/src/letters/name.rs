//! What the files of a letter are called.

use crate::batch::Signal;
use crate::date::Moment;

/// A letter's name, without what tells its files apart: `20261123T022100.123456Z-traces-9f86d081884c7d65`. The oldest is the
/// least.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name(String);

/// The files of a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Request,
    Reason,
    HalfRequest,
    HalfReason,
}

impl Part {
    const ALL: [Self; 4] = [
        Self::Request,
        Self::Reason,
        Self::HalfRequest,
        Self::HalfReason,
    ];

    /// What stands before the name and after it.
    fn affixes(self) -> (&'static str, &'static str) {
        match self {
            Self::Request => ("", ".otlp"),
            Self::Reason => ("", ".json"),
            Self::HalfRequest => (".", ".otlp.tmp"),
            Self::HalfReason => (".", ".json.tmp"),
        }
    }
}

impl Name {
    /// The name of a letter that is written now, which no other has.
    pub(super) fn new(signal: Signal, now: Moment) -> Self {
        let time: String = now
            .to_string()
            .chars()
            .filter(|c| !matches!(c, '-' | ':'))
            .collect();
        let number = fastrand::u64(..);
        Self(format!("{time}-{}-{number:016x}", signal.name()))
    }

    /// Reads the name of a file: none for what belongs to no letter.
    pub(super) fn read(file: &str) -> Option<(Self, Part)> {
        Part::ALL.into_iter().find_map(|part| {
            let (before, after) = part.affixes();
            let name = file.strip_prefix(before)?.strip_suffix(after)?;
            is_name(name).then(|| (Self(name.to_owned()), part))
        })
    }

    /// The signal of the letter's request.
    pub fn signal(&self) -> Option<Signal> {
        let word = self.0.split('-').nth(1)?;
        Signal::ALL.into_iter().find(|one| one.name() == word)
    }

    /// The name of the file with the request.
    pub fn request(&self) -> String {
        self.part(Part::Request)
    }

    /// The name of the file with the reason.
    pub fn reason(&self) -> String {
        self.part(Part::Reason)
    }

    pub(super) fn half_request(&self) -> String {
        self.part(Part::HalfRequest)
    }

    pub(super) fn half_reason(&self) -> String {
        self.part(Part::HalfReason)
    }

    /// The names of all four files, the request first: without it there is no letter.
    pub(super) fn parts(&self) -> [String; 4] {
        Part::ALL.map(|part| self.part(part))
    }

    fn part(&self, part: Part) -> String {
        let (before, after) = part.affixes();
        format!("{before}{}{after}", self.0)
    }
}

fn is_name(text: &str) -> bool {
    let mut words = text.split('-');
    let (Some(time), Some(signal), Some(number), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return false;
    };
    let is_time = time.len() == "20261123T022100.123456Z".len()
        && time.bytes().enumerate().all(|(at, byte)| match at {
            8 => byte == b'T',
            15 => byte == b'.',
            22 => byte == b'Z',
            _ => byte.is_ascii_digit(),
        });
    is_time
        && Signal::ALL.into_iter().any(|one| one.name() == signal)
        && number.len() == 16
        && number.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_told_from_the_others_and_from_what_is_foreign() {
        let name = Name::new(Signal::Logs, Moment::of(1_795_363_680_123_456_789));
        assert!(
            name.request().starts_with("20261122T160800.123456Z-logs-"),
            "{name:?}"
        );
        for (file, part) in name.parts().iter().zip(Part::ALL) {
            assert_eq!(Name::read(file), Some((name.clone(), part)));
        }
        assert_eq!(name.signal(), Some(Signal::Logs));
        for foreign in [
            "",
            ".otlp",
            "notes.json",
            "20261122T160800.123456Z-logs-9f86d081884c7d65",
            "20261122T160800.123456Z-spans-9f86d081884c7d65.otlp",
            "20261122T160800.123456Z-logs-9f86d081884c7d65-1.otlp",
            "20261122T160800.123456Z-logs-9f86d081884c7dzz.otlp",
            "20261122 160800.123456Z-logs-9f86d081884c7d65.otlp",
            "20261122T160800.123456Z-logs-9f86d081884c7d65.otlp.tmp",
        ] {
            assert_eq!(Name::read(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn the_oldest_is_the_least() {
        let at = |nanos| Name::new(Signal::Traces, Moment::of(nanos));
        assert!(at(1_000) < at(2_000) && at(999_999_999_000) < at(1_000_000_000_000));
    }
}
