//! The sink's side of HTTP/1.1.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::Shared;
use crate::otlp::{self, Protocol};

pub(super) async fn connection(socket: TcpStream, shared: Arc<Shared>) -> anyhow::Result<()> {
    let answer = service_fn(|request| answer(request, Arc::clone(&shared)));
    http1::Builder::new()
        .serve_connection(TokioIo::new(socket), answer)
        .await?;
    Ok(())
}

async fn answer(
    request: Request<Incoming>,
    shared: Arc<Shared>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let signal = otlp::signal(Protocol::Http, request.uri().path());
    let is_packed = request.headers().contains_key("content-encoding");
    let mut response = Response::new(Full::default());
    match request.into_body().collect().await {
        Ok(body) => shared.take(signal, &body.to_bytes(), is_packed).await,
        Err(_) => *response.status_mut() = http::StatusCode::BAD_REQUEST,
    }
    response.headers_mut().insert(
        "content-type",
        http::HeaderValue::from_static("application/x-protobuf"),
    );
    Ok(response)
}
