//! Each coding against bytes that others made, both directions, and its bounds.

mod gzip;
mod zlib;
mod zstd;

use super::*;
use crate::batch::Signal;
use crate::payload::prefix;

/// The codings that an exporter has.
const SENT: [Coding; 3] = [Coding::Gzip, Coding::Zstd, Coding::Zlib];

/// What every coding's fixture holds.
const TEXT: &[u8] = b"otlet otlet otlet otlet telemetry";

/// A compressed body behind its prefix.
fn framed(body: &[u8]) -> Bytes {
    [&prefix(true, body.len()), body].concat().into()
}

/// Opens a body as a receiver does, and takes the prefix off.
fn opened(coding: Coding, body: &[u8], limit: usize) -> Result<Vec<u8>, InflateError> {
    let plain = inflate(&admit(coding, framed(body), limit)?)?;
    let len = plain.len() - PREFIX;
    assert!(len <= limit, "{len} bytes are over the bound of {limit}");
    assert_eq!(plain[..PREFIX], prefix(false, len));
    Ok(plain[PREFIX..].to_vec())
}

/// Bytes from hexadecimal.
fn hex(text: &str) -> Vec<u8> {
    let digit = |c: u8| char::from(c).to_digit(16).unwrap();
    text.as_bytes()
        .chunks(2)
        .map(|pair| u8::try_from(digit(pair[0]) << 4 | digit(pair[1])).unwrap())
        .collect()
}

/// Bytes that compress a little, the same on every run.
fn noise(len: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(7);
    (0..len).map(|_| random.u8(..) & 0x3f).collect()
}

#[test]
fn what_is_compressed_opens_to_the_same_bytes() {
    for coding in SENT {
        for len in [0, 1, 17, 4096, 65_537, 1_000_003] {
            let plain = noise(len);
            let packed = deflate(coding, &plain);
            assert_eq!((packed.coding, packed.size), (coding, len));
            let body = &packed.framed[PREFIX..];
            assert_eq!(packed.framed[..PREFIX], prefix(true, body.len()));
            let admitted = admit(coding, packed.framed.clone(), len).unwrap();
            assert_eq!((admitted.coding, admitted.size), (coding, len));
            assert_eq!(
                opened(coding, body, len).unwrap(),
                plain,
                "{coding:?} {len}"
            );
        }
    }
}

#[test]
fn what_does_not_compress_is_written_whole() {
    let mut random = fastrand::Rng::with_seed(3);
    let plain: Vec<u8> = (0..300_000).map(|_| random.u8(..)).collect();
    for coding in SENT {
        let packed = deflate(coding, &plain);
        // zlib-rs writes a byte in 8.6 bits at this level.
        assert!(packed.framed.len() < 330_000, "{coding:?}");
        assert_eq!(
            opened(coding, &packed.framed[PREFIX..], 300_000).unwrap(),
            plain
        );
    }
}

#[test]
fn the_bound_holds_to_the_byte() {
    for coding in SENT {
        let body = deflate(coding, &[b'a'; 1000]).framed.slice(PREFIX..);
        assert_eq!(opened(coding, &body, 1000).unwrap().len(), 1000);
        assert_eq!(
            opened(coding, &body, 999),
            Err(InflateError::TooLarge { limit: 999 }),
            "{coding:?}"
        );
    }
}

#[test]
fn damage_is_found_wherever_a_body_is_cut() {
    for coding in SENT {
        let body = deflate(coding, &noise(5000)).framed.slice(PREFIX..);
        for cut in 0..body.len() {
            let cut = opened(coding, &body[..cut], 5000);
            assert!(matches!(cut, Err(InflateError::Corrupt(_))), "{cut:?}");
        }
        let trailing = [&body[..], b"garbage"].concat();
        let trailing = opened(coding, &trailing, 5000);
        assert!(matches!(trailing, Err(InflateError::Corrupt(_))));
    }
}

#[test]
fn names_are_those_of_http_and_grpc() {
    for (name, coding) in [
        ("gzip", Some(Coding::Gzip)),
        ("GZIP", Some(Coding::Gzip)),
        ("zstd", Some(Coding::Zstd)),
        ("deflate", Some(Coding::Zlib)),
        ("zlib", Some(Coding::Zlib)),
        ("snappy", None),
        ("", None),
        ("gzip, gzip", None),
    ] {
        assert_eq!(Coding::named(name.as_bytes()), coding, "{name}");
    }
    for name in ACCEPTED.split(", ") {
        assert_eq!(Coding::named(name.as_bytes()).unwrap().name(), name);
    }
}

#[test]
fn a_payload_is_opened_and_compressed_once() {
    for coding in SENT {
        let came = deflate(coding, b"telemetry");
        let at = came.framed.as_ptr();
        let payload = open(Payload::packed(Signal::Logs, came)).unwrap();
        assert_eq!(payload.message().unwrap(), &b"telemetry"[..]);
        let again = pack(payload, coding).unwrap();
        assert_eq!(again.framed_in(coding).unwrap().as_ptr(), at);

        let plain = Payload::plain(Signal::Logs, Bytes::from_static(b"\0\0\0\0\x01x"));
        let both = pack(open(plain).unwrap(), coding).unwrap();
        let body = &both.framed_in(coding).unwrap()[PREFIX..];
        assert_eq!(opened(coding, body, 1).unwrap(), b"x");
    }
}

#[test]
fn what_came_compressed_in_one_way_goes_on_in_another() {
    for came in SENT {
        for wanted in SENT {
            let payload = Payload::packed(Signal::Logs, deflate(came, TEXT));
            let payload = pack(payload, wanted).unwrap();
            let body = &payload.framed_in(wanted).unwrap()[PREFIX..];
            assert_eq!(opened(wanted, body, 100).unwrap(), TEXT);
            assert_eq!(payload.opened_size(), TEXT.len());
        }
    }
}

#[test]
fn a_payload_that_is_too_large_once_opened_is_refused_for_good() {
    for coding in SENT {
        let mut packed = deflate(coding, b"telemetry");
        let error = admit(coding, packed.framed.clone(), 8).unwrap_err();
        let refusal = error.refusal("the_key");
        assert!(matches!(refusal, Refusal::TooLarge(_)));
        assert!(
            refusal.to_string().ends_with("or raise `the_key`"),
            "{refusal}"
        );
        // Even if it were let in.
        packed.limit = 8;
        packed.size = 8;
        open(Payload::packed(Signal::Logs, packed)).unwrap_err();
    }
}
