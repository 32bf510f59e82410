//! Every leaf of the OTLP tree in one walk.
//!
//! What a leaf is stands in `schema`; nothing that holds text may be passed over, so whatever cannot be followed (malformed
//! bytes, nesting without end) is an error and never a gap.

use std::borrow::Cow;

use super::{
    Batch, Leaves, PackedTexts,
    any::{AnyRef, KeyValue, check_depth, elements, is_plain_number, plain_pair, plain_text},
    budget::{Budget, Halt},
    index::Piece,
    places::{PlaceId, Places},
    replace::Scan,
    rows::{Standing, View},
    schema::{Holds, Part, Table},
    sight::{Node, ON, Sight, Slot},
    texts::{end_of, settle},
    wire::{Reader, Wired},
};

/// The kinds of leaves, as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kinds(u8);

/// A kind of leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Key,
    Integer,
    Double,
    Boolean,
    Bytes,
}

impl Kind {
    pub(super) const ALL: [Self; 6] = [
        Self::Text,
        Self::Key,
        Self::Integer,
        Self::Double,
        Self::Boolean,
        Self::Bytes,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Key => "key",
            Self::Integer => "integer",
            Self::Double => "double",
            Self::Boolean => "boolean",
            Self::Bytes => "bytes",
        }
    }
}

impl Kinds {
    pub(super) fn named(names: &[String]) -> Result<Self, Halt> {
        let mut bits = 0;
        for name in names {
            let kind = Kind::ALL.into_iter().find(|kind| kind.name() == name);
            let Some(kind) = kind else {
                let known = Kind::ALL.map(Kind::name).join(", ");
                let shown: String = name.chars().take(100).collect();
                return Err(Halt::misuse(format!(
                    "no kind of leaf {shown:?}, write one of {known}"
                )));
            };
            bits |= 1 << kind as u8;
        }
        Ok(Self(bits))
    }

    /// Whether it has any kind but texts and keys.
    fn has_numbers(self) -> bool {
        self.0 >> 2 != 0
    }

    #[inline]
    pub(super) fn has(self, kind: Kind) -> bool {
        self.0 >> kind as u8 & 1 == 1
    }
}

/// A leaf that is not a container: its kind and its text.
#[inline]
pub(super) fn scalar<'a>(value: &AnyRef<'a>) -> Option<(Kind, Cow<'a, [u8]>)> {
    let decimal = |text: String| Cow::Owned(text.into_bytes());
    Some(match value {
        AnyRef::Text(text) => (Kind::Text, Cow::Borrowed(*text)),
        AnyRef::Bytes(bytes) => (Kind::Bytes, Cow::Borrowed(*bytes)),
        AnyRef::Integer(integer) => (Kind::Integer, decimal(integer.to_string())),
        AnyRef::Double(double) => (Kind::Double, decimal(double.to_string())),
        AnyRef::Boolean(true) => (Kind::Boolean, Cow::Borrowed(b"true")),
        AnyRef::Boolean(false) => (Kind::Boolean, Cow::Borrowed(b"false")),
        AnyRef::Empty | AnyRef::Array(_) | AnyRef::Map(_) => return None,
    })
}

/// The fields of an entity reference that are leaves.
pub(super) fn entity_path(number: u32) -> Option<&'static str> {
    match number {
        1 => Some("resource.entity_refs.schema_url"),
        2 => Some("resource.entity_refs.type"),
        3 => Some("resource.entity_refs.id_keys[]"),
        4 => Some("resource.entity_refs.description_keys[]"),
        _ => None,
    }
}

/// A field with leaves: what it holds, its path, how deep its message lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leafy<'a> {
    pub(super) slot: Slot<'a>,
    pub(super) body: &'a [u8],
    pub(super) holds: Holds,
    pub(super) path: &'static str,
    pub(super) depth: u8,
}

/// Calls `f` with every field of a row that has leaves, in the order of the wire.
pub(super) fn leafy<'a, E: From<super::wire::Malformed>>(
    sight: &Sight<'a>,
    table: Table,
    (row, piece): (usize, Piece),
    f: &mut impl FnMut(Leafy<'a>) -> Result<(), E>,
) -> Result<(), E> {
    let Some(node) = sight.node(table, row, piece, Part::Row)? else {
        return Ok(());
    };
    let mut has_child = false;
    sight.slots::<E>(&node, node.msg.mask_leaves(), |slot| {
        match node.msg.leaf(slot.field.number) {
            Some((Holds::Child, _)) => {
                // Should it come in pieces, each has its own leaves, and the last one what edits added.
                has_child = true;
                if let Some(child) = node.child(slot.field.message(slot.bytes)?, &slot) {
                    fields(sight, &child, f)?;
                }
            }
            Some((holds, path)) => one(slot, holds, path, node.depth, f)?,
            None => {}
        }
        Ok(ON)
    })?;
    match node.new_child().filter(|_| !has_child) {
        Some(child) => fields(sight, &child, f),
        None => Ok(()),
    }
}

