//! The three kinds of requests, seen as the one tree that they are: resources, scopes, records.

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::{DecodeError, Message};

use crate::batch::Signal;

/// A decoded request.
pub(super) enum Request {
    Traces(ExportTraceServiceRequest),
    Metrics(ExportMetricsServiceRequest),
    Logs(ExportLogsServiceRequest),
}

pub(super) struct ResourceView<'a> {
    pub(super) resource: Option<&'a Resource>,
    pub(super) schema_url: &'a str,
    pub(super) scopes: Vec<ScopeView<'a>>,
}

pub(super) struct ScopeView<'a> {
    pub(super) scope: Option<&'a InstrumentationScope>,
    pub(super) schema_url: &'a str,
    pub(super) records: Records<'a>,
}

pub(super) enum Records<'a> {
    Spans(&'a [Span]),
    Metrics(&'a [Metric]),
    Logs(&'a [LogRecord]),
}

/// The resources of one signal's request; the fields differ in nothing but their names.
macro_rules! resources {
    ($resources:expr, $scopes:ident, $records:ident, $kind:ident) => {
        $resources
            .iter()
            .map(|of| ResourceView {
                resource: of.resource.as_ref(),
                schema_url: &of.schema_url,
                scopes: of
                    .$scopes
                    .iter()
                    .map(|of| ScopeView {
                        scope: of.scope.as_ref(),
                        schema_url: &of.schema_url,
                        records: Records::$kind(&of.$records),
                    })
                    .collect(),
            })
            .collect()
    };
}

impl Request {
    pub(super) fn decode(signal: Signal, message: &Bytes) -> Result<Self, DecodeError> {
        let message = message.clone();
        Ok(match signal {
            Signal::Traces => Self::Traces(Message::decode(message)?),
            Signal::Metrics => Self::Metrics(Message::decode(message)?),
            Signal::Logs => Self::Logs(Message::decode(message)?),
        })
    }

    pub(super) fn resources(&self) -> Vec<ResourceView<'_>> {
        match self {
            Self::Traces(request) => resources!(request.resource_spans, scope_spans, spans, Spans),
            Self::Metrics(request) => {
                resources!(request.resource_metrics, scope_metrics, metrics, Metrics)
            }
            Self::Logs(request) => resources!(request.resource_logs, scope_logs, log_records, Logs),
        }
    }
}
