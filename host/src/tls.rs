//! TLS for both sides: what the config says of it, and the handshakes.
//!
//! Certificates, keys and authorities are files or texts in PEM. Files are read again when they change ([`crate::fresh`]): a
//! handshake takes what they hold then, and connections that are open stay open. The one module that knows rustls; cryptography
//! is ring's.

mod der;
mod pem;
mod settings;
mod stream;
mod trust;
mod validity;
mod words;

#[cfg(test)]
mod tests;

use std::io;
use std::sync::{Arc, LazyLock};

use rustls::crypto::{CryptoProvider, ring};
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::fresh::{Fresh, Wrong};

pub use pem::Pem;
pub use settings::{Checked, Client, Identity, Server, Version, Versions};
pub use stream::{Stream, Trouble};

/// HTTP/2, as both sides name it while they shake hands.
pub const H2: &[u8] = b"h2";
/// HTTP/1.1.
pub const HTTP1: &[u8] = b"http/1.1";

static RING: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| Arc::new(ring::default_provider()));

/// Shakes hands with clients.
pub struct Acceptor(Fresh<TlsAcceptor>);

/// Shakes hands with servers.
pub struct Connector {
    config: Fresh<TlsConnector>,
    /// What the certificate is for, if not for the name in the endpoint.
    server_name: Option<String>,
    trouble: Trouble,
}

impl Acceptor {
    /// Reads the files; `what` it is for stands in the log when they change. `protocols` are what may be spoken, the best first.
    pub fn new(what: &str, server: &Server, protocols: &[&[u8]]) -> Result<Self, Wrong> {
        let files = server.files();
        let server = server.clone();
        let protocols = names(protocols);
        let who = what.to_owned();
        let make = move || {
            if let Some(expired) = server.expired()? {
                tracing::warn!(of = who, "{expired}");
            }
            let mut config = server.build()?;
            config.alpn_protocols.clone_from(&protocols);
            Ok::<_, Wrong>(TlsAcceptor::from(Arc::new(config)))
        };
        Ok(Self(Fresh::new(what.to_owned(), files, make)?))
    }

    /// Shakes hands over a connection; the error is what went wrong, in words that help.
    pub async fn accept(&self, tcp: TcpStream) -> Result<Stream, String> {
        let acceptor = self.0.get().await;
        match acceptor.accept(tcp).await {
            Ok(stream) => Ok(Stream::secure(stream.into(), Trouble::default())),
            Err(error) => Err(words::of_a_client(&error)),
        }
    }
}

impl Connector {
    /// Reads the files, as [`Acceptor::new`] does.
    pub fn new(what: &str, client: &Client, protocols: &[&[u8]]) -> Result<Self, Wrong> {
        let files = client.files();
        let server_name = client.server_name.clone();
        let client = client.clone();
        let protocols = names(protocols);
        let make = move || {
            let mut config = client.build()?;
            config.alpn_protocols.clone_from(&protocols);
            Ok::<_, Wrong>(TlsConnector::from(Arc::new(config)))
        };
        Ok(Self {
            config: Fresh::new(what.to_owned(), files, make)?,
            server_name,
            trouble: Trouble::default(),
        })
    }

    /// What last went wrong with the TLS of a connection that was open.
    pub fn trouble(&self) -> &Trouble {
        &self.trouble
    }

    /// Shakes hands over a connection to a host; the error is what went wrong, in words that help.
    pub async fn connect(&self, tcp: TcpStream, host: &str) -> Result<Stream, String> {
        let host = self.server_name.as_deref().unwrap_or(host);
        let name = server_name(host).ok_or_else(|| {
            format!(
                "{host:?} is no name that a certificate can be for: set `tls.server_name_override`"
            )
        })?;
        let connector = self.config.get().await;
        match connector.connect(name, tcp).await {
            Ok(stream) => Ok(Stream::secure(stream.into(), self.trouble.clone())),
            Err(error) => Err(words::of_a_server(&error)),
        }
    }
}

/// A DNS name or an IP address, the brackets of IPv6 left out.
fn server_name(host: &str) -> Option<ServerName<'static>> {
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    ServerName::try_from(bare.unwrap_or(host).to_owned()).ok()
}

fn names(protocols: &[&[u8]]) -> Vec<Vec<u8>> {
    protocols.iter().map(|name| name.to_vec()).collect()
}

/// What rustls has to say within an error of the stream, if it comes from there.
fn cause(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}
