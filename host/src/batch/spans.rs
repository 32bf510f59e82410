//! Where the spans of a request lie and which traces they are of, and requests made of some of them.
//!
//! For whoever holds requests and hands their spans on trace by trace: eight bytes a span, and picking some costs what is
//! picked, however large the request. Not for reading or editing: see [`Batch`](super::Batch). Spans are copied as they are, with
//! all that their resource and scope say, fields that OTLP does not know included; a resource or scope without spans is left out.

use super::WireError;
use super::index::offset;
use super::wire::{LEN, Reader, Wired, len_field, put_tag, put_varint};

/// The id of a trace; zeros for spans that have none of 16 bytes.
pub type TraceId = [u8; 16];

/// Where the spans of a request lie, and what they share. It is of one message, which its functions are given again.
#[derive(Debug)]
pub struct Spans {
    rows: Box<[Range]>,
    scopes: Box<[Shared]>,
    resources: Box<[Shared]>,
    /// What resources and scopes say, in their order.
    said: Box<[Range]>,
    /// What the request says beside its resources.
    loose: Box<[Range]>,
    shared: usize,
}

/// Bytes of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Range {
    start: u32,
    end: u32,
}

/// What the spans of a resource or of a scope share.
#[derive(Clone, Copy, Debug)]
struct Shared {
    /// The first of its spans.
    first: u32,
    /// Its resource, if it is a scope.
    resource: u32,
    /// Where it stands in `said`, and how many bytes that is.
    said: Range,
    bytes: u32,
}

/// Spans of one scope that are written together.
struct Group {
    scope: Shared,
    rows: std::ops::Range<usize>,
    bytes: usize,
}

#[derive(Default)]
struct Reading {
    rows: Vec<Range>,
    scopes: Vec<Shared>,
    resources: Vec<Shared>,
    said: Vec<Range>,
    loose: Vec<Range>,
}

impl Range {
    fn new(start: usize, end: usize) -> Self {
        Self {
            start: offset(start),
            end: offset(end),
        }
    }

    fn len(self) -> usize {
        (self.end - self.start) as usize
    }

    fn of<T>(self, whole: &[T]) -> &[T] {
        whole
            .get(self.start as usize..self.end as usize)
            .unwrap_or_default()
    }
}

impl Spans {
    /// Finds the spans of a request, and adds the trace of each to `ids`.
    pub fn read(message: &[u8], ids: &mut Vec<TraceId>) -> Result<Self, WireError> {
        if i32::try_from(message.len()).is_err() {
            return Err(WireError("traces over 2 GiB".to_owned()));
        }
        let mut reading = Reading::default();
        reading.request(message, ids).map_err(|malformed| {
            WireError(format!("malformed traces: {}", malformed.describe(message)))
        })?;
        let shared = reading.scopes.iter().chain(&reading.resources);
        let shared = shared.map(|shared| shared.bytes as usize).sum();
        Ok(Self {
            rows: reading.rows.into(),
            scopes: reading.scopes.into(),
            resources: reading.resources.into(),
            said: reading.said.into(),
            loose: reading.loose.into(),
            shared,
        })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.rows.len()
    }

    /// The bytes of a span.
    pub fn bytes(&self, row: u32) -> usize {
        self.rows.get(row as usize).map_or(0, |row| row.len())
    }

    /// The bytes of all that spans share.
    pub fn shared(&self) -> usize {
        self.shared
    }

    /// Adds a request of these spans, which are given in ascending order, to `out`.
    pub fn write(&self, message: &[u8], rows: &[u32], out: &mut Vec<u8>) {
        if rows.len() == self.rows.len() {
            return out.extend_from_slice(message);
        }
        let groups = self.groups(rows);
        for groups in groups.chunk_by(|one, other| one.scope.resource == other.scope.resource) {
            let Some(resource) = groups
                .first()
                .and_then(|group| self.resources.get(group.scope.resource as usize))
            else {
                continue;
            };
            let scopes = groups.iter().map(|group| len_field(2, group.bytes));
            put_tag(out, 1, LEN);
            put_varint(
                out,
                u64::from(resource.bytes) + scopes.sum::<usize>() as u64,
            );
            self.say(resource, message, out);
            for group in groups {
                put_tag(out, 2, LEN);
                put_varint(out, group.bytes as u64);
                self.say(&group.scope, message, out);
                for row in rows.get(group.rows.clone()).unwrap_or_default() {
                    if let Some(row) = self.rows.get(*row as usize) {
                        out.extend_from_slice(row.of(message));
                    }
                }
            }
        }
    }

