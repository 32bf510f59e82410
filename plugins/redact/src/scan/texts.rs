//! Texts that lie one behind the other: which one a position is in, and where in a block they start.

use crate::text::part;
use crate::weigh::BLOCK;

/// A text among the others.
#[derive(Clone, Copy)]
pub(super) struct Text<'a> {
    pub(super) number: usize,
    /// Where it starts in the data.
    pub(super) start: usize,
    pub(super) bytes: &'a [u8],
}

/// Goes from text to text.
#[derive(Default)]
pub(super) struct Cursor {
    /// The number of the text after the one that it is at.
    next: usize,
    start: usize,
    end: usize,
}

impl Cursor {
    /// The text that holds this position, which is no earlier than the one before, and behind the first `past` texts.
    #[inline]
    pub(super) fn seek<'a>(
        &mut self,
        position: usize,
        past: usize,
        data: &'a [u8],
        ends: &[u32],
    ) -> Text<'a> {
        if self.next < past {
            self.next = past;
            self.end = start_of(past, ends);
        }
        while self.end <= position
            && let Some(end) = ends.get(self.next)
        {
            (self.start, self.end) = (self.end, *end as usize);
            self.next += 1;
        }
        Text {
            number: self.next.saturating_sub(1),
            start: self.start,
            bytes: part(data, self.start, self.end),
        }
    }
}

/// Goes from block to block.
#[derive(Default)]
pub(super) struct Starts {
    /// How many texts end before this block, and before the last one.
    pub(super) past: [usize; 2],
    /// How many end before the next one.
    next: usize,
}

impl Starts {
    /// A bit for each byte of the block at `start` before which a text ends.
    #[inline]
    pub(super) fn bits(&mut self, start: usize, ends: &[u32]) -> u32 {
        let mut bits = 0;
        self.past = [self.next, self.past[0]];
        while let Some(&end) = ends.get(self.next) {
            let offset = (end as usize).saturating_sub(start);
            if offset >= BLOCK {
                break;
            }
            bits |= 1 << offset;
            self.next += 1;
        }
        bits
    }
}

/// Where the text of this number starts.
pub(super) fn start_of(number: usize, ends: &[u32]) -> usize {
    let end = number.checked_sub(1).and_then(|last| ends.get(last));
    end.map_or(0, |&end| end as usize)
}

#[cfg(test)]
mod tests {
    use super::{Cursor, Starts};
    use crate::weigh::BLOCK;

    /// Texts of these lengths: one that ends with a block, empty ones, one over several blocks.
    const ENDS: [u32; 7] = [32, 32, 40, 40, 63, 130, 131];

    #[test]
    fn the_starts_of_a_block_are_where_texts_end() {
        let mut starts = Starts::default();
        let mut found = Vec::new();
        for start in (0..160).step_by(BLOCK) {
            let bits = starts.bits(start, &ENDS);
            let [past, _] = starts.past;
            let places = (0..BLOCK).filter(|place| bits >> place & 1 == 1);
            found.extend(places.map(|place| (start + place, past)));
        }
        assert_eq!(found, [(32, 0), (40, 0), (63, 0), (130, 5), (131, 5)]);
    }

    #[test]
    fn a_text_is_found_by_a_position_in_it() {
        let data = [b'x'; 131];
        for (position, past, number, start) in [
            (0, 0, 0, 0),
            (31, 0, 0, 0),
            (32, 0, 2, 32),
            (39, 1, 2, 32),
            (62, 1, 4, 40),
            (100, 5, 5, 63),
            (130, 5, 6, 130),
        ] {
            let text = Cursor::default().seek(position, past, &data, &ENDS);
            assert_eq!((text.number, text.start), (number, start), "{position}");
        }
    }
}
