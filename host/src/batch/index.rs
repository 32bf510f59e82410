//! Where the rows of a request lie in its bytes. Built once, never changed, shared by everyone who has the batch.
//!
//! The first walk goes down to the records' boundaries and no further; events, links and exemplars are found when a plugin
//! asks for them. A message that OTLP has once may come in several pieces, which protobuf merges: `merge` puts these
//! together beforehand, so that here a resource, a scope or a metric's data is one piece.

use std::sync::OnceLock;

use super::{
    MAX_ROWS, Signal,
    budget::Halt,
    merge::merged,
    outline::Outlines,
    schema::{Msg, Table},
    wire::{Field, Malformed, Reader, Wired},
};

/// The most events, links or exemplars in one batch: each costs 12 bytes of index and only 2 on the wire.
const MAX_ROWS_BELOW: usize = 4 * MAX_ROWS as usize;

/// A length-delimited field: where its tag, its body and its end are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) start: u32,
    pub(super) body: u32,
    pub(super) end: u32,
}

/// The rows of one table, in the order of the wire.
#[derive(Debug, Default)]
pub(super) struct Level {
    pub(super) pieces: Vec<Piece>,
    /// `first[i]..first[i + 1]` are the rows of the next level in row i; empty for the last level.
    pub(super) first: Vec<u32>,
}

impl Level {
    /// The rows of the next level in row `i`.
    pub(super) fn inside(&self, i: usize) -> std::ops::Range<usize> {
        let bound = |i: usize| self.first.get(i).map_or(0, |&row| row as usize);
        bound(i)..bound(i + 1)
    }
}

/// What lies where in a request.
#[derive(Debug)]
pub(super) struct Index {
    pub(super) signal: Signal,
    pub(super) resources: Level,
    pub(super) scopes: Level,
    pub(super) metrics: Level,
    pub(super) records: Level,
    /// The `Resource`, `InstrumentationScope` or data of each row of the level, if it has one.
    pub(super) resource_children: Vec<Option<Piece>>,
    pub(super) scope_children: Vec<Option<Piece>>,
    pub(super) data: Vec<Option<(Piece, Msg)>>,
    /// The message of each data point; empty in other signals.
    points: Vec<Msg>,
    below: OnceLock<Wired<Box<[Level; 2]>>>,
    outlines: OnceLock<Outlines>,
    depths: [u8; 7],
    /// The rows of a table that the signal does not have.
    none: Level,
}

/// Why a request cannot be indexed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    Malformed(Malformed),
    TooMany(Table),
    /// Some message came in several pieces that protobuf merges.
    Pieces,
}

impl From<Malformed> for Fault {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

impl Index {
    pub(super) fn new(signal: Signal, base: &[u8]) -> Result<Self, Fault> {
        let mut index = Self {
            signal,
            resources: Level::default(),
            scopes: Level::default(),
            metrics: Level::default(),
            records: Level::default(),
            resource_children: Vec::new(),
            scope_children: Vec::new(),
            data: Vec::new(),
            points: Vec::new(),
            below: OnceLock::new(),
            outlines: OnceLock::new(),
            none: Level::default(),
            depths: Table::ALL.map(|table| table.depth(signal)),
        };
        index.request(base)?;
        let ends = [
            (&mut index.resources.first, index.scopes.pieces.len()),
            (
                &mut index.scopes.first,
                match signal {
                    Signal::Metrics => index.metrics.pieces.len(),
                    Signal::Traces | Signal::Logs => index.records.pieces.len(),
                },
            ),
            (&mut index.metrics.first, index.records.pieces.len()),
        ];
        for (first, end) in ends {
            first.push(offset(end));
        }
        Ok(index)
    }

    fn request(&mut self, base: &[u8]) -> Result<(), Fault> {
        let mut reader = Reader::new(base);
        while let Some(field) = reader.next()? {
            if field.number == 1 {
                let piece = piece(field.message(base)?, field.start, field.end);
                self.resources.first.push(offset(self.scopes.pieces.len()));
                push(&mut self.resources, piece, Table::Resource)?;
                self.resource(base, piece)?;
            }
        }
        Ok(())
    }

