//! `Ids`: what one source (the attributes, a body, a text) says about a record's trace.

use crate::id::{SpanId, TraceId, Traceparent, parse, parse_decimal};
use crate::name::Name;

/// Ids under their names. Of each the first that is one counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ids {
    trace: Option<TraceId>,
    span: Option<SpanId>,
    parent: Option<Traceparent>,
}

/// The trace of a record, and if it is known where in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// The trace's id.
    pub trace: TraceId,
    /// The span's id.
    pub span: Option<SpanId>,
    /// The flags of a traceparent.
    pub flags: Option<u8>,
}

impl Ids {
    /// Takes in a value under its name.
    pub(crate) fn add(&mut self, name: Name, value: &[u8]) {
        match name {
            Name::Trace => self.trace = self.trace.or_else(|| parse(value)),
            Name::Span => self.span = self.span.or_else(|| parse(value)),
            Name::DatadogSpan => {
                self.span = self
                    .span
                    .or_else(|| parse(value))
                    .or_else(|| parse_decimal(value));
            }
            Name::Traceparent => self.parent = self.parent.or_else(|| Traceparent::parse(value)),
        }
    }

    /// The trace they tell of. A traceparent may be the caller's: it speaks where the ids do not.
    pub(crate) fn context(&self) -> Option<Context> {
        let Some(trace) = self.trace else {
            let Traceparent { trace, span, flags } = self.parent?;
            return Some(Context {
                trace,
                span: self.span.or(Some(span)),
                flags: Some(flags),
            });
        };
        let parent = self.parent.filter(|parent| parent.trace == trace);
        Some(Context {
            trace,
            span: self.span.or(parent.map(|parent| parent.span)),
            flags: parent.map(|parent| parent.flags),
        })
    }
}

/// The first of these contexts, with what later ones add about the same trace.
pub(crate) fn first(sources: impl IntoIterator<Item = Option<Context>>) -> Option<Context> {
    sources.into_iter().flatten().reduce(|first, next| {
        if next.trace == first.trace {
            Context {
                span: first.span.or(next.span),
                flags: first.flags.or(next.flags),
                ..first
            }
        } else {
            first
        }
    })
}

#[cfg(test)]
mod tests {
    use super::{Context, Ids, first};
    use crate::name::Name;

    const TRACE: &[u8] = b"4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &[u8] = b"00f067aa0ba902b7";

    fn ids(values: &[(Name, &[u8])]) -> Option<Context> {
        let mut ids = Ids::default();
        for (name, value) in values {
            ids.add(*name, value);
        }
        ids.context()
    }

    #[test]
    fn a_span_alone_is_no_context() {
        assert_eq!(ids(&[(Name::Span, SPAN)]), None);
        assert_eq!(ids(&[(Name::Trace, b"0"), (Name::Span, SPAN)]), None);
    }

    #[test]
    fn a_name_counts_the_first_time_that_its_value_is_an_id() {
        let found = ids(&[
            (Name::Trace, b"none"),
            (Name::Trace, TRACE),
            (Name::Trace, &[b'a'; 32]),
        ])
        .unwrap();
        assert_eq!(
            (found.trace[0], found.span, found.flags),
            (0x4b, None, None)
        );
    }

    #[test]
    fn a_traceparent_speaks_where_the_ids_do_not() {
        let parent = b"00-4bf92f3577b34da6a3ce929d0e0e4736-1111111111111111-01".as_slice();
        let alone = ids(&[(Name::Traceparent, parent)]).unwrap();
        assert_eq!((alone.span, alone.flags), (Some([0x11; 8]), Some(1)));
        let both = ids(&[
            (Name::Traceparent, parent),
            (Name::Trace, TRACE),
            (Name::Span, SPAN),
        ])
        .unwrap();
        assert_eq!((both.span.unwrap()[1], both.flags), (0xf0, Some(1)));
        let other = ids(&[(Name::Traceparent, parent), (Name::Trace, &[b'a'; 32])]).unwrap();
        assert_eq!(
            (other.trace, other.span, other.flags),
            ([0xaa; 16], None, None)
        );
    }

    #[test]
    fn later_sources_add_what_they_know_of_the_same_trace() {
        let of = |trace: u8, span: Option<u8>| {
            Some(Context {
                trace: [trace; 16],
                span: span.map(|span| [span; 8]),
                flags: None,
            })
        };
        assert_eq!(
            first([None, of(1, None), of(2, Some(3)), of(1, Some(4))]),
            of(1, Some(4))
        );
        assert_eq!(first([]), None);
    }
}
