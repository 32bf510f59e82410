//! Values in YAML that stand on the lines below their names.

use std::ops::Range;

use crate::text::{BACKSLASHES, Layer, at, before, part, run_end, run_start, tail};

/// The deepest indentation of a name that is looked at.
const INDENT: usize = 64;

/// The value on the lines below the name at `name`, whose colon ends at `start`: a block after `|` or `>`, or plain text.
pub(crate) fn below(layer: Layer<'_>, name: usize, start: usize) -> Option<Range<usize>> {
    let text = layer.text;
    let header = blanks_end(text, start);
    let block = matches!(layer.at(header), b'|' | b'>');
    let indicated = run_end(text, header, |byte| {
        block && matches!(byte, b'|' | b'>' | b'+' | b'-' | b'1'..=b'9')
    });
    let first = line_break(text, blanks_end(text, indicated))?;
    let indent = indent(text, name).or(block.then_some(0))?;
    let start = run_end(text, first, |byte| matches!(byte, b' ' | b'\n' | b'\r'));
    let line = part(text, start, line_end(text, start));
    // In a string the block ends with the string.
    let text = if layer.is_spelled(first - 1) {
        part(text, 0, string_end(text, start))
    } else {
        text
    };
    (is_below(text, start, indent) && (block || is_plain(line)))
        .then(|| start..block_end(text, start, indent))
}

/// Where the string ends that goes on at `start`.
fn string_end(text: &[u8], start: usize) -> usize {
    let mut mark = start;
    loop {
        mark = run_end(text, mark, |byte| !matches!(byte, b'"' | b'\''));
        // An apostrophe may be part of the string.
        let ends = |next: u8| matches!(next, 0 | b',' | b':' | b')' | b']' | b'}');
        if at(text, mark) != b'\'' || ends(at(text, mark + 1)) {
            return run_start(text, mark, BACKSLASHES, |byte| byte == b'\\');
        }
        mark += 1;
    }
}

fn blanks_end(text: &[u8], start: usize) -> usize {
    run_end(text, start, |byte| matches!(byte, b' ' | b'\t'))
}

fn line_end(text: &[u8], start: usize) -> usize {
    run_end(text, start, |byte| byte != b'\n')
}

/// Behind the line break at `i`.
fn line_break(text: &[u8], i: usize) -> Option<usize> {
    let rest = tail(text, i);
    let rest = rest.strip_prefix(b"\r").unwrap_or(rest);
    rest.starts_with(b"\n").then(|| text.len() - rest.len() + 1)
}

/// How far the name is indented, which only blanks and the dash of a list stand before, on its line or in its string.
fn indent(text: &[u8], name: usize) -> Option<usize> {
    let line = run_start(text, name, INDENT, |byte| matches!(byte, b' ' | b'-'));
    matches!(before(text, line), 0 | b'\n' | b'"' | b'\'').then_some(name - line)
}

/// Whether the line whose first word is at `start` is indented further than `indent`.
fn is_below(text: &[u8], start: usize, indent: usize) -> bool {
    let line = run_start(text, start, INDENT + 1, |byte| byte == b' ');
    start < text.len() && start - line > indent
}

/// Whether this line is text, and no entry of a map or a list.
fn is_plain(line: &[u8]) -> bool {
    let line = line.trim_ascii_end();
    let entry = line.ends_with(b":") || line.windows(2).any(|colon| colon == b": ");
    !entry && !line.starts_with(b"- ")
}

/// Where the last line ends that is indented further than `indent`, of those from `start` on.
fn block_end(text: &[u8], start: usize, indent: usize) -> usize {
    let mut end = line_end(text, start);
    loop {
        let next = run_end(text, end, |byte| matches!(byte, b' ' | b'\n' | b'\r'));
        if !is_below(text, next, indent) {
            let spare = part(text, start, end).iter().rev();
            return end - spare.take_while(|byte| byte.is_ascii_whitespace()).count();
        }
        end = line_end(text, next);
    }
}

#[cfg(test)]
mod tests {
    use super::below;
    use crate::text::Layer;

    fn find(text: &str) -> Option<&str> {
        let name = text.find("password").expect("a name");
        let start = name + "password:".len();
        below(Layer::new(text.as_bytes(), &[]), name, start).and_then(|found| text.get(found))
    }

    #[test]
    fn values_below_their_names_are_found() {
        for (text, value) in [
            ("password: |\n  hunter2", "hunter2"),
            (
                "a:\n  password: >-\n    hunter2\n\n    more  \n  b: 1",
                "hunter2\n\n    more",
            ),
            ("10:22 INFO password: |\n  hunter2", "hunter2"),
            ("password:\r\n  hunter2\r\nb: 1", "hunter2"),
            ("- password: |2\n    hunter2\n- b", "hunter2"),
        ] {
            assert_eq!(find(text), Some(value), "{text:?}");
        }
    }

    #[test]
    fn what_is_not_below_a_name_is_left() {
        for text in [
            "password: hunter2\n  x",
            "password:\nhunter2",
            "password:\n  min: 8",
            "password:\n  rules:\n    - x",
            "password:\n  - x",
            "password:",
            "password: |\n",
            "enter the password:\n  at main.rs",
        ] {
            assert_eq!(find(text), None, "{text:?}");
        }
    }
}
