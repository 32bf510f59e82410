//! Requests as no library of OpenTelemetry writes them and protobuf allows them: singular messages in several pieces, fields in
//! any order, fields that nobody knows.

use bytes::Bytes;
use fastrand::Rng;
use otlet::batch::Batch;
use otlet_plugin::{Signal, testing::Request};
use prost::encoding::{WireType, decode_key, decode_varint, encode_key, encode_varint};

use crate::{
    columns::host_signal,
    generate::Generator,
    leaves::{list, of_host, pack},
    runs::{BUDGET, seeds},
};

/// A message of OTLP: its fields that hold messages, and whether only one is meant.
struct Shape {
    messages: &'static [(u32, &'static Shape, Many)],
}

/// How many there are of a field.
#[derive(Clone, Copy, PartialEq)]
enum Many {
    One,
    Any,
}

use Many::{Any, One};

static ANY_VALUE: Shape = Shape {
    messages: &[(5, &ARRAY, One), (6, &MAP, One)],
};
static ARRAY: Shape = Shape {
    messages: &[(1, &ANY_VALUE, Any)],
};
static MAP: Shape = Shape {
    messages: &[(1, &KEY_VALUE, Any)],
};
static KEY_VALUE: Shape = Shape {
    messages: &[(2, &ANY_VALUE, One)],
};
static LEAF: Shape = Shape { messages: &[] };
static RESOURCE: Shape = Shape {
    messages: &[(1, &KEY_VALUE, Any), (3, &LEAF, Any)],
};
static SCOPE: Shape = Shape {
    messages: &[(3, &KEY_VALUE, Any)],
};

static EVENT: Shape = Shape {
    messages: &[(3, &KEY_VALUE, Any)],
};
static LINK: Shape = Shape {
    messages: &[(4, &KEY_VALUE, Any)],
};
static SPAN: Shape = Shape {
    messages: &[
        (9, &KEY_VALUE, Any),
        (11, &EVENT, Any),
        (13, &LINK, Any),
        (15, &LEAF, One),
    ],
};
static SCOPE_SPANS: Shape = Shape {
    messages: &[(1, &SCOPE, One), (2, &SPAN, Any)],
};
static RESOURCE_SPANS: Shape = Shape {
    messages: &[(1, &RESOURCE, One), (2, &SCOPE_SPANS, Any)],
};
static TRACES: Shape = Shape {
    messages: &[(1, &RESOURCE_SPANS, Any)],
};

// A body in pieces has the leaves of every piece, so that nothing hides in one; removing those of one leaves the others.
static LOG: Shape = Shape {
    messages: &[(5, &ANY_VALUE, Any), (6, &KEY_VALUE, Any)],
};
static SCOPE_LOGS: Shape = Shape {
    messages: &[(1, &SCOPE, One), (2, &LOG, Any)],
};
static RESOURCE_LOGS: Shape = Shape {
    messages: &[(1, &RESOURCE, One), (2, &SCOPE_LOGS, Any)],
};
static LOGS: Shape = Shape {
    messages: &[(1, &RESOURCE_LOGS, Any)],
};

static EXEMPLAR: Shape = Shape {
    messages: &[(7, &KEY_VALUE, Any)],
};
static NUMBER: Shape = Shape {
    messages: &[(5, &EXEMPLAR, Any), (7, &KEY_VALUE, Any)],
};
static HISTOGRAM: Shape = Shape {
    messages: &[(8, &EXEMPLAR, Any), (9, &KEY_VALUE, Any)],
};
static EXPONENTIAL: Shape = Shape {
    messages: &[
        (1, &KEY_VALUE, Any),
        (8, &LEAF, One),
        (9, &LEAF, One),
        (11, &EXEMPLAR, Any),
    ],
};
static SUMMARY: Shape = Shape {
    messages: &[(6, &LEAF, Any), (7, &KEY_VALUE, Any)],
};
static NUMBERS: Shape = Shape {
    messages: &[(1, &NUMBER, Any)],
};
static HISTOGRAMS: Shape = Shape {
    messages: &[(1, &HISTOGRAM, Any)],
};
static EXPONENTIALS: Shape = Shape {
    messages: &[(1, &EXPONENTIAL, Any)],
};
static SUMMARIES: Shape = Shape {
    messages: &[(1, &SUMMARY, Any)],
};
static METRIC: Shape = Shape {
    messages: &[
        (5, &NUMBERS, One),
        (7, &NUMBERS, One),
        (9, &HISTOGRAMS, One),
        (10, &EXPONENTIALS, One),
        (11, &SUMMARIES, One),
        (12, &KEY_VALUE, Any),
    ],
};
static SCOPE_METRICS: Shape = Shape {
    messages: &[(1, &SCOPE, One), (2, &METRIC, Any)],
};
static RESOURCE_METRICS: Shape = Shape {
    messages: &[(1, &RESOURCE, One), (2, &SCOPE_METRICS, Any)],
};
static METRICS: Shape = Shape {
    messages: &[(1, &RESOURCE_METRICS, Any)],
};

