//! The server behind a scripted backend.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};

use super::{Answer, Protocol, Received, Shared};

/// The body of an answer.
pub(super) struct Body(VecDeque<Frame<Bytes>>);

impl Body {
    pub(super) fn whole(bytes: Bytes) -> Self {
        Self(VecDeque::from([Frame::data(bytes)]))
    }

    pub(super) fn with_trailers(bytes: Bytes, trailers: HeaderMap) -> Self {
        Self(VecDeque::from([
            Frame::data(bytes),
            Frame::trailers(trailers),
        ]))
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(Ok))
    }
}

pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _peer)) = listener.accept().await {
        shared.change(|state| state.connections += 1);
        tokio::spawn(connection(stream, Arc::clone(&shared)));
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    let service = service_fn(move |request| answer(request, Arc::clone(&shared)));
    // A connection that breaks is what some scripts ask for.
    let _broken = Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(request: Request<Incoming>, shared: Arc<Shared>) -> io::Result<Response<Body>> {
    let answer = shared.change(|state| {
        state.attempts += 1;
        let next = state.script.pop_front();
        next.unwrap_or_else(|| state.otherwise.clone())
    });
    if matches!(answer, Answer::Reset) {
        return Err(io::ErrorKind::ConnectionReset.into());
    }
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let hangs = matches!(answer, Answer::Hang);
    let mut received = match Received::read(parts, &body, answer.takes() && !hangs) {
        Ok(received) => received,
        Err(wrong) => {
            // Neither retryable nor like anything that a script says.
            let mut response = Response::new(Body::whole(wrong.into()));
            *response.status_mut() = StatusCode::IM_A_TEAPOT;
            return Ok(response);
        }
    };
    let mut answer = answer;
    if answer.spares(&received) {
        received.taken = true;
        answer = Answer::Ok;
    }
    let protocol = received.protocol;
    let mut released = std::pin::pin!(shared.released.notified());
    released.as_mut().enable();
    let index = shared.change(|state| {
        state.received.push(received);
        state.received.len() - 1
    });
    if hangs {
        released.await;
        shared.change(|state| {
            if let Some(received) = state.received.get_mut(index) {
                received.taken = true;
            }
        });
    }
    respond(&answer, protocol).await
}

async fn respond(answer: &Answer, protocol: Protocol) -> io::Result<Response<Body>> {
    let mut answer = answer;
    while let Answer::After(delay, then) = answer {
        tokio::time::sleep(*delay).await;
        answer = then;
    }
    answer
        .response(protocol)
        .ok_or_else(|| io::ErrorKind::ConnectionReset.into())
}
