//! `Ids`: what one source (the attributes, a body, a text) says about a record's trace.

use crate::header::{Header, SAMPLED, b3_trace};
use crate::id::{SpanId, TraceId, hex, parse, parse_decimal, parse_span, parse_trace};
use crate::name::Name;

/// Ids under their names. Of each the first that is one counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ids {
    trace: Option<TraceId>,
    span: Option<SpanId>,
    flags: Option<u8>,
    sampled: Option<bool>,
    header: Option<Header>,
    /// The halves of one of Datadog's trace ids.
    upper: Option<u64>,
    lower: Option<u64>,
}

/// The trace of a record, and if it is known where in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// The trace's id.
    pub trace: TraceId,
    /// The span's id.
    pub span: Option<SpanId>,
    /// W3C's flags, of which the lowest bit says that the trace is sampled.
    pub flags: Option<u8>,
}

/// What stands in a record's own fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Own {
    pub(crate) trace: Option<TraceId>,
    pub(crate) span: Option<SpanId>,
    /// W3C's, the lowest byte of OTLP's.
    pub(crate) flags: u8,
}

/// The lower half of a trace id.
const LOWER: u128 = (1 << 64) - 1;

impl Ids {
    /// Takes in a text under its name.
    pub(crate) fn add(&mut self, name: Name, value: &[u8]) {
        match name {
            Name::Trace => {
                self.trace = self.trace.or_else(|| parse_trace(value));
                self.lower = self.lower.or_else(|| parse_decimal(value));
            }
            Name::B3Trace => self.trace = self.trace.or_else(|| b3_trace(value)),
            Name::DatadogUpper => {
                self.upper = self.upper.or_else(|| parse(value).map(u64::from_be_bytes));
            }
            Name::Span => self.span = self.span.or_else(|| parse_span(value)),
            Name::DatadogSpan => {
                let decimal = || parse_decimal(value).map(u64::to_be_bytes);
                self.span = self.span.or_else(|| parse_span(value)).or_else(decimal);
            }
            Name::Flags => {
                let flags = || hex(value).map(|[flags]| flags);
                self.flags = self.flags.or_else(flags);
            }
            Name::Sampled => self.sampled = self.sampled.or_else(|| truth(value)),
            Name::Traceparent => self.add_header(Header::traceparent(value)),
            Name::B3 => self.add_header(Header::b3(value)),
            Name::Jaeger => self.add_header(Header::jaeger(value)),
            Name::XRay => self.add_header(Header::xray(value)),
        }
    }

    /// Takes in a number or boolean under its name.
    pub(crate) fn add_literal(&mut self, name: Name, value: &[u8]) {
        match name {
            Name::Trace => self.lower = self.lower.or_else(|| parse_decimal(value)),
            Name::DatadogSpan => {
                let span = || parse_decimal(value).map(u64::to_be_bytes);
                self.span = self.span.or_else(span);
            }
            Name::Flags => {
                let flags = || str::from_utf8(value).ok()?.parse().ok();
                self.flags = self.flags.or_else(flags);
            }
            Name::Sampled => self.add(name, value),
            _ => {}
        }
    }

    /// Takes in a header, if it is the first.
    pub(crate) fn add_header(&mut self, header: Option<Header>) {
        self.header = self.header.or(header);
    }

    /// The trace they tell of. A header may be the caller's: it speaks where the ids do not.
    pub(crate) fn context(&self) -> Option<Context> {
        let flags = self.flags();
        let Some(trace) = self.trace.or_else(|| self.halves()) else {
            let header = self.header?;
            return Some(Context {
                trace: header.trace,
                span: self.span.or(header.span),
                flags: flags.or(header.flags),
            });
        };
        let header = self.header.filter(|header| header.trace == trace);
        Some(Context {
            trace,
            span: self.span.or(header.and_then(|header| header.span)),
            flags: flags.or(header.and_then(|header| header.flags)),
        })
    }

