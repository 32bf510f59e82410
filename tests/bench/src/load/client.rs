//! One request and its answer, over gRPC and HTTP.

use std::sync::Arc;
use std::time::Duration;

use ::h2::client as h2;
use anyhow::Context;
use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use otlet::payload::PREFIX;
use prost::Message;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::Load;
use crate::otlp::{self, Protocol};
use crate::sink;

/// What became of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It was taken, but for so many of its records.
    Acknowledged { rejected: u64 },
    /// It may be sent again.
    Retryable,
    /// It may not.
    Permanent,
    /// There was no answer.
    Failed,
}

/// How long an answer is waited for.
const LONGEST_ANSWER: Duration = Duration::from_secs(30);

/// A connection that is opened again when it broke.
pub(super) struct Connection {
    target: String,
    protocol: Protocol,
    open: Mutex<Option<Sender>>,
}

enum Sender {
    Grpc(h2::SendRequest<Bytes>),
    Http(http1::SendRequest<Full<Bytes>>),
}

impl Connection {
    pub(super) fn new(target: &str, protocol: Protocol) -> Self {
        Self {
            target: target.to_owned(),
            protocol,
            open: Mutex::new(None),
        }
    }

    pub(super) async fn open(&self) -> anyhow::Result<()> {
        let socket = TcpStream::connect(&self.target)
            .await
            .with_context(|| format!("nobody listens on {}", self.target))?;
        socket.set_nodelay(true)?;
        *self.open.lock().await = Some(match self.protocol {
            Protocol::Grpc => {
                let (sender, connection) = h2::Builder::new()
                    .initial_window_size(1 << 20)
                    .initial_connection_window_size(1 << 20)
                    .handshake(socket)
                    .await?;
                tokio::spawn(async move {
                    // What it ends with, its requests are told.
                    let _ended = connection.await;
                });
                Sender::Grpc(sender)
            }
            Protocol::Http => {
                let (sender, connection) = http1::handshake(TokioIo::new(socket)).await?;
                tokio::spawn(async move {
                    let _ended = connection.await;
                });
                Sender::Http(sender)
            }
        });
        Ok(())
    }
}

/// Sends requests of a load over one connection.
pub(super) struct Client {
    connection: Arc<Connection>,
    uri: String,
    gzip: bool,
}

impl Client {
    pub(super) fn new(connection: Arc<Connection>, load: &Load) -> anyhow::Result<Self> {
        let path = otlp::path(load.protocol, load.signal);
        let uri = match load.protocol {
            Protocol::Grpc => format!("http://{}{path}", load.target),
            Protocol::Http => path.to_owned(),
        };
        uri.parse::<http::Uri>().context("the target")?;
        Ok(Self {
            connection,
            uri,
            gzip: load.gzip,
        })
    }

    pub(super) async fn ask(&self, body: Bytes) -> Answer {
        if let Ok(Ok(answer)) = timeout(LONGEST_ANSWER, self.try_ask(body)).await {
            return answer;
        }
        *self.connection.open.lock().await = None;
        Answer::Failed
    }

    async fn try_ask(&self, body: Bytes) -> anyhow::Result<Answer> {
        let mut open = self.connection.open.lock().await;
        if open.is_none() {
            drop(open);
            self.connection.open().await?;
            open = self.connection.open.lock().await;
        }
        match open.as_mut().context("another request found it broken")? {
            Sender::Grpc(sender) => {
                let sender = sender.clone();
                drop(open);
                self.call(sender, body).await
            }
            // Nobody else has this connection, so the lock holds nobody up.
            Sender::Http(sender) => self.post(sender, body).await,
        }
    }

    async fn call(&self, sender: h2::SendRequest<Bytes>, body: Bytes) -> anyhow::Result<Answer> {
        let mut request = Request::post(&self.uri)
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        if self.gzip {
            request = request.header("grpc-encoding", "gzip");
        }
        let (response, mut stream) = sender
            .ready()
            .await?
            .send_request(request.body(())?, false)?;
        stream.send_data(body, true)?;
        let response = response.await?;
        if response.headers().contains_key("grpc-status") {
            return grpc_answer(response.headers(), &[]);
        }
        let mut body = response.into_body();
        let mut message = BytesMut::new();
        while let Some(chunk) = body.data().await {
            let chunk = chunk?;
            body.flow_control().release_capacity(chunk.len())?;
            message.extend_from_slice(&chunk);
        }
        let trailers = body.trailers().await?;
        grpc_answer(&trailers.context("an answer without trailers")?, &message)
    }

