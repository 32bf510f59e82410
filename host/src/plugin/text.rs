//! Text that a guest, or whoever names its file, wrote, made fit for logs and errors.

use std::path::Path;

/// The most bytes of a guest's text in a log line or an error.
pub(super) const LONGEST: usize = 256;

/// Cuts a text at [`LONGEST`] bytes and replaces what could forge a log line or steer a terminal.
pub(super) fn tame(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(LONGEST));
    for c in text.trim_end().chars() {
        let c = if c.is_control() { ' ' } else { c };
        if out.len() + c.len_utf8() > LONGEST {
            out.push('…');
            break;
        }
        out.push(c);
    }
    out
}

/// A path of the plugin directory as it stands in logs and lists: whoever may put files there may name them as they like.
pub fn shown(path: &Path) -> String {
    let path = path.display().to_string();
    path.replace(char::is_control, "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_text_stays_as_it_is() {
        assert_eq!(tame("span count 3 ü"), "span count 3 ü");
    }

    #[test]
    fn control_characters_become_spaces() {
        assert_eq!(tame("a\nb\x1b[31mc\n"), "a b [31mc");
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let tamed = tame(&"ü".repeat(200));
        assert_eq!(tamed, format!("{}…", "ü".repeat(128)));
    }

    #[test]
    fn a_files_name_forges_no_line() {
        let path = Path::new("plugins/x\n2026 ERROR forged\x1b]0;\x07 ü.wasm");
        let expected = "plugins/x\u{fffd}2026 ERROR forged\u{fffd}]0;\u{fffd} ü.wasm";
        assert_eq!(shown(path), expected);
    }
}
