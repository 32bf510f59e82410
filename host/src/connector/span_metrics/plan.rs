//! What is counted, worked out of the config once: which dimensions a series has, the keys that tell series apart, and how a key
//! becomes attributes again.
//!
//! A key has a piece for each dimension, with its length in front; a value is the body of an `AnyValue` that is written the
//! shortest. Equal keys are equal attributes, and none other.

use crate::batch::observe::{
    Body, Keys, Observed, attributes, is_readable, put_attribute, put_readable, put_text,
    put_value, text,
};

use super::Config;
use super::config::{INSTANCE, SERVICE, SPAN_KIND, SPAN_NAME, STATUS};
use crate::telemetry;

/// The length of a piece that is not there.
const ABSENT: u32 = u32::MAX;

const KINDS: [&str; 6] = [
    "SPAN_KIND_UNSPECIFIED",
    "SPAN_KIND_INTERNAL",
    "SPAN_KIND_SERVER",
    "SPAN_KIND_CLIENT",
    "SPAN_KIND_PRODUCER",
    "SPAN_KIND_CONSUMER",
];

const STATUSES: [&str; 3] = ["STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"];

/// What is counted, and by what.
#[derive(Debug)]
pub(super) struct Plan {
    /// The attributes that are dimensions.
    pub(super) keys: Keys,
    dimensions: Vec<Named>,
    /// Whether series have the service's name, and the span's name, kind and status.
    has: [bool; 4],
    /// The name of this process, if series tell it.
    instance: Option<Box<[u8]>>,
    /// The bounds of the buckets in nanoseconds; nothing without a histogram.
    pub(super) bounds: Vec<u64>,
    /// How many buckets there are.
    pub(super) buckets: usize,
    /// The most exemplars of a data point.
    pub(super) exemplars: usize,
}

/// A dimension's key, and the body of its default.
type Named = (Box<str>, Option<Box<[u8]>>);

/// What the spans of a resource share of their keys.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// The piece of the service's name.
    service: Vec<u8>,
    /// For each dimension the piece of a span that lacks it.
    fallbacks: Vec<Vec<u8>>,
}

impl Shared {
    /// How much of each key it is.
    pub(super) fn bytes(&self) -> usize {
        self.service.len() + self.fallbacks.iter().map(Vec::len).sum::<usize>()
    }
}

impl Plan {
    pub(super) fn of(config: &Config) -> Self {
        let has = |dimension: &str| !config.exclude_dimensions.iter().any(|one| one == dimension);
        let text_body = |text: &str| {
            let mut body = vec![];
            put_text(text.as_bytes(), &mut body);
            body.into_boxed_slice()
        };
        let nanoseconds =
            |bound: &std::time::Duration| u64::try_from(bound.as_nanos()).unwrap_or(u64::MAX);
        let histogram = config.histogram.as_ref();
        let dimensions = config.dimensions.iter();
        Self {
            keys: Keys::new(dimensions.clone().map(|one| one.name.as_str())),
            dimensions: dimensions
                .map(|one| {
                    (
                        one.name.as_str().into(),
                        one.default.as_deref().map(text_body),
                    )
                })
                .collect(),
            has: [SERVICE, SPAN_NAME, SPAN_KIND, STATUS].map(has),
            instance: has(INSTANCE).then(|| text_body(telemetry::instance())),
            bounds: histogram.map_or(vec![], |one| one.buckets.iter().map(nanoseconds).collect()),
            buckets: histogram.map_or(0, |one| one.buckets.len() + 1),
            exemplars: config.exemplars,
        }
    }

    /// What the spans of a resource share; nothing if it has no service's name, whose spans are not counted.
    pub(super) fn share(&self, resource: &[u8], shared: &mut Shared) -> bool {
        let mut service = None;
        shared
            .fallbacks
            .resize_with(self.dimensions.len(), Vec::new);
        shared.fallbacks.iter_mut().for_each(Vec::clear);
        attributes(resource, |key, body| {
            if key == SERVICE.as_bytes() && service.is_none() {
                service = Some(text(body).unwrap_or_default().to_vec());
            }
            let mut dimensions = self.dimensions.iter().zip(&mut shared.fallbacks);
            let found = dimensions.find(|((name, _), _)| name.as_bytes() == key);
            if let Some((_, fallback)) = found
                && fallback.is_empty()
            {
                put_piece(fallback, |out| put_value(body, out));
            }
        });
        for ((_, default), fallback) in self.dimensions.iter().zip(&mut shared.fallbacks) {
            match default {
                _ if !fallback.is_empty() => {}
                Some(body) => put_piece(fallback, |out| out.extend_from_slice(body)),
                None => fallback.extend_from_slice(&ABSENT.to_le_bytes()),
            }
        }
        shared.service.clear();
        let [has_service, ..] = self.has;
        if has_service {
            let service = service.as_deref().unwrap_or_default();
            put_piece(&mut shared.service, |out| put_text(service, out));
        }
        service.is_some()
    }

