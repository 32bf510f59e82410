//! What the config says of TLS, and rustls's configurations made of it.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::server::WebPkiClientVerifier;
use rustls::sign::{CertifiedKey, SigningKey};
use rustls::{ClientConfig, ServerConfig, SupportedProtocolVersion, version};
use rustls_pki_types::CertificateDer;

use super::pem::{self, Keys, Pem};
use super::{RING, trust, validity};
use crate::fresh::Wrong;

const CERTIFICATE: Keys = ["cert_file", "cert_pem"];
const KEY: Keys = ["key_file", "key_pem"];
const CA: Keys = ["ca_file", "ca_pem"];
const CLIENT_CA: Keys = ["client_ca_file"; 2];

/// What a look at files found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// All that keeps them from being used.
    pub wrong: Vec<Wrong>,
    /// When the certificate expired or will become valid, if it is not valid now.
    pub expired: Option<String>,
}

/// TLS of a receiver. Example: `tls: { cert_file: cert.pem, key_file: key.pem, client_ca_file: clients.pem }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// What it proves to clients to be.
    pub identity: Identity,
    /// Whose certificates clients must have, if any. Example: `client_ca_file: clients.pem`.
    pub client_ca: Option<Pem>,
    /// What it speaks. Example: `min_version: "1.3"`.
    pub versions: Versions,
}

/// TLS of an exporter. Example: `tls: { ca_file: ca.pem }`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// Whom it trusts, if not the system's authorities. Example: `ca_file: ca.pem`.
    pub ca: Option<Pem>,
    /// Whether it trusts the system's authorities besides. Example: `include_system_ca_certs_pool: true`.
    pub system_roots: bool,
    /// What it proves to a backend to be, if it demands that. Example: `cert_file: cert.pem` with `key_file: key.pem`.
    pub identity: Option<Identity>,
    /// Whether any certificate will do. Example: `insecure_skip_verify: true`.
    pub skip_verify: bool,
    /// The name that the certificate is for, if not the endpoint's. Example: `server_name_override: backend.internal`.
    pub server_name: Option<String>,
    /// What it speaks. Example: `min_version: "1.3"`.
    pub versions: Versions,
}

/// A certificate, with those between it and an authority behind it, and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Example: `cert_file: cert.pem`.
    pub certificate: Pem,
    /// Example: `key_file: key.pem`.
    pub key: Pem,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// TLS 1.2.
    Tls12,
    /// TLS 1.3.
    Tls13,
}

/// The versions from one to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versions {
    /// Example: `min_version: "1.2"`.
    pub min: Version,
    /// Example: `max_version: "1.3"`.
    pub max: Version,
}

impl Default for Versions {
    fn default() -> Self {
        Self {
            min: Version::Tls12,
            max: Version::Tls13,
        }
    }
}

impl Server {
    /// Reads and checks the files of as much of a receiver's settings as there is, and says all that is wrong with them; a
    /// warning says that the certificate is not valid now.
    pub fn check(identity: Option<&Identity>, client_ca: Option<&Pem>) -> Checked {
        let mut checked = identity.map(Identity::check).unwrap_or_default();
        let roots = client_ca.map(|ca| pem::authorities(ca, CLIENT_CA));
        checked.wrong.extend(roots.and_then(Result::err));
        checked
    }

    pub(super) fn files(&self) -> Vec<PathBuf> {
        let Identity { certificate, key } = &self.identity;
        let all = [Some(certificate), Some(key), self.client_ca.as_ref()];
        all.into_iter().flatten().filter_map(Pem::path).collect()
    }

    pub(super) fn build(&self) -> Result<ServerConfig, Wrong> {
        let builder = ServerConfig::builder_with_provider(Arc::clone(&RING))
            .with_protocol_versions(&self.versions.supported())
            .expect("ring speaks both versions");
        let builder = match &self.client_ca {
            Some(ca) => {
                let roots = Arc::new(pem::authorities(ca, CLIENT_CA)?);
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&RING));
                let verifier = verifier.build().expect("there is an authority");
                builder.with_client_cert_verifier(verifier)
            }
            None => builder.with_no_client_auth(),
        };
        let identity = self.identity.certified()?;
        let identity = rustls::sign::SingleCertAndKey::from(identity);
        Ok(builder.with_cert_resolver(Arc::new(identity)))
    }

    /// Says when the certificate expired, or will become valid.
    pub(super) fn expired(&self) -> Result<Option<String>, Wrong> {
        self.identity.expired()
    }
}

impl Client {
    /// Reads and checks the files, and says all that is wrong with them; a warning says that the certificate is not valid now.
    pub fn check(&self) -> Checked {
        let identity = self.identity.as_ref();
        let mut checked = identity.map(Identity::check).unwrap_or_default();
        let ca = self.ca.as_ref().filter(|_| !self.skip_verify);
        let roots = ca.map(|ca| pem::authorities(ca, CA));
        checked.wrong.extend(roots.and_then(Result::err));
        checked
    }

