//! Numbers in JSON, and in Python's like of it: a mask in the place of one is a string and needs quotes.

use std::ops::Range;

use crate::scan::Quotes;
use crate::text::{Layer, at, before, quote_before, run_end, run_start, tail};

/// How far back from a number its name's quote, or that of a string in the same array, is looked for.
const NEAR: usize = 256;

/// The whole number that these digits are part of, and the quotes for what replaces it, if it stands where JSON has numbers.
pub(crate) fn quoted(layer: Layer<'_>, digits: Range<usize>) -> (Range<usize>, Quotes) {
    let text = layer.text;
    let minus = usize::from(before(text, digits.start) == b'-');
    let zero = if tail(text, digits.end).starts_with(b".0") {
        2
    } else {
        0
    };
    let number = digits.start - minus..digits.end + zero;
    let front = run_start(text, number.start, NEAR, is_blank);
    let behind = at(text, run_end(text, number.end, is_blank));
    let quotes = match (before(text, front), behind) {
        (b':', b',' | b'}' | 0) => after_name(layer, front - 1),
        (b'[' | b',', b',' | b']') => in_array(layer, front),
        _ => Quotes::None,
    };
    match quotes {
        Quotes::None => (digits, quotes),
        quotes => (number, quotes),
    }
}

/// The quotes of the name before the colon at `colon`.
fn after_name(layer: Layer<'_>, colon: usize) -> Quotes {
    quote_before(layer, run_start(layer.text, colon, NEAR, is_blank))
        .map_or(Quotes::None, Quotes::Like)
}

/// The quotes of strings in the array that an element at `i` stands in.
fn in_array(layer: Layer<'_>, i: usize) -> Quotes {
    let text = layer.text;
    let near = run_start(text, i, NEAR, |byte| {
        is_blank(byte)
            || byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b'-' | b'+' | b'.' | b',' | b':' | b'[' | b']' | b'{' | b'}'
            )
    });
    match quote_before(layer, near) {
        Some(quote) if closes(text, quote.end) => Quotes::Like(quote),
        None if (near == 0 || i - near == NEAR) && matches!(at(text, 0), b'[' | b'{') => {
            Quotes::Plain
        }
        _ => Quotes::None,
    }
}

/// Whether a quote that ends here is that of a name or an element, and not the one that opens a string of numbers.
fn closes(text: &[u8], end: usize) -> bool {
    let next = at(text, run_end(text, end, is_blank));
    matches!(next, b':' | b',' | b']' | b'}')
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

#[cfg(test)]
mod tests {
    use super::quoted;
    use crate::scan::Quotes;
    use crate::text::Layer;

    /// The text with a quoted C in the place of its sixteen digits.
    fn replaced(text: &str) -> String {
        let start = text.find("4111").expect("a card");
        let (number, quotes) = quoted(Layer::new(text.as_bytes(), &[]), start..start + 16);
        let quote = match quotes {
            Quotes::None => "",
            Quotes::Plain => "\"",
            Quotes::Like(quote) => text.get(quote).expect("a quote"),
        };
        text.replace(
            text.get(number).expect("a number"),
            &[quote, "C", quote].concat(),
        )
    }

    #[test]
    fn a_number_in_json_gets_quotes() {
        for (text, expected) in [
            (r#"{"n":4111111111111111}"#, r#"{"n":"C"}"#),
            (
                r#"{"n": -4111111111111111 , "m": 1}"#,
                r#"{"n": "C" , "m": 1}"#,
            ),
            (r#"{"n":4111111111111111.0}"#, r#"{"n":"C"}"#),
            ("{'n': 4111111111111111}", "{'n': 'C'}"),
            (r#"{\"n\":4111111111111111}"#, r#"{\"n\":\"C\"}"#),
            ("[4111111111111111,1]", r#"["C",1]"#),
            ("[1, 4111111111111111]", r#"[1, "C"]"#),
            (r#"{"n":[1,4111111111111111]}"#, r#"{"n":[1,"C"]}"#),
            (r#"x {\"n\":[4111111111111111]}"#, r#"x {\"n\":[\"C\"]}"#),
            ("['x', None, 4111111111111111]", "['x', None, 'C']"),
            ("['x', 4111111111111111]", "['x', 'C']"),
            (r#"[["x"], [-4111111111111111, 1]]"#, r#"[["x"], ["C", 1]]"#),
            (r#"{"k\\":4111111111111111}"#, r#"{"k\\":"C"}"#),
            (r#""n": 4111111111111111"#, r#""n": "C""#),
        ] {
            assert_eq!(replaced(text), expected, "{text}");
        }
        let many = ["[", &"12, ".repeat(500)].concat();
        assert_eq!(
            replaced(&[&many, "4111111111111111]"].concat()),
            [&many, "\"C\"]"].concat()
        );
    }

    #[test]
    fn other_numbers_get_none() {
        for (text, expected) in [
            ("4111111111111111", "C"),
            ("card: 4111111111111111, x", "card: C, x"),
            ("4111111111111111.0", "C.0"),
            ("x -4111111111111111", "x -C"),
            (r#"{"n":"4111111111111111"}"#, r#"{"n":"C"}"#),
            (r#"{"n":"[4111111111111111]"}"#, r#"{"n":"[C]"}"#),
            ("a, 4111111111111111, b", "a, C, b"),
            ("don't, 4111111111111111, b", "don't, C, b"),
        ] {
            assert_eq!(replaced(text), expected, "{text}");
        }
    }
}
