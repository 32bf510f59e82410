//! `Request`: an OTLP export request of any signal, decoded.

mod json;

use opentelemetry_proto::tonic::collector::{
    logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
    trace::v1::ExportTraceServiceRequest,
};
use prost::Message;
use serde_json::Value;

use crate::{Error, Signal};

/// An OTLP export request of any signal.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// Spans.
    Traces(ExportTraceServiceRequest),
    /// Data points.
    Metrics(ExportMetricsServiceRequest),
    /// Log records.
    Logs(ExportLogsServiceRequest),
}

impl Request {
    /// Reads OTLP's JSON. The signal is that of its one key: `resourceSpans`, `resourceMetrics` or `resourceLogs`.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        let mut json: Value = serde_json::from_str(text)?;
        json::complete(&mut json);
        let has = |key| json.get(key).is_some();
        let request = if has("resourceSpans") {
            Self::Traces(serde_json::from_value(json.clone())?)
        } else if has("resourceMetrics") {
            Self::Metrics(serde_json::from_value(json.clone())?)
        } else if has("resourceLogs") {
            Self::Logs(serde_json::from_value(json.clone())?)
        } else {
            return Err("no resourceSpans, resourceMetrics or resourceLogs".into());
        };
        json::check(&json, &request.to_json(), "request")?;
        Ok(request)
    }

    /// The request in OTLP's JSON, with every field. NaN and the infinities are null.
    pub fn to_json(&self) -> Value {
        let json = match self {
            Self::Traces(request) => serde_json::to_value(request),
            Self::Metrics(request) => serde_json::to_value(request),
            Self::Logs(request) => serde_json::to_value(request),
        };
        json.expect("a request has text keys and no other way to fail")
    }

    /// Decodes a request of this signal.
    pub fn from_protobuf(signal: Signal, bytes: &[u8]) -> Result<Self, Error> {
        Ok(match signal {
            Signal::Traces => Self::Traces(ExportTraceServiceRequest::decode(bytes)?),
            Signal::Metrics => Self::Metrics(ExportMetricsServiceRequest::decode(bytes)?),
            Signal::Logs => Self::Logs(ExportLogsServiceRequest::decode(bytes)?),
        })
    }

    /// Encodes it.
    pub fn to_protobuf(&self) -> Vec<u8> {
        match self {
            Self::Traces(request) => request.encode_to_vec(),
            Self::Metrics(request) => request.encode_to_vec(),
            Self::Logs(request) => request.encode_to_vec(),
        }
    }

    /// Its signal.
    pub fn signal(&self) -> Signal {
        match self {
            Self::Traces(_) => Signal::Traces,
            Self::Metrics(_) => Signal::Metrics,
            Self::Logs(_) => Signal::Logs,
        }
    }
}

impl From<ExportTraceServiceRequest> for Request {
    fn from(request: ExportTraceServiceRequest) -> Self {
        Self::Traces(request)
    }
}

impl From<ExportMetricsServiceRequest> for Request {
    fn from(request: ExportMetricsServiceRequest) -> Self {
        Self::Metrics(request)
    }
}

impl From<ExportLogsServiceRequest> for Request {
    fn from(request: ExportLogsServiceRequest) -> Self {
        Self::Logs(request)
    }
}
