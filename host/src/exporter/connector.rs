//! Makes an exporter's connections: looks the backend's name up, connects, and shakes hands where the endpoint is `https://`.

use std::error::Error;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use http::uri::Scheme;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::{GaiAddrs, GaiResolver, Name};
use hyper_util::rt::TokioIo;
use tower_service::Service;

use crate::tls::{self, Stream};

/// Makes connections to a backend.
#[derive(Clone)]
pub(super) struct Connector {
    tcp: HttpConnector<Resolver>,
    tls: Option<Arc<tls::Connector>>,
    /// How long a handshake may take.
    timeout: Duration,
}

/// Why there is no connection, in words that help.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct NoConnection(pub(super) String);

/// The system's resolver, whose errors name what was looked up.
#[derive(Clone)]
pub(super) struct Resolver(GaiResolver);

type Connecting<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

impl Connector {
    /// One that takes so long to connect, and as long again to shake hands. Without `tls` nothing but `http://` can be
    /// reached.
    pub(super) fn new(
        tls: Option<Arc<tls::Connector>>,
        timeout: Duration,
        settings: impl FnOnce(&mut HttpConnector<Resolver>),
    ) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(Resolver(GaiResolver::new()));
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(timeout));
        settings(&mut tcp);
        Self { tcp, tls, timeout }
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Stream>;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = Connecting<Self::Response, Self::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.tcp.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.tcp.call(uri.clone());
        let tls = self.tls.clone();
        let timeout = self.timeout;
        Box::pin(async move {
            let tcp = connecting.await?.into_inner();
            if uri.scheme() != Some(&Scheme::HTTPS) {
                return Ok(TokioIo::new(Stream::plain(tcp)));
            }
            let tls = tls.ok_or_else(|| NoConnection("there is no TLS here".to_owned()))?;
            let shaken = tls.connect(tcp, uri.host().unwrap_or_default());
            let stream = match tokio::time::timeout(timeout, shaken).await {
                Ok(shaken) => shaken.map_err(NoConnection)?,
                Err(_late) => {
                    let what = format!("the TLS handshake did not end within {timeout:?}");
                    return Err(NoConnection(what).into());
                }
            };
            Ok(TokioIo::new(stream))
        })
    }
}

impl Service<Name> for Resolver {
    type Response = GaiAddrs;
    type Error = NoConnection;
    type Future = Connecting<GaiAddrs, NoConnection>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0
            .poll_ready(cx)
            .map_err(|error: io::Error| NoConnection(error.to_string()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let looking = self.0.call(name.clone());
        Box::pin(async move {
            looking.await.map_err(|error| {
                NoConnection(format!(
                    "the backend's name `{name}` cannot be looked up: {error}",
                    name = name.as_str()
                ))
            })
        })
    }
}
