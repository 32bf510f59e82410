//! The messages of OTLP as JSON names them: every field of every message that an export request can hold; and whether a request
//! is made of them.

mod common;
mod logs;
mod metrics;
mod strict;
mod traces;

use crate::batch::Signal;

pub(crate) use strict::check;

/// A message.
pub(crate) struct Message {
    pub(crate) fields: &'static [Field],
}

/// A field of a message.
pub(crate) struct Field {
    /// The name in JSON.
    pub(crate) name: &'static str,
    pub(crate) number: u32,
    pub(crate) kind: Kind,
    pub(crate) rule: Rule,
}

/// What a field holds.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Text,
    /// An id of so many bytes, in hexadecimal.
    Id(usize),
    /// Bytes, in base64.
    Bytes,
    Boolean,
    Double,
    Int32,
    Int64,
    Uint32,
    Uint64,
    Sint32,
    Fixed32,
    Fixed64,
    Sfixed64,
    /// The members' names stand at their numbers.
    Enum(&'static [&'static str]),
    Message(&'static Message),
}

/// How often a field is there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Once; its default is left out.
    Plain,
    /// Once; its default says something: a member of a oneof, an `optional` field.
    Explicit,
    /// Any number of times.
    Many,
    /// Any number of times, packed.
    Packed,
}

/// The export request of a signal.
pub(crate) fn request(signal: Signal) -> &'static Message {
    match signal {
        Signal::Traces => &TRACES,
        Signal::Metrics => &METRICS,
        Signal::Logs => &LOGS,
    }
}

const TRACE_ID: Kind = Kind::Id(16);
const SPAN_ID: Kind = Kind::Id(8);

const fn plain(number: u32, name: &'static str, kind: Kind) -> Field {
    field(number, name, kind, Rule::Plain)
}

const fn explicit(number: u32, name: &'static str, kind: Kind) -> Field {
    field(number, name, kind, Rule::Explicit)
}

const fn packed(number: u32, name: &'static str, kind: Kind) -> Field {
    field(number, name, kind, Rule::Packed)
}

const fn many(number: u32, name: &'static str, kind: Kind) -> Field {
    field(number, name, kind, Rule::Many)
}

const fn one(number: u32, name: &'static str, message: &'static Message) -> Field {
    field(number, name, Kind::Message(message), Rule::Explicit)
}

const fn list(number: u32, name: &'static str, message: &'static Message) -> Field {
    field(number, name, Kind::Message(message), Rule::Many)
}

const fn field(number: u32, name: &'static str, kind: Kind, rule: Rule) -> Field {
    Field {
        name,
        number,
        kind,
        rule,
    }
}

static TRACES: Message = Message {
    fields: &[list(1, "resourceSpans", &traces::RESOURCE_SPANS)],
};

static METRICS: Message = Message {
    fields: &[list(1, "resourceMetrics", &metrics::RESOURCE_METRICS)],
};

static LOGS: Message = Message {
    fields: &[list(1, "resourceLogs", &logs::RESOURCE_LOGS)],
};