    fn resource(&mut self, base: &[u8], container: Piece) -> Result<(), Fault> {
        let mut child = None;
        let mut reader = Reader::within(base, container.body as usize, container.end as usize);
        while let Some(field) = reader.next()? {
            match field.number {
                1 => single(
                    &mut child,
                    piece(field.message(base)?, field.start, field.end),
                )?,
                2 => {
                    let piece = piece(field.message(base)?, field.start, field.end);
                    let next = match self.signal {
                        Signal::Metrics => self.metrics.pieces.len(),
                        Signal::Traces | Signal::Logs => self.records.pieces.len(),
                    };
                    self.scopes.first.push(offset(next));
                    push(&mut self.scopes, piece, Table::Scope)?;
                    self.scope(base, piece)?;
                }
                _ => {}
            }
        }
        self.resource_children.push(child);
        Ok(())
    }

    fn scope(&mut self, base: &[u8], container: Piece) -> Result<(), Fault> {
        let mut child = None;
        let mut reader = Reader::within(base, container.body as usize, container.end as usize);
        loop {
            if self.signal != Signal::Metrics {
                self.run_of_records(&mut reader)?;
            }
            let Some(field) = reader.next()? else { break };
            match field.number {
                2 => {
                    let piece = piece(field.message(base)?, field.start, field.end);
                    if self.signal == Signal::Metrics {
                        self.metrics.first.push(offset(self.records.pieces.len()));
                        push(&mut self.metrics, piece, Table::Metric)?;
                        self.metric(base, piece)?;
                    } else {
                        push(&mut self.records, piece, Table::Record)?;
                    }
                }
                1 => single(
                    &mut child,
                    piece(field.message(base)?, field.start, field.end),
                )?,
                _ => {}
            }
        }
        self.scope_children.push(child);
        Ok(())
    }

    /// Records as far as they follow each other, and are below 16 KiB: what most of a request is.
    fn run_of_records(&mut self, reader: &mut Reader<'_>) -> Result<(), Fault> {
        let mut start = reader.pos();
        while let Some(body) = reader.next_plain(Field::short_tag(2)) {
            let end = reader.pos();
            push(&mut self.records, piece(body, start, end), Table::Record)?;
            start = end;
        }
        Ok(())
    }

    fn metric(&mut self, base: &[u8], metric: Piece) -> Result<(), Fault> {
        let mut data = None;
        let mut reader = Reader::within(base, metric.body as usize, metric.end as usize);
        while let Some(field) = reader.next()? {
            if let Some(msg) = Msg::of_data(field.number) {
                let piece = piece(field.message(base)?, field.start, field.end);
                single(&mut data, (piece, msg))?;
            }
        }
        self.data.push(data);
        let Some((data, msg)) = data else {
            return Ok(());
        };
        let mut reader = Reader::within(base, data.body as usize, data.end as usize);
        while let Some(field) = reader.next()? {
            if field.number == 1 {
                let piece = piece(field.message(base)?, field.start, field.end);
                push(&mut self.records, piece, Table::Record)?;
                self.points.push(msg.point());
            }
        }
        Ok(())
    }

    /// The rows of a table of the first walk; none for those below the record.
    pub(super) fn level(&self, table: Table) -> Option<&Level> {
        match table {
            Table::Resource => Some(&self.resources),
            Table::Scope => Some(&self.scopes),
            Table::Metric => Some(&self.metrics),
            Table::Record => Some(&self.records),
            Table::Event | Table::Link | Table::Exemplar => None,
        }
    }

    /// The rows of any table; `first` of a level below the record is by record.
    pub(super) fn rows(&self, table: Table, base: &[u8]) -> Result<&Level, Fault> {
        let below = match table {
            Table::Resource => return Ok(&self.resources),
            Table::Scope => return Ok(&self.scopes),
            Table::Metric => return Ok(&self.metrics),
            Table::Record => return Ok(&self.records),
            _ if !table.is_of(self.signal) => return Ok(&self.none),
            Table::Event | Table::Link | Table::Exemplar => {
                self.below.get_or_init(|| self.rows_below(base))
            }
        };
        let below = below.as_ref().map_err(|malformed| *malformed)?;
        let [first, second] = below.as_ref();
        let level = if table == Table::Link { second } else { first };
        if level.pieces.len() > MAX_ROWS_BELOW {
            return Err(Fault::TooMany(table));
        }
        Ok(level)
    }

