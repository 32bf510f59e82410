//! Cuts a statement into tokens, as its dialect reads it. Where nobody says which dialect it is and they disagree, and where
//! a string does not end, the rest of the statement is one token that is hidden.

use std::ops::Range;

use super::dialect::{Dialect, Reading};
use crate::detector::mask_length;
use crate::text::{at, part, read_before, reads, run_end, run_start, tail};

/// The longest name of a format.
const FORMAT: usize = 48;
/// How many digits the parts of a UUID have.
const UUID: [usize; 5] = [8, 4, 4, 4, 12];

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// Blanks, or a comment.
    Blank,
    /// A literal.
    Literal,
    /// All that is left, which may be anything.
    Rest,
    /// A word: a keyword or a name.
    Word,
    /// `(`
    Open,
    /// `)`
    Close,
    /// `,`
    Comma,
    /// Any other sign, a name in quotes, a placeholder or a mask.
    Other,
}

/// Goes through a statement.
pub(super) struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
    dialect: Dialect,
}

impl Iterator for Lexer<'_> {
    type Item = (Token, Range<usize>);

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.at;
        let first = *self.text.get(start)?;
        let (token, end) = self.token(start, first);
        self.at = end;
        Some((token, start..end))
    }
}

impl<'a> Lexer<'a> {
    /// At the beginning of a statement.
    pub(super) fn new(text: &'a str, dialect: Dialect) -> Self {
        Self {
            text: text.as_bytes(),
            at: 0,
            dialect,
        }
    }

    /// The token at `start`, and where it ends.
    fn token(&self, start: usize, first: u8) -> (Token, usize) {
        let next = at(self.text, start + 1);
        let sign = (Token::Other, start + 1);
        if let Some(end) = uuid_end(self.text, start).or_else(|| self.money_end(start)) {
            return (Token::Literal, end);
        }
        match first {
            byte if byte.is_ascii_whitespace() && self.has_rows_behind(start) => self.rest(),
            byte if byte.is_ascii_whitespace() => {
                let end = run_end(self.text, start, |byte| byte.is_ascii_whitespace());
                (Token::Blank, end)
            }
            b'(' => (Token::Open, start + 1),
            b')' => (Token::Close, start + 1),
            b',' => (Token::Comma, start + 1),
            b'\'' => self.string(start, self.dialect.backslash()),
            b'"' => self.read(start, self.dialect.double_quotes()),
            b'`' => self.name(start, b'`'),
            b'[' => match mask_length(tail(self.text, start)) {
                0 => self.read(start, self.dialect.bracket()),
                mask => (Token::Other, start + mask),
            },
            b'#' => self.read(start, self.dialect.number_sign()),
            b'-' if next == b'-' => self.read(start, self.dashes(start)),
            b'/' if next == b'*' => self.comment(start),
            b'/' if next == b'/' => self.read(start, self.dialect.slashes()),
            b'$' => self.dollar(start),
            b'0'..=b'9' => (Token::Literal, self.number_end(start)),
            b'.' if next.is_ascii_digit() && !self.is_in_word(start) => {
                (Token::Literal, self.number_end(start))
            }
            b'?' => (
                Token::Other,
                run_end(self.text, start + 1, |byte| byte.is_ascii_digit()),
            ),
            b':' if next.is_ascii_digit() && self.dialect.numbered_placeholders() => (
                Token::Other,
                run_end(self.text, start + 1, |byte| byte.is_ascii_digit()),
            ),
            byte if self.is_word(byte) => self.word(start),
            _ => sign,
        }
    }

    /// What stands at `start`, if that is how it reads.
    fn read(&self, start: usize, reading: Reading) -> (Token, usize) {
        match reading {
            Reading::Sign => (Token::Other, start + 1),
            Reading::Text => self.string(start, self.dialect.backslash()),
            Reading::Name if at(self.text, start) == b'[' => self.name(start, b']'),
            Reading::Name => self.name(start, at(self.text, start)),
            Reading::Comment => {
                let end = run_end(self.text, start, |byte| !matches!(byte, b'\n' | b'\r'));
                (Token::Blank, end)
            }
            Reading::Doubtful => self.rest(),
        }
    }

