//! What the ways to send have in common: the form of the bytes, the connections, and reading an answer within bounds.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::uri::Scheme;
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::{self, Builder};
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::answer::{Accepted, Failure, words};
use super::connector::{Connector, NoConnection};
use super::debug::Printer;
use super::file;
use super::mask::Mask;
use super::prepared::Prepared;
use super::{Compression, Config, Kind, Output, StartError, Target, grpc, http as otlp_http};
use crate::compression::Coding;
use crate::fresh::Wrong;
use crate::{auth, tls};

/// An attempt that connects and an attempt that waits should not look the same in the log.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a peer may leave what we sent unacknowledged before the connection counts as dead. HTTP/2 pings would find out
/// sooner, but servers made with grpc-go answer frequent pings by hanging up.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(30);

const TCP_KEEPALIVE: Duration = Duration::from_mins(1);

/// Answers are small; these are room enough for their error messages.
const WINDOW: u32 = 1 << 20;

/// What is kept of an answer. Its end is read as well, since gRPC's status stands there, but not for ever.
const LONGEST_ANSWER: usize = 64 << 10;
const LONGEST_READ: usize = 4 << 20;

/// A way to send, with connections of its own.
pub(super) enum Client {
    /// OTLP over gRPC.
    Otlp(grpc::Client, Common),
    /// OTLP over HTTP.
    OtlpHttp(otlp_http::Client, Common),
    /// Prints.
    Debug(Printer),
    /// Writes.
    File(file::Writer),
}

pub(super) struct Common {
    compression: Compression,
    /// Zero is for ever.
    timeout: Duration,
    is_plain: Arc<AtomicBool>,
}

/// Connections to one backend.
pub(super) struct Connections {
    pool: legacy::Client<Connector, Full<Bytes>>,
    tls: Option<Arc<tls::Connector>>,
    bearer: Option<Arc<auth::Bearer>>,
    /// Hides the secrets of the config.
    mask: Mask,
}

/// What the clients of one exporter share: what they prove and demand, and what they found out.
#[derive(Clone, Default)]
pub(super) struct Shared {
    /// None where no endpoint is `https://`.
    tls: Option<Arc<tls::Connector>>,
    bearer: Option<Arc<auth::Bearer>>,
    /// Whether the backend does not know the compression, so that nothing is compressed.
    is_plain: Arc<AtomicBool>,
}

impl Shared {
    /// Reads certificates, keys and tokens.
    pub(super) fn read(config: &Config) -> Result<Self, StartError> {
        let (target, protocol, is_secure) = match &config.kind {
            Kind::Otlp(target) => (target, tls::H2, is_https(&target.endpoint)),
            Kind::OtlpHttp(to) => (&to.target, tls::HTTP1, to.endpoints().any(is_https)),
            Kind::Debug(_) | Kind::File(_) => return Ok(Self::default()),
        };
        let wrong = |wrong: Wrong| StartError {
            name: config.name.clone(),
            reason: wrong.to_string(),
        };
        let what = format!("exporter {:?}", config.name);
        let tls = is_secure.then(|| tls::Connector::new(&what, &target.tls, &[protocol]));
        let bearer = target.auth.as_deref().map(auth::Bearer::new);
        Ok(Self {
            tls: tls.transpose().map_err(wrong)?.map(Arc::new),
            bearer: bearer.transpose().map_err(wrong)?.map(Arc::new),
            is_plain: Arc::default(),
        })
    }
}

fn is_https(endpoint: &Uri) -> bool {
    endpoint.scheme() == Some(&Scheme::HTTPS)
}

/// An answer that was read to its end.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    pub(super) trailers: HeaderMap,
    /// Hides in its words what the request held.
    pub(super) mask: Mask,
}

