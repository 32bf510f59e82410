//! Certificates made for a test: authorities, and what they sign.

use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};

/// An authority, which signs certificates.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, in PEM.
#[derive(Clone, Debug)]
pub struct Certified {
    /// The certificate.
    pub certificate: String,
    /// Its private key.
    pub key: String,
}

const MADE: &str = "what is made here is valid";

impl Authority {
    /// Makes one of that name.
    ///
    /// # Panics
    /// Never.
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect(MADE);
        Self(CertifiedIssuer::self_signed(params, key).expect(MADE))
    }

    /// Its own certificate, in PEM.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate that is no authority's and that has signed itself, in PEM.
    ///
    /// # Panics
    /// Never.
    pub fn itself_alone(name: &str) -> String {
        let params = CertificateParams::new(vec![name.to_owned()]).expect(MADE);
        let key = KeyPair::generate().expect(MADE);
        params.self_signed(&key).expect(MADE).pem()
    }

    /// Its own certificate and key, which are not for servers.
    pub fn itself(&self) -> Certified {
        Certified {
            certificate: self.pem(),
            key: self.0.key().serialize_pem(),
        }
    }

    /// Signs a certificate for these names and addresses.
    pub fn certify(&self, names: &[&str]) -> Certified {
        self.sign(names, 2999)
    }

    /// Signs one that expired when the year 2020 began.
    pub fn certify_expired(&self, names: &[&str]) -> Certified {
        self.sign(names, 2020)
    }

    fn sign(&self, names: &[&str], until: i32) -> Certified {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect(MADE);
        params.not_before = date_time_ymd(2019, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().expect(MADE);
        Certified {
            certificate: params.signed_by(&key, &self.0).expect(MADE).pem(),
            key: key.serialize_pem(),
        }
    }
}

impl Certified {
    /// Writes it as `NAME.crt` and `NAME.key`, each whole at once.
    pub fn write(&self, folder: &Path, name: &str) {
        put(folder, &format!("{name}.key"), &self.key);
        put(folder, &format!("{name}.crt"), &self.certificate);
    }
}

/// Writes a file whole at once, and gives its path.
///
/// # Panics
/// If it cannot be written.
pub fn put(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    let next = folder.join(format!("{name}.next"));
    std::fs::write(&next, text).expect("a file can be written");
    std::fs::rename(next, &path).expect("a file can be replaced");
    path
}