    fn rest(&self) -> (Token, usize) {
        (Token::Rest, self.text.len())
    }

    /// How two dashes read: with a blank behind them they are a comment everywhere.
    fn dashes(&self, start: usize) -> Reading {
        match at(self.text, start + 2) {
            byte if byte <= b' ' => Reading::Comment,
            _ => self.dialect.dashes(),
        }
    }

    /// The comment that begins here; one that is cut off goes with the rest.
    fn comment(&self, start: usize) -> (Token, usize) {
        let mut depth = 1_usize;
        let mut i = start + 2;
        while i < self.text.len() {
            match (part(self.text, i, i + 2), self.dialect.nests_comments()) {
                (b"*/", _) => {
                    depth -= 1;
                    i += 2;
                    if depth == 0 {
                        return (Token::Blank, i);
                    }
                }
                (b"/*", None) => return self.rest(),
                (b"/*", Some(true)) => {
                    depth += 1;
                    i += 2;
                }
                _ => i += 1,
            }
        }
        (Token::Blank, i)
    }

    /// The string whose quote stands at `start`.
    fn string(&self, start: usize, backslash: Option<bool>) -> (Token, usize) {
        let mark = at(self.text, start);
        let triple = part(self.text, start, start + 3) == [mark; 3];
        if triple && mark == b'"' && self.dialect == Dialect::Unknown {
            return self.rest();
        }
        let quote = if triple && self.dialect.triple_quotes() {
            3
        } else {
            1
        };
        let mut i = start + quote;
        while i < self.text.len() {
            let byte = at(self.text, i);
            if byte == b'\\' {
                let run = run_end(self.text, i, |byte| byte == b'\\') - i;
                let escapes = match backslash {
                    Some(escapes) => escapes,
                    None if run % 2 == 1 && at(self.text, i + run) == mark => return self.rest(),
                    None => false,
                };
                i += if escapes { run + run % 2 } else { run };
            } else if byte != mark {
                i += 1;
            } else if quote == 3 {
                if part(self.text, i, i + 3) == [mark; 3] {
                    return (Token::Literal, i + 3);
                }
                i += 1;
            } else if at(self.text, i + 1) == mark {
                i += 2;
            } else {
                return (Token::Literal, i + 1);
            }
        }
        self.rest()
    }

    /// The name in quotes that starts here and ends with this one, which is doubled in it.
    fn name(&self, start: usize, mark: u8) -> (Token, usize) {
        let mut i = start + 1;
        while i < self.text.len() {
            i += match (at(self.text, i) == mark, at(self.text, i + 1) == mark) {
                (true, true) => 2,
                (true, false) => return (Token::Other, i + 1),
                (false, _) => 1,
            };
        }
        self.rest()
    }

    /// What begins with a dollar sign: a string, a placeholder or a name.
    fn dollar(&self, start: usize) -> (Token, usize) {
        let tag = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
        let end = run_end(self.text, start + 1, tag);
        let numbered = at(self.text, start + 1).is_ascii_digit();
        if numbered || at(self.text, end) != b'$' || !self.dialect.dollar_quotes() {
            return (Token::Other, end);
        }
        let quote = part(self.text, start, end + 1);
        let inside = tail(self.text, end + 1);
        match inside.windows(quote.len()).position(|text| text == quote) {
            Some(length) => (Token::Literal, end + 1 + length + quote.len()),
            None => self.rest(),
        }
    }

    /// Where the amount of money ends that is written here with its sign: `£17`, and `$175` in SQL Server.
    fn money_end(&self, start: usize) -> Option<usize> {
        let rest = tail(self.text, start);
        let signs = ["\u{a3}", "\u{a5}", "\u{20ac}"].map(str::as_bytes);
        let sign = signs.iter().find(|sign| rest.starts_with(sign));
        let server = self.dialect == Dialect::SqlServer && rest.starts_with(b"$");
        let digits = start + sign.map_or(usize::from(server), |sign| sign.len());
        let amount = digits > start && at(self.text, digits).is_ascii_digit();
        let end = amount.then(|| self.number_end(digits))?;
        // Of one or two digits it is a placeholder as much.
        (sign.is_some() || end > digits + 2).then_some(end)
    }

