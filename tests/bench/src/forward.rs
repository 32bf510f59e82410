//! A bare forwarder: tonic's server and client around a codec that leaves bytes alone. What it costs is the limit that
//! otlet is measured against. It speaks gRPC alone, and compresses as tonic does what came compressed.

use std::convert::Infallible;
use std::sync::mpsc;
use std::task::{Context, Poll};
use std::thread;

use bytes::{Buf, BufMut, Bytes};
use http::uri::PathAndQuery;
use otlet::batch::Signal;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::body::Body;
use tonic::codec::{
    Codec, CompressionEncoding, DecodeBuf, Decoder, EnabledCompressionEncodings, EncodeBuf, Encoder,
};
use tonic::codegen::BoxFuture;
use tonic::server::{NamedService, UnaryService};
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status};
use tower_service::Service;

use crate::otlp::{self, Protocol};

/// Which thread does what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Threads {
    /// One current-thread runtime does everything.
    Current,
    /// One multi-thread runtime of two workers.
    Multi,
    /// One current-thread runtime, and every request goes to a worker thread and back.
    HandOver,
}

/// Forwards everything that comes to `listener` to `target` (`http://host:port`), until the listener fails.
pub async fn serve(listener: TcpListener, target: String, threads: Threads) -> anyhow::Result<()> {
    let channel = Endpoint::from_shared(target)?
        .initial_stream_window_size(1 << 20)
        .initial_connection_window_size(1 << 20)
        .connect_lazy();
    let worker = (threads == Threads::HandOver).then(worker);
    let forward = |signal| Forward {
        channel: channel.clone(),
        worker: worker.clone(),
        path: otlp::path(Protocol::Grpc, signal),
    };
    Server::builder()
        .initial_stream_window_size(4 << 20)
        .initial_connection_window_size(64 << 20)
        .add_service(Traces(forward(Signal::Traces)))
        .add_service(Metrics(forward(Signal::Metrics)))
        .add_service(Logs(forward(Signal::Logs)))
        .serve_with_incoming(TcpListenerStream::new(listener))
        .await?;
    Ok(())
}

type Job = (Bytes, oneshot::Sender<Bytes>);

/// A thread that gives every message back.
fn worker() -> mpsc::SyncSender<Job> {
    let (send, jobs) = mpsc::sync_channel::<Job>(1024);
    thread::spawn(move || {
        for (message, back) in jobs {
            let _gone = back.send(message);
        }
    });
    send
}

#[derive(Clone)]
struct Forward {
    channel: Channel,
    worker: Option<mpsc::SyncSender<Job>>,
    path: &'static str,
}

impl Forward {
    async fn forward(self, message: Bytes, gzip: bool) -> Result<Response<Bytes>, Status> {
        let message = match &self.worker {
            Some(worker) => {
                let (back, done) = oneshot::channel();
                worker
                    .try_send((message, back))
                    .map_err(|full| Status::unavailable(full.to_string()))?;
                done.await
                    .map_err(|ended| Status::internal(ended.to_string()))?
            }
            None => message,
        };
        let mut client =
            tonic::client::Grpc::new(self.channel).max_decoding_message_size(MAX_MESSAGE);
        if gzip {
            client = client.send_compressed(CompressionEncoding::Gzip);
        }
        client
            .ready()
            .await
            .map_err(|error| Status::unavailable(error.to_string()))?;
        client
            .unary(
                Request::new(message),
                PathAndQuery::from_static(self.path),
                BytesCodec,
            )
            .await
    }
}

impl UnaryService<Bytes> for Forward {
    type Response = Bytes;
    type Future = BoxFuture<Response<Bytes>, Status>;

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let gzip = request.metadata().contains_key("grpc-encoding");
        Box::pin(self.clone().forward(request.into_inner(), gzip))
    }
}

const MAX_MESSAGE: usize = 64 << 20;

macro_rules! service {
    ($service:ident, $name:literal) => {
        #[derive(Clone)]
        struct $service(Forward);

        impl NamedService for $service {
            const NAME: &'static str = $name;
        }

        impl Service<http::Request<Body>> for $service {
            type Response = http::Response<Body>;
            type Error = Infallible;
            type Future = BoxFuture<Self::Response, Infallible>;

            fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
                Poll::Ready(Ok(()))
            }

            fn call(&mut self, request: http::Request<Body>) -> Self::Future {
                let forward = self.0.clone();
                Box::pin(async move {
                    let mut accepted = EnabledCompressionEncodings::default();
                    accepted.enable(CompressionEncoding::Gzip);
                    let mut grpc = tonic::server::Grpc::new(BytesCodec)
                        .max_decoding_message_size(MAX_MESSAGE)
                        .apply_compression_config(accepted, EnabledCompressionEncodings::default());
                    Ok(grpc.unary(forward, request).await)
                })
            }
        }
    };
}

service!(
    Traces,
    "opentelemetry.proto.collector.trace.v1.TraceService"
);
service!(
    Metrics,
    "opentelemetry.proto.collector.metrics.v1.MetricsService"
);
service!(Logs, "opentelemetry.proto.collector.logs.v1.LogsService");

#[derive(Clone, Copy, Default)]
struct BytesCodec;

impl Codec for BytesCodec {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for BytesCodec {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.reserve(item.len());
        to.put(item);
        Ok(())
    }
}

impl Decoder for BytesCodec {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        let len = from.remaining();
        Ok(Some(from.copy_to_bytes(len)))
    }
}
