use super::*;

const CORRUPT: InflateError = InflateError::Corrupt(Coding::Zlib);

/// [`TEXT`] as Python's zlib writes it, at level 9, with its frame and without.
const FRAMED: &str = "78dacb2fc9492d51c8c7204b52735273534b8a2a01da710cfc";
const RAW: &str = "cb2fc9492d51c8c7204b52735273534b8a2a01";

fn inflate(body: &[u8], limit: usize) -> Result<Vec<u8>, InflateError> {
    opened(Coding::Zlib, body, limit)
}

/// What libdeflate makes of a message, in zlib's frame.
fn others(plain: &[u8], level: i32) -> Vec<u8> {
    let level = libdeflater::CompressionLvl::new(level).unwrap();
    let mut compressor = libdeflater::Compressor::new(level);
    let mut body = vec![0; compressor.zlib_compress_bound(plain.len())];
    let len = compressor.zlib_compress(plain, &mut body).unwrap();
    body.truncate(len);
    body
}

#[test]
fn both_forms_are_opened_and_told_apart() {
    for (body, coding) in [(FRAMED, Coding::Zlib), (RAW, Coding::Raw)] {
        let packed = admit(Coding::Zlib, framed(&hex(body)), 100).unwrap();
        assert_eq!((packed.coding, packed.size), (coding, TEXT.len()));
        assert_eq!(inflate(&hex(body), TEXT.len()).unwrap(), TEXT);
        let less = inflate(&hex(body), TEXT.len() - 1);
        assert_eq!(less, Err(InflateError::TooLarge { limit: 32 }));
    }
}

#[test]
fn what_has_no_frame_is_sent_in_one() {
    let came = admit(Coding::Zlib, framed(&hex(RAW)), 100).unwrap();
    let payload = pack(Payload::packed(Signal::Logs, came), Coding::Zlib).unwrap();
    let sent = &payload.framed_in(Coding::Zlib).unwrap()[PREFIX..];
    let mut plain = vec![0; TEXT.len()];
    let opened = libdeflater::Decompressor::new().zlib_decompress(sent, &mut plain);
    assert_eq!((opened, &plain[..]), (Ok(TEXT.len()), TEXT));
}

#[test]
fn what_libdeflate_wrote_is_opened_at_every_level_and_with_every_window() {
    for level in 0..=12 {
        let plain = noise(100_000);
        let body = others(&plain, level);
        assert_eq!(inflate(&body, 100_000).unwrap(), plain, "{level}");
        // Without the frame: two bytes in front, a checksum behind.
        let raw = &body[2..body.len() - 4];
        assert_eq!(inflate(raw, 100_000).unwrap(), plain, "{level}");
    }
}

#[test]
fn a_bomb_is_refused_without_allocating() {
    // A thousandth of what it holds.
    let bomb = others(&vec![0; 64 << 20], 12);
    assert!(bomb.len() < 70_000);
    let limit = 1 << 20;
    let refused = admit(Coding::Zlib, framed(&bomb), limit).err();
    assert_eq!(refused, Some(InflateError::TooLarge { limit }));
}

#[test]
fn a_wrong_checksum_a_dictionary_and_nonsense_are_damage() {
    let mut body = hex(FRAMED);
    *body.last_mut().unwrap() ^= 1;
    assert_eq!(inflate(&body, 100), Err(CORRUPT));
    // The flag that asks for a preset dictionary, with its check bits.
    assert_eq!(inflate(&[0x78, 0xbb, 0, 0, 0, 1, 3, 0], 100), Err(CORRUPT));
    for nonsense in [&b""[..], b"x", b"\xff\xff\xff\xff", b"telemetry"] {
        assert_eq!(inflate(nonsense, 100), Err(CORRUPT), "{nonsense:?}");
    }
}
