//! Deflate, in zlib's frame and without.

use std::io::Write;

use flate2::write::ZlibEncoder;
use flate2::{Compression, Decompress, FlushDecompress, Status};
use otlet::compression::{Coding, deflate};
use otlet::payload::PREFIX;

use crate::{Target, coding};

/// Small, so that seeds reach it.
const LIMIT: usize = 3000;

/// What is opened is what a stream finds, whichever of the two forms it has, and can be compressed again.
pub const TARGET: Target = Target {
    name: "zlib",
    run,
    seeds,
    choices: 0..0,
    words: &["\x78", "\x01", "\x78\x01", "\x03\0"],
};

fn run(data: &[u8]) -> bool {
    let Some(plain) = coding::opened(Coding::Zlib, data, LIMIT) else {
        return false;
    };
    assert!(
        [true, false]
            .map(|frame| other(data, frame))
            .contains(&Some(plain.clone()))
    );
    let again = deflate(Coding::Zlib, &plain).framed.slice(PREFIX..);
    assert_eq!(coding::opened(Coding::Zlib, &again, LIMIT), Some(plain));
    true
}

/// What zlib-rs makes of it.
fn other(data: &[u8], frame: bool) -> Option<Vec<u8>> {
    let mut plain = Vec::with_capacity(LIMIT + 1);
    let opened = Decompress::new(frame).decompress_vec(data, &mut plain, FlushDecompress::Finish);
    (opened.ok()? == Status::StreamEnd).then_some(plain)
}

/// Both forms, of much and of nothing.
fn seeds() -> Vec<Vec<u8>> {
    let mut random = fastrand::Rng::with_seed(7);
    let noise: Vec<u8> = (0..LIMIT).map(|_| random.u8(..) & 0x3f).collect();
    let framed = framed(&noise);
    let raw = framed.get(2..framed.len() - 4).unwrap_or_default().to_vec();
    vec![framed, raw, self::framed(b""), self::framed(&[b'a'; 2000])]
}

/// A body in zlib's frame.
pub(crate) fn framed(plain: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::new(6));
    let written = encoder.write_all(plain).and_then(|()| encoder.finish());
    written.expect("a vector takes it")
}
