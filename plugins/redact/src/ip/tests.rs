//! Addresses, and what only looks like one.

use super::{v4, v6};

fn first_v4(text: &str, private: bool) -> Option<&str> {
    let dot = text.find('.').expect("a dot");
    v4(text.as_bytes(), dot, private).and_then(|found| text.get(found))
}

fn any_v6(text: &str, private: bool) -> Option<&str> {
    let mut colons = text.match_indices(':');
    colons.find_map(|(colon, _)| {
        let (found, _) = v6(text.as_bytes(), colon, private);
        found.and_then(|found| text.get(found))
    })
}

#[test]
fn addresses_of_version_4_are_found() {
    for (text, address) in [
        ("203.0.113.235", "203.0.113.235"),
        ("from 198.51.100.7.", "198.51.100.7"),
        ("http://203.0.113.5:8080/x", "203.0.113.5"),
        ("peer=/203.0.113.5:443", "203.0.113.5"),
        ("203.0.113.0/24", "203.0.113.0"),
        ("ssh root@203.0.113.9", "203.0.113.9"),
        ("203.0.113.5-203.0.113.9", "203.0.113.5"),
        ("[203.0.113.5]", "203.0.113.5"),
        ("/hosts/203.0.113.5/status", "203.0.113.5"),
        ("203.0.113.5.nip.io", "203.0.113.5"),
        ("ip_203.0.113.5", "203.0.113.5"),
        ("build at 203.0.113.5", "203.0.113.5"),
        ("client/ip:203.0.113.5", "203.0.113.5"),
        ("endpoint-203.0.113.9:80", "203.0.113.9"),
        ("localhost/203.0.113.9", "203.0.113.9"),
    ] {
        assert_eq!(first_v4(text, false), Some(address), "{text}");
    }
}

#[test]
fn addresses_of_version_6_are_found() {
    for (text, address) in [
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:DB8::1]:443", "2001:DB8::1"),
        ("from 2001:db8:0:0:0:0:2:1 to", "2001:db8:0:0:0:0:2:1"),
        ("ip:2001:db8::1: refused", "2001:db8::1"),
        ("at 2a00:1450:4001:81b::200e.", "2a00:1450:4001:81b::200e"),
        ("::ffff:203.0.113.5", "::ffff:203.0.113.5"),
        ("64:ff9b::203.0.113.5", "64:ff9b::203.0.113.5"),
        ("2001:db8::/32", "2001:db8::"),
        ("2001:db8::1%eth0", "2001:db8::1%eth0"),
    ] {
        assert_eq!(any_v6(text, false), Some(address), "{text}");
    }
}

#[test]
fn addresses_of_ones_own_are_kept_unless_asked() {
    for text in [
        "10.1.2.3",
        "172.31.0.1",
        "192.168.0.1",
        "127.0.0.1",
        "169.254.1.1",
        "100.64.0.1",
    ] {
        assert_eq!(first_v4(text, false), None, "{text}");
        assert_eq!(first_v4(text, true), Some(text));
    }
    for text in ["::1", "fd00::1", "fe80::1", "::ffff:10.0.0.1"] {
        assert_eq!(any_v6(text, false), None, "{text}");
        assert_eq!(any_v6(text, true), Some(text));
    }
    for text in ["0.0.0.0", "224.0.0.1", "255.255.255.255"] {
        assert_eq!(first_v4(text, true), None, "{text}");
    }
    for text in ["::", "ff02::1"] {
        assert_eq!(any_v6(text, true), None, "{text}");
    }
}

#[test]
fn what_only_looks_like_an_address_is_left() {
    for text in [
        "Chrome/120.0.0.0 Safari",
        "v1.2.3.4",
        "version 1.2.3.4",
        "\"version\": \"1.2.3.4\"",
        "app_version=1.2.3.4",
        "foo==1.2.3.4",
        "linux-5.4.0.1",
        "foo-1.2.3.4.tar.gz",
        "1.2.3.4-rc1",
        "1.2.3.4_5",
        "1.3.6.1.4.1",
        "1.3.6.1",
        "1.2.3.400",
        "01.2.3.4",
        "1.2.3.4.5",
        "x1.2.3.4",
        "1.2.3.4+build.7",
        "^1.2.3.4",
    ] {
        assert_eq!(first_v4(text, true), None, "{text}");
    }
    for text in [
        "12:34:56",
        "2026-06-09T10:22:31",
        "aa:bb:cc:dd:ee:ff",
        "a::b",
        "std::vec",
        "dead::beef::cafe",
        "2a:3b:4c:5d:6e:7f:80:91:a2:b3",
        "x2001:db8::1",
        "2001:db8::1::2",
        "2001:db8::12345",
        "2001:db8::1x",
    ] {
        assert_eq!(any_v6(text, false), None, "{text}");
    }
}
