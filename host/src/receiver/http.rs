//! OTLP over HTTP: POST of protobuf or JSON, plain or compressed, to three paths. JSON becomes protobuf here and is nowhere else.

use bytes::Bytes;
use http::header::{
    ALLOW, CONTENT_ENCODING, CONTENT_TYPE, EXPECT, HeaderMap, HeaderValue, WWW_AUTHENTICATE,
};
use http::{Method, Request, Response, StatusCode};
use http_body::Body;

use super::admission::Charge;
use super::answer::Answer;
use super::body::{self, Fault, Plain};
use super::door::Door;
use super::json;
use super::status::{self, Encoding};
use crate::acceptance::Accepted;
use crate::batch::Signal;
use crate::compression::{self, ACCEPTED, Coding};
use crate::payload::{self, PREFIX, Payload};
use crate::refusal::Refusal;

/// What is sent, and how.
struct Call {
    signal: Signal,
    encoding: Encoding,
    coding: Option<Coding>,
}

/// Answers one request.
pub(super) async fn answer<B>(door: &Door, request: Request<B>) -> Response<Answer>
where
    B: Body<Data = Bytes> + Unpin,
{
    let (head, mut body) = request.into_parts();
    // `Expect: 100-continue`: nothing is sent before the body is asked for, which reading it would do.
    let wanted = !head.headers.contains_key(EXPECT);
    let call = match called(&head) {
        Ok(call) => call,
        Err(response) => {
            door.counters.invalid.add(1);
            if wanted {
                body::drain(&mut body).await;
            }
            return *response;
        }
    };
    match receive(door, &head, &call, &mut body).await {
        Ok(accepted) => {
            door.accept(&accepted);
            status::http_ok(call.encoding, call.signal, &accepted)
        }
        Err(Fault::Refused(refusal)) => {
            door.refuse(&refusal, &mut body, wanted).await;
            let mut response = status::http_refusal(&refusal, call.encoding);
            if let (Refusal::Unauthenticated(_), Some(challenge)) = (&refusal, door.challenge()) {
                response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
            }
            response
        }
        Err(Fault::Gone) => {
            door.counters.aborted.add(1);
            let refusal = Refusal::Invalid("the request was cut short".into());
            status::http_refusal(&refusal, call.encoding)
        }
    }
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
    let mut plain = door.in_time(body::plain(body, door)).await?;
    door.counters.bytes.add_len(plain.framed.len() - PREFIX);
    let payload = payload(door, call, &mut plain)?;
    let payload = plain.charge.hand_over(payload)?;
    Ok(door.pass(head, payload).await?)
}

/// Makes a payload of a body. The charge stays with the body.
fn payload(door: &Door, call: &Call, plain: &mut Plain) -> Result<Payload, Refusal> {
    let mut framed = plain.framed.split();
    let (head, body) = framed.split_at_mut(PREFIX);
    head.copy_from_slice(&payload::prefix(call.coding.is_some(), body.len()));
    let framed = framed.freeze();
    let packed = match call.coding {
        Some(coding) => Some(door.admit(coding, framed.clone(), &mut plain.charge)?),
        None => None,
    };
    match (call.encoding, packed) {
        (Encoding::Protobuf, None) => Ok(Payload::plain(call.signal, framed)),
        (Encoding::Protobuf, Some(packed)) => Door::carried(call.signal, packed),
        (Encoding::Json, packed) => {
            let opened = match packed {
                Some(packed) => {
                    compression::inflate(&packed).map_err(|error| error.refusal(packed.key))?
                }
                None => framed,
            };
            let json = opened.get(PREFIX..).unwrap_or_default();
            from_json(door, call.signal, json, &mut plain.charge)
        }
    }
}

fn from_json(
    door: &Door,
    signal: Signal,
    json: &[u8],
    charge: &mut Charge,
) -> Result<Payload, Refusal> {
    let framed = json::to_protobuf(signal, json, door.protocol.max_request_size)?;
    // Mostly it is smaller than the JSON, which is charged and goes now.
    door.grow(charge, framed.len().saturating_sub(json.len()))?;
    Ok(Payload::plain(signal, framed))
}

/// Finds out what is sent; the error is the answer.
fn called(head: &http::request::Parts) -> Result<Call, Box<Response<Answer>>> {
    let signal = match head.uri.path() {
        "/v1/traces" => Signal::Traces,
        "/v1/metrics" => Signal::Metrics,
        "/v1/logs" => Signal::Logs,
        _ => {
            let message = "unknown path: OTLP has /v1/traces, /v1/metrics and /v1/logs";
            return Err(Box::new(status::plain(StatusCode::NOT_FOUND, message)));
        }
    };
    if head.method != Method::POST {
        let message = "OTLP is sent by POST";
        let mut response = status::plain(StatusCode::METHOD_NOT_ALLOWED, message);
        let post = HeaderValue::from_static("POST");
        response.headers_mut().insert(ALLOW, post);
        return Err(Box::new(response));
    }
    let Some(encoding) = encoding(&head.headers) else {
        let message =
            "unknown content type: application/x-protobuf and application/json are understood";
        return Err(Box::new(status::plain(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            message,
        )));
    };
    let coding = coding(&head.headers).map_err(|Unknown| {
        let message = format!("unknown content encoding: identity, {ACCEPTED} are understood");
        Box::new(status::http_unsupported_encoding(&message, encoding))
    })?;
    Ok(Call {
        signal,
        encoding,
        coding,
    })
}

fn encoding(headers: &HeaderMap) -> Option<Encoding> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let (media, _parameters) = value.split_once(';').unwrap_or((value, ""));
    let media = media.trim();
    if media.eq_ignore_ascii_case("application/x-protobuf") {
        Some(Encoding::Protobuf)
    } else if media.eq_ignore_ascii_case("application/json") {
        Some(Encoding::Json)
    } else {
        None
    }
}

/// A coding that is not understood.
struct Unknown;

/// How the body is compressed, if it is.
fn coding(headers: &HeaderMap) -> Result<Option<Coding>, Unknown> {
    let mut values = headers.get_all(CONTENT_ENCODING).iter();
    let value = values.next().map_or(&b""[..], HeaderValue::as_bytes);
    match (value, values.next()) {
        (value, None) if value.is_empty() || value.eq_ignore_ascii_case(b"identity") => Ok(None),
        (value, None) => Coding::named(value).map(Some).ok_or(Unknown),
        (_, Some(_)) => Err(Unknown),
    }
}
