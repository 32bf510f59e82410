//! The plugins inside the binary, as the components that the build script made of `plugins/`.

mod guests {
    #![allow(unreachable_pub, reason = "generated for whoever includes it")]

    include!(concat!(env!("OUT_DIR"), "/guests.rs"));
}

/// Every bundled plugin: its name and its component.
pub const BUNDLED: [(&str, &[u8]); 4] = [
    ("enrich", guests::ENRICH),
    ("link", guests::LINK),
    ("redact", guests::REDACT),
    ("sample", guests::SAMPLE),
];
