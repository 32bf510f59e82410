//! What the config says of TLS, and rustls's configurations made of it.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::server::WebPkiClientVerifier;
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, ServerConfig, SupportedProtocolVersion, version};

use super::pem::{self, Pem};
use super::{RING, trust, validity};
use crate::fresh::Wrong;

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
    /// Reads and checks the files; a warning says that the certificate is not valid now.
    pub fn check(&self) -> Result<Option<String>, Wrong> {
        self.build()?;
        self.expired()
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
                let roots = Arc::new(pem::authorities(ca, ["client_ca_file"; 2])?);
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
    /// Reads and checks the files; a warning says that the certificate is not valid now, or that nobody is trusted.
    pub fn check(&self) -> Result<Option<String>, Wrong> {
        self.build()?;
        match &self.identity {
            Some(identity) => identity.expired(),
            None => Ok(None),
        }
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
        all.into_iter().flatten().filter_map(Pem::path).collect()
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
                Some(ca) => pem::authorities(ca, ["ca_file", "ca_pem"])?,
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
    fn certified(&self) -> Result<CertifiedKey, Wrong> {
        let Self { certificate, key } = self;
        let chain = pem::certificates(certificate, ["cert_file", "cert_pem"])?;
        let private = pem::private_key(key, ["key_file", "key_pem"])?;
        let wrong = |what: &str, cure: &str| key.wrong(["key_file", "key_pem"], what, cure);
        let signer = RING
            .key_provider
            .load_private_key(private)
            .map_err(|_why| {
                wrong(
                    "holds a key that cannot be used",
                    "use ECDSA (P-256, P-384), Ed25519, or RSA of 2048 bits and more",
                )
            })?;
        let certified = CertifiedKey::new(chain, signer);
        match certified.keys_match() {
            Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {
                Ok(certified)
            }
            Err(rustls::Error::InconsistentKeys(_)) => Err(wrong(
                "is not the key of the certificate",
                "give the key that the certificate was made for; the certificate comes first in its file, those of its authorities behind it",
            )),
            Err(_damaged) => Err(certificate.wrong(
                ["cert_file", "cert_pem"],
                "holds a damaged certificate",
                "make it again",
            )),
        }
    }

    fn expired(&self) -> Result<Option<String>, Wrong> {
        let chain = pem::certificates(&self.certificate, ["cert_file", "cert_pem"])?;
        let invalid = chain.first().and_then(|first| validity::invalid_now(first));
        Ok(invalid.map(|when| format!("the certificate {when}")))
    }
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
