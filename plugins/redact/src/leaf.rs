//! What the place of a leaf says about its value: the keys that it stands under name a secret, a telephone number, or
//! something else than what its value looks like.

use otlet_plugin::{Kind, Leaves, Place};

use crate::detector::{Detector, Wanted};
use crate::name::{self, Secrecy};
use crate::scan::{Finding, Quotes};
use crate::view::View;
use crate::{ip, phone, ssn, value};

/// What the keys of a place say about its values.
struct Says {
    secrecy: Secrecy,
    phone: bool,
    ssn: bool,
}

impl Says {
    /// A key itself is nothing of this: it is the name of it.
    fn of(place: &Place) -> Self {
        let keys = match place.kind {
            Kind::Key => Vec::new(),
            _ => place.keys(),
        };
        let secrecies = keys.iter().map(|key| name::secrecy(key.as_bytes(), false));
        let path = keys.join(".");
        Self {
            secrecy: { secrecies }
                .find(|&secrecy| secrecy != Secrecy::Open)
                .unwrap_or(Secrecy::Open),
            phone: phone::is_name(path.as_bytes()),
            ssn: ssn::is_name(path.as_bytes()),
        }
    }

    /// Who of those wanted finds this value, if anyone does.
    fn finds(&self, value: &[u8], wanted: Wanted) -> Option<Detector> {
        let secret = || !self.secrecy.spares(value) && !value::is_nothing(value);
        if self.ssn && wanted.has(Detector::UsSsn) && seen(value, ssn::is_number) {
            Some(Detector::UsSsn)
        } else if self.phone && wanted.has(Detector::Phone) && seen(value, phone::is_number) {
            Some(Detector::Phone)
        } else if wanted.has(Detector::SecretKey) && secret() {
            Some(Detector::SecretKey)
        } else {
            None
        }
    }

    fn nothing(&self) -> bool {
        self.secrecy == Secrecy::Open && !self.phone && !self.ssn
    }
}

/// Whether this is one of these without its escapes.
fn seen(value: &[u8], is_one: fn(&[u8]) -> bool) -> bool {
    let escaped = value.iter().any(|byte| matches!(byte, b'%' | b'\\' | 0x1b));
    is_one(value) || escaped && View::all(value).any(|view| is_one(view.bytes()))
}

/// Finds the leaves that are what the keys say that they stand under: secrets at any depth.
pub(crate) fn find(leaves: &Leaves, wanted: Wanted, findings: &mut Vec<Finding>) {
    let places: Vec<Says> = leaves.places().iter().map(Says::of).collect();
    if places.iter().all(Says::nothing) {
        return;
    }
    for leaf in leaves.iter() {
        let says = places.get(leaf.place).filter(|says| !says.nothing());
        if let Some(detector) = says.and_then(|says| says.finds(leaf.bytes(), wanted)) {
            findings.push(Finding {
                text: leaf.index,
                range: 0..leaf.bytes().len(),
                detector,
                quotes: Quotes::None,
            });
        }
    }
}

/// Whether what was found is all of a leaf whose key says that it is something else: a span's id, which happens to have
/// digits alone, a version, the number of an order.
pub(crate) fn is_other(leaves: &Leaves, found: &Finding) -> bool {
    let is_other = match found.detector {
        Detector::CreditCard => name::is_id_name,
        Detector::Ip => ip::is_version_name,
        Detector::Phone => phone::is_other_name,
        Detector::UsSsn => ssn::is_other_name,
        _ => return false,
    };
    let keys = || {
        let leaf = leaves.get(found.text)?;
        let grouped = leaf.bytes().iter().any(|byte| !byte.is_ascii_digit());
        let card = found.detector == Detector::CreditCard;
        let whole = found.range == (0..leaf.bytes().len()) && !(card && grouped);
        let place = leaves.places().get(leaf.place).filter(|_| whole)?;
        (place.kind != Kind::Key).then(|| place.keys())
    };
    keys().is_some_and(|keys| keys.last().is_some_and(|key| is_other(key.as_bytes())))
}