    /// The trace that these tell of together with those of maps in them, each of which completes the other. Where they
    /// contradict each other, these come first.
    pub(crate) fn context_with(&self, inner: &Self) -> Option<Context> {
        let contexts = || first([self.context(), inner.context()]);
        self.completed(inner)
            .map_or_else(|Contradict| contexts(), |ids| ids.context())
    }

    /// All that both say, unless they say different things of one.
    fn completed(&self, other: &Self) -> Result<Self, Contradict> {
        Ok(Self {
            trace: either(self.trace, other.trace)?,
            span: either(self.span, other.span)?,
            flags: either(self.flags, other.flags)?,
            sampled: either(self.sampled, other.sampled)?,
            header: either(self.header, other.header)?,
            upper: either(self.upper, other.upper)?,
            lower: either(self.lower, other.lower)?,
        })
    }

    /// Whether all that these say, if they say anything, stands in a record's own fields.
    pub(crate) fn is_said_by(&self, own: &Own) -> bool {
        let number = own.trace.map(u128::from_be_bytes);
        let half =
            |shift: u32| number.and_then(|number| u64::try_from(number >> shift & LOWER).ok());
        let header = self.header;
        let parts = [
            says(self.trace, own.trace),
            says(self.upper, half(64)),
            // A number is half an id only where it is not a whole one.
            says(self.lower.filter(|_| self.trace.is_none()), half(0)),
            says(self.span, own.span),
            says(self.flags, Some(own.flags)),
            says(self.sampled, Some(own.flags & SAMPLED != 0)),
            says(header.map(|header| header.trace), own.trace),
            says(header.and_then(|header| header.span), own.span),
            says(header.and_then(|header| header.flags), Some(own.flags)),
        ];
        parts.iter().any(Option::is_some) && parts.iter().flatten().all(|same| *same)
    }

    /// The flags, as they are or as far as they are known.
    fn flags(&self) -> Option<u8> {
        let sampled = self
            .sampled
            .map(|sampled| if sampled { SAMPLED } else { 0 });
        self.flags.or(sampled)
    }

    /// Datadog's trace id, whose halves are written apart.
    fn halves(&self) -> Option<TraceId> {
        let [upper, lower] = [self.upper?, self.lower?].map(u128::from);
        Some((upper << 64 | lower).to_be_bytes())
    }
}

/// Whether what is said is so; nothing where nothing is said.
fn says<T: Copy + PartialEq>(said: Option<T>, own: Option<T>) -> Option<bool> {
    said.map(|said| own == Some(said))
}

/// What one of them says, or both alike.
fn either<T: Copy + PartialEq>(one: Option<T>, other: Option<T>) -> Result<Option<T>, Contradict> {
    if one.is_some() && other.is_some() && one != other {
        return Err(Contradict);
    }
    Ok(one.or(other))
}

/// Two sources say different things of one.
struct Contradict;