    /// Writes the key of a span's series.
    #[inline]
    pub(super) fn key(
        &self,
        shared: &Shared,
        span: &Observed<'_>,
        values: &[Option<Body<'_>>],
        key: &mut Vec<u8>,
    ) {
        let [_, has_name, has_kind, has_status] = self.has;
        key.clear();
        key.extend_from_slice(&shared.service);
        if has_name {
            put_piece(key, |out| put_text(span.name, out));
        }
        if has_kind {
            key.push(number(span.kind));
        }
        if has_status {
            key.push(number(span.status));
        }
        for (value, fallback) in values.iter().zip(&shared.fallbacks) {
            match value {
                Some(body) => put_piece(key, |out| put_value(body, out)),
                None => key.extend_from_slice(fallback),
            }
        }
    }

    /// Tells the attributes of a series: each key with its value's body.
    pub(super) fn attributes(&self, key: &[u8], mut tell: impl FnMut(&str, &[u8])) {
        let [has_service, has_name, has_kind, has_status] = self.has;
        let mut rest = key;
        let mut body = vec![];
        let mut named = |name: &str, words: &[&str], number: u8| {
            body.clear();
            let word = words.get(usize::from(number)).copied().unwrap_or_default();
            put_text(word.as_bytes(), &mut body);
            tell(name, &body);
        };
        // In the Collector's order.
        let service = has_service.then(|| take_piece(&mut rest)).flatten();
        let name = has_name.then(|| take_piece(&mut rest)).flatten();
        let kind = has_kind.then(|| take_number(&mut rest));
        let status = has_status.then(|| take_number(&mut rest));
        if let Some(kind) = kind {
            named(SPAN_KIND, &KINDS, kind);
        }
        if let Some(status) = status {
            named(STATUS, &STATUSES, status);
        }
        for (name, body) in [
            (SERVICE, service),
            (SPAN_NAME, name),
            (INSTANCE, self.instance.as_deref()),
        ] {
            if let Some(body) = body {
                tell(name, body);
            }
        }
        for (name, _) in &self.dimensions {
            if let Some(body) = take_piece(&mut rest) {
                tell(name, body);
            }
        }
    }

    /// Whether all texts of a key are UTF-8, as backends ask for.
    pub(super) fn is_readable(&self, key: &[u8]) -> bool {
        let mut all = true;
        self.attributes(key, |_, body| all &= is_readable(body));
        all
    }

    /// The same key, with U+FFFD where texts are not UTF-8.
    pub(super) fn mended(&self, key: &[u8]) -> Vec<u8> {
        let (mut rest, mut mended) = (key, vec![]);
        let piece = |rest: &mut &[u8], mended: &mut Vec<u8>| match take_piece(rest) {
            Some(body) => put_piece(mended, |out| put_readable(body, out)),
            None => mended.extend_from_slice(&ABSENT.to_le_bytes()),
        };
        let [has_service, has_name, has_kind, has_status] = self.has;
        for has in [has_service, has_name] {
            if has {
                piece(&mut rest, &mut mended);
            }
        }
        for has in [has_kind, has_status] {
            if has {
                mended.push(take_number(&mut rest));
            }
        }
        for _ in &self.dimensions {
            piece(&mut rest, &mut mended);
        }
        mended
    }
}

/// Adds the attributes that are told as field `number` of a message.
pub(super) fn put_attributes(out: &mut Vec<u8>, number: u32, plan: &Plan, key: &[u8]) {
    plan.attributes(key, |name, body| {
        put_attribute(out, number, name.as_bytes(), body);
    });
}

#[inline]
fn put_piece(out: &mut Vec<u8>, put: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.extend_from_slice(&[0; 4]);
    put(out);
    let length = u32::try_from(out.len() - at - 4).unwrap_or_default();
    if let Some(place) = out.get_mut(at..at + 4) {
        place.copy_from_slice(&length.to_le_bytes());
    }
}

fn take_piece<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, after) = rest.split_first_chunk()?;
    *rest = after;
    let length = u32::from_le_bytes(*length);
    if length == ABSENT {
        return None;
    }
    let (piece, after) = rest.split_at_checked(length as usize)?;
    *rest = after;
    Some(piece)
}

fn take_number(rest: &mut &[u8]) -> u8 {
    let Some((number, after)) = rest.split_first() else {
        return u8::MAX;
    };
    *rest = after;
    *number
}

/// An enum's number, all unknown ones alike.
#[inline]
fn number(value: u64) -> u8 {
    u8::try_from(value).unwrap_or(u8::MAX)
}
