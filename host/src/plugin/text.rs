//! Text that a guest wrote, made fit for logs and errors.

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
}