impl Client {
    /// A client; `file` is what the clients of one exporter share.
    pub(super) fn new(
        config: &Config,
        shared: &Shared,
        output: &Output,
        file: Option<&file::Writer>,
    ) -> Result<Self, StartError> {
        let common = |target: &Target| Common {
            compression: target.compression,
            timeout: config.timeout,
            is_plain: Arc::clone(&shared.is_plain),
        };
        match &config.kind {
            Kind::Otlp(target) => {
                let client = grpc::Client::new(
                    &config.name,
                    target,
                    config.timeout,
                    Connections::new(true, config, target, shared),
                )?;
                Ok(Self::Otlp(client, common(target)))
            }
            Kind::OtlpHttp(to) => {
                let client = otlp_http::Client::new(
                    &config.name,
                    to,
                    Connections::new(false, config, &to.target, shared),
                )?;
                Ok(Self::OtlpHttp(client, common(&to.target)))
            }
            Kind::Debug(verbosity) => Ok(Self::Debug(Printer::new(
                &config.name,
                *verbosity,
                output.clone(),
            ))),
            Kind::File(config) => Ok(Self::File(
                file.cloned().unwrap_or_else(|| file::Writer::new(config)),
            )),
        }
    }

    /// How requests are compressed, if they are.
    pub(super) fn coding(&self) -> Option<Coding> {
        match self {
            Self::Otlp(_, common) | Self::OtlpHttp(_, common) => common.coding(),
            Self::Debug(_) | Self::File(_) => None,
        }
    }

    /// Compresses nothing from now on; gives what the compression was called, the first time.
    pub(super) fn give_up_compression(&self) -> Option<&'static str> {
        let (Self::Otlp(_, common) | Self::OtlpHttp(_, common)) = self else {
            return None;
        };
        let was_plain = common.is_plain.swap(true, Ordering::Relaxed);
        let coding = common.compression.coding().filter(|_| !was_plain)?;
        Some(coding.name())
    }

    /// Sends a request once.
    pub(super) async fn attempt(&self, request: &Prepared) -> Result<Accepted, Failure> {
        match self {
            Self::Otlp(client, common) => within(common.timeout, client.export(request)).await,
            Self::OtlpHttp(client, common) => within(common.timeout, client.export(request)).await,
            Self::Debug(printer) => Ok(printer.print(request).await),
            Self::File(writer) => writer.write(request).await,
        }
    }
}

impl Common {
    /// How requests are compressed, if they are.
    fn coding(&self) -> Option<Coding> {
        let coding = self.compression.coding();
        coding.filter(|_| !self.is_plain.load(Ordering::Relaxed))
    }
}

async fn within<T>(
    timeout: Duration,
    attempt: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    if timeout.is_zero() {
        return attempt.await;
    }
    tokio::time::timeout(timeout, attempt)
        .await
        .unwrap_or_else(|_elapsed| {
            let reason = format!("the backend did not answer within {timeout:?}");
            Err(Failure::transport(reason))
        })
}

impl Connections {
    /// Makes connections: for gRPC one that all requests share, for HTTP/1.1 one for each request in flight.
    pub(super) fn new(http2: bool, config: &Config, target: &Target, shared: &Shared) -> Self {
        let timeout = if config.timeout.is_zero() {
            CONNECT_TIMEOUT
        } else {
            config.timeout.min(CONNECT_TIMEOUT)
        };
        let connector = Connector::new(shared.tls.clone(), timeout, |tcp| {
            tcp.set_nodelay(true);
            tcp.set_keepalive(Some(TCP_KEEPALIVE));
            #[cfg(target_os = "linux")]
            tcp.set_tcp_user_timeout(Some(TCP_USER_TIMEOUT));
        });
        let mut builder = Builder::new(TokioExecutor::new());
        if let Some(keepalive) = target.keepalive.as_ref().filter(|_| http2) {
            builder
                .http2_keep_alive_interval(keepalive.time)
                .http2_keep_alive_timeout(keepalive.timeout)
                .http2_keep_alive_while_idle(keepalive.permit_without_stream);
        }
        let pool = builder
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .http2_only(http2)
            .http2_initial_stream_window_size(WINDOW)
            .http2_initial_connection_window_size(WINDOW)
            .http1_max_buf_size(LONGEST_ANSWER)
            .build(connector);
        Self {
            pool,
            tls: shared.tls.clone(),
            bearer: shared.bearer.clone(),
            mask: Mask::of(target.headers.iter().map(|(_, value)| value)),
        }
    }

