//! Gathers every leaf of the tables asked for, in one walk.
//!
//! Nothing that holds text may be passed over, so whatever cannot be followed (malformed bytes, nesting without end) is an
//! error and never a gap, and of several values where one counts each is given.

use super::{
    Batch, Leaves, PackedTexts,
    any::{
        AnyRef, KeyValue, PairField, check_depth, elements, pair_fields, plain_number, plain_pair,
        plain_text,
    },
    budget::{Budget, Halt},
    index::{Piece, piece},
    leaves::{Kind, Kinds, entity_path, kind_of, leafy, put_text},
    places::{PlaceId, Places},
    replace::Scan,
    rows::{Standing, View},
    schema::{Holds, Msg, Table},
    texts::{append_part, end_of, settle},
    wire::{Field, Reader},
};

/// Walks the tables asked for. The scan is what `replace_leaves` finds the leaves again with.
pub(super) fn all_leaves(
    batch: &Batch,
    tables: Vec<(Table, View)>,
    kinds: Kinds,
    budget: &mut Budget,
) -> Result<(Scan, Leaves), Halt> {
    let mut gather = Gather {
        kinds,
        budget,
        places: Places::default(),
        leaves: Leaves::default(),
        row: 0,
        charged: [0; 2],
    };
    let sight = batch.sight();
    let mut sections = Vec::with_capacity(tables.len());
    for (table, view) in tables {
        gather.budget.charge(view.len() as usize * 4)?;
        gather.places.next_table();
        let before = gather.sizes();
        let mut first = Vec::with_capacity(view.len() as usize + 1);
        let level = sight.index.level_of(table, sight.base)?;
        let mut standing = Standing::new(batch, table, level);
        for (number, row) in (0u32..).zip(view.iter()) {
            first.push(end_of_leaves(&gather.leaves)?);
            let piece = level.pieces.get(row).filter(|_| standing.has(row));
            if let Some(piece) = piece {
                gather.row = number;
                gather.places.next_row();
                match sight.unedited(table, row, *piece) {
                    Some((msg, body)) => gather.message(sight.base, msg, body)?,
                    None => leafy(&sight, table, (row, *piece), &mut |field| {
                        gather.field((field.holds, field.path), field.body)
                    })?,
                }
                gather.end_row()?;
                if number >= SAMPLE && number.is_power_of_two() {
                    gather.reserve(before, number, view.len() - number);
                }
            }
        }
        first.push(end_of_leaves(&gather.leaves)?);
        sections.push((table, view, first));
    }
    let Gather {
        places,
        mut leaves,
        budget,
        ..
    } = gather;
    leaves.texts.present = all_present(leaves.rows.len());
    settle(&mut leaves.texts, budget)?;
    (leaves.place_paths, leaves.place_kinds) = places.named(budget)?;
    Ok((Scan::new(batch.clone(), sections, kinds), leaves))
}

/// So many bits, all set.
fn all_present(len: usize) -> Vec<u8> {
    let mut present = vec![u8::MAX; len.div_ceil(8)];
    if let Some(last) = present.last_mut().filter(|_| !len.is_multiple_of(8)) {
        *last = (1 << (len % 8)) - 1;
    }
    present
}

/// What a leaf costs of the budget beside its text: a row, a place, an end, and a bit of presence.
const LEAF_COST: usize = 13;

/// The tag of a text in an `AnyValue`.
const TEXT: u8 = 0x0a;

/// The row after which room is made for the others; a power of two, at each of which it is looked at again.
const SAMPLE: u32 = 8;

fn end_of_leaves(leaves: &Leaves) -> Result<u32, Halt> {
    u32::try_from(leaves.places.len()).map_err(|_over| Halt::misuse("more than 4 billion leaves"))
}

/// Collects leaves.
struct Gather<'b> {
    kinds: Kinds,
    budget: &'b mut Budget,
    places: Places,
    leaves: Leaves,
    row: u32,
    /// The bytes of all texts and the leaves that were charged for.
    charged: [usize; 2],
}

