use std::io::Write;

use flate2::write::GzEncoder;

use super::*;
use crate::batch::Signal;

/// gzip of one member, as a client makes it.
fn member(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(plain).expect("a vector takes it");
    encoder.finish().expect("a vector takes it")
}

/// Bytes that compress a little, the same on every run.
fn noise(len: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(7);
    (0..len).map(|_| random.u8(..) & 0x3f).collect()
}

#[test]
fn what_is_compressed_opens_to_the_same_bytes() {
    for len in [0, 1, 17, 4096, 65_537, 1_000_003] {
        let plain = noise(len);
        let framed = deflate(&plain);
        assert_eq!(framed[0], 1, "the compressed flag");
        let size = u32::from_be_bytes(framed[1..5].try_into().unwrap());
        assert_eq!(size as usize, framed.len() - 5);
        assert_eq!(claimed_size(&framed[5..]), Some(len));

        let opened = inflate(&framed[5..], len).unwrap();
        assert_eq!(opened[..5], payload::prefix(false, len));
        assert_eq!(&opened[5..], &plain[..]);
    }
}

#[test]
fn what_does_not_compress_is_written_whole() {
    let mut random = fastrand::Rng::with_seed(3);
    let plain: Vec<u8> = (0..300_000).map(|_| random.u8(..)).collect();
    assert_eq!(
        &inflate(&deflate(&plain)[5..], 300_000).unwrap()[5..],
        &plain[..]
    );
}

#[test]
fn every_member_is_opened() {
    // Two members of one size: the trailer tells the size of the first, and nothing says that there is a second.
    let gzip = [member(b"one"), member(b"two")].concat();
    assert_eq!(&inflate(&gzip, 100).unwrap()[..], b"\0\0\0\0\x06onetwo");
    assert_eq!(inflate(&gzip, 5), Err(InflateError::TooLarge { limit: 5 }));
}

#[test]
fn the_bound_holds_to_the_byte() {
    let gzip = member(&[b'a'; 1000]);
    assert_eq!(inflate(&gzip, 1000).unwrap().len(), 1005);
    assert_eq!(
        inflate(&gzip, 999),
        Err(InflateError::TooLarge { limit: 999 })
    );
}

#[test]
fn a_trailer_that_lies_gets_nowhere() {
    let bomb = member(&vec![0; 1 << 20]);
    for claim in [0_u32, 10, 1 << 30, u32::MAX] {
        let mut lying = bomb.clone();
        let at = lying.len() - 4;
        lying[at..].copy_from_slice(&claim.to_le_bytes());
        let small = inflate(&lying, 1000);
        assert_eq!(
            small,
            Err(InflateError::TooLarge { limit: 1000 }),
            "{claim}"
        );
        assert_eq!(
            inflate(&lying, 2 << 20),
            Err(InflateError::Corrupt),
            "{claim}"
        );
    }
}

#[test]
fn damaged_gzip_is_refused() {
    let gzip = member(&noise(5000));
    for cut in 0..gzip.len() {
        assert_eq!(
            inflate(&gzip[..cut], 5000),
            Err(InflateError::Corrupt),
            "{cut}"
        );
    }
    let mut flipped = gzip.clone();
    flipped[100] ^= 4;
    assert_eq!(inflate(&flipped, 5000), Err(InflateError::Corrupt));
    let trailing = [&gzip[..], b"garbage"].concat();
    assert_eq!(inflate(&trailing, 5000), Err(InflateError::Corrupt));
}

#[test]
fn a_payload_is_opened_and_compressed_once() {
    let came = deflate(b"telemetry");
    let payload = open(Payload::gzip(Signal::Logs, came.clone(), 9)).unwrap();
    assert_eq!(payload.message().unwrap(), &b"telemetry"[..]);
    let again = compress(payload);
    assert_eq!(again.framed_gzip().unwrap().as_ptr(), came.as_ptr());

    let plain = Payload::plain(Signal::Logs, Bytes::from_static(b"\0\0\0\0\x01x"));
    let both = compress(open(plain).unwrap());
    assert_eq!(
        &inflate(&both.framed_gzip().unwrap()[5..], 1).unwrap()[5..],
        b"x"
    );
}

#[test]
fn a_payload_that_is_too_large_once_opened_is_refused_for_good() {
    let refusal = open(Payload::gzip(Signal::Logs, deflate(b"telemetry"), 8)).unwrap_err();
    assert!(matches!(refusal, Refusal::TooLarge(_)));
    assert!(
        refusal.to_string().contains("max_request_size"),
        "{refusal}"
    );
}
