//! The severity that a level stands for, by the tables of OpenTelemetry's log data model, and where they are silent as its
//! bridges to the libraries have it.

use super::object::Json;

/// A severity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Severity {
    /// OpenTelemetry's number, 1 to 24.
    pub number: i64,
    /// The level as it was written; for a number OpenTelemetry's name of it.
    pub text: String,
}

/// Keys that hold a level, the best first.
const KEYS: [&str; 15] = [
    "severity",
    "level",
    "log.level",
    "levelname",
    "level_name",
    "loglevel",
    "logLevel",
    "LogLevel",
    "Level",
    "@l",
    "lvl",
    "severity_number",
    "severityNumber",
    "level_value",
    "levelno",
];

/// Names of levels in lower case, with OpenTelemetry's number.
const LEVELS: [(&str, i64); 33] = [
    ("trace", 1),
    ("trc", 1),
    ("verbose", 1),
    ("vrb", 1),
    ("silly", 1),
    ("finest", 1),
    ("debug", 5),
    ("dbg", 5),
    ("finer", 5),
    ("fine", 6),
    ("config", 7),
    ("http", 7),
    ("info", 9),
    ("inf", 9),
    ("information", 9),
    ("informational", 9),
    ("notice", 10),
    ("success", 10),
    ("warn", 13),
    ("wrn", 13),
    ("warning", 13),
    ("error", 17),
    ("err", 17),
    ("severe", 17),
    ("crit", 18),
    ("dpanic", 18),
    ("panic", 19),
    ("alert", 19),
    ("fatal", 21),
    ("ftl", 21),
    ("critical", 21),
    ("emerg", 21),
    ("emergency", 21),
];

/// Levels that are numbers, by the key under which a library writes them, with OpenTelemetry's number.
const NUMBERS: [(&str, i64, i64); 24] = [
    // Pino and Bunyan.
    ("level", 10, 1),
    ("level", 20, 5),
    ("level", 30, 9),
    ("level", 40, 13),
    ("level", 50, 17),
    ("level", 60, 21),
    // Monolog.
    ("level", 100, 5),
    ("level", 200, 9),
    ("level", 250, 10),
    ("level", 300, 13),
    ("level", 400, 17),
    ("level", 500, 18),
    ("level", 550, 19),
    ("level", 600, 21),
    // Logback.
    ("level_value", 5_000, 1),
    ("level_value", 10_000, 5),
    ("level_value", 20_000, 9),
    ("level_value", 30_000, 13),
    ("level_value", 40_000, 17),
    // Python.
    ("levelno", 10, 5),
    ("levelno", 20, 9),
    ("levelno", 30, 13),
    ("levelno", 40, 17),
    ("levelno", 50, 21),
];

/// OpenTelemetry's names, each for four numbers.
const NAMES: [&str; 6] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];

/// How good a key is for a level: less is better.
pub(super) fn rank(key: &str) -> Option<usize> {
    KEYS.iter().position(|known| *known == key)
}

/// The severity of a level under its key.
pub(super) fn read(key: &str, value: &Json<'_>) -> Option<Severity> {
    match value {
        Json::Text(text) => Some(Severity {
            number: of_text(text)?,
            text: text.clone().into_owned(),
        }),
        Json::Number(number) => {
            let number = of_number(key, number.parse().ok()?)?;
            let text = name(number)?;
            Some(Severity { number, text })
        }
        _ => None,
    }
}

/// The number of a level by its name.
pub(super) fn of_text(text: &str) -> Option<i64> {
    let text = text.trim();
    // Winston's verbose is above its debug, Serilog's Verbose below its Debug.
    if text == "verbose" {
        return Some(6);
    }
    let known = |name: &str| {
        let level = LEVELS
            .iter()
            .find(|(level, _)| name.eq_ignore_ascii_case(level));
        level.map(|(_, number)| *number)
    };
    known(text).or_else(|| numbered(text)).or_else(|| {
        // Go's slog: `INFO+2`, where every fourth is a level of its own.
        let sign = text.find(['+', '-'])?;
        let (name, offset) = text.split_at_checked(sign)?;
        let offset: i64 = offset.parse().ok()?;
        let number = known(name)?.checked_add(offset)?;
        (1..=24).contains(&number).then_some(number)
    })
}

