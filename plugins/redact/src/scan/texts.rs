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

/// Where texts start, block by block. It is written down for all blocks beforehand: how many texts end in a block is a
/// question that no processor guesses the answer to.
pub(super) struct Starts {
    blocks: Vec<Block>,
    /// How many texts end before the block in hand, and before the last one.
    pub(super) past: [usize; 2],
}

/// Of a block, a bit for each of its bytes before which a text ends, and the number of the text behind the last of these.
#[derive(Clone, Copy, Default)]
struct Block {
    bits: u64,
    next: u32,
}

impl Starts {
    /// Of texts that end in `len` bytes of data at `ends`.
    pub(super) fn new(len: usize, ends: &[u32]) -> Self {
        let mut blocks = vec![Block::default(); len / BLOCK + 2];
        for (next, &end) in (1..).zip(ends) {
            let end = end as usize;
            if let Some(block) = blocks.get_mut(end / BLOCK) {
                block.bits |= 1 << (end % BLOCK);
                block.next = next;
            }
        }
        Self {
            blocks,
            past: [0; 2],
        }
    }

    /// A bit for each byte of the block of this number before which a text ends.
    #[inline]
    pub(super) fn bits(&self, number: usize) -> u64 {
        self.blocks.get(number).map_or(0, |block| block.bits)
    }

    /// Goes on behind the block of this number.
    #[inline]
    pub(super) fn pass(&mut self, number: usize) {
        let [past, _] = self.past;
        let next = self.blocks.get(number).map_or(0, |block| block.next);
        self.past = [past.max(next as usize), past];
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
    const ENDS: [u32; 8] = [32, 32, 40, 40, 63, 64, 130, 131];

    #[test]
    fn the_starts_of_a_block_are_where_texts_end() {
        let mut starts = Starts::new(131, &ENDS);
        let mut found = Vec::new();
        for number in 0..3 {
            let bits = starts.bits(number);
            let [past, _] = starts.past;
            let places = (0..BLOCK).filter(|place| bits >> place & 1 == 1);
            found.extend(places.map(|place| (number * BLOCK + place, past)));
            starts.pass(number);
        }
        assert_eq!(
            found,
            [(32, 0), (40, 0), (63, 0), (64, 5), (130, 6), (131, 6)]
        );
        assert_eq!(starts.past, [8, 6]);
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
            (63, 0, 5, 63),
            (100, 6, 6, 64),
            (130, 6, 7, 130),
        ] {
            let text = Cursor::default().seek(position, past, &data, &ENDS);
            assert_eq!((text.number, text.start), (number, start), "{position}");
        }
    }
}
