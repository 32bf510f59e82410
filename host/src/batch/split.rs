//! Cuts parts off a request, one at a time: each record goes with its resource and scope, and a data point with its metric.
//!
//! Works on the bytes of a request that was looked at before; what it does not know goes with what it stands beside.
//! Nothing is lost and no record is written twice; what records share is repeated in each part that has one of them.

use super::schema::Msg;
use super::wire::{LEN, Reader, Wired, put_len};
use super::{Signal, WireError};

/// The most bytes of a tag and a length, for each message that is open.
const HEAD: usize = 10;

/// A part of a request: a request of its own.
#[derive(Debug, PartialEq, Eq)]
pub struct Part {
    /// The request, after the headroom that was asked for.
    pub framed: Vec<u8>,
    /// Its records.
    pub records: u32,
    /// Where the next part begins.
    pub until: usize,
    /// Whether there is no other behind it.
    pub is_last: bool,
}

/// The most that a part has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes. A record that is larger goes alone; what records share is not repeated beyond a half of these, where a part is as
    /// large as need be instead.
    pub bytes: usize,
    /// Records, at least one.
    pub records: u32,
}

/// Cuts the part off a request that begins at `from` (0, or where another part ended), within bounds, with `headroom` zero
/// bytes before it; none behind the last.
pub fn cut(
    signal: Signal,
    message: &[u8],
    from: usize,
    bounds: Bounds,
    headroom: usize,
) -> Result<Option<Part>, WireError> {
    let mut splitter = Splitter {
        signal,
        bounds,
        headroom,
        from,
        at: 0,
        part: None,
        open: Vec::new(),
        out: vec![0; headroom],
        records: 0,
    };
    let walked = splitter.message(Level::Request, message);
    walked.map_err(|malformed| {
        let what = malformed.describe(message);
        WireError(format!("malformed {}: {what}", signal.name()))
    })?;
    if splitter.part.is_none() {
        splitter.end_part(true);
    }
    Ok(splitter.part)
}

/// The records of a request, as far as it can be read.
pub fn records(signal: Signal, message: &[u8]) -> u64 {
    Level::Request.records(signal, message)
}

/// What holds what.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Request,
    Resource,
    Scope,
    Metric,
    Data,
    Record,
}

/// A message that is being written.
struct Open {
    /// Its field in the message around it.
    number: u32,
    /// What its records share, written again in each part.
    head: Vec<u8>,
    body: Vec<u8>,
    /// Whether the current part has it.
    is_begun: bool,
    /// Whether any part has it.
    is_written: bool,
}

struct Splitter {
    signal: Signal,
    bounds: Bounds,
    headroom: usize,
    /// The records, and other things that a part may begin with, that are in parts before this one.
    from: usize,
    /// Those that were looked at.
    at: usize,
    /// The part, once it is full.
    part: Option<Part>,
    open: Vec<Open>,
    out: Vec<u8>,
    /// Those in the current part.
    records: u32,
}

impl Level {
    /// What a field of this message holds, if it holds records or is one.
    fn below(self, signal: Signal, number: u32) -> Option<Self> {
        match (self, number) {
            (Self::Request, 1) => Some(Self::Resource),
            (Self::Resource, 2) => Some(Self::Scope),
            (Self::Scope, 2) if signal == Signal::Metrics => Some(Self::Metric),
            (Self::Scope, 2) | (Self::Data, 1) => Some(Self::Record),
            (Self::Metric, number) => Msg::of_data(number).map(|_| Self::Data),
            _ => None,
        }
    }

    fn records(self, signal: Signal, message: &[u8]) -> u64 {
        let (mut fields, mut records) = (Reader::new(message), 0);
        while let Ok(Some(field)) = fields.next() {
            records += match self.below(signal, field.number) {
                Some(Self::Record) if field.wire == LEN => 1,
                Some(below) if field.wire == LEN => below.records(signal, field.body),
                _ => 0,
            };
        }
        records
    }
}

