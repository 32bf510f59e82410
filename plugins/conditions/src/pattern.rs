//! Regular expressions, bounded: they are the config's, but every instance holds them.

use otlet_plugin::Error;
use regex::{Regex, RegexBuilder};

/// The bytes of a compiled regular expression: far more than anybody writes by hand, and little beside a guest's memory.
const SIZE: usize = 1 << 20;

/// Compiles a regular expression, which is found in time linear in the text. The error says what is wrong with it.
pub fn pattern(text: &str) -> Result<Regex, Error> {
    let built = RegexBuilder::new(text)
        .size_limit(SIZE)
        .dfa_size_limit(SIZE)
        .build();
    built.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => {
            Error::new("is too large a regular expression: write fewer or smaller repetitions")
        }
        error => {
            let said = error.to_string();
            let last = said.lines().last().unwrap_or_default();
            let why = last.strip_prefix("error: ").unwrap_or(last);
            Error::new(format!("'{text}' is no regular expression: {why}"))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::pattern;

    #[test]
    fn what_is_wrong_with_a_pattern_is_said_in_a_line() {
        let error = |text| pattern(text).unwrap_err().message().to_owned();
        assert_eq!(
            error("a(b"),
            "'a(b' is no regular expression: unclosed group"
        );
        assert!(error("a(?=b)").contains("look-around"));
        assert!(error(r"(\w{100}){100}").contains("too large"));
        assert!(pattern(r"^GET /(?P<id>\d+)$").is_ok());
    }
}