    async fn post(
        &self,
        sender: &mut http1::SendRequest<Full<Bytes>>,
        body: Bytes,
    ) -> anyhow::Result<Answer> {
        let mut request = Request::post(&self.uri)
            .header("host", &self.connection.target)
            .header("content-type", "application/x-protobuf");
        if self.gzip {
            request = request.header("content-encoding", "gzip");
        }
        sender.ready().await?;
        let response = sender.send_request(request.body(Full::new(body))?).await?;
        let status = response.status();
        let message = response.into_body().collect().await?.to_bytes();
        http_answer(status, &message)
    }
}

/// OTLP's table: what may be sent again. Exhausted resources only if the answer says when.
fn grpc_answer(trailers: &HeaderMap, framed: &[u8]) -> anyhow::Result<Answer> {
    let status = trailers
        .get("grpc-status")
        .context("an answer without grpc-status")?;
    let says_when = ["google.rpc.retryinfo-bin", "grpc-status-details-bin"]
        .iter()
        .any(|key| trailers.contains_key(*key));
    Ok(match status.to_str()?.parse::<u32>()? {
        0 => {
            let mut message = framed;
            message.advance(message.len().min(PREFIX));
            // A server made with grpc-go answers as it was asked.
            if framed.first() == Some(&1) {
                acknowledged(&sink::unpack(message)?)?
            } else {
                acknowledged(message)?
            }
        }
        8 if says_when => Answer::Retryable,
        1 | 4 | 10 | 11 | 14 | 15 => Answer::Retryable,
        _ => Answer::Permanent,
    })
}

fn http_answer(status: StatusCode, message: &[u8]) -> anyhow::Result<Answer> {
    Ok(match status.as_u16() {
        200..=299 => acknowledged(message)?,
        429 | 502 | 503 | 504 => Answer::Retryable,
        _ => Answer::Permanent,
    })
}

/// The answers to all signals are the same message on the wire.
fn acknowledged(message: &[u8]) -> anyhow::Result<Answer> {
    let partial = ExportTraceServiceResponse::decode(message)?.partial_success;
    let rejected = partial.map_or(0, |partial| partial.rejected_spans);
    Ok(Answer::Acknowledged {
        rejected: u64::try_from(rejected)?,
    })
}

#[cfg(test)]
mod tests {
    use otlet::batch::Signal;
    use otlet::compression::{self, Coding};
    use otlet::payload::Payload;

    use super::*;

    const TAKEN: Answer = Answer::Acknowledged { rejected: 0 };

    fn grpc(status: &str, key: Option<&'static str>) -> Answer {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", status.parse().unwrap());
        if let Some(key) = key {
            trailers.insert(key, "CgIIAQ".parse().unwrap());
        }
        grpc_answer(&trailers, &[0; 5]).unwrap()
    }

    #[test]
    fn answers_over_grpc_are_told_apart_as_otlp_says() {
        assert_eq!(grpc("0", None), TAKEN);
        assert_eq!(grpc("14", None), Answer::Retryable);
        assert_eq!(
            grpc("8", Some("grpc-status-details-bin")),
            Answer::Retryable
        );
        assert_eq!(grpc("8", None), Answer::Permanent);
        assert_eq!(grpc("3", None), Answer::Permanent);
    }

    #[test]
    fn answers_over_http_are_told_apart_as_otlp_says() {
        let http = |status| http_answer(StatusCode::from_u16(status).unwrap(), &[]).unwrap();
        assert_eq!(http(200), TAKEN);
        assert_eq!(http(429), Answer::Retryable);
        assert_eq!(http(503), Answer::Retryable);
        assert_eq!(http(500), Answer::Permanent);
        assert_eq!(http(400), Answer::Permanent);
    }

    #[test]
    fn what_an_answer_rejects_is_not_acknowledged() {
        // partial_success { rejected_spans: 7 }, with gRPC's prefix.
        let framed = [0, 0, 0, 0, 4, 0x0a, 2, 8, 7];
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", "0".parse().unwrap());
        let expected = Answer::Acknowledged { rejected: 7 };
        assert_eq!(grpc_answer(&trailers, &framed).unwrap(), expected);
        let packed = compression::deflate(Coding::Gzip, &framed[5..]);
        let packed = Payload::packed(Signal::Traces, packed);
        let packed = packed.framed_in(Coding::Gzip).unwrap();
        assert_eq!(grpc_answer(&trailers, packed).unwrap(), expected);
        assert_eq!(http_answer(StatusCode::OK, &framed[5..]).unwrap(), expected);
    }
}