/// The number of a field that OTLP does not have, and what stands in it where it is text.
const UNKNOWN: u32 = 1000;
const UNKNOWN_TEXT: &[u8] = b"nobody knows this field";

/// A field with its tag.
struct Field {
    number: u32,
    wire_type: WireType,
    /// What follows the tag, or the body of a field with a length.
    body: Vec<u8>,
}

impl Field {
    fn write(&self, out: &mut Vec<u8>) {
        encode_key(self.number, self.wire_type, out);
        if self.wire_type == WireType::LengthDelimited {
            encode_varint(self.body.len() as u64, out);
        }
        out.extend_from_slice(&self.body);
    }
}

/// The fields of a message that OpenTelemetry's library wrote.
fn fields(mut message: &[u8]) -> Vec<Field> {
    let mut fields = Vec::new();
    while !message.is_empty() {
        let (number, wire_type) = decode_key(&mut message).unwrap();
        let len = match wire_type {
            WireType::LengthDelimited => decode_varint(&mut message).unwrap(),
            WireType::SixtyFourBit => 8,
            WireType::ThirtyTwoBit => 4,
            _ => 1 + message.iter().take_while(|byte| **byte >= 0x80).count() as u64,
        };
        let (body, rest) = message.split_at(usize::try_from(len).unwrap());
        fields.push(Field {
            number,
            wire_type,
            body: body.to_vec(),
        });
        message = rest;
    }
    fields
}

/// The same message, or rather what protobuf reads as the same, written oddly.
fn odd(rng: &mut Rng, message: &[u8], shape: &Shape) -> Vec<u8> {
    let mut written = Vec::new();
    for mut field in fields(message) {
        let known = shape
            .messages
            .iter()
            .find(|(number, ..)| *number == field.number);
        let Some((_, inner, many)) = known else {
            written.push(field);
            continue;
        };
        // Pieces first, since what is odd in them already has no order to be cut by.
        if *many == One && rng.u8(..3) == 0 {
            let (first, second) = pieces(rng, &field.body);
            written.push(Field {
                body: odd(rng, &first, inner),
                ..field
            });
            field = Field {
                number: field.number,
                wire_type: WireType::LengthDelimited,
                body: second,
            };
        }
        field.body = odd(rng, &field.body, inner);
        written.push(field);
    }
    if rng.u8(..4) == 0 {
        written.push(unknown(rng));
    }
    if rng.u8(..3) == 0 {
        shuffle(rng, &mut written);
    }
    let mut out = Vec::new();
    for field in &written {
        field.write(&mut out);
    }
    out
}

/// The fields of a message as two messages, which make the same when they are merged.
fn pieces(rng: &mut Rng, message: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let fields = fields(message);
    let cut = rng.usize(..=fields.len());
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for (index, field) in fields.iter().enumerate() {
        field.write(if index < cut { &mut first } else { &mut second });
    }
    (first, second)
}

