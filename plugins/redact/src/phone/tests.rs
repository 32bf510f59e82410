//! Numbers, and what only looks like one.

use super::{find, international, is_number};

/// What is found behind the first plus.
fn behind_plus(text: &str) -> Option<&str> {
    let plus = text.find('+').expect("a plus");
    international(text.as_bytes(), plus).and_then(|found| text.get(found))
}

/// What is found around any digit.
fn around_digits(text: &str) -> Option<&str> {
    let mut digits = text.match_indices(|c: char| c.is_ascii_digit());
    digits.find_map(|(digit, _)| find(text.as_bytes(), digit).and_then(|found| text.get(found)))
}

#[test]
fn international_numbers_are_found() {
    for (text, number) in [
        ("+14155552671", "+14155552671"),
        ("call +1-884-555-0114.", "+1-884-555-0114"),
        ("+1 340 555 0144", "+1 340 555 0144"),
        ("+1 (415) 555-2671, x", "+1 (415) 555-2671"),
        ("'+49 30 404 92834'", "+49 30 404 92834"),
        ("+49 (0)30 404 92834", "+49 (0)30 404 92834"),
        ("+44 20 7946 0151", "+44 20 7946 0151"),
        ("+33 6 12 34 56 78 at 10:22", "+33 6 12 34 56 78"),
        ("+33.6.12.34.56.78", "+33.6.12.34.56.78"),
        ("phone=+49+30+404+92834&x", "+49+30+404+92834"),
        ("<+353 1 234 5678>", "+353 1 234 5678"),
        ("tel:+49-30-40492834;ext=1", "+49-30-40492834"),
        ("+44 20 7946 0151 2026-06-09", "+44 20 7946 0151"),
    ] {
        assert_eq!(behind_plus(text), Some(number), "{text}");
    }
}

#[test]
fn what_else_a_plus_is_before_is_left() {
    for text in [
        "1.0.0+20130313144700",
        "10:22:31+0200",
        "q=order+20260609123456",
        "+0123456789",
        "+12345678",
        "+210 1234 567",
        "+48.8566+002.3522",
        "+12.5%",
        "C++11",
        "a+14155552671",
        "++14155552671",
        "+1415555267123456789",
        "+14155552671a",
        "+1415555.2671",
        "+49.12345678",
    ] {
        assert_eq!(behind_plus(text), None, "{text}");
    }
}

#[test]
fn north_american_numbers_are_found_in_their_groups() {
    for (text, number) in [
        ("(415) 555-2671", "(415) 555-2671"),
        ("(415)555-2671", "(415)555-2671"),
        ("to 415-555-2671.", "415-555-2671"),
        ("415.555.2671", "415.555.2671"),
        ("1-415-555-2671", "1-415-555-2671"),
        ("1 (415) 555-2671", "1 (415) 555-2671"),
        ("phone=(415)+555-2671&x", "(415)+555-2671"),
        ("x 7, 415-555-2671", "415-555-2671"),
        ("caller_id=415-555-2671", "415-555-2671"),
    ] {
        assert_eq!(around_digits(text), Some(number), "{text}");
    }
}

#[test]
fn numbers_are_found_behind_their_names() {
    for (text, number) in [
        ("phone 447 555 0127 placed", "447 555 0127"),
        ("tel: 030/1234567", "030/1234567"),
        ("{'phone': '0171 2345678'}", "0171 2345678"),
        ("\"mobileNumber\": 4155552671,", "4155552671"),
        (
            "phone number is 06 12 34 56 78 2026-06-09",
            "06 12 34 56 78",
        ),
        ("fax (030) 1234-567", "(030) 1234-567"),
        ("phone=0049 30 123456", "0049 30 123456"),
        ("phone: 555-0127", "555-0127"),
        ("phone 030 1234567 2 times", "030 1234567"),
        ("tel:020-7946-0151", "020-7946-0151"),
    ] {
        assert_eq!(around_digits(text), Some(number), "{text}");
    }
}

#[test]
fn other_numbers_are_left() {
    for text in [
        "2025550100",
        "415 555 2671",
        "415-555-26710",
        "1415-555-2671",
        "SKU-415-555-2671",
        "order 415-555-2671",
        "order_no=415-555-2671",
        "(115) 555-2671",
        "(415) 155-2671",
        "911-555-2671",
        "415-911-2671",
        "415-555.2671",
        "415.555.2671.3",
        "v1.415.555.2671",
        "0171 2345678",
        "phone at 2026-06-09 10:22",
        "phone 10.0.0.1",
        "phone 12:34:56.789123",
        "phone_id: 4155552671",
        "hotel 4155552671",
        "phone 1780999351412000000",
        "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
    ] {
        assert_eq!(around_digits(text), None, "{text}");
    }
}

#[test]
fn a_value_under_a_name_is_a_number_or_not() {
    for value in [
        "4155552671",
        "(489) 555-0124",
        "+49 30/404-92834",
        "555.0127.1",
    ] {
        assert!(is_number(value.as_bytes()), "{value}");
    }
    for value in [
        "",
        "true",
        "123",
        "12345.678",
        "2026-06-09",
        "1780999351412000000",
        "iPhone 1234567",
    ] {
        assert!(!is_number(value.as_bytes()), "{value}");
    }
}
