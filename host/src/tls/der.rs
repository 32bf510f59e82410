//! As much of DER as tells what a certificate is for, and from when to when: rustls says neither before it is used.

const BOOLEAN: u8 = 0x01;
const OCTETS: u8 = 0x04;
const OID: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
/// The explicit tags of a certificate's version and extensions.
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;

/// What says whether a certificate may sign others: 2.5.29.19.
const BASIC_CONSTRAINTS: [u8; 3] = [0x55, 0x1d, 0x13];

/// The parts of a certificate, as they stand in it.
pub(super) struct Certificate<'a> {
    /// The two ends of its time.
    pub(super) validity: &'a [u8],
    issuer: &'a [u8],
    subject: &'a [u8],
    extensions: &'a [u8],
}

impl<'a> Certificate<'a> {
    /// None if it is no certificate.
    pub(super) fn read(der: &'a [u8]) -> Option<Self> {
        let certificate = sequence(der)?;
        let mut signed = sequence(certificate)?;
        if let (VERSION, _, rest) = element(signed)? {
            signed = rest;
        }
        // The serial number and the algorithm come first.
        for _ in 0..2 {
            signed = element(signed)?.2;
        }
        let (_, issuer, rest) = element(signed)?;
        let (SEQUENCE, validity, rest) = element(rest)? else {
            return None;
        };
        let (_, subject, mut rest) = element(rest)?;
        let mut extensions = &[][..];
        while let Some((tag, content, after)) = element(rest) {
            if tag == EXTENSIONS {
                extensions = sequence(content)?;
            }
            rest = after;
        }
        Some(Self {
            validity,
            issuer,
            subject,
            extensions,
        })
    }

    /// Whether others can be of it: it is an authority, or has signed itself.
    pub(super) fn may_sign(&self) -> bool {
        self.issuer == self.subject || self.is_authority().unwrap_or(false)
    }

    fn is_authority(&self) -> Option<bool> {
        let mut rest = self.extensions;
        loop {
            let (SEQUENCE, extension, after) = element(rest)? else {
                return None;
            };
            rest = after;
            let (OID, name, mut value) = element(extension)? else {
                return None;
            };
            if name != BASIC_CONSTRAINTS {
                continue;
            }
            if let (BOOLEAN, _critical, after) = element(value)? {
                value = after;
            }
            let (OCTETS, value, _) = element(value)? else {
                return None;
            };
            return Some(matches!(
                element(sequence(value)?),
                Some((BOOLEAN, [0xff], _))
            ));
        }
    }
}

/// Whether nothing is missing at the end.
pub(super) fn is_whole(der: &[u8]) -> bool {
    element(der).is_some()
}

fn sequence(der: &[u8]) -> Option<&[u8]> {
    match element(der)? {
        (SEQUENCE, content, _) => Some(content),
        _ => None,
    }
}

/// The tag and content of the first element, and what follows it.
pub(super) fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (len, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let len = digits
                .iter()
                .fold(0_usize, |len, digit| len << 8 | usize::from(*digit));
            (len, rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(len)?;
    Some((tag, content, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_is_not_read() {
        for der in [
            &[][..],
            &[SEQUENCE],
            &[SEQUENCE, 0x80],
            &[SEQUENCE, 5, 0],
            &[SEQUENCE, 0x84, 255, 255, 255, 255],
            &[SEQUENCE, 2, SEQUENCE, 0],
            &[2, 1, 0],
        ] {
            assert!(Certificate::read(der).is_none(), "{der:?}");
        }
    }

    #[test]
    fn an_end_that_is_missing_is_seen() {
        assert!(is_whole(&[SEQUENCE, 2, 5, 0]));
        assert!(!is_whole(&[SEQUENCE, 2, 5]));
    }
}