/// Another order of fields; those of the same number keep theirs.
fn shuffle(rng: &mut Rng, fields: &mut [Field]) {
    let mut numbers: Vec<_> = fields.iter().map(|field| field.number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    rng.shuffle(&mut numbers);
    fields.sort_by_key(|field| numbers.iter().position(|number| *number == field.number));
}

fn unknown(rng: &mut Rng) -> Field {
    let (wire_type, body) = match rng.u8(..5) {
        0 => (WireType::Varint, vec![0xff, 1]),
        1 => (WireType::SixtyFourBit, vec![1; 8]),
        2 => (WireType::ThirtyTwoBit, vec![1; 4]),
        _ => (WireType::LengthDelimited, UNKNOWN_TEXT.to_vec()),
    };
    Field {
        number: UNKNOWN + u32::from(rng.u8(..3)),
        wire_type,
        body,
    }
}

fn odd_request(request: &Request, seed: u64) -> Bytes {
    let shape = match request.signal() {
        Signal::Metrics => &METRICS,
        Signal::Logs => &LOGS,
        _ => &TRACES,
    };
    let message = odd(&mut Rng::with_seed(seed), &request.to_protobuf(), shape);
    let again = Request::from_protobuf(request.signal(), &message).unwrap();
    assert_eq!(
        again.to_protobuf(),
        request.to_protobuf(),
        "the odd request is the same"
    );
    message.into()
}

#[test]
fn edits_of_oddly_written_traces_are_those_of_the_model() {
    seeds(Signal::Traces, 1000, odd_request);
}

#[test]
fn edits_of_oddly_written_metrics_are_those_of_the_model() {
    seeds(Signal::Metrics, 1000, odd_request);
}

#[test]
fn edits_of_oddly_written_logs_are_those_of_the_model() {
    seeds(Signal::Logs, 1000, odd_request);
}

/// How often the unknown text is in these bytes.
fn unknown_texts(bytes: &[u8]) -> usize {
    bytes
        .windows(UNKNOWN_TEXT.len())
        .filter(|window| *window == UNKNOWN_TEXT)
        .count()
}

#[test]
fn unknown_fields_survive_edits_beside_them() {
    let mut seen = 0;
    for signal in Signal::ALL {
        for seed in 0..100 {
            let message = odd_request(&Generator::new(seed).request(*signal), seed);
            let before = unknown_texts(&message);
            let column = otlet::batch::Column::parse("record.attributes[\"new\"]").unwrap();
            let batch = Batch::new(host_signal(*signal), message).unwrap();
            let mut transaction = batch.begin(BUDGET);
            let value = otlet::batch::Value::Text("value".into());
            transaction.fill(&column, None, &value).unwrap();
            assert_eq!(
                unknown_texts(&transaction.commit().splice(0)),
                before,
                "seed {seed}"
            );
            seen += before;
        }
    }
    assert!(seen > 1000, "unknown fields that were there: {seen}");
}

#[test]
fn a_body_in_two_pieces_hides_nothing_in_the_first() {
    let piece = |text: &str| {
        let body = [&[0x0a, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
        Field {
            number: 5,
            wire_type: WireType::LengthDelimited,
            body,
        }
    };
    let wrap = |number, inner: &[Field]| {
        let mut body = Vec::new();
        for field in inner {
            field.write(&mut body);
        }
        Field {
            number,
            wire_type: WireType::LengthDelimited,
            body,
        }
    };
    let log = wrap(2, &[piece("secret"), piece("open")]);
    let request = wrap(1, &[wrap(2, &[log])]);
    let message = wrap(0, &[request]).body;
    let batch = Batch::new(host_signal(Signal::Logs), message.into()).unwrap();
    let mut transaction = batch.begin(BUDGET);
    let leaves = transaction
        .all_leaves(&["record".into()], &["text".into()])
        .unwrap();
    let texts: Vec<_> = list(&of_host(leaves))
        .into_iter()
        .map(|(.., text)| text)
        .collect();
    assert_eq!(texts, ["secret", "open"]);
    let masked = ["******", "****"].map(|text| Some(text.to_owned()));
    transaction
        .replace_leaves(&[0, 1], &pack(&masked).0)
        .unwrap();
    let out = transaction.commit().splice(0);
    assert!(!out.windows(6).any(|window| window == b"secret"), "{out:?}");
}
