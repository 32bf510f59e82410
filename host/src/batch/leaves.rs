//! What is a leaf of the OTLP tree, and which fields of a row have some.
//!
//! What a field holds stands in `schema`.

use std::io::Write as _;

use super::{
    any::{AnyRef, PairField, check_depth, elements, pair_fields},
    budget::Halt,
    index::Piece,
    schema::{Holds, Part, Table},
    sight::{Node, ON, Sight, Slot},
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

    #[inline]
    pub(super) fn has(self, kind: Kind) -> bool {
        self.0 >> kind as u8 & 1 == 1
    }
}

/// The kind of leaf that a value is, unless it is a container.
#[inline]
pub(super) fn kind_of(value: &AnyRef<'_>) -> Option<Kind> {
    match value {
        AnyRef::Text(_) => Some(Kind::Text),
        AnyRef::Bytes(_) => Some(Kind::Bytes),
        AnyRef::Integer(_) => Some(Kind::Integer),
        AnyRef::Double(_) => Some(Kind::Double),
        AnyRef::Boolean(_) => Some(Kind::Boolean),
        AnyRef::Empty | AnyRef::Array(_) | AnyRef::Map(_) => None,
    }
}

/// Writes the text of a leaf.
#[inline]
pub(super) fn put_text(value: &AnyRef<'_>, out: &mut Vec<u8>) {
    // Writing to a Vec cannot fail.
    let _written = match value {
        AnyRef::Text(text) | AnyRef::Bytes(text) => {
            out.extend_from_slice(text);
            Ok(())
        }
        AnyRef::Integer(integer) => {
            put_integer(*integer, out);
            Ok(())
        }
        AnyRef::Double(double) => put_double(*double, out),
        AnyRef::Boolean(boolean) => write!(out, "{boolean}"),
        AnyRef::Empty | AnyRef::Array(_) | AnyRef::Map(_) => Ok(()),
    };
}

/// Writes an integer in decimal: a formatter takes several times as long, and requests are full of integers.
fn put_integer(integer: i64, out: &mut Vec<u8>) {
    let mut digits = [b'0'; 20];
    let mut start = digits.len();
    let mut rest = integer.unsigned_abs();
    for digit in digits.iter_mut().rev() {
        *digit += u8::try_from(rest % 10).expect("a digit is less than ten");
        start -= 1;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if integer < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(digits.get(start..).unwrap_or_default());
}

/// Writes a double as a formatter writes it: the shortest decimal that reads back as the same. JSON's writer takes a fifth of the
/// time, and writes the same digits unless it needs an exponent or two decimals are equally near.
fn put_double(double: f64, out: &mut Vec<u8>) -> std::io::Result<()> {
    const WITHOUT_EXPONENT: std::ops::Range<f64> = 1e-5..1e15;
    // What lies in the middle between two decimals of 17 digits has no more than 24 binary places.
    let is_alone = (double * f64::from(1 << 24)).fract() != 0.0;
    let start = out.len();
    if is_alone
        && WITHOUT_EXPONENT.contains(&double.abs())
        && serde_json::to_writer(&mut *out, &double).is_ok()
    {
        if !out.get(start..).unwrap_or_default().contains(&b'e') {
            return Ok(());
        }
        out.truncate(start);
    }
    write!(out, "{double}")
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
    let mut leaves = 0;
    for field in pair_fields(body)? {
        leaves += match field {
            PairField::Key(_) => u32::from(kinds.has(Kind::Key)),
            PairField::Value(value) => count_any(value, kinds, depth)?,
            PairField::Other(_) => 0,
        };
    }
    Ok(leaves)
}

fn count_any(body: &[u8], kinds: Kinds, depth: usize) -> Wired<u32> {
    let mut leaves = 0;
    let mut reader = Reader::new(body);
    while let Some(field) = reader.next()? {
        match AnyRef::of_field(&field, body)? {
            Some(AnyRef::Array(list)) => {
                check_depth(depth, &list)?;
                for element in elements(&list) {
                    leaves += count_any(element?, kinds, depth + 1)?;
                }
            }
            Some(AnyRef::Map(list)) => {
                check_depth(depth, &list)?;
                for pair in elements(&list) {
                    leaves += count_pair(pair?, kinds, depth + 1)?;
                }
            }
            Some(scalar) => leaves += kind_of(&scalar).map_or(0, |kind| u32::from(kinds.has(kind))),
            None => {}
        }
    }
    Ok(leaves)
}

#[cfg(test)]
mod tests {
    use super::{put_double, put_integer};

    #[test]
    fn integers_are_written_as_a_formatter_writes_them() {
        let powers = (0..19).map(|power| 10_i64.pow(power));
        let near = powers.flat_map(|power| [power - 1, power, -power]);
        for integer in near.chain([i64::MIN, i64::MAX, -7, 42]) {
            let mut out = b"x".to_vec();
            put_integer(integer, &mut out);
            assert_eq!(out, format!("x{integer}").into_bytes());
        }
    }

    #[test]
    fn doubles_are_written_as_a_formatter_writes_them() {
        let mut random = fastrand::Rng::with_seed(7);
        let powers = (-330..310).map(|power| 10_f64.powi(power));
        let edges = [
            0.0,
            -0.0,
            f64::NAN,
            f64::INFINITY,
            f64::MIN,
            f64::EPSILON,
            0.3,
            5e-324,
        ];
        let mut doubles: Vec<f64> = powers.chain(edges).collect();
        for _ in 0..50_000 {
            let near = random.f64() * 10_f64.powi(random.i32(-8..18));
            let few_digits = f64::from(random.i32(..)) / 10_f64.powi(random.i32(0..9));
            doubles.extend([
                f64::from_bits(random.u64(..)),
                near,
                few_digits,
                near.round(),
            ]);
        }
        for double in doubles.into_iter().flat_map(|double| [double, -double]) {
            let mut out = b"x".to_vec();
            put_double(double, &mut out).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), format!("x{double}"));
        }
    }
}
