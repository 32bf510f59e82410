//! The pages, and who gets which.

use std::sync::Arc;

use http::header::{ACCEPT, ALLOW, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Method, Request, Response, StatusCode};

use super::{Format, Health, Shown, Stage};

const PLAIN: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

const JSON: HeaderValue = HeaderValue::from_static("application/json");

const OPENMETRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
const CLASSIC: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

const PATHS: &str = "the pages are /metrics, /plugins, /healthz and /readyz\n";

/// What there is to see.
pub(super) struct Pages {
    pub(super) shown: Shown,
    pub(super) health: Arc<Health>,
}

impl Pages {
    /// Answers a request, whatever its body.
    pub(super) fn answer<B>(&self, request: &Request<B>) -> Response<String> {
        let (status, text) = match request.uri().path() {
            "/metrics" | "/plugins" | "/healthz" | "/readyz" if !is_read(request.method()) => {
                let text = "this is read by GET\n".to_owned();
                let mut answer = page(StatusCode::METHOD_NOT_ALLOWED, PLAIN, text);
                answer
                    .headers_mut()
                    .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
                return answer;
            }
            "/metrics" => {
                let (kind, format) = if takes_openmetrics(request.headers()) {
                    (OPENMETRICS, Format::OpenMetrics)
                } else {
                    (CLASSIC, Format::Classic)
                };
                return page(StatusCode::OK, kind, (self.shown.metrics)(format));
            }
            "/plugins" => return page(StatusCode::OK, JSON, (self.shown.plugins)()),
            "/healthz" => (StatusCode::OK, "alive\n"),
            "/readyz" => match self.health.get() {
                Stage::Starting => (
                    StatusCode::SERVICE_UNAVAILABLE,
                    "starting: not every receiver listens yet\n",
                ),
                Stage::Waiting => (
                    StatusCode::SERVICE_UNAVAILABLE,
                    "waiting for plugins: /plugins says for which\n",
                ),
                Stage::Ready => (StatusCode::OK, "ready\n"),
                Stage::Ending => (
                    StatusCode::SERVICE_UNAVAILABLE,
                    "shutting down: no new requests are taken\n",
                ),
            },
            _ => (StatusCode::NOT_FOUND, PATHS),
        };
        page(status, PLAIN, text.to_owned())
    }
}

fn is_read(method: &Method) -> bool {
    method == Method::GET || method == Method::HEAD
}

fn takes_openmetrics(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter();
    accepted
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.contains("application/openmetrics-text"))
}

fn page(status: StatusCode, kind: HeaderValue, text: String) -> Response<String> {
    let mut answer = Response::new(text);
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}
