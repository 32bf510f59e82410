//! The plugins inside the binary, as the components that the build script made of `plugins/`.

mod guests {
    #![allow(unreachable_pub, reason = "generated for whoever includes it")]

    include!(concat!(env!("OUT_DIR"), "/guests.rs"));
}

mod digests {
    include!(concat!(env!("OUT_DIR"), "/digests.rs"));
}

use super::settings::Digest;

/// Every bundled plugin: its name and its component.
pub static BUNDLED: [(&str, &[u8]); 4] = [
    ("enrich", guests::ENRICH),
    ("link", guests::LINK),
    ("redact", guests::REDACT),
    ("sample", guests::SAMPLE),
];

/// The digest of a component, if it is one of these where it lies in the binary: found out when that was built, since to look at
/// all its bytes would bring them into memory.
pub(super) fn digest(wasm: &[u8]) -> Option<Digest> {
    let mut bundled = BUNDLED.iter().zip(digests::DIGESTS);
    bundled
        .find(|((_, bundled), _)| std::ptr::eq(*bundled, wasm))
        .map(|(_, digest)| digest.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_the_binary_has_the_digests_that_were_found_out() {
        for (name, wasm) in BUNDLED {
            assert_eq!(digest(wasm), Some(Digest::of(wasm)), "{name}");
            let elsewhere = wasm.to_vec();
            assert_eq!(digest(&elsewhere), None);
        }
    }
}
