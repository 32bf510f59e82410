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

/// What a body is charged with, and whether it is but one member.
fn admitted(gzip: &[u8], limit: usize) -> Result<(usize, bool), InflateError> {
    admit(Coding::Gzip, framed(gzip), limit).map(|packed| (packed.size, packed.is_one))
}

#[test]
fn all_members_are_counted_and_the_last_one_does_not_speak_for_the_others() {
    let one = member(&noise(1000));
    assert_eq!(admitted(&one, 1000), Ok((1000, true)));
    for (parts, size) in [
        (vec![&one[..]; 4], 4000),
        (vec![&member(b"")[..], &one], 1000),
        (vec![&one, &member(b"")[..]], 1000),
    ] {
        let all = parts.concat();
        assert_eq!(admitted(&all, size), Ok((size, false)));
        let too_large = InflateError::TooLarge { limit: size - 1 };
        assert_eq!(admitted(&all, size - 1), Err(too_large));
    }
}

#[test]
fn what_looks_like_another_member_and_is_none_goes_on_as_it_is() {
    let mut encoder = flate2::GzBuilder::new()
        .filename(&b"\x1f\x8b\x08"[..])
        .write(Vec::new(), Compression::new(6));
    encoder.write_all(&noise(1000)).unwrap();
    let gzip = encoder.finish().unwrap();
    assert_eq!(admitted(&gzip, 1000), Ok((1000, true)));
    assert_eq!(inflate(&gzip, 1000).unwrap(), noise(1000));
    // A long name makes the body longer than its trailer says that it can be.
    let mut encoder = flate2::GzBuilder::new()
        .filename(vec![b'a'; 500])
        .write(Vec::new(), Compression::new(6));
    encoder.write_all(b"x").unwrap();
    assert_eq!(admitted(&encoder.finish().unwrap(), 1000), Ok((1, true)));
}

#[test]
fn what_stands_behind_the_last_member_is_damage() {
    let one = member(&noise(1000));
    for behind in [&[0; 1][..], &[0; 4], &[0; 512], b"garbage", &one[..20]] {
        let body = [&one, behind].concat();
        assert_eq!(admitted(&body, 100_000), Err(CORRUPT), "{behind:?}");
    }
}