impl Splitter {
    fn message(&mut self, level: Level, message: &[u8]) -> Wired<()> {
        let mut fields = Reader::new(message);
        while self.part.is_none()
            && let Some(field) = fields.next()?
        {
            let whole = message.get(field.start..field.end).unwrap_or_default();
            match level.below(self.signal, field.number) {
                Some(Level::Record) if field.wire == LEN => self.record(whole),
                Some(below) if field.wire == LEN => {
                    let head = self.head(below, field.body)?;
                    self.open.push(Open {
                        number: field.number,
                        head,
                        body: Vec::new(),
                        is_begun: false,
                        is_written: false,
                    });
                    self.message(below, field.body)?;
                    self.close();
                }
                // Beside resources there is nothing to go with; elsewhere it is in the head.
                _ if level == Level::Request && !self.is_before() => {
                    self.out.extend_from_slice(whole);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The fields of a message that are not what it holds.
    fn head(&self, level: Level, message: &[u8]) -> Wired<Vec<u8>> {
        let mut head = Vec::new();
        let mut fields = Reader::new(message);
        while let Some(field) = fields.next()? {
            if field.wire != LEN || level.below(self.signal, field.number).is_none() {
                head.extend_from_slice(message.get(field.start..field.end).unwrap_or_default());
            }
        }
        Ok(head)
    }

    /// Whether the next thing that a part may begin with is in a part before this one; goes on to the one after it.
    fn is_before(&mut self) -> bool {
        let is_before = self.at < self.from;
        self.at += 1;
        if is_before {
            for open in &mut self.open {
                open.is_written = true;
            }
        }
        is_before
    }

    fn record(&mut self, whole: &[u8]) {
        if self.is_before() {
            return;
        }
        self.begin(whole.len());
        if self.part.is_some() {
            return;
        }
        let innermost = self.open.last_mut();
        let body = innermost.map_or(&mut self.out, |open| &mut open.body);
        body.extend_from_slice(whole);
        self.records = self.records.saturating_add(1);
    }

    /// At least the bytes of the current part, were all that is open closed.
    fn size(&self) -> usize {
        let open = self.open.iter().map(|open| {
            let len = if open.is_begun {
                open.body.len()
            } else {
                open.head.len()
            };
            len + HEAD
        });
        self.out.len() - self.headroom + open.sum::<usize>()
    }

    /// Writes the heads of what is open and not in the part yet; ends the part instead, if there is no room for so many bytes
    /// more.
    fn begin(&mut self, more: usize) {
        let heads: usize = self.open.iter().map(|open| open.head.len()).sum();
        let Bounds { bytes, records } = self.bounds;
        let is_large = self.size() + more > bytes && heads <= bytes / 2;
        if is_large || self.records >= records {
            self.end_part(false);
            if self.part.is_some() {
                return;
            }
        }
        for open in &mut self.open {
            if !open.is_begun {
                open.body.extend_from_slice(&open.head);
                open.is_begun = true;
                open.is_written = true;
            }
        }
    }

    /// Ends the innermost message, which is in a part even if it holds nothing.
    fn close(&mut self) {
        let is_unwritten = self.open.last().is_some_and(|open| !open.is_written);
        if is_unwritten && self.part.is_none() && !self.is_before() {
            self.begin(0);
        }
        if let Some(open) = self.open.pop() {
            self.hand_up(self.open.len(), &open);
        }
    }

    /// Writes what the current part has of a message into the one around it, which is at `depth`.
    fn hand_up(&mut self, depth: usize, open: &Open) {
        if open.is_begun {
            let around = depth.checked_sub(1).and_then(|at| self.open.get_mut(at));
            let around = around.map_or(&mut self.out, |around| &mut around.body);
            put_len(around, open.number, &open.body);
        }
    }

    fn end_part(&mut self, is_last: bool) {
        for depth in (0..self.open.len()).rev() {
            let Some(open) = self.open.get_mut(depth) else {
                break;
            };
            let written = Open {
                number: open.number,
                head: Vec::new(),
                body: std::mem::take(&mut open.body),
                is_begun: std::mem::take(&mut open.is_begun),
                is_written: true,
            };
            self.hand_up(depth, &written);
        }
        if self.out.len() > self.headroom {
            self.part = Some(Part {
                framed: std::mem::take(&mut self.out),
                records: self.records,
                // What did not fit was looked at.
                until: if is_last { self.at } else { self.at - 1 },
                is_last,
            });
        }
    }
}
