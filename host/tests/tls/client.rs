//! A client over TLS that shares no code with otlet's exporters.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use otlet_tests::certificates::Certified;
use otlet_tests::sender::spans;
use prost::Message as _;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// An open connection over HTTP/1.1.
pub(crate) struct Client {
    connection: SendRequest<Full<Bytes>>,
    /// What the server proved to be, in DER.
    pub(crate) server: Vec<u8>,
}

/// The DER of a certificate.
pub(crate) fn der(pem: &str) -> Vec<u8> {
    CertificateDer::from_pem_slice(pem.as_bytes())
        .unwrap()
        .to_vec()
}

impl Client {
    /// Connects to what should have a certificate of that authority for `localhost`.
    pub(crate) async fn connect(
        address: SocketAddr,
        authority: &str,
        identity: Option<&Certified>,
    ) -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(authority.as_bytes())?)?;
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots);
        let mut config = match identity {
            Some(identity) => config.with_client_auth_cert(
                vec![CertificateDer::from_pem_slice(
                    identity.certificate.as_bytes(),
                )?],
                PrivateKeyDer::from_pem_slice(identity.key.as_bytes())?,
            )?,
            None => config.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let tcp = TcpStream::connect(address).await?;
        let tls = TlsConnector::from(Arc::new(config))
            .connect("localhost".try_into()?, tcp)
            .await?;
        let shown = tls.get_ref().1.peer_certificates().unwrap_or_default();
        let server = shown[0].to_vec();
        let (connection, driver) = handshake(TokioIo::new(tls)).await?;
        tokio::spawn(driver);
        Ok(Self { connection, server })
    }

    /// Sends a span of that number, and gives the status of the answer.
    pub(crate) async fn send(&mut self, number: u64) -> anyhow::Result<u16> {
        let request = http::Request::post("/v1/traces")
            .header("host", "localhost")
            .header("content-type", "application/x-protobuf")
            .body(Full::from(spans([number]).encode_to_vec()))?;
        let answer = self.connection.send_request(request).await?;
        let status = answer.status().as_u16();
        answer.into_body().collect().await?;
        Ok(status)
    }
}