    /// Adds what the request says beside its resources, which goes with any of its spans, once.
    pub fn write_loose(&self, message: &[u8], out: &mut Vec<u8>) {
        for loose in &self.loose {
            out.extend_from_slice(loose.of(message));
        }
    }

    fn say(&self, shared: &Shared, message: &[u8], out: &mut Vec<u8>) {
        for said in shared.said.of(&self.said) {
            out.extend_from_slice(said.of(message));
        }
    }

    /// The spans by their scopes.
    fn groups(&self, rows: &[u32]) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::new();
        let (mut scope, mut ends) = (0, 0);
        for (at, row) in rows.iter().enumerate() {
            let row_bytes = self.bytes(*row);
            if *row < ends
                && let Some(group) = groups.last_mut()
            {
                group.rows.end = at + 1;
                group.bytes += row_bytes;
                continue;
            }
            let rest = self.scopes.get(scope..).unwrap_or_default();
            scope += rest
                .partition_point(|scope| scope.first <= *row)
                .saturating_sub(1);
            let Some(found) = self.scopes.get(scope) else {
                continue;
            };
            ends = self
                .scopes
                .get(scope + 1)
                .map_or(u32::MAX, |next| next.first);
            groups.push(Group {
                scope: *found,
                rows: at..at + 1,
                bytes: found.bytes as usize + row_bytes,
            });
        }
        groups
    }
}

impl Reading {
    fn request(&mut self, message: &[u8], ids: &mut Vec<TraceId>) -> Wired<()> {
        let mut fields = Reader::new(message);
        while let Some(field) = fields.next()? {
            if field.number == 1 && field.wire == LEN {
                self.resource(message, field.end - field.body.len(), field.end, ids)?;
            } else {
                put(&mut self.loose, 0, Range::new(field.start, field.end));
            }
        }
        Ok(())
    }

    fn resource(
        &mut self,
        message: &[u8],
        start: usize,
        end: usize,
        ids: &mut Vec<TraceId>,
    ) -> Wired<()> {
        let (first, resource) = (self.rows.len(), offset(self.resources.len()));
        // Its scopes say things, too: what it says itself comes after that.
        let mut own = Vec::new();
        let mut fields = Reader::within(message, start, end);
        while let Some(field) = fields.next()? {
            if field.number == 2 && field.wire == LEN {
                let body = field.end - field.body.len();
                self.scope(message, body, field.end, resource, ids)?;
            } else {
                put(&mut own, 0, Range::new(field.start, field.end));
            }
        }
        if self.rows.len() > first {
            let from = self.said.len();
            self.said.extend(own);
            let shared = self.shared(first, resource, from);
            self.resources.push(shared);
        }
        Ok(())
    }

    fn scope(
        &mut self,
        message: &[u8],
        start: usize,
        end: usize,
        resource: u32,
        ids: &mut Vec<TraceId>,
    ) -> Wired<()> {
        let (first, from) = (self.rows.len(), self.said.len());
        let mut fields = Reader::within(message, start, end);
        while let Some(field) = fields.next()? {
            let range = Range::new(field.start, field.end);
            if field.number == 2 && field.wire == LEN {
                self.rows.push(range);
                ids.push(trace_of(field.body)?);
            } else {
                put(&mut self.said, from, range);
            }
        }
        if self.rows.len() > first {
            let shared = self.shared(first, resource, from);
            self.scopes.push(shared);
        } else {
            self.said.truncate(from);
        }
        Ok(())
    }

    fn shared(&self, first: usize, resource: u32, from: usize) -> Shared {
        let said = self.said.get(from..).unwrap_or_default();
        Shared {
            first: offset(first),
            resource,
            said: Range::new(from, self.said.len()),
            bytes: offset(said.iter().map(|said| said.len()).sum()),
        }
    }
}

/// Adds bytes to a list that begins at `from`, to the last of them where they follow it.
fn put(ranges: &mut Vec<Range>, from: usize, range: Range) {
    match ranges.get_mut(from..).and_then(<[Range]>::last_mut) {
        Some(last) if last.end == range.start => last.end = range.end,
        _ => ranges.push(range),
    }
}

/// The trace of a span: mostly what stands first in it, else what stands last.
fn trace_of(span: &[u8]) -> Wired<TraceId> {
    let mut fields = Reader::new(span);
    let mut found = TraceId::default();
    let mut is_first = true;
    while let Some(field) = fields.next_of(1 << 1)? {
        found = field.body.try_into().unwrap_or_default();
        if is_first && field.start == 0 && found != TraceId::default() {
            break;
        }
        is_first = false;
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