/// The number of OpenTelemetry's own `INFO2` and its like.
fn numbered(text: &str) -> Option<i64> {
    let (name, step) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let step = match step {
        "2" => 1,
        "3" => 2,
        "4" => 3,
        _ => return None,
    };
    let (_, first) = NAMES
        .iter()
        .zip((1..).step_by(4))
        .find(|(known, _)| known.eq_ignore_ascii_case(name))?;
    Some(first + step)
}

/// OpenTelemetry's name of a number.
fn name(number: i64) -> Option<String> {
    let index = usize::try_from(number.checked_sub(1)?).ok()?;
    let name = NAMES.get(index / 4)?;
    Some(match index % 4 {
        0 => (*name).to_owned(),
        step => format!("{name}{}", step + 1),
    })
}

/// The number of a level that is a number itself.
fn of_number(key: &str, number: i64) -> Option<i64> {
    if matches!(key, "severity_number" | "severityNumber") {
        return (1..=24).contains(&number).then_some(number);
    }
    let level = NUMBERS
        .iter()
        .find(|(of, level, _)| (*of, *level) == (key, number));
    level.map(|(_, _, severity)| *severity)
}

#[cfg(test)]
mod tests {
    use super::{Json, of_text, rank, read};

    #[test]
    fn levels_have_their_numbers_by_name() {
        for (text, number) in [
            ("TRACE", 1),
            ("Verbose", 1),
            ("verbose", 6),
            ("debug", 5),
            ("info", 9),
            ("Information", 9),
            (" info ", 9),
            ("NOTICE", 10),
            ("warning", 13),
            ("WARN", 13),
            ("ERROR", 17),
            ("SEVERE", 17),
            ("dpanic", 18),
            ("alert", 19),
            ("CRITICAL", 21),
            ("Fatal", 21),
            ("EMERGENCY", 21),
            ("INFO2", 10),
            ("fatal4", 24),
            ("INFO+2", 11),
            ("DEBUG-4", 1),
            ("ERROR+4", 21),
        ] {
            assert_eq!(of_text(text), Some(number), "{text}");
        }
        for text in [
            "", "shout", "DEFAULT", "INFO5", "INFO1", "2", "ERROR+9", "DEBUG-5", "INFO+", "+2",
            "30",
        ] {
            assert_eq!(of_text(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_are_levels_of_their_library_under_its_key() {
        for (key, number, severity) in [
            ("level", "30", Some((9, "INFO"))),
            ("level", "60", Some((21, "FATAL"))),
            ("level", "250", Some((10, "INFO2"))),
            ("level", "550", Some((19, "ERROR3"))),
            ("level_value", "20000", Some((9, "INFO"))),
            ("levelno", "30", Some((13, "WARN"))),
            ("severity_number", "24", Some((24, "FATAL4"))),
            ("severity_number", "25", None),
            ("level", "6", None),
            ("level", "35", None),
            ("level", "30.5", None),
            ("level_value", "30", None),
            ("severity", "30", None),
        ] {
            let found = read(key, &Json::Number(number));
            let found = found
                .as_ref()
                .map(|found| (found.number, found.text.as_str()));
            assert_eq!(found, severity, "{key} {number}");
        }
    }

    #[test]
    fn a_level_keeps_its_name() {
        let found = read("level", &Json::Text("Warning".into())).unwrap();
        assert_eq!((found.number, found.text.as_str()), (13, "Warning"));
        assert_eq!(read("level", &Json::Boolean(true)), None);
        assert!(rank("severity") < rank("level") && rank("message").is_none());
    }
}