fn truth(text: &[u8]) -> Option<bool> {
    let is = |word: &str| text.eq_ignore_ascii_case(word.as_bytes());
    if is("true") || is("1") || is("d") {
        return Some(true);
    }
    (is("false") || is("0")).then_some(false)
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
    use super::{Context, Ids, Own, first};
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
    fn flags_are_the_most_exact_that_are_known() {
        let parent = b"00-4bf92f3577b34da6a3ce929d0e0e4736-1111111111111111-01".as_slice();
        let flags = |named: &[(Name, &[u8])]| {
            let all = [&[(Name::Trace, TRACE)], named].concat();
            ids(&all).unwrap().flags
        };
        for (value, expected) in [
            ("01", Some(1)),
            ("00", Some(0)),
            ("3", Some(3)),
            ("x", None),
            ("", None),
            ("100", None),
        ] {
            assert_eq!(
                flags(&[(Name::Flags, value.as_bytes())]),
                expected,
                "{value}"
            );
        }
        for (value, expected) in [
            ("True", Some(1)),
            ("true", Some(1)),
            ("1", Some(1)),
            ("False", Some(0)),
            ("x", None),
        ] {
            assert_eq!(
                flags(&[(Name::Sampled, value.as_bytes())]),
                expected,
                "{value}"
            );
        }
        let both = flags(&[(Name::Sampled, b"true"), (Name::Flags, b"03")]);
        assert_eq!(both, Some(3));
        let beside = flags(&[(Name::Traceparent, parent), (Name::Sampled, b"false")]);
        assert_eq!(beside, Some(0));
    }

    #[test]
    fn datadogs_halves_are_a_trace_id_together_alone_they_are_none() {
        let lower = b"11803532876627986230".as_slice();
        let upper = b"4bf92f3577b34da6".as_slice();
        assert_eq!(ids(&[(Name::Trace, lower)]), None);
        assert_eq!(ids(&[(Name::DatadogUpper, upper)]), None);
        let both = ids(&[(Name::Trace, lower), (Name::DatadogUpper, upper)]).unwrap();
        assert_eq!(Some(both), ids(&[(Name::Trace, TRACE)]));
        let mut numbers = Ids::default();
        numbers.add_literal(Name::Trace, lower);
        numbers.add(Name::DatadogUpper, upper);
        numbers.add_literal(Name::DatadogSpan, b"258");
        let found = numbers.context().unwrap();
        assert_eq!(
            (found.trace, found.span),
            (both.trace, Some([0, 0, 0, 0, 0, 0, 1, 2]))
        );
    }

    #[test]
    fn a_number_is_no_id_in_hexadecimal() {
        let mut numbers = Ids::default();
        numbers.add(Name::Trace, TRACE);
        numbers.add_literal(Name::Span, b"1234567890123456");
        assert_eq!(numbers.context().unwrap().span, None);
    }

    #[test]
    fn what_a_record_says_itself_is_told_from_the_rest() {
        let trace = ids(&[(Name::Trace, TRACE)]).unwrap().trace;
        let own = Own {
            trace: Some(trace),
            span: Some([0x11; 8]),
            flags: 1,
        };
        for (name, value, expected) in [
            (Name::Trace, "4BF92F3577B34DA6A3CE929D0E0E4736", true),
            (Name::Trace, "11803532876627986230", true),
            (Name::Trace, "11803532876627986231", false),
            (Name::Trace, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false),
            (Name::Trace, "checkout", false),
            (Name::DatadogUpper, "4bf92f3577b34da6", true),
            (Name::Span, "1111111111111111", true),
            (Name::Span, "1111111111111112", false),
            (Name::Flags, "01", true),
            (Name::Flags, "03", false),
            (Name::Sampled, "true", true),
            (Name::Sampled, "false", false),
            (
                Name::Traceparent,
                "00-4bf92f3577b34da6a3ce929d0e0e4736-1111111111111111-01",
                true,
            ),
            (
                Name::Traceparent,
                "00-4bf92f3577b34da6a3ce929d0e0e4736-1111111111111112-01",
                false,
            ),
        ] {
            let mut said = Ids::default();
            said.add(name, value.as_bytes());
            assert_eq!(said.is_said_by(&own), expected, "{value}");
        }
    }

    #[test]
    fn maps_complete_what_is_around_them_unless_they_contradict_it() {
        let of = |values: &[(Name, &[u8])]| {
            let mut ids = Ids::default();
            for (name, value) in values {
                ids.add(*name, value);
            }
            ids
        };
        let (trace, span) = ((Name::Trace, TRACE), (Name::Span, SPAN));
        let other = (Name::Span, b"1111111111111111".as_slice());
        let both = ids(&[trace, span]);
        assert_eq!(of(&[trace]).context_with(&of(&[span])), both);
        assert_eq!(of(&[span]).context_with(&of(&[trace])), both);
        assert_eq!(of(&[other]).context_with(&of(&[trace, span])), both);
        assert_eq!(of(&[trace, span]).context_with(&of(&[other])), both);
        let foreign = (Name::Trace, [b'a'; 32]);
        let foreign = of(&[(foreign.0, &foreign.1), span]);
        assert_eq!(of(&[trace]).context_with(&foreign), ids(&[trace]));
        assert_eq!(of(&[span]).context_with(&of(&[other])), None);
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
