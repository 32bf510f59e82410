use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

const CORRUPT: InflateError = InflateError::Corrupt(Coding::Gzip);

fn inflate(gzip: &[u8], limit: usize) -> Result<Vec<u8>, InflateError> {
    opened(Coding::Gzip, gzip, limit)
}

/// gzip of one member, as a client makes it.
fn member(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(plain).expect("a vector takes it");
    encoder.finish().expect("a vector takes it")
}

#[test]
fn every_member_is_opened() {
    // Two members of one size: the trailer tells the size of the first, and nothing says that there is a second.
    let gzip = [member(b"one"), member(b"two")].concat();
    assert_eq!(inflate(&gzip, 100).unwrap(), b"onetwo");
    assert_eq!(inflate(&gzip, 5), Err(InflateError::TooLarge { limit: 5 }));
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
        assert_eq!(inflate(&lying, 2 << 20), Err(CORRUPT), "{claim}");
    }
}

#[test]
fn a_flipped_bit_is_found() {
    let mut flipped = member(&noise(5000));
    flipped[100] ^= 4;
    assert_eq!(inflate(&flipped, 5000), Err(CORRUPT));
}
