//! OTLP over HTTP: protobuf in a POST.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::Full;
use prost::Message;

use super::answer::{Accepted, Failure};
use super::client::{Answer, Connections, check, headers};
use super::coding::is_unknown_to_http;
use super::prepared::Prepared;
use super::{Compression, HttpTarget, StartError};
use crate::batch::Signal;
use crate::date;
use crate::payload::PREFIX;
use crate::rpc::Status;

const PROTOBUF: HeaderValue = HeaderValue::from_static("application/x-protobuf");

/// Connections to an HTTP backend.
pub(super) struct Client {
    connections: Connections,
    traces: Uri,
    metrics: Uri,
    logs: Uri,
    headers: HeaderMap,
    /// What the coding is called that the requests are compressed in.
    coding: HeaderValue,
}

impl Client {
    pub(super) fn new(
        name: &str,
        to: &HttpTarget,
        connections: Connections,
    ) -> Result<Self, StartError> {
        let endpoint = |whole: &Option<Uri>, signal: Signal| {
            let uri = match whole {
                Some(uri) => uri.clone(),
                None => join(&to.target.endpoint, signal),
            };
            check(name, &uri).map(|()| uri)
        };
        Ok(Self {
            connections,
            traces: endpoint(&to.traces_endpoint, Signal::Traces)?,
            metrics: endpoint(&to.metrics_endpoint, Signal::Metrics)?,
            logs: endpoint(&to.logs_endpoint, Signal::Logs)?,
            headers: headers(&to.target, &[(header::CONTENT_TYPE, PROTOBUF)]),
            coding: coding(to.target.compression),
        })
    }

    /// Sends a request once.
    pub(super) async fn export(&self, prepared: &Prepared) -> Result<Accepted, Failure> {
        let uri = match prepared.signal {
            Signal::Traces => &self.traces,
            Signal::Metrics => &self.metrics,
            Signal::Logs => &self.logs,
        };
        let body = prepared.framed.slice(PREFIX.min(prepared.framed.len())..);
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri.clone();
        *request.headers_mut() = self.headers.clone();
        if prepared.coding.is_some() {
            let name = self.coding.clone();
            request.headers_mut().insert(header::CONTENT_ENCODING, name);
        }
        let answer = self.connections.exchange(request).await?;
        judge(&answer).map_err(|failure| Failure {
            unknown_coding: prepared.coding.is_some()
                && is_unknown_to_http(
                    answer.status,
                    &failure.words,
                    &answer.headers,
                    self.coding.to_str().unwrap_or_default(),
                ),
            ..failure
        })
    }
}

/// The name of a coding in `Content-Encoding`.
fn coding(compression: Compression) -> HeaderValue {
    HeaderValue::from_static(match (compression, compression.coding()) {
        (Compression::Zlib, _) => "zlib",
        (_, Some(coding)) => coding.name(),
        (_, None) => "identity",
    })
}

/// The endpoint with `/v1/` and the signal behind its path. What has no scheme or host is left as it is, for `check`.
fn join(endpoint: &Uri, signal: Signal) -> Uri {
    let path = endpoint.path().trim_end_matches('/');
    let query = endpoint.query().map(|query| format!("?{query}"));
    let joined = format!(
        "{path}/v1/{}{}",
        signal.name(),
        query.as_deref().unwrap_or_default()
    );
    let mut parts = endpoint.clone().into_parts();
    parts.path_and_query = PathAndQuery::try_from(joined).ok();
    Uri::from_parts(parts).unwrap_or_else(|_invalid| endpoint.clone())
}

fn judge(answer: &Answer) -> Result<Accepted, Failure> {
    let content_type = answer.headers.get(header::CONTENT_TYPE);
    let protobuf = content_type.is_some_and(|kind| kind == PROTOBUF);
    if answer.status.is_success() {
        return Ok(if protobuf {
            Accepted::parse(&answer.body, &answer.mask)
        } else {
            Accepted::default()
        });
    }
    let said = if protobuf {
        Status::decode(answer.body.as_slice()).map_or_else(|_invalid| String::new(), |s| s.message)
    } else {
        String::from_utf8_lossy(&answer.body).into_owned()
    };
    let failure = Failure {
        reason: format!("the backend answered HTTP {}", answer.status.as_u16()),
        words: answer.mask.words(&said),
        retryable: matches!(
            answer.status,
            StatusCode::TOO_MANY_REQUESTS
                | StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT
        ),
        after: retry_after(&answer.headers),
        too_large: answer.status == StatusCode::PAYLOAD_TOO_LARGE,
        unknown_coding: false,
    };
    Err(match answer.status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => failure.denied(),
        _ => failure,
    })
}

/// What `Retry-After` says, in seconds or as a date.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let then = UNIX_EPOCH.checked_add(Duration::from_secs(date::parse_http(text)?))?;
    // A date that has passed asks for nothing.
    Some(
        then.duration_since(SystemTime::now())
            .unwrap_or(Duration::ZERO),
    )
}

#[cfg(test)]
mod tests {
    use super::super::mask::Mask;
    use super::*;

    #[test]
    fn the_signals_path_is_joined_to_whatever_the_endpoint_has() {
        for (endpoint, joined) in [
            ("http://host:4318", "http://host:4318/v1/traces"),
            ("http://host:4318/", "http://host:4318/v1/traces"),
            ("http://host/otlp", "http://host/otlp/v1/traces"),
            ("http://host/otlp//", "http://host/otlp/v1/traces"),
            ("http://host/in?key=a", "http://host/in/v1/traces?key=a"),
        ] {
            let uri = join(&Uri::from_static(endpoint), Signal::Traces);
            assert_eq!(uri.to_string(), joined);
        }
    }

    #[test]
    fn the_statuses_of_otlp_and_those_of_credentials_are_tried_again_and_a_redirect_is_an_error() {
        let judged = |status| {
            judge(&Answer {
                status: StatusCode::from_u16(status).unwrap(),
                headers: HeaderMap::new(),
                body: Vec::new(),
                trailers: HeaderMap::new(),
                mask: Mask::default(),
            })
        };
        let retryable: Vec<_> = (200..600)
            .filter(|status| judged(*status).is_err_and(|failure| failure.retryable))
            .collect();
        assert_eq!(retryable, [401, 403, 429, 502, 503, 504]);
        let success: Vec<_> = (200..600)
            .filter(|status| judged(*status).is_ok())
            .collect();
        assert_eq!(success, (200..300).collect::<Vec<u16>>());
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, text.parse().unwrap());
            retry_after(&headers)
        };
        assert_eq!(read("7"), Some(Duration::from_secs(7)));
        assert_eq!(read("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
        let far = read("Fri, 01 Jan 2100 00:00:00 GMT").unwrap();
        assert!(far > Duration::from_hours(1));
        for nonsense in ["", "-1", "soon", "1.5", "Fri, 99 Foo 2100 00:00:00 GMT"] {
            assert_eq!(read(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn an_endpoint_that_is_none_is_named() {
        for endpoint in ["ftp://host:4318", "host:4318", "/v1"] {
            let error = check("otlphttp", &Uri::from_static(endpoint)).unwrap_err();
            assert!(error.to_string().contains("otlphttp"), "{error}");
        }
        assert!(check("otlphttp", &Uri::from_static("https://host")).is_ok());
    }
}
