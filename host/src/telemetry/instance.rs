//! The name of this process, by which what it tells of itself is told from what others do.

use std::sync::LazyLock;

static INSTANCE: LazyLock<String> = LazyLock::new(|| uuid(fastrand::u128(..)));

/// The name of this process, another at each start.
pub fn instance() -> &'static str {
    &INSTANCE
}

/// A random UUID, version 4.
fn uuid(random: u128) -> String {
    let versioned = random & !(0xf << 76) | 4 << 76;
    let marked = versioned & !(3 << 62) | 2 << 62;
    let part = |from: u32, digits: u32| (marked >> from) & ((1 << (4 * digits)) - 1);
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        part(96, 8),
        part(80, 4),
        part(64, 4),
        part(48, 4),
        part(0, 12)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_one() {
        assert_eq!(uuid(0), "00000000-0000-4000-8000-000000000000");
        assert_eq!(uuid(u128::MAX), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(
            uuid(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef),
            "01234567-89ab-4def-8123-456789abcdef"
        );
    }
}