    /// The same, once a view of the table has been made.
    pub(super) fn level_of(&self, table: Table, base: &[u8]) -> Result<&Level, Halt> {
        self.rows(table, base).map_err(|fault| match fault {
            Fault::Malformed(malformed) => malformed.into(),
            _ => Halt::misuse(format!("too many rows in {}", table.name())),
        })
    }

    /// Events and links, or exemplars: one walk finds both.
    fn rows_below(&self, base: &[u8]) -> Wired<Box<[Level; 2]>> {
        let mut levels = <Box<[Level; 2]>>::default();
        let [first, second] = levels.as_mut();
        first.first.reserve_exact(self.records.pieces.len() + 1);
        second.first.reserve_exact(self.records.pieces.len() + 1);
        for (row, record) in self.records.pieces.iter().enumerate() {
            first.first.push(offset(first.pieces.len()));
            second.first.push(offset(second.pieces.len()));
            let msg = self.record_msg(row);
            let mut reader = Reader::within(base, record.body as usize, record.end as usize);
            if let Some(attributes) = msg.attributes() {
                reader.skip_short(msg.mask_below() | 1 << attributes);
                reader.skip_run(Field::short_tag(attributes));
            }
            while let Some(field) = reader.next_of(msg.mask_below())? {
                let level = match msg.rows_in(field.number) {
                    Some(Table::Link) => &mut *second,
                    Some(_) => &mut *first,
                    None => continue,
                };
                let piece = piece(field.message(base)?, field.start, field.end);
                level.pieces.push(piece);
                if level.pieces.len() > MAX_ROWS_BELOW {
                    return Ok(levels);
                }
            }
        }
        first.first.push(offset(first.pieces.len()));
        second.first.push(offset(second.pieces.len()));
        Ok(levels)
    }

    /// The outlines of the records, made if they are not there.
    pub(super) fn outlined(&self, base: &[u8]) -> &Outlines {
        self.outlines.get_or_init(|| Outlines::new(self, base))
    }

    /// The outlines of the records, if they were made.
    pub(super) fn outlines(&self) -> Option<&Outlines> {
        self.outlines.get()
    }

    /// How deep the messages of a table's rows lie in the request.
    #[inline]
    pub(super) fn depth(&self, table: Table) -> u8 {
        self.depths.get(table as usize).copied().unwrap_or_default()
    }

    /// The message of a record.
    #[inline]
    pub(super) fn record_msg(&self, record: usize) -> Msg {
        match self.signal {
            Signal::Traces => Msg::Span,
            Signal::Logs => Msg::LogRecord,
            Signal::Metrics => self.points.get(record).copied().unwrap_or(Msg::NumberPoint),
        }
    }
}

/// An offset as the index keeps it: `Batch::new` refuses messages over 2 GiB.
pub(super) fn offset(position: usize) -> u32 {
    u32::try_from(position).expect("a batch is below 2 GiB")
}

pub(super) fn piece(body: &[u8], start: usize, end: usize) -> Piece {
    Piece {
        start: offset(start),
        body: offset(end - body.len()),
        end: offset(end),
    }
}

fn single<T>(slot: &mut Option<T>, value: T) -> Result<(), Fault> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(Fault::Pieces),
    }
}

fn push(level: &mut Level, piece: Piece, table: Table) -> Result<(), Fault> {
    if level.pieces.len() >= MAX_ROWS as usize {
        return Err(Fault::TooMany(table));
    }
    level.pieces.push(piece);
    Ok(())
}

/// The index of a request, with the bytes it is of if they had to be merged first.
pub(super) fn build(signal: Signal, message: &[u8]) -> Result<(Index, Option<Vec<u8>>), Fault> {
    match Index::new(signal, message) {
        Err(Fault::Pieces) => {
            let base = merged(signal, message)?;
            Ok((Index::new(signal, &base)?, Some(base)))
        }
        other => Ok((other?, None)),
    }
}
