//! Where the attributes of each record lie, and which other fields it has before and behind them.
//!
//! One walk of every record, made when the first column is read that needs a whole one. After it a field that no record has
//! costs nothing, and one of few records costs nothing in the others: most columns that plugins ask for are fields that
//! stand before the attributes, or are not there at all, while nearly all the bytes are attributes.

use super::{
    index::{Index, Piece, offset},
    wire::{Field, Reader, Wired},
};

/// The parts of one record. Fields are bits by their numbers; a number over 31 has none, and no column is of one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Outline {
    /// Where the first attribute begins and the last ends; both at the record's end if there is none.
    attributes: (u32, u32),
    /// The fields before the first attribute, all where there is none.
    before: u32,
    /// Those among the attributes, and the attributes.
    among: u32,
    /// The fields behind the last attribute.
    behind: u32,
}

/// The outline of each record.
#[derive(Debug, Default)]
pub(super) struct Outlines {
    records: Vec<Outline>,
    /// The fields that some record has.
    any: u32,
}

impl Outlines {
    pub(super) fn new(index: &Index, base: &[u8]) -> Self {
        let mut outlines = Self::default();
        outlines.records.reserve_exact(index.records.pieces.len());
        for (row, piece) in index.records.pieces.iter().enumerate() {
            let attributes = index.record_msg(row).attributes();
            // Malformed bytes are found again by whoever reads the record, which may be nobody.
            let outline = outline(base, *piece, attributes.unwrap_or_default())
                .unwrap_or_else(|_malformed| Outline::unknown(*piece));
            outlines.any |= outline.before | outline.among | outline.behind;
            outlines.records.push(outline);
        }
        outlines
    }

    pub(super) fn of(&self, record: usize) -> Option<Outline> {
        self.records.get(record).copied()
    }

    /// Whether no record has any of these fields.
    pub(super) fn lack(&self, mask: u32) -> bool {
        self.any & mask == 0
    }
}

impl Outline {
    /// Any field may be anywhere.
    fn unknown(piece: Piece) -> Self {
        Self {
            attributes: (piece.end, piece.end),
            before: u32::MAX,
            ..Self::default()
        }
    }

    /// Whether the record has none of these fields.
    #[inline]
    pub(super) fn lacks(&self, mask: u32) -> bool {
        (self.before | self.among | self.behind) & mask == 0
    }

    /// The bytes of the record's body that hold all its fields of these numbers; none that begin where they end.
    #[inline]
    pub(super) fn range(&self, (start, end): (u32, u32), mask: u32) -> (u32, u32) {
        let (first, last) = self.attributes;
        let [before, among, behind] =
            [self.before, self.among, self.behind].map(|fields| fields & mask != 0);
        let from = match (before, among, behind) {
            (true, ..) => start,
            (_, true, _) => first,
            (_, _, true) => last,
            _ => end,
        };
        let to = match (before, among, behind) {
            (_, _, true) => end,
            (_, true, _) => last,
            (true, ..) => first,
            _ => end,
        };
        (from, to)
    }
}

fn outline(base: &[u8], piece: Piece, attributes: u32) -> Wired<Outline> {
    let tag = Field::short_tag(attributes);
    let mut outline = Outline {
        attributes: (piece.end, piece.end),
        ..Outline::default()
    };
    // The fields since the last attribute.
    let mut since = 0;
    let mut reader = Reader::within(base, piece.body as usize, piece.end as usize);
    let mut start = piece.body as usize;
    while let Some(bit) = reader.step()? {
        if bit == 1 << attributes {
            reader.skip_run(tag);
            if outline.among == 0 {
                outline.attributes.0 = offset(start);
                outline.before = since;
                since = 0;
            }
            outline.among |= since | bit;
            outline.attributes.1 = offset(reader.pos());
            since = 0;
        } else {
            since |= bit;
        }
        start = reader.pos();
    }
    if outline.among == 0 {
        outline.before = since;
    } else {
        outline.behind = since;
    }
    Ok(outline)
}
