//! Maps in the words of a text that tell of other records: `links=[{trace_id=...}]`, and a list of records in JSON. An id in
//! there is not the text's own.

use crate::json::is_message;
use crate::name::{is_holder, is_list_of_holders};

/// What may stand between the name of a map or list and its bracket.
const GAP: usize = 6;

/// Which brackets are open at a place of a text, as far as it matters.
#[derive(Debug, Default)]
pub(crate) struct Foreign {
    /// Brackets and braces that are open.
    depth: usize,
    /// Braces alone.
    braces: usize,
    /// The depth of the outermost bracket that tells of others.
    since: Option<usize>,
}

impl Foreign {
    /// Whether what follows is within a map or list that tells of others.
    pub(crate) fn is_here(&self) -> bool {
        self.since.is_some()
    }

    /// Goes on behind what stands between this word and the next.
    pub(crate) fn pass(&mut self, word: &[u8], gap: &[u8]) {
        for (at, byte) in gap.iter().enumerate() {
            match byte {
                b'{' | b'[' => {
                    let opens = self.since.is_none() && self.tells_of_others(word, gap, at);
                    self.depth += 1;
                    self.braces += usize::from(*byte == b'{');
                    if opens {
                        self.since = Some(self.depth);
                    }
                }
                b'}' | b']' => {
                    self.since = self.since.filter(|since| *since < self.depth);
                    self.depth = self.depth.saturating_sub(1);
                    self.braces = self.braces.saturating_sub(usize::from(*byte == b'}'));
                }
                _ => {}
            }
        }
    }

    /// Whether the bracket at this place of the gap opens something of others: a list of maps as JSON has them, or what is
    /// under a name that no map of the record's own has. What is before a colon is a name within a map alone: elsewhere it may
    /// be a logger, as in `INFO:root:{"trace_id": ...}`.
    fn tells_of_others(&self, word: &[u8], gap: &[u8], at: usize) -> bool {
        let (before, after) = gap.split_at_checked(at).unwrap_or_default();
        let opener = after.first() == Some(&b'{');
        let inner = after.get(1..).unwrap_or_default().trim_ascii_start();
        let inner = inner.strip_prefix(b"{").map(<[u8]>::trim_ascii_start);
        if !opener && inner.is_none() {
            return false;
        }
        let sign = sign(before);
        let is_own = match (opener, sign) {
            (_, None) => false,
            (true, Some(_)) => is_holder(word) || is_message(word),
            (false, Some(_)) => is_list_of_holders(word),
        };
        let is_named = sign == Some(b'=') || sign == Some(b':') && self.braces > 0;
        let quotes = |byte: &u8| matches!(byte, b'"' | b'\'' | b'\\');
        let is_json = inner.and_then(<[u8]>::first).is_some_and(quotes);
        !is_own && (is_named || !opener && is_json)
    }
}

/// The sign that gives the word before it a value, if there is one and nothing else.
fn sign(gap: &[u8]) -> Option<u8> {
    if gap.len() > GAP {
        return None;
    }
    let mut signs = gap.iter().filter(|byte| matches!(byte, b'=' | b':'));
    let sign = signs.next()?;
    let others = |byte: &u8| matches!(byte, b'=' | b':' | b' ' | b'"' | b'\'' | b'\\');
    (signs.next().is_none() && gap.iter().all(others)).then_some(*sign)
}
