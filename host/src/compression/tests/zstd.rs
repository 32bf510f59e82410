use std::io::Write;

use ::zstd::stream::write::Encoder;

use super::*;

const CORRUPT: InflateError = InflateError::Corrupt(Coding::Zstd);

/// [`TEXT`] as the program `zstd` writes it from a pipe: no size, a checksum.
const PIPED: &str = "28b52ffd0458ad0000786f746c65742074656c656d657472790100f14a11855d1626";

fn inflate(body: &[u8], limit: usize) -> Result<Vec<u8>, InflateError> {
    opened(Coding::Zstd, body, limit)
}

/// Three bytes in front of a block: whether it is the last, its kind and its size.
fn block(last: bool, kind: u32, size: u32) -> [u8; 3] {
    let [a, b, c, _] = (u32::from(last) | kind << 1 | size << 3).to_le_bytes();
    [a, b, c]
}

/// A frame by hand: a descriptor and what goes with it, then blocks.
fn frame(head: &[u8], blocks: &[&[u8]]) -> Vec<u8> {
    [&[0x28, 0xb5, 0x2f, 0xfd], head, &blocks.concat()].concat()
}

/// A frame of one block as it is, that says its size.
fn stored(plain: &[u8]) -> Vec<u8> {
    let len = u32::try_from(plain.len()).unwrap();
    let head = [&[0xa0], &len.to_le_bytes()[..]].concat();
    frame(&head, &[&block(true, 0, len), plain])
}

/// What a client that streams makes: one frame that does not say its size.
fn streamed(plain: &[u8], level: i32) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new(), level).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn what_the_program_zstd_wrote_is_opened() {
    assert_eq!(inflate(&hex(PIPED), 100).unwrap(), TEXT);
    let less = inflate(&hex(PIPED), TEXT.len() - 1);
    assert_eq!(less, Err(InflateError::TooLarge { limit: 32 }));
    let mut wrong = hex(PIPED);
    *wrong.last_mut().unwrap() ^= 1;
    assert_eq!(inflate(&wrong, 100), Err(CORRUPT));
}

#[test]
fn frames_made_by_hand_are_opened() {
    assert_eq!(inflate(&stored(b"telemetry"), 9).unwrap(), b"telemetry");
    // One byte nine times, in a frame with a window and without a size.
    let again = frame(&[0, 0], &[&block(true, 1, 9), b"a"]);
    assert_eq!(inflate(&again, 9).unwrap(), b"aaaaaaaaa");
    let nothing = frame(&[0x20, 0], &[&block(true, 0, 0)]);
    assert_eq!(inflate(&nothing, 0).unwrap(), b"");
}

