//! zstd.

use std::io::Write;

use otlet::compression::{Coding, deflate};
use otlet::payload::PREFIX;
use zstd::stream::raw::{Decoder, Operation};
use zstd::stream::write::Encoder;

use crate::{Target, coding};

/// Small, so that seeds reach it.
const LIMIT: usize = 3000;

/// What is opened keeps within what its headers were found to bound, is what libzstd's streams find, and can be compressed
/// again.
pub const TARGET: Target = Target {
    name: "zstd",
    run,
    seeds,
    choices: 0..0,
    words: &[
        "\0\0\0",
        "\x01\0\0",
        "\x4b\0\0a",
        "\x50\x2a\x4d\x18\0\0\0\0",
    ],
};

fn run(data: &[u8]) -> bool {
    let Some(plain) = coding::opened(Coding::Zstd, data, LIMIT) else {
        return false;
    };
    // A stream minds the size of a block that repeats a byte.
    assert!(other(data).is_none_or(|other| other == plain));
    let again = deflate(Coding::Zstd, &plain).framed.slice(PREFIX..);
    assert_eq!(coding::opened(Coding::Zstd, &again, LIMIT), Some(plain));
    true
}

/// What a stream of libzstd makes of it, which keeps a window of its own.
fn other(data: &[u8]) -> Option<Vec<u8>> {
    let mut stream = Decoder::new().ok()?;
    let mut plain = vec![0; LIMIT + 1];
    let (mut read, mut written) = (0, 0);
    loop {
        let room = plain.get_mut(written..)?;
        let status = stream.run_on_buffers(data.get(read..)?, room).ok()?;
        read += status.bytes_read;
        written += status.bytes_written;
        if status.bytes_read == 0 && status.bytes_written == 0 {
            plain.truncate(written);
            return Some(plain);
        }
    }
}

/// A frame that says its size, one that does not, several, and blocks by hand.
fn seeds() -> Vec<Vec<u8>> {
    let mut random = fastrand::Rng::with_seed(7);
    let noise: Vec<u8> = (0..LIMIT).map(|_| random.u8(..) & 0x3f).collect();
    let by_hand = b"\x28\xb5\x2f\xfd\0\0\x18\0\0abc\x4b\0\0a";
    let skipped = b"\x50\x2a\x4d\x18\x02\0\0\0xy";
    let whole = whole(&noise);
    vec![
        whole.clone(),
        streamed(&noise),
        [whole, by_hand.to_vec()].concat(),
        [skipped, &by_hand[..]].concat(),
    ]
}

/// One frame, as a client that has it all makes it.
pub(crate) fn whole(plain: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(plain, 3).expect("level 3 is one of zstd's")
}

fn streamed(plain: &[u8]) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new(), 3).expect("level 3 is one of zstd's");
    let written = encoder.write_all(plain).and_then(|()| encoder.finish());
    written.expect("a vector takes it")
}
