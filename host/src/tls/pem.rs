//! Certificates and keys in PEM, read within bounds; what is wrong with them never quotes them.

use std::fmt::{self, Debug, Formatter};
use std::path::PathBuf;

use rustls::RootCertStore;
use rustls_pki_types::pem::{self, PemObject as _};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::der::{self, Certificate};
use crate::fresh::{self, Wrong};

/// The largest file. A system's authorities are some 200 KiB.
const MOST: usize = 4 << 20;

/// What begins a key that a password protects.
const ENCRYPTED: [&str; 2] = ["-----BEGIN ENCRYPTED PRIVATE KEY", "4,ENCRYPTED"];

/// Of UTF-8 and both UTF-16.
const BYTE_ORDER_MARKS: [&[u8]; 3] = [b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"];

/// A certificate, a key or authorities, in PEM.
#[derive(Clone, PartialEq, Eq)]
pub enum Pem {
    /// In a file.
    File(PathBuf),
    /// As a text.
    Text(String),
}

/// The names of a setting, as a file and as a text.
pub(super) type Keys = [&'static str; 2];

impl Debug for Pem {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => f.debug_tuple("File").field(file).finish(),
            Self::Text(_) => f.write_str("Text"),
        }
    }
}

impl Pem {
    pub(super) fn path(&self) -> Option<PathBuf> {
        match self {
            Self::File(file) => Some(file.clone()),
            Self::Text(_) => None,
        }
    }

    pub(super) fn wrong(&self, [file, text]: Keys, what: &str, cure: &str) -> Wrong {
        Wrong {
            key: match self {
                Self::File(_) => file,
                Self::Text(_) => text,
            },
            file: self.path(),
            what: what.to_owned(),
            cure: cure.to_owned(),
        }
    }

    fn read(&self, keys: Keys) -> Result<Vec<u8>, Wrong> {
        let bytes = match self {
            Self::File(file) => fresh::read(file, MOST).map_err(|what| {
                let cure =
                    "give a PEM file that otlet may read, by its path from the config's folder";
                self.wrong(keys, &what, cure)
            })?,
            Self::Text(text) => text.clone().into_bytes(),
        };
        // What stands behind one would not be seen as PEM.
        if BYTE_ORDER_MARKS.iter().any(|mark| bytes.starts_with(mark)) {
            let cure = "save it as UTF-8 without one (BOM)";
            return Err(self.wrong(keys, "begins with a byte order mark", cure));
        }
        Ok(bytes)
    }

    /// What is wrong with PEM that is there and cannot be read.
    fn damaged(&self, keys: Keys, kind: &str, error: &pem::Error) -> Wrong {
        if matches!(error, pem::Error::MissingSectionEnd { .. }) {
            self.cut_short(keys, kind)
        } else {
            let cure = "make it again, and copy it whole";
            self.wrong(keys, "holds damaged PEM", cure)
        }
    }

    fn cut_short(&self, keys: Keys, kind: &str) -> Wrong {
        let cure = "copy it whole, from its line with BEGIN to the one with END";
        self.wrong(keys, &format!("holds a {kind} that is cut short"), cure)
    }
}

/// One certificate or more.
pub(super) fn certificates(pem: &Pem, keys: Keys) -> Result<Vec<CertificateDer<'static>>, Wrong> {
    let bytes = pem.read(keys)?;
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let found = read.map_err(|error| pem.damaged(keys, "certificate", &error))?;
    if found.is_empty() {
        let cure = if PrivateKeyDer::from_pem_slice(&bytes).is_ok() {
            "it holds a private key: give the certificate here"
        } else {
            "give PEM, which begins with `-----BEGIN CERTIFICATE-----`"
        };
        return Err(pem.wrong(keys, "holds no certificate", cure));
    }
    Ok(found)
}

/// The first private key.
pub(super) fn private_key(pem: &Pem, keys: Keys) -> Result<PrivateKeyDer<'static>, Wrong> {
    let bytes = pem.read(keys)?;
    let text = String::from_utf8_lossy(&bytes);
    if ENCRYPTED.iter().any(|mark| text.contains(mark)) {
        let cure = "decrypt it: `openssl pkey -in encrypted.pem -out key.pem`";
        return Err(pem.wrong(keys, "holds an encrypted key", cure));
    }
    let key = PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| match error {
        pem::Error::NoItemsFound => {
            let cure = if CertificateDer::from_pem_slice(&bytes).is_ok() {
                "it holds a certificate: give the private key here"
            } else {
                "give PEM, which begins with `-----BEGIN PRIVATE KEY-----`"
            };
            pem.wrong(keys, "holds no private key", cure)
        }
        damaged => pem.damaged(keys, "private key", &damaged),
    })?;
    if !der::is_whole(key.secret_der()) {
        return Err(pem.cut_short(keys, "private key"));
    }
    Ok(key)
}

/// The authorities that certificates are checked against.
pub(super) fn authorities(pem: &Pem, keys: Keys) -> Result<RootCertStore, Wrong> {
    let mut roots = RootCertStore::empty();
    let found = certificates(pem, keys)?;
    // What cannot be read is not judged here.
    let may_sign = |one| Certificate::read(one).is_none_or(|one| one.may_sign());
    if !found.iter().any(|one| may_sign(one)) {
        let cure = "give the certificate of the authority that has signed it (`CA:TRUE`)";
        return Err(pem.wrong(keys, "holds a certificate that is no authority's", cure));
    }
    for certificate in found {
        roots
            .add(certificate)
            .map_err(|_unusable| pem.wrong(keys, "holds a damaged certificate", "make it again"))?;
    }
    Ok(roots)
}