impl Gather<'_> {
    /// The bytes of all texts, and the leaves.
    fn sizes(&self) -> [usize; 2] {
        [self.leaves.texts.data.len(), self.leaves.places.len()]
    }

    /// Makes room for so many more rows as if they had as much as the `seen` ones since the sizes were these, and some more
    /// than that; no more than the budget pays for.
    fn reserve(&mut self, before: [usize; 2], seen: u32, rows: u32) {
        let ([bytes_before, before], [bytes, leaves]) = (before, self.sizes());
        let more = |some: usize, cost: usize| {
            let (seen, rows) = (seen as usize, rows as usize);
            (some / seen)
                .saturating_mul(rows + rows / 8)
                .min(self.budget.left / cost)
        };
        let (bytes, leaves) = (
            more(bytes - bytes_before, 1),
            more(leaves - before, LEAF_COST),
        );
        let Leaves {
            texts,
            rows,
            places,
            ..
        } = &mut self.leaves;
        texts.data.reserve(bytes);
        texts.ends.reserve(leaves);
        rows.reserve(leaves);
        places.reserve(leaves);
    }

    /// Gives all leaves since the row before to this row.
    #[inline]
    fn end_row(&mut self) -> Result<(), Halt> {
        let Leaves { rows, places, .. } = &mut self.leaves;
        rows.resize(places.len(), self.row);
        self.charge()
    }

    /// Charges for the leaves since the last charge. Texts are bytes of the request, so that this may wait for the end of a row
    /// or of an element: what is smallest on the wire is an element.
    fn charge(&mut self) -> Result<(), Halt> {
        let ([before, leaves_before], [bytes, leaves]) = (self.charged, self.sizes());
        self.charged = [bytes, leaves];
        (self.budget).charge(bytes - before + (leaves - leaves_before) * LEAF_COST)
    }

    /// A message that nobody edited, between two positions of the base: what nearly all rows are.
    fn message(&mut self, base: &[u8], msg: Msg, (start, end): (u32, u32)) -> Result<(), Halt> {
        let mask = msg.mask_leaves();
        let attributes = msg.leaf_attributes();
        let mut reader = Reader::within(base, start as usize, end as usize);
        loop {
            if let Some((number, path)) = attributes {
                let tag = Field::short_tag(number);
                if reader.rest().first() == Some(&tag) {
                    let top = self.places.top(path, self.budget)?;
                    self.run(&mut reader, tag, top)?;
                }
            }
            if reader.skip_short(mask) {
                continue;
            }
            let Some(field) = reader.next()? else {
                return Ok(());
            };
            match (msg.leaf(field.number), msg.child()) {
                (Some((Holds::Child, _)), Some((_, child))) => {
                    let body = field.message(base)?;
                    let Piece { body, end, .. } = piece(body, field.start, field.end);
                    self.message(base, child, (body, end))?;
                }
                (Some(leaf), _) => self.field(leaf, field.message(base)?)?,
                (None, _) => {}
            }
        }
    }

    /// Attributes with this tag, as far as they follow each other and are short.
    #[inline]
    fn run(&mut self, reader: &mut Reader<'_>, tag: u8, top: PlaceId) -> Result<(), Halt> {
        while let [head, len @ ..0x80, rest @ ..] = reader.rest()
            && *head == tag
            && let Some((pair, _)) = rest.split_at_checked(usize::from(*len))
        {
            if !self.expected(top, rest, pair.len())? {
                self.pair(top, pair, 0)?;
            }
            reader.skip(2 + pair.len());
        }
        Ok(())
    }

    /// Takes the pair of so many bytes that `rest` begins with, if its key is one of those expected and it is written as every
    /// encoder does.
    #[expect(clippy::inline_always, reason = "a part of the walk")]
    #[inline(always)]
    fn expected(&mut self, top: PlaceId, rest: &[u8], len: usize) -> Result<bool, Halt> {
        let Some((place, head)) = self.places.expected(top, rest) else {
            return Ok(false);
        };
        let Some((value_len, value)) = rest.get(head..).and_then(<[u8]>::split_first) else {
            return Ok(false);
        };
        let value_len = usize::from(*value_len);
        // Key, value, and no more. Each length is a byte, since the whole is that short.
        if head + 1 + value_len != len {
            return Ok(false);
        }
        self.places.met(place);
        if let ([_, _, key @ ..], true) = (rest, self.kinds.has(Kind::Key)) {
            self.part(place, Kind::Key, key, head - 3)?;
        }
        match value {
            [TEXT, len, text @ ..] if usize::from(*len) + 2 == value_len => {
                self.part(place, Kind::Text, text, usize::from(*len))?;
            }
            _ => self.any(place, value.get(..value_len).unwrap_or_default(), 0)?,
        }
        Ok(true)
    }

    /// A leaf that is the first so many of these bytes, which are charged for at the end of the row: they are bytes of the
    /// request.
    #[expect(clippy::inline_always, reason = "a part of the walk")]
    #[inline(always)]
    fn part(&mut self, place: PlaceId, kind: Kind, bytes: &[u8], len: usize) -> Result<(), Halt> {
        if !self.kinds.has(kind) {
            return Ok(());
        }
        let number = self.places.leaf(place, kind);
        let PackedTexts { data, ends, .. } = &mut self.leaves.texts;
        append_part(data, bytes, len);
        ends.push(end_of(data)?);
        self.leaves.places.push(number);
        Ok(())
    }

    #[inline]
    fn field(&mut self, (holds, path): (Holds, &'static str), body: &[u8]) -> Result<(), Halt> {
        match holds {
            Holds::Text => {
                if !body.is_empty() {
                    let place = self.places.top(path, self.budget)?;
                    self.leaf(place, Kind::Text, body)?;
                }
                Ok(())
            }
            Holds::Attributes => {
                let top = self.places.top(path, self.budget)?;
                self.pair(top, body, 0)
            }
            Holds::Any => {
                let top = self.places.top(path, self.budget)?;
                self.any(top, body, 0)
            }
            Holds::Entity => self.entity(body),
            Holds::Child => Ok(()),
        }
    }

    #[inline]
    fn leaf(&mut self, place: PlaceId, kind: Kind, text: &[u8]) -> Result<(), Halt> {
        self.part(place, kind, text, text.len())
    }

    #[inline]
    fn pair(&mut self, top: PlaceId, body: &[u8], depth: usize) -> Result<(), Halt> {
        if let Some((key, value)) = plain_pair(body) {
            let place = self.places.key(top, key, self.budget)?;
            self.leaf(place, Kind::Key, key)?;
            return self.any(place, value, depth);
        }
        self.odd_pair(top, body, depth)
    }

    /// A pair as few encoders write one. A decoder takes the last of several keys or values; the others are on the wire too.
    #[cold]
    fn odd_pair(&mut self, top: PlaceId, body: &[u8], depth: usize) -> Result<(), Halt> {
        let key = KeyValue::decode(body)?.key;
        let place = self.places.key(top, key, self.budget)?;
        for field in pair_fields(body)? {
            match field {
                PairField::Key(key) => {
                    let place = self.places.key(top, key, self.budget)?;
                    self.leaf(place, Kind::Key, key)?;
                }
                PairField::Value(value) => self.any(place, value, depth)?,
                PairField::Other(_) => {}
            }
        }
        Ok(())
    }

    #[inline]
    fn any(&mut self, place: PlaceId, body: &[u8], depth: usize) -> Result<(), Halt> {
        match plain_text(body) {
            Some(text) => self.leaf(place, Kind::Text, text),
            None => match plain_number(body) {
                Some(number) => self.scalar(place, &number),
                None => self.any_fields(place, body, depth),
            },
        }
    }

    #[inline(never)]
    fn any_fields(&mut self, place: PlaceId, body: &[u8], depth: usize) -> Result<(), Halt> {
        let mut reader = Reader::new(body);
        while let Some(field) = reader.next()? {
            match AnyRef::of_field(&field, body)? {
                Some(AnyRef::Array(list)) => {
                    check_depth(depth, &list)?;
                    let inside = self.places.element(place, self.budget)?;
                    for element in elements(&list) {
                        self.any(inside, element?, depth + 1)?;
                        self.charge()?;
                    }
                }
                Some(AnyRef::Map(list)) => {
                    check_depth(depth, &list)?;
                    for pair in elements(&list) {
                        self.pair(place, pair?, depth + 1)?;
                        self.charge()?;
                    }
                }
                Some(scalar) => self.scalar(place, &scalar)?,
                None => {}
            }
        }
        Ok(())
    }

    #[inline]
    fn scalar(&mut self, place: PlaceId, value: &AnyRef<'_>) -> Result<(), Halt> {
        let Some(kind) = kind_of(value).filter(|kind| self.kinds.has(*kind)) else {
            return Ok(());
        };
        let number = self.places.leaf(place, kind);
        let PackedTexts { data, ends, .. } = &mut self.leaves.texts;
        put_text(value, data);
        ends.push(end_of(data)?);
        self.leaves.places.push(number);
        if kind == Kind::Double {
            // It may take thirty times what it did on the wire.
            return self.charge();
        }
        Ok(())
    }

    fn entity(&mut self, body: &[u8]) -> Result<(), Halt> {
        let mut reader = Reader::new(body);
        while let Some(field) = reader.next()? {
            if let Some(path) = entity_path(field.number) {
                let text = field.message(body)?;
                if !text.is_empty() || field.number > 2 {
                    let place = self.places.top(path, self.budget)?;
                    self.leaf(place, Kind::Text, text)?;
                }
            }
        }
        Ok(())
    }
}
