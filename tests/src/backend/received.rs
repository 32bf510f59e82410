//! What a backend was sent.

use std::time::Instant;

use bytes::Bytes;
use http::HeaderMap;
use libdeflater::{DecompressionError, Decompressor};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use prost::Message;

/// How a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// OTLP over gRPC.
    Grpc,
    /// OTLP over HTTP.
    Http,
}

/// One request that arrived whole.
#[derive(Clone, Debug)]
pub struct Received {
    /// How it came.
    pub protocol: Protocol,
    /// Where to.
    pub path: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// The message as it came, compressed or not, without gRPC's prefix.
    pub body: Bytes,
    /// What it was compressed with, as its sender calls it.
    pub coding: Option<String>,
    /// What it says.
    pub request: Request,
    /// When it had arrived.
    pub at: Instant,
    /// Whether the script takes it (or took it, and lost the answer).
    pub taken: bool,
}

/// A decoded request.
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
    /// The spans, data points or log records in it.
    pub fn items(&self) -> usize {
        match self {
            Self::Traces(request) => (request.resource_spans.iter())
                .flat_map(|resource| &resource.scope_spans)
                .map(|scope| scope.spans.len())
                .sum(),
            Self::Logs(request) => (request.resource_logs.iter())
                .flat_map(|resource| &resource.scope_logs)
                .map(|scope| scope.log_records.len())
                .sum(),
            Self::Metrics(request) => (request.resource_metrics.iter())
                .flat_map(|resource| &resource.scope_metrics)
                .flat_map(|scope| &scope.metrics)
                .map(|metric| match &metric.data {
                    None => 0,
                    Some(Data::Gauge(of)) => of.data_points.len(),
                    Some(Data::Sum(of)) => of.data_points.len(),
                    Some(Data::Histogram(of)) => of.data_points.len(),
                    Some(Data::ExponentialHistogram(of)) => of.data_points.len(),
                    Some(Data::Summary(of)) => of.data_points.len(),
                })
                .sum(),
        }
    }
}

impl Received {
    /// Reads a request; what is wrong with it otherwise.
    pub(super) fn read(
        parts: http::request::Parts,
        body: &Bytes,
        taken: bool,
    ) -> Result<Self, String> {
        let header = |name: &str| {
            parts
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        let kind = header("content-type").unwrap_or_default();
        let (protocol, body, coding) = if kind.starts_with("application/grpc") {
            let (prefix, message) = body
                .split_first_chunk::<5>()
                .ok_or("a gRPC message has a prefix")?;
            let [flag, len @ ..] = prefix;
            let len = usize::try_from(u32::from_be_bytes(*len)).map_err(|e| e.to_string())?;
            if len != message.len() {
                return Err(format!(
                    "the prefix says {len} bytes, not {}",
                    message.len()
                ));
            }
            let coding = header("grpc-encoding").filter(|_coding| *flag == 1);
            if *flag == 1 && coding.is_none() {
                return Err("a compressed message without grpc-encoding".to_owned());
            }
            if header("te") != Some("trailers") {
                return Err("gRPC without te: trailers".to_owned());
            }
            (Protocol::Grpc, body.slice(5..), coding)
        } else if kind == "application/x-protobuf" {
            (Protocol::Http, body.clone(), header("content-encoding"))
        } else {
            return Err(format!("content-type {kind:?}"));
        };
        let plain = match coding {
            Some(coding) => open(coding, &body)?,
            None => body.clone(),
        };
        let coding = coding.map(str::to_owned);
        let path = parts.uri.path().to_owned();
        let request = decode(&path, plain)?;
        Ok(Self {
            protocol,
            path,
            headers: parts.headers,
            body,
            coding,
            request,
            at: Instant::now(),
            taken,
        })
    }
}

/// The most that a test's request holds.
const LARGEST: usize = 64 << 20;

/// Opens what a test sent, by the name of its coding in either protocol.
fn open(coding: &str, body: &[u8]) -> Result<Bytes, String> {
    match coding {
        "gzip" => deflated(body, Decompressor::gzip_decompress),
        "deflate" | "zlib" => deflated(body, Decompressor::zlib_decompress),
        "zstd" => zstd::bulk::decompress(body, LARGEST)
            .map(Bytes::from)
            .map_err(|error| error.to_string()),
        other => Err(format!("coding {other:?}")),
    }
}

fn deflated(
    body: &[u8],
    open: impl Fn(&mut Decompressor, &[u8], &mut [u8]) -> Result<usize, DecompressionError>,
) -> Result<Bytes, String> {
    let mut plain = vec![0; 4 * body.len() + 64];
    loop {
        match open(&mut Decompressor::new(), body, &mut plain) {
            Ok(len) => {
                plain.truncate(len);
                return Ok(plain.into());
            }
            Err(DecompressionError::InsufficientSpace) if plain.len() < LARGEST => {
                plain.resize(plain.len() * 4, 0);
            }
            Err(error) => return Err(error.to_string()),
        }
    }
}

fn decode(path: &str, plain: Bytes) -> Result<Request, String> {
    let wrong = |error: prost::DecodeError| error.to_string();
    match path.rsplit(['/', '.']).next() {
        Some("traces") => Message::decode(plain).map(Request::Traces).map_err(wrong),
        Some("metrics") => Message::decode(plain).map(Request::Metrics).map_err(wrong),
        Some("logs") => Message::decode(plain).map(Request::Logs).map_err(wrong),
        _ => match path {
            "/opentelemetry.proto.collector.trace.v1.TraceService/Export" => {
                Message::decode(plain).map(Request::Traces).map_err(wrong)
            }
            "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export" => {
                Message::decode(plain).map(Request::Metrics).map_err(wrong)
            }
            "/opentelemetry.proto.collector.logs.v1.LogsService/Export" => {
                Message::decode(plain).map(Request::Logs).map_err(wrong)
            }
            _ => Err(format!("path {path}")),
        },
    }
}
