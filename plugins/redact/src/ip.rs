//! IP addresses, of both versions.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use crate::label::{Words, says};
use crate::text::{at, before, part, read_before, reads, run_end, run_start, tail};

/// The most bytes of an address.
const LONGEST: usize = 45;
/// The fewest colons of an address of which no part is left out.
const COLONS: usize = 6;
/// The most letters of a product's name that are looked at.
const PRODUCT: usize = 48;
/// Numbers called so have four parts as addresses have.
const VERSIONS: Words = Words::new(&[
    "version", "versions", "ver", "v", "release", "build", "firmware", "rev", "revision", "oid",
    "section", "chapter", "clause", "rfc", "kernel",
]);
/// What turns an address into the name of a host.
const HOSTS: [&[u8]; 4] = [b".nip.io", b".sslip.io", b".xip.io", b".in-addr.arpa"];

/// Whether this names a version rather than an address.
pub(crate) fn is_version_name(name: &[u8]) -> bool {
    says(name, name.len(), &VERSIONS)
}

/// The IPv4 address whose first dot is at `dot`.
pub(crate) fn v4(text: &[u8], dot: usize, private: bool) -> Option<Range<usize>> {
    let start = run_start(text, dot, 4, |byte| byte.is_ascii_digit());
    if !private && is_inside(tail(text, start)) {
        return None; // as most addresses are
    }
    let run = part(text, start, start + LONGEST);
    let end = start + run_end(run, 0, |byte| byte.is_ascii_digit() || byte == b'.');
    let end = end - usize::from(before(text, end) == b'.');
    let address = parse_v4(part(text, start, end))?;
    let shown = is_shown(IpAddr::V4(address), private);
    (shown && starts(text, start) && ends(text, end) && !is_version(text, start, end))
        .then_some(start..end)
}

/// The IPv6 address that the colon at `colon` stands in.
pub(crate) fn v6(text: &[u8], colon: usize, private: bool) -> (Option<Range<usize>>, usize) {
    let start = run_start(text, colon, LONGEST, is_v6);
    let end = run_end(part(text, 0, colon + LONGEST), colon, is_v6);
    let run = part(text, start, end);
    let colons = run.split(|&byte| byte == b':').count() - 1;
    // Times have two.
    let enough = colons >= COLONS || run.windows(2).any(|pair| pair == b"::");
    let found = enough.then(|| v6_in(text, start, end, private)).flatten();
    (found, end)
}

fn v6_in(text: &[u8], start: usize, end: usize, private: bool) -> Option<Range<usize>> {
    let mut start = start;
    if at(text, start) == b':' && at(text, start + 1) != b':' {
        start += 1; // ip:2001:db8::1
    }
    let outside = !before(text, start).is_ascii_alphanumeric() && before(text, start) != b'_';
    let mut stop = end;
    let mut address = parse::<Ipv6Addr>(part(text, start, stop));
    while address.is_none() && stop > start && matches!(before(text, stop), b':' | b'.') {
        stop -= 1;
        address = parse(part(text, start, stop));
    }
    let ends = !at(text, stop).is_ascii_alphanumeric() && at(text, stop) != b'_';
    let shown = is_shown(IpAddr::V6(address?), private);
    let zone = match at(text, stop) {
        b'%' => run_end(text, stop + 1, |byte| byte.is_ascii_alphanumeric()),
        _ => stop,
    };
    (outside && ends && shown).then_some(start..zone)
}

/// The IPv4 address that is written so: four numbers up to 255, without zeros in front.
fn parse_v4(text: &[u8]) -> Option<Ipv4Addr> {
    let mut octets = [0_u8; 4];
    let mut parts = text.split(|&byte| byte == b'.');
    for octet in &mut octets {
        let digits = parts.next()?;
        let zeros = digits.len() > 1 && digits.first() == Some(&b'0');
        if digits.is_empty() || zeros {
            return None;
        }
        for &digit in digits {
            *octet = octet.checked_mul(10)?.checked_add(digit - b'0')?;
        }
    }
    parts.next().is_none().then(|| octets.into())
}

/// The address that is written so.
fn parse<T: std::str::FromStr>(text: &[u8]) -> Option<T> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

const fn is_v6(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.')
}

/// Whether all addresses that begin so are of private networks or of the machine itself.
fn is_inside(address: &[u8]) -> bool {
    matches!(
        address,
        [b'1', b'0', b'.', ..]
            | [b'1', b'2', b'7', b'.', ..]
            | [b'1', b'9', b'2', b'.', b'1', b'6', b'8', b'.', ..]
    )
}

