//! Reads one column in one row.

use std::borrow::Cow;

use super::{
    cell::{Cell, unzigzag},
    column::{Column, What},
    fields::{At, Encoding, FieldSpec, Origin, Presence},
    index::Piece,
    json,
    schema::{Msg, Table},
    sight::{Node, ON, STOP, Sight},
    wire::{FIXED64, Field, LEN, Malformed, Reader, VARINT, Wired},
};

impl<'a> Sight<'a> {
    /// The value of a column in a row; none where it is absent.
    #[inline]
    pub(super) fn cell(
        &self,
        column: &Column,
        row: usize,
        piece: Piece,
    ) -> Wired<Option<Cell<'a>>> {
        if column.table == Table::Record && self.edits.is_empty() {
            match &column.what {
                What::Attribute(key) => {
                    let value = self.unedited_attribute(row, piece, key.as_bytes())?;
                    return Ok(value.map(Cell::Any));
                }
                What::Field(field) if self.row_lacks(row, field) => return Ok(None),
                What::Field(_) => {}
            }
        }
        let Some(node) = self.node(column.table, row, piece, column.part())? else {
            return Ok(None);
        };
        match &column.what {
            What::Attribute(key) => Ok(self.attribute(&node, key.as_bytes())?.map(Cell::Any)),
            What::Field(field) => self.field(field, &node, row),
        }
    }

    fn field(&self, spec: &FieldSpec, node: &Node, row: usize) -> Wired<Option<Cell<'a>>> {
        let Some(at) = spec.of(node.msg) else {
            return Ok(None);
        };
        match spec.origin {
            Origin::Field => {
                let cell = self.plain(node, at)?;
                Ok(cell.filter(|cell| at.presence != Presence::Implicit || !cell.is_default()))
            }
            Origin::Duration => self.duration(node),
            Origin::MetricType => Ok(self.metric_type(row)),
            _ => self.list(spec.origin, node, at),
        }
    }

    /// The field as it stands: the last occurrence counts, and a message is joined of all.
    #[inline]
    fn plain(&self, node: &Node, at: &At) -> Wired<Option<Cell<'a>>> {
        let mut cell = None;
        self.slots(node, at.mask(), |slot| {
            if slot.field.number == at.number {
                let next = Cell::of_field(&slot.field, at, slot.bytes)?;
                cell = Some(match (cell.take(), next) {
                    (Some(Cell::Any(joined)), Cell::Any(more)) => {
                        Cell::Any(Cow::Owned([joined, more].concat()))
                    }
                    (_, next) => next,
                });
            } else if at.presence == Presence::Instead(slot.field.number) {
                slot.field.expect(FIXED64, slot.bytes)?;
                cell = None;
            }
            Ok::<_, Malformed>(ON)
        })?;
        Ok(cell)
    }

    /// The same of a data point's value, in whichever form it stands.
    pub(super) fn point(
        &self,
        column: &Column,
        row: usize,
        piece: Piece,
    ) -> Wired<Option<Cell<'a>>> {
        let own = self.cell(column, row, piece)?;
        let (What::Field(spec), None) = (&column.what, &own) else {
            return Ok(own);
        };
        let Some(node) = self.node(column.table, row, piece, spec.part)? else {
            return Ok(own);
        };
        match spec.of(node.msg) {
            Some(At {
                number,
                encoding: Encoding::Double,
                presence: Presence::Instead(other),
                ..
            }) => self.plain(
                &node,
                &At {
                    msg: node.msg,
                    number: *other,
                    encoding: Encoding::Fixed64,
                    presence: Presence::Instead(*number),
                },
            ),
            _ => Ok(own),
        }
    }

    /// The id of a row, which may stop at its first occurrence: ids come first in a span, and nobody sends them twice.
    #[inline]
    pub(super) fn id(&self, column: &Column, row: usize, piece: Piece) -> Wired<&'a [u8]> {
        let mut id: &[u8] = &[];
        let What::Field(spec) = &column.what else {
            return Ok(id);
        };
        if column.table == Table::Record && self.edits.is_empty() {
            return self.unedited_id(spec, row, piece);
        }
        let node = self.node(column.table, row, piece, spec.part)?;
        if let Some((at, node)) = node.and_then(|node| Some((spec.of(node.msg)?, node))) {
            self.slots(&node, 1 << at.number, |slot| {
                if slot.field.number != at.number {
                    return Ok::<_, Malformed>(ON);
                }
                id = slot.field.message(slot.bytes)?;
                Ok(STOP)
            })?;
        }
        Ok(id)
    }

    #[inline]
    fn unedited_id(&self, spec: &FieldSpec, row: usize, piece: Piece) -> Wired<&'a [u8]> {
        let Some(at) = spec.of(self.index.record_msg(row)) else {
            return Ok(&[]);
        };
        let (start, end) = self.record_range(row, piece, at.mask());
        let mut reader = Reader::within(self.base, start as usize, end as usize);
        if let Some(id) = reader.next_short(Field::short_tag(at.number)) {
            return Ok(id);
        }
        while let Some(field) = reader.next_of(at.mask())? {
            if field.number == at.number {
                return field.message(self.base);
            }
        }
        Ok(&[])
    }

    fn duration(&self, span: &Node) -> Wired<Option<Cell<'a>>> {
        let (mut start, mut end) = (0, 0);
        self.slots(span, 1 << 7 | 1 << 8, |slot| {
            match slot.field.number {
                7 => {
                    slot.field.expect(FIXED64, slot.bytes)?;
                    start = slot.field.value;
                }
                8 => {
                    slot.field.expect(FIXED64, slot.bytes)?;
                    end = slot.field.value;
                }
                _ => {}
            }
            Ok::<_, Malformed>(ON)
        })?;
        let known = start != 0 && end != 0 && end >= start;
        Ok(known.then(|| Cell::Integer((end - start).cast_signed())))
    }

    fn metric_type(&self, row: usize) -> Option<Cell<'a>> {
        let (_, msg) = self.index.data.get(row).copied().flatten()?;
        Some(Cell::Integer(match msg {
            Msg::Sum => 2,
            Msg::Histogram => 3,
            Msg::ExponentialHistogram => 4,
            Msg::Summary => 5,
            _ => 1,
        }))
    }

    /// The lists of a data point, as JSON.
    fn list(&self, origin: Origin, node: &Node, at: &At) -> Wired<Option<Cell<'a>>> {
        let mut list = List::default();
        let mut offset = 0;
        self.slots(node, 1 << at.number, |slot| {
            if slot.field.number != at.number {
                return Ok::<_, Malformed>(ON);
            }
            match origin {
                Origin::Counts => fixed(&slot.field, slot.bytes, |value| {
                    list.push(&value.to_string());
                })?,
                Origin::Bounds => fixed(&slot.field, slot.bytes, |value| {
                    list.number(f64::from_bits(value));
                })?,
                Origin::Quantiles => quantile(slot.field.message(slot.bytes)?, &mut list)?,
                _ => buckets(slot.field.message(slot.bytes)?, &mut offset, &mut list)?,
            }
            Ok::<_, Malformed>(ON)
        })?;
        Ok(match origin {
            Origin::BucketOffset => (offset != 0).then(|| Cell::Integer(offset.into())),
            _ => list.close().map(|json| Cell::Json(json.into(), Vec::new())),
        })
    }
}

