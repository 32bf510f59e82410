//! What the keys of a value say about numbers in it: that all of it is a telephone number or the like, or that what looks like one is
//! something else.

use std::ops::Range;

use crate::detector::{Detector, Wanted};
use crate::view::View;
use crate::{iban, ip, name, phone, ssn};

/// What keys say about numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    /// What the value is, if it looks like it.
    is: Wanted,
    /// What it is not, even if all of it looks like it.
    is_not: Wanted,
}

impl Named {
    /// What these keys say, outermost first.
    pub(crate) fn of(keys: &[String]) -> Self {
        // A key of one letter says nothing of its own.
        let telling = match keys {
            [outer @ .., last] if last.len() < 2 && !outer.is_empty() => outer,
            keys => keys,
        };
        let path = telling.join(".");
        let last = keys.last().map_or("", String::as_str);
        let (path, last) = (path.as_bytes(), last.as_bytes());
        let is = [
            (phone::is_name(path), Detector::Phone),
            (ssn::is_name(path), Detector::UsSsn),
            (iban::is_name(path), Detector::Iban),
        ];
        let is_not = [
            (phone::is_other_name(last), Detector::Phone),
            (ssn::is_other_name(last), Detector::UsSsn),
            (ip::is_version_name(last), Detector::Ip),
            (name::is_id_name(last), Detector::CreditCard),
        ];
        Self {
            is: said(&is),
            is_not: said(&is_not),
        }
    }

    /// Whether a value may be found whole.
    pub(crate) fn may_find(self) -> bool {
        self.is != Wanted::of(&[])
    }

    /// Who of those wanted finds all of this value, if anyone does.
    pub(crate) fn finds(self, value: &[u8], wanted: Wanted) -> Option<Detector> {
        let finds = |detector, is_one: fn(&[u8]) -> bool| {
            let sought = self.is.has(detector) && wanted.has(detector);
            (sought && seen(value, is_one)).then_some(detector)
        };
        finds(Detector::Iban, iban::is_number)
            .or_else(|| finds(Detector::UsSsn, ssn::is_number))
            .or_else(|| finds(Detector::Phone, phone::is_number))
    }

    /// Whether what was found is all of the value, and something else: the id of a span, which happens to have digits alone,
    /// a version, the number of an order.
    pub(crate) fn spares(self, detector: Detector, range: &Range<usize>, value: &[u8]) -> bool {
        let plain = || value.iter().all(u8::is_ascii_digit);
        self.is_not.has(detector)
            && *range == (0..value.len())
            && (detector != Detector::CreditCard || plain())
    }
}

fn said(detectors: &[(bool, Detector)]) -> Wanted {
    let said = detectors.iter().filter(|(said, _)| *said);
    Wanted::of(&said.map(|(_, detector)| *detector).collect::<Vec<_>>())
}

/// Whether this is one of these, perhaps behind escapes.
fn seen(value: &[u8], is_one: fn(&[u8]) -> bool) -> bool {
    let escaped = value
        .iter()
        .any(|byte| matches!(byte, b'%' | b'&' | b'\\' | 0x1b));
    is_one(value) || escaped && View::all(value).any(|view| is_one(view.bytes()))
}

#[cfg(test)]
mod tests {
    use super::Named;
    use crate::detector::{Detector, Wanted};

    fn named(keys: &[&str]) -> Named {
        Named::of(&keys.iter().map(|&key| key.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn a_value_is_what_its_keys_say_if_it_looks_like_it() {
        let all = Wanted::of(&Detector::ALL);
        for (keys, value, found) in [
            (&["user.phone"][..], "0171 2345678", Some(Detector::Phone)),
            (&["phone", "number"], "1712345678", Some(Detector::Phone)),
            (&["phone", "l"], "415 555 2671", Some(Detector::Phone)),
            (&["ssn", "v"], "219099999", Some(Detector::UsSsn)),
            (&["mobile"], "0171%202345678", Some(Detector::Phone)),
            (&["ssn"], "219099999", Some(Detector::UsSsn)),
            (&["iban"], "de89370400440532013000", Some(Detector::Iban)),
            (&["iban"], "de88370400440532013000", None),
            (&["phone"], "true", None),
            (&["phone", "updated"], "20260609", None),
            (&["customer"], "0171 2345678", None),
        ] {
            assert_eq!(named(keys).finds(value.as_bytes(), all), found, "{keys:?}");
        }
        let none = Wanted::of(&[Detector::Email]);
        assert_eq!(named(&["phone"]).finds(b"0171 2345678", none), None);
    }

    #[test]
    fn a_value_is_not_what_it_looks_like_if_its_key_says_so() {
        for (key, value, detector, spared) in [
            ("service.version", "1.2.3.4", Detector::Ip, true),
            ("client", "1.2.3.4", Detector::Ip, false),
            ("order_no", "415-555-2671", Detector::Phone, true),
            ("span_id", "4111111111111111", Detector::CreditCard, true),
            (
                "span_id",
                "4111 1111 1111 1111",
                Detector::CreditCard,
                false,
            ),
        ] {
            let whole = 0..value.len();
            let spares = named(&[key]).spares(detector, &whole, value.as_bytes());
            assert_eq!(spares, spared, "{key}={value}");
        }
        let part = 0..7;
        assert!(!named(&["version"]).spares(Detector::Ip, &part, b"1.2.3.4, x"));
    }
}
