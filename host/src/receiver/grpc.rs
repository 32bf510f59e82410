//! OTLP over gRPC: three unary methods, without a codec. A compressed message stays compressed: who needs it open opens it.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap};
use http::{Method, Request, Response, StatusCode};
use http_body::Body;

use super::answer::Answer;
use super::body::{self, Fault};
use super::door::Door;
use super::status;
use crate::acceptance::Accepted;
use crate::batch::Signal;
use crate::compression::{ACCEPTED, Coding};
use crate::payload::Payload;
use crate::refusal::Refusal;

/// Answers one request.
pub(super) async fn answer<B>(door: &Door, request: Request<B>) -> Response<Answer>
where
    B: Body<Data = Bytes> + Unpin,
{
    let (head, mut body) = request.into_parts();
    let refusal = match called(&head) {
        Ok(call) => match receive(door, &head, &call, &mut body).await {
            Ok(accepted) => {
                door.accept(&accepted);
                return status::grpc_ok(&accepted);
            }
            Err(Fault::Refused(refusal)) => refusal,
            Err(Fault::Gone) => {
                door.counters.aborted.add(1);
                return status::grpc_refusal(&Refusal::Invalid("the request was cut short".into()));
            }
        },
        Err(response) => {
            door.counters.invalid.add(1);
            body::drain(&mut body).await;
            return *response;
        }
    };
    door.refuse(&refusal, &mut body, true).await;
    status::grpc_refusal(&refusal)
}

/// What is called, and how.
struct Call {
    signal: Signal,
    coding: Option<Coding>,
}

async fn receive<B>(
    door: &Door,
    head: &http::request::Parts,
    call: &Call,
    body: &mut B,
) -> Result<Accepted, Fault>
where
    B: Body<Data = Bytes> + Unpin,
{
    door.admit_sender(head).await?;
    let mut message = door
        .in_time(body::message(body, door, call.coding.is_some()))
        .await?;
    door.counters.bytes.add_len(message.framed.len());
    let payload = match call.coding {
        Some(coding) if message.compressed => {
            let packed = door.admit(coding, message.framed, &mut message.charge)?;
            Door::carried(call.signal, packed)?
        }
        _ => Payload::plain(call.signal, message.framed),
    };
    let payload = message.charge.hand_over(payload)?;
    Ok(door.pass(head, payload).await?)
}

/// Finds out what is called; the error is the answer.
fn called(head: &http::request::Parts) -> Result<Call, Box<Response<Answer>>> {
    match text(&head.headers, &CONTENT_TYPE).map(subtype) {
        Some(Some("" | "+proto")) => {}
        Some(Some(other)) => {
            let other = format!("messages in `{other}`: only protobuf is understood");
            return Err(Box::new(status::grpc_unimplemented(&other)));
        }
        _ => {
            let message = "this is OTLP over gRPC, in application/grpc; OTLP over HTTP has another port (4318 by default)";
            return Err(Box::new(status::plain(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                message,
            )));
        }
    }
    let signal = match head.uri.path() {
        "/opentelemetry.proto.collector.trace.v1.TraceService/Export" => Signal::Traces,
        "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export" => Signal::Metrics,
        "/opentelemetry.proto.collector.logs.v1.LogsService/Export" => Signal::Logs,
        _ => {
            let message =
                "unknown method: OTLP has Export of TraceService, MetricsService and LogsService";
            return Err(Box::new(status::grpc_unimplemented(message)));
        }
    };
    if head.method != Method::POST {
        return Err(Box::new(status::grpc_unimplemented("gRPC is sent by POST")));
    }
    let encoding = head.headers.get("grpc-encoding");
    let coding = match encoding.map(http::HeaderValue::as_bytes) {
        None | Some(b"" | b"identity") => None,
        Some(name) => Some(Coding::named(name).ok_or_else(|| {
            let message = format!("unknown grpc-encoding: identity, {ACCEPTED} are understood");
            Box::new(status::grpc_unimplemented(&message))
        })?),
    };
    Ok(Call { signal, coding })
}

/// What follows `application/grpc` in a content type that begins with it, parameters left out.
fn subtype(content_type: &str) -> Option<&str> {
    let (media, _parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    let rest = media.trim_end().strip_prefix("application/grpc")?;
    (rest.is_empty() || rest.starts_with('+')).then_some(rest)
}

fn text<'a>(headers: &'a HeaderMap, name: &http::HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
