//! gzip.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;
use otlet::compression::{Coding, deflate};
use otlet::payload::PREFIX;

use crate::{Target, coding};

/// Small, so that seeds reach it.
const LIMIT: usize = 3000;

/// What is opened keeps within the bound, has its prefix in front, is no other than another decoder finds, and can be compressed again.
pub const TARGET: Target = Target {
    name: "gzip",
    run,
    seeds,
    choices: 0..0,
    words: &["\x1f", "\x08", "\0\0\0\0"],
};

fn run(data: &[u8]) -> bool {
    let Some(plain) = coding::opened(Coding::Gzip, data, LIMIT) else {
        return false;
    };
    let mut slowly = Vec::new();
    let whole = MultiGzDecoder::new(data).read_to_end(&mut slowly).is_ok();
    // libdeflate minds neither the checksum of a header nor what comes after the last member.
    assert!(plain.starts_with(&slowly));
    assert!(!whole || plain.len() == slowly.len());
    let again = deflate(Coding::Gzip, &plain).framed.slice(PREFIX..);
    assert_eq!(coding::opened(Coding::Gzip, &again, LIMIT), Some(plain));
    true
}

/// One member as a client makes it, and several.
fn seeds() -> Vec<Vec<u8>> {
    let mut random = fastrand::Rng::with_seed(7);
    let noise: Vec<u8> = (0..LIMIT).map(|_| random.u8(..) & 0x3f).collect();
    vec![
        member(&noise),
        [member(b"a"), member(b"b")].concat(),
        member(b""),
    ]
}

/// gzip of one member.
pub(crate) fn member(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    let written = encoder.write_all(plain).and_then(|()| encoder.finish());
    written.expect("a vector takes it")
}