fn fields<'a, E: From<super::wire::Malformed>>(
    sight: &Sight<'a>,
    node: &Node,
    f: &mut impl FnMut(Leafy<'a>) -> Result<(), E>,
) -> Result<(), E> {
    sight.slots::<E>(node, node.msg.mask_leaves(), |slot| {
        if let Some((holds, path)) = node.msg.leaf(slot.field.number) {
            one(slot, holds, path, node.depth, f)?;
        }
        Ok(ON)
    })
}

#[inline]
fn one<'a, E: From<super::wire::Malformed>>(
    slot: Slot<'a>,
    holds: Holds,
    path: &'static str,
    depth: u8,
    f: &mut impl FnMut(Leafy<'a>) -> Result<(), E>,
) -> Result<(), E> {
    let body = slot.field.message(slot.bytes)?;
    f(Leafy {
        slot,
        body,
        holds,
        path,
        depth,
    })
}

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
        if !self.kinds.has(kind) {
            return Ok(());
        }
        // The text, a row, a place, an end, and a bit of presence.
        self.budget.charge(text.len() + 13)?;
        let Leaves {
            texts: PackedTexts { data, ends, .. },
            rows,
            places,
            ..
        } = &mut self.leaves;
        data.extend_from_slice(text);
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
        let pair = KeyValue::decode(body)?;
        let place = self.places.key(top, pair.key, self.budget)?;
        self.leaf(place, Kind::Key, pair.key)?;
        match pair.value {
            Some(value) => self.any(place, &value, depth),
            None => Ok(()),
        }
    }

    #[inline]
    fn any(&mut self, place: PlaceId, body: &[u8], depth: usize) -> Result<(), Halt> {
        match plain_text(body) {
            Some(text) => self.leaf(place, Kind::Text, text),
            None if !self.kinds.has_numbers() && is_plain_number(body) => Ok(()),
            None => self.not_plain(place, body, depth),
        }
    }

    #[inline(never)]
    fn not_plain(&mut self, place: PlaceId, body: &[u8], depth: usize) -> Result<(), Halt> {
        match AnyRef::decode(body)? {
            AnyRef::Text(text) => self.leaf(place, Kind::Text, text),
            AnyRef::Array(list) => {
                check_depth(depth, &list)?;
                let inside = self.places.element(place, self.budget)?;
                elements(&list).try_for_each(|element| self.any(inside, element?, depth + 1))
            }
            AnyRef::Map(list) => {
                check_depth(depth, &list)?;
                elements(&list).try_for_each(|pair| self.pair(place, pair?, depth + 1))
            }
            _ if !self.kinds.has_numbers() => Ok(()),
            other => match scalar(&other) {
                Some((kind, text)) => self.leaf(place, kind, &text),
                None => Ok(()),
            },
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

/// The number of leaves in a field.
pub(super) fn count(field: &Leafy<'_>, kinds: Kinds) -> Wired<u32> {
    match field.holds {
        Holds::Text => Ok(u32::from(!field.body.is_empty() && kinds.has(Kind::Text))),
        Holds::Attributes => count_pair(field.body, kinds, 0),
        Holds::Any => count_any(field.body, kinds, 0),
        Holds::Entity => {
            let mut leaves = 0;
            let mut reader = Reader::new(field.body);
            while let Some(field) = reader.next()? {
                let is_leaf = entity_path(field.number).is_some()
                    && (!field.body.is_empty() || field.number > 2);
                leaves += u32::from(is_leaf && kinds.has(Kind::Text));
            }
            Ok(leaves)
        }
        Holds::Child => Ok(0),
    }
}

fn count_pair(body: &[u8], kinds: Kinds, depth: usize) -> Wired<u32> {
    let pair = KeyValue::decode(body)?;
    let inside = pair
        .value
        .map_or(Ok(0), |value| count_any(&value, kinds, depth))?;
    Ok(inside + u32::from(kinds.has(Kind::Key)))
}

fn count_any(body: &[u8], kinds: Kinds, depth: usize) -> Wired<u32> {
    let mut leaves = 0;
    match AnyRef::decode(body)? {
        AnyRef::Array(list) => {
            check_depth(depth, &list)?;
            for element in elements(&list) {
                leaves += count_any(element?, kinds, depth + 1)?;
            }
        }
        AnyRef::Map(list) => {
            check_depth(depth, &list)?;
            for pair in elements(&list) {
                leaves += count_pair(pair?, kinds, depth + 1)?;
            }
        }
        other => leaves = scalar(&other).map_or(0, |(kind, _)| u32::from(kinds.has(kind))),
    }
    Ok(leaves)
}
