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
    leaves::{Kind, Kinds, Leafy, entity_path, kind_of, leafy, put_text},
    places::{PlaceId, Places},
    replace::Scan,
    rows::{Standing, View},
    schema::{Holds, Table},
    texts::{end_of, settle},
    wire::Reader,
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
    };
    let sight = batch.sight();
    let mut sections = Vec::with_capacity(tables.len());
    for (table, view) in tables {
        gather.budget.charge(view.len() as usize * 4)?;
        gather.places.next_table();
        let mut first = Vec::with_capacity(view.len() as usize + 1);
        let level = sight.index.level_of(table, sight.base)?;
        let mut standing = Standing::new(batch, table, level);
        for (number, row) in (0u32..).zip(view.iter()) {
            first.push(end_of_leaves(&gather.leaves)?);
            let piece = level.pieces.get(row).filter(|_| standing.has(row));
            if let Some(piece) = piece {
                gather.row = number;
                gather.places.next_row();
                leafy(&sight, table, (row, *piece), &mut |field| {
                    gather.field(field)
                })?;
                if number == SAMPLE {
                    gather.reserve(view.len() - number);
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

/// Appends a text. Most are short, and a call to copy each of them took longer than the copy.
#[inline]
fn append(data: &mut Vec<u8>, text: &[u8]) {
    /// From either end, so that both copies have a fixed length; they may overlap.
    fn ends<const BYTES: usize>(data: &mut Vec<u8>, text: &[u8]) -> Option<()> {
        let behind = data.len() + text.len();
        data.extend_from_slice(text.first_chunk::<BYTES>()?);
        data.truncate(behind - BYTES);
        data.extend_from_slice(text.last_chunk::<BYTES>()?);
        Some(())
    }
    let copied = match text.len() {
        4..=8 => ends::<4>(data, text),
        9..=16 => ends::<8>(data, text),
        17..=32 => ends::<16>(data, text),
        _ => None,
    };
    if copied.is_none() {
        data.extend_from_slice(text);
    }
}

/// The row after which room is made for the others, as if they had as much.
const SAMPLE: u32 = 8;

fn end_of_leaves(leaves: &Leaves) -> Result<u32, Halt> {
    u32::try_from(leaves.rows.len()).map_err(|_over| Halt::misuse("more than 4 billion leaves"))
}

/// Collects leaves.
struct Gather<'b> {
    kinds: Kinds,
    budget: &'b mut Budget,
    places: Places,
    leaves: Leaves,
    row: u32,
}

impl Gather<'_> {
    /// Makes room for so many more rows, no more than the budget pays for.
    fn reserve(&mut self, rows: u32) {
        let Leaves {
            texts,
            rows: seen,
            places,
            ..
        } = &mut self.leaves;
        let more = |len: usize, cost: usize| {
            let rows = rows as usize;
            (len / SAMPLE as usize)
                .saturating_mul(rows)
                .min(self.budget.left / cost)
        };
        texts.data.reserve(more(texts.data.len(), 1));
        let leaves = more(seen.len(), 13);
        texts.ends.reserve(leaves);
        seen.reserve(leaves);
        places.reserve(leaves);
    }

    #[inline]
    fn field(&mut self, field: Leafy<'_>) -> Result<(), Halt> {
        match field.holds {
            Holds::Text => {
                if !field.body.is_empty() {
                    let place = self.places.top(field.path, self.budget)?;
                    self.leaf(place, Kind::Text, field.body)?;
                }
                Ok(())
            }
            Holds::Attributes => {
                let top = self.places.top(field.path, self.budget)?;
                self.pair(top, field.body, 0)
            }
            Holds::Any => {
                let top = self.places.top(field.path, self.budget)?;
                self.any(top, field.body, 0)
            }
            Holds::Entity => self.entity(field.body),
            Holds::Child => Ok(()),
        }
    }

    #[inline]
    fn leaf(&mut self, place: PlaceId, kind: Kind, text: &[u8]) -> Result<(), Halt> {
        self.put(place, kind, |data| append(data, text))
    }

    #[inline]
    fn put(
        &mut self,
        place: PlaceId,
        kind: Kind,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), Halt> {
        if !self.kinds.has(kind) {
            return Ok(());
        }
        let Leaves {
            texts: PackedTexts { data, ends, .. },
            rows,
            places,
            ..
        } = &mut self.leaves;
        let start = data.len();
        write(data);
        // The text, a row, a place, an end, and a bit of presence.
        self.budget.charge(data.len() - start + 13)?;
        ends.push(end_of(data)?);
        rows.push(self.row);
        places.push(self.places.leaf(place, kind));
        Ok(())
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
                    elements(&list)
                        .try_for_each(|element| self.any(inside, element?, depth + 1))?;
                }
                Some(AnyRef::Map(list)) => {
                    check_depth(depth, &list)?;
                    elements(&list).try_for_each(|pair| self.pair(place, pair?, depth + 1))?;
                }
                Some(scalar) => self.scalar(place, &scalar)?,
                None => {}
            }
        }
        Ok(())
    }

    #[inline]
    fn scalar(&mut self, place: PlaceId, value: &AnyRef<'_>) -> Result<(), Halt> {
        match kind_of(value) {
            Some(kind) => self.put(place, kind, |data| put_text(value, data)),
            None => Ok(()),
        }
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

#[cfg(test)]
mod tests {
    use super::append;

    #[test]
    fn texts_of_every_length_are_appended_whole() {
        let text: Vec<u8> = (0..40).collect();
        for len in 0..=text.len() {
            let mut data = b"x".to_vec();
            append(&mut data, &text[..len]);
            assert_eq!(data, [b"x", &text[..len]].concat());
        }
    }
}