    /// Whether rows stand behind this blank, and no SQL: of `COPY t FROM stdin;` and `INSERT INTO t FORMAT CSV`.
    fn has_rows_behind(&self, blank: usize) -> bool {
        let near = |end, within: fn(u8) -> bool| run_start(self.text, end, FORMAT, within);
        let end = near(blank, |byte| byte == b';' || byte == b' ');
        let copies = self.dialect != Dialect::MySql
            && read_before(self.text, end, b"stdin")
            && at(self.text, run_end(self.text, blank, |byte| byte == b' ')) == b'\n';
        let format = near(blank, |byte| byte.is_ascii_alphanumeric());
        let inserts = format < blank
            && read_before(self.text, format, b"format ")
            && matches!(self.dialect, Dialect::MySql | Dialect::Unknown)
            && reads(self.text, 0, b"insert");
        copies || inserts
    }

    /// Where the number that starts here ends, with all letters in it.
    fn number_end(&self, start: usize) -> usize {
        let hexadecimal = matches!(part(self.text, start, start + 2), b"0x" | b"0X");
        let mut i = start;
        loop {
            let exponent = !hexadecimal && i > start && matches!(at(self.text, i - 1), b'e' | b'E');
            match at(self.text, i) {
                b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'.' => i += 1,
                b'+' | b'-' if exponent && at(self.text, i + 1).is_ascii_digit() => i += 1,
                _ => return i,
            }
        }
    }

    /// The word at `start`; before a string it may be part of it.
    fn word(&self, start: usize) -> (Token, usize) {
        let end = run_end(self.text, start, |byte| self.is_word(byte));
        let mark = at(self.text, end);
        let quoted = mark == b'\'' || mark == b'"' && self.dialect == Dialect::Google;
        if quoted {
            let word = part(self.text, start, end).to_ascii_lowercase();
            match (word.as_slice(), self.dialect) {
                (b"e", Dialect::Postgres) => return self.string(end, Some(true)),
                (b"e" | b"n" | b"b" | b"x" | b"r" | b"rb" | b"br", _) => {
                    return self.string(end, self.dialect.backslash());
                }
                (b"q" | b"nq", Dialect::Oracle) => return self.alternative_quotes(end),
                (b"q" | b"nq", Dialect::Unknown) => return self.rest(),
                _ => {}
            }
        }
        (Token::Word, end)
    }

    /// Oracle's string in quotes of one's choice, whose outer quote stands here: `q'[it's]'`.
    fn alternative_quotes(&self, quote: usize) -> (Token, usize) {
        let closing = match at(self.text, quote + 1) {
            b'[' => b']',
            b'(' => b')',
            b'{' => b'}',
            b'<' => b'>',
            other => other,
        };
        let inside = quote + 2;
        match tail(self.text, inside)
            .windows(2)
            .position(|two| two == [closing, b'\''])
        {
            Some(length) => (Token::Literal, inside + length + 2),
            None => self.rest(),
        }
    }

    fn is_word(&self, byte: u8) -> bool {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'_' | b'@' | b'$')
            || byte >= 0x80
            || byte == b'#' && self.dialect.number_sign_in_names()
    }

    /// Whether what stands before is a name, so that a dot is no decimal point.
    fn is_in_word(&self, i: usize) -> bool {
        let before = i.checked_sub(1).map_or(0, |i| at(self.text, i));
        self.is_word(before) || matches!(before, b'"' | b'`' | b']' | b')')
    }
}

/// Where the UUID that starts here ends.
fn uuid_end(text: &[u8], start: usize) -> Option<usize> {
    let mut end = start;
    for (i, digits) in UUID.into_iter().enumerate() {
        if i > 0 {
            end += usize::from(at(text, end) == b'-');
        }
        let part = part(text, end, end + digits);
        let dash = i == 0 || at(text, end - 1) == b'-';
        if !dash || part.len() < digits || !part.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        end += digits;
    }
    (!at(text, end).is_ascii_alphanumeric()).then_some(end)
}