/// Whether this address tells who someone is: those of private networks and of the machine itself do only if asked, and
/// those of nobody never do.
fn is_shown(address: IpAddr, private: bool) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [first, second, ..] = address.octets();
            let carrier = first == 100 && second & 0xc0 == 64;
            let nobody = first == 0 || first >= 224;
            let own = address.is_private() || address.is_loopback() || address.is_link_local();
            !nobody && (private || !own && !carrier)
        }
        IpAddr::V6(address) => {
            let [first, second, ..] = address.segments();
            let inside = |address| is_shown(IpAddr::V4(address), private);
            let own = address.is_loopback() || first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfe80;
            match address.to_ipv4_mapped() {
                Some(address) => inside(address),
                None if first == 0x64 && second == 0xff9b => {
                    let [.., high, low] = address.segments();
                    inside(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)))
                }
                None => first & 0xe000 == 0x2000 || private && own,
            }
        }
    }
}

/// Whether an IPv4 address may start here: not in a word, in a longer number, nor behind the name of a package.
fn starts(text: &[u8], start: usize) -> bool {
    match before(text, start) {
        b'.' => false,
        b'-' => {
            let other = run_start(text, start - 1, LONGEST, |byte| {
                byte.is_ascii_digit() || byte == b'.'
            });
            let other = part(text, other, start - 1);
            let end = run_end(text, start, |byte| byte.is_ascii_digit() || byte == b'.');
            let port = at(text, end) == b':' && at(text, end + 1).is_ascii_digit();
            other.is_empty() && (port || !before(text, start - 1).is_ascii_alphanumeric())
                || parse::<Ipv4Addr>(other).is_some()
        }
        b'=' => !matches!(before(text, start - 1), b'=' | b'~' | b'!' | b'>' | b'<'),
        byte => !byte.is_ascii_alphanumeric() && !matches!(byte, b'^' | b'~'),
    }
}

/// Whether an IPv4 address may end here: not in a word or in a version.
fn ends(text: &[u8], end: usize) -> bool {
    let next = at(text, end + 1);
    match at(text, end) {
        b'.' => !next.is_ascii_alphanumeric() || HOSTS.iter().any(|host| reads(text, end, host)),
        b'-' => !next.is_ascii_alphanumeric() || parse_start(tail(text, end + 1)),
        b'+' => ![b"+build".as_slice(), b"+git", b"+sha"]
            .iter()
            .any(|build| reads(text, end, build)),
        byte => !byte.is_ascii_alphanumeric() && byte != b'_',
    }
}

/// Whether this begins with an IPv4 address.
fn parse_start(text: &[u8]) -> bool {
    let end = run_end(part(text, 0, LONGEST), 0, |byte| {
        byte.is_ascii_digit() || byte == b'.'
    });
    parse::<Ipv4Addr>(part(text, 0, end)).is_some()
}

/// Whether this is said to be a version: `Chrome/120.0.0.0`, `version: 1.2.3.4`; or is an object identifier.
fn is_version(text: &[u8], start: usize, end: usize) -> bool {
    let product = || {
        let name_end = start.checked_sub(1)?;
        let name = run_start(text, name_end, PRODUCT, |byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
        });
        let inside = matches!(before(text, name), b'/' | b'.' | b':') || at(text, end) == b':';
        let inside = inside || reads(text, name, b"localhost/");
        Some(name < name_end && !inside && !part(text, name, name_end).is_empty())
    };
    let slashed = read_before(text, start, b"/") && product() == Some(true);
    slashed
        || is_tag(text, start)
        || part(text, start, end) == b"1.3.6.1"
        || says(text, start, &VERSIONS)
}

/// Whether what starts here is the tag of an image in a registry: `ghcr.io/foo/bar:1.2.3.4`.
fn is_tag(text: &[u8], start: usize) -> bool {
    let Some(colon) = start
        .checked_sub(1)
        .filter(|&colon| at(text, colon) == b':')
    else {
        return false;
    };
    let image = run_start(text, colon, PRODUCT, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/')
    });
    let mut parts = part(text, image, colon).split(|&byte| byte == b'/');
    let registry = parts.next().is_some_and(|first| first.contains(&b'.'));
    let mut names = parts.peekable();
    registry && names.peek().is_some() && names.all(|name| !name.is_empty())
}

#[cfg(test)]
mod tests;