#[test]
fn every_frame_is_opened_and_counted_and_others_are_skipped() {
    let skipped = [&[0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"xyz"].concat();
    let body = [&skipped, &stored(b"one"), &skipped, &stored(b"two")[..]].concat();
    assert_eq!(inflate(&body, 6).unwrap(), b"onetwo");
    assert_eq!(inflate(&body, 5), Err(InflateError::TooLarge { limit: 5 }));
    // Nothing but what is skipped is no request.
    assert_eq!(inflate(&skipped, 100), Err(CORRUPT));
}

#[test]
fn a_size_that_is_made_up_gets_nowhere() {
    let honest = stored(&[b'a'; 1000]);
    for claim in [0_u32, 999, 1001, 1 << 20, u32::MAX] {
        let mut lying = honest.clone();
        lying[5..9].copy_from_slice(&claim.to_le_bytes());
        assert_eq!(inflate(&lying, 2000), Err(CORRUPT), "{claim}");
    }
    // A size of 64 bits in front of one block.
    let huge = [&[0xe0], &u64::MAX.to_le_bytes()[..]].concat();
    let huge = frame(&huge, &[&block(true, 1, 5), b"a"]);
    assert_eq!(inflate(&huge, 2000), Err(CORRUPT));
}

#[test]
fn what_says_no_size_is_charged_with_what_its_blocks_can_hold() {
    for level in [-5, 1, 3, 9] {
        for len in [0, 100, 131_072, 131_073, 1_000_003] {
            let plain = noise(len);
            let body = streamed(&plain, level);
            let packed = admit(Coding::Zstd, framed(&body), 16 << 20).unwrap();
            assert!(packed.size >= len && packed.size <= len + (128 << 10));
            let opened = compression_inflate(&packed);
            assert_eq!(opened, plain);
            // Charged with the bound where the blocks could hold more.
            assert_eq!(inflate(&body, len).unwrap(), plain);
            if len > 0 {
                let less = inflate(&body, len - 1);
                assert_eq!(less, Err(InflateError::TooLarge { limit: len - 1 }));
            }
        }
    }
}

/// The plain bytes, which must not keep more room than they need.
fn compression_inflate(packed: &Packed) -> Vec<u8> {
    let plain = super::super::inflate(packed).unwrap();
    let vector: Vec<u8> = plain.into();
    assert!(vector.capacity() < vector.len() + 4096, "{}", vector.len());
    vector[PREFIX..].to_vec()
}

#[test]
fn a_bomb_is_refused_without_allocating() {
    let limit = 1 << 20;
    let too_large = Some(InflateError::TooLarge { limit });
    // A hundred blocks of four bytes that hold two megabytes each.
    let one = [&block(false, 1, (1 << 21) - 1)[..], b"a"].concat();
    let last = block(true, 0, 0);
    let blocks: Vec<&[u8]> = vec![&one; 100]
        .into_iter()
        .map(|b| &b[..])
        .chain([&last[..]])
        .collect();
    let bomb = frame(&[0, 0x58], &blocks);
    assert!(bomb.len() < 500);
    assert_eq!(admit(Coding::Zstd, framed(&bomb), limit).err(), too_large);
    // One that says what it holds, and one that does not.
    let zeros = vec![0; 64 << 20];
    let said = ::zstd::bulk::compress(&zeros, 19).unwrap();
    assert_eq!(admit(Coding::Zstd, framed(&said), limit).err(), too_large);
    let unsaid = streamed(&zeros, 1);
    assert_eq!(inflate(&unsaid, limit).err(), too_large);
}

#[test]
fn a_window_over_8_mib_is_refused_and_one_of_8_mib_is_not() {
    let windowed = |byte: u8| frame(&[0, byte], &[&block(true, 0, 3), b"abc"]);
    // 2^23, and an eighth more.
    assert_eq!(inflate(&windowed(13 << 3), 100).unwrap(), b"abc");
    for byte in [13 << 3 | 1, 14 << 3, 0xff] {
        let refused = inflate(&windowed(byte), 100);
        assert_eq!(refused, Err(InflateError::Window), "{byte}");
    }
    let refusal = InflateError::Window.refusal("");
    assert!(matches!(refusal, Refusal::Invalid(_)));
    assert!(refusal.to_string().contains("8 MiB"), "{refusal}");
    // What is in one piece needs no window: a large batch says its size and has none.
    let large = ::zstd::bulk::compress(&noise(9 << 20), 1).unwrap();
    assert_eq!(inflate(&large, 16 << 20).unwrap().len(), 9 << 20);
}

#[test]
fn reserved_blocks_dictionaries_and_nonsense_are_damage() {
    let reserved = frame(&[0, 0], &[&block(true, 3, 1), b"a"]);
    let dictionary = frame(&[0x21, 7, 1], &[&block(true, 0, 1), b"a"]);
    for body in [
        &reserved[..],
        &dictionary,
        b"",
        b"x",
        b"telemetry",
        &[0; 64],
    ] {
        assert_eq!(inflate(body, 100), Err(CORRUPT), "{body:?}");
    }
}

#[test]
fn one_frame_goes_on_as_it_is_and_several_do_not() {
    let is_one = |body: &[u8]| admit(Coding::Zstd, framed(body), 100).unwrap().is_one;
    let skipped = [&[0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"xyz"].concat();
    assert!(is_one(&stored(b"one")));
    assert!(!is_one(&[stored(b"one"), stored(b"two")].concat()));
    assert!(!is_one(&[skipped, stored(b"one")].concat()));
}