    /// Sends a request, with the token if there is one, and reads the answer.
    pub(super) async fn exchange(
        &self,
        mut request: Request<Full<Bytes>>,
    ) -> Result<Answer, Failure> {
        let mut mask = self.mask.clone();
        if let Some(bearer) = &self.bearer {
            bearer.sign(request.headers_mut()).await;
            mask = mask.with_token_of(request.headers());
        }
        let answer = self.pool.request(request).await.map_err(|error| {
            let what = if error.is_connect() {
                "the backend cannot be reached"
            } else {
                "the connection to the backend broke"
            };
            let trouble = self.tls.as_ref().and_then(|tls| tls.trouble().take());
            match trouble {
                Some(why) => Failure::transport(words(&why)),
                None => broken(what, &error, &mask),
            }
        })?;
        let (parts, body) = answer.into_parts();
        let (body, trailers) = read(body, &mask).await?;
        Ok(Answer {
            status: parts.status,
            headers: parts.headers,
            body,
            trailers,
            mask,
        })
    }
}

/// The headers of every request to a target. The user's come first, and none of them can change what the protocol needs.
pub(super) fn headers(target: &Target, protocol: &[(HeaderName, HeaderValue)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in &target.headers {
        headers.append(name.clone(), value.clone());
    }
    let version = HeaderValue::from_static(concat!("otlet/", env!("CARGO_PKG_VERSION")));
    headers.entry(header::USER_AGENT).or_insert(version);
    for (name, value) in protocol {
        headers.insert(name.clone(), value.clone());
    }
    headers
}

/// Checks that there is a scheme that is known, and a host.
pub(super) fn check(name: &str, endpoint: &Uri) -> Result<(), StartError> {
    let known = [Scheme::HTTP, Scheme::HTTPS];
    if endpoint.scheme().is_some_and(|one| known.contains(one)) && endpoint.host().is_some() {
        return Ok(());
    }
    Err(StartError {
        name: name.to_owned(),
        reason: format!(
            "`{endpoint}` is no endpoint: write `http://host:port` or `https://host:port`"
        ),
    })
}

async fn read(mut body: Incoming, mask: &Mask) -> Result<(Vec<u8>, HeaderMap), Failure> {
    let mut kept = Vec::new();
    let mut seen = 0;
    let mut trailers = HeaderMap::new();
    while let Some(frame) = body.frame().await {
        let frame =
            frame.map_err(|error| broken("the connection to the backend broke", &error, mask))?;
        match frame.into_data() {
            Ok(data) => {
                seen += data.len();
                if seen > LONGEST_READ {
                    let reason = "the backend's answer does not end".to_owned();
                    return Err(Failure::transport(reason));
                }
                let room = LONGEST_ANSWER.saturating_sub(kept.len());
                kept.extend(data.iter().take(room));
            }
            Err(frame) => trailers.extend(frame.into_trailers().unwrap_or_default()),
        }
    }
    Ok((kept, trailers))
}

/// A failure of the network; the innermost cause is the one that tells, unless there are words of ours.
fn broken(what: &str, error: &(dyn Error + 'static), mask: &Mask) -> Failure {
    let mut cause = error;
    loop {
        if let Some(NoConnection(why)) = cause.downcast_ref() {
            return Failure::transport(words(why));
        }
        match cause.source() {
            Some(inner) => cause = inner,
            None => break,
        }
    }
    Failure {
        words: mask.words(&cause.to_string()),
        ..Failure::transport(what.to_owned())
    }
}