    /// Whether it trusts the authorities of the system.
    pub fn uses_system_roots(&self) -> bool {
        !self.skip_verify && (self.ca.is_none() || self.system_roots)
    }

    /// Whether the system names authorities.
    pub fn has_system_roots() -> bool {
        !trust::system().is_empty()
    }

    pub(super) fn files(&self) -> Vec<PathBuf> {
        let identity = self.identity.as_ref();
        let certificate = identity.map(|identity| &identity.certificate);
        let all = [
            certificate,
            identity.map(|identity| &identity.key),
            self.ca.as_ref(),
        ];
        let files = all.into_iter().flatten().filter_map(Pem::path);
        let system = self.uses_system_roots().then(trust::places);
        files.chain(system.into_iter().flatten()).collect()
    }

    pub(super) fn build(&self) -> Result<ClientConfig, Wrong> {
        let builder = ClientConfig::builder_with_provider(Arc::clone(&RING))
            .with_protocol_versions(&self.versions.supported())
            .expect("ring speaks both versions");
        let builder = if self.skip_verify {
            let anyone: Arc<dyn ServerCertVerifier> = Arc::new(trust::Anyone::new(&RING));
            builder.dangerous().with_custom_certificate_verifier(anyone)
        } else {
            let mut roots = match &self.ca {
                Some(ca) => pem::authorities(ca, CA)?,
                None => rustls::RootCertStore::empty(),
            };
            if self.uses_system_roots() {
                roots.extend(trust::system().roots);
            }
            builder.with_root_certificates(roots)
        };
        Ok(match &self.identity {
            Some(identity) => {
                let identity = rustls::sign::SingleCertAndKey::from(identity.certified()?);
                builder.with_client_cert_resolver(Arc::new(identity))
            }
            None => builder.with_no_client_auth(),
        })
    }
}

impl Identity {
    /// All that is wrong with the two files, and whether the certificate is not valid now.
    fn check(&self) -> Checked {
        let (chain, signer) = (self.chain(), self.signer());
        let expired = chain.as_deref().ok().and_then(expired);
        let wrong = match (chain, signer) {
            (Ok(chain), Ok(signer)) => Vec::from_iter(self.matched(chain, signer).err()),
            (chain, signer) => chain.err().into_iter().chain(signer.err()).collect(),
        };
        Checked { wrong, expired }
    }

    fn certified(&self) -> Result<CertifiedKey, Wrong> {
        self.matched(self.chain()?, self.signer()?)
    }

    fn chain(&self) -> Result<Vec<CertificateDer<'static>>, Wrong> {
        pem::certificates(&self.certificate, CERTIFICATE)
    }

    fn signer(&self) -> Result<Arc<dyn SigningKey>, Wrong> {
        let private = pem::private_key(&self.key, KEY)?;
        let signer = RING.key_provider.load_private_key(private);
        signer.map_err(|_why| {
            let cure = "use ECDSA (P-256, P-384), Ed25519, or RSA of 2048 bits and more";
            self.key.wrong(KEY, "holds a key that cannot be used", cure)
        })
    }

    fn matched(
        &self,
        chain: Vec<CertificateDer<'static>>,
        signer: Arc<dyn SigningKey>,
    ) -> Result<CertifiedKey, Wrong> {
        let certified = CertifiedKey::new(chain, signer);
        match certified.keys_match() {
            Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {
                Ok(certified)
            }
            Err(rustls::Error::InconsistentKeys(_)) => Err(self.key.wrong(
                KEY,
                "is not the key of the certificate",
                "give the key that the certificate was made for; the certificate comes first in its file, those of its authorities behind it",
            )),
            Err(_damaged) => Err(self.certificate.wrong(
                CERTIFICATE,
                "holds a damaged certificate",
                "make it again",
            )),
        }
    }

    fn expired(&self) -> Result<Option<String>, Wrong> {
        Ok(expired(&self.chain()?))
    }
}

/// Says when the first certificate expired, or will become valid.
fn expired(chain: &[CertificateDer<'_>]) -> Option<String> {
    let when = validity::invalid_now(chain.first()?)?;
    Some(format!("the certificate {when}"))
}

impl Versions {
    fn supported(self) -> Vec<&'static SupportedProtocolVersion> {
        let all = [
            (Version::Tls13, &version::TLS13),
            (Version::Tls12, &version::TLS12),
        ];
        // Never none.
        let within = |(version, _): &(Version, _)| {
            *version == self.min || (self.min..=self.max).contains(version)
        };
        all.into_iter().filter(within).map(|(_, one)| one).collect()
    }
}