/// A JSON array under construction.
#[derive(Default)]
struct List(String);

impl List {
    fn push(&mut self, item: &str) {
        self.0.push(if self.0.is_empty() { '[' } else { ',' });
        self.0.push_str(item);
    }

    fn number(&mut self, double: f64) {
        let mut item = String::new();
        json::number(double, &mut item);
        self.push(&item);
    }

    fn close(mut self) -> Option<String> {
        if self.0.is_empty() {
            return None;
        }
        self.0.push(']');
        Some(self.0)
    }
}

/// Repeated fixed 64-bit numbers, packed or not.
fn fixed(field: &Field<'_>, bytes: &[u8], mut push: impl FnMut(u64)) -> Wired<()> {
    if field.wire != LEN {
        field.expect(FIXED64, bytes)?;
        push(field.value);
        return Ok(());
    }
    let (chunks, rest) = field.body.as_chunks();
    if !rest.is_empty() {
        return Err(Reader::new(rest).fault("packed numbers that end in the middle of one"));
    }
    for chunk in chunks {
        push(u64::from_le_bytes(*chunk));
    }
    Ok(())
}

fn buckets(body: &[u8], offset: &mut i32, list: &mut List) -> Wired<()> {
    let mut reader = Reader::new(body);
    while let Some(field) = reader.next()? {
        match field.number {
            1 => {
                field.expect(VARINT, body)?;
                *offset = unzigzag(field.value);
            }
            2 if field.wire == LEN => {
                let mut packed = Reader::new(field.body);
                while let Some(count) = packed.next_varint()? {
                    list.push(&count.to_string());
                }
            }
            2 => {
                field.expect(VARINT, body)?;
                list.push(&field.value.to_string());
            }
            _ => {}
        }
    }
    Ok(())
}

fn quantile(body: &[u8], list: &mut List) -> Wired<()> {
    let (mut quantile, mut value) = (0, 0);
    let mut reader = Reader::new(body);
    while let Some(field) = reader.next()? {
        match field.number {
            1 | 2 => {
                field.expect(FIXED64, body)?;
                *(if field.number == 1 {
                    &mut quantile
                } else {
                    &mut value
                }) = field.value;
            }
            _ => {}
        }
    }
    let mut item = String::from("{\"quantile\":");
    json::number(f64::from_bits(quantile), &mut item);
    item.push_str(",\"value\":");
    json::number(f64::from_bits(value), &mut item);
    item.push('}');
    list.push(&item);
    Ok(())
}
