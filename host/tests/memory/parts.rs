//! What a backend finds too large is sent in parts, also when there is no memory left for them.

use std::collections::BTreeSet;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use otlet_tests::backend::{Answer, Backend, Code};
use otlet_tests::sender::{method, numbers, spans};
use prost::Message;

use super::app;

/// The spans of a request, and what each weighs.
const SPANS: u64 = 8;
const WEIGHT: usize = 32 << 10;

/// A request of spans that do not compress to much less than they are.
fn noise(number: u64) -> ExportTraceServiceRequest {
    let mut random = fastrand::Rng::with_seed(number);
    let mut request = spans(number * SPANS..(number + 1) * SPANS);
    let resources = request.resource_spans.iter_mut();
    let scopes = resources.flat_map(|resource| &mut resource.scope_spans);
    for span in scopes.flat_map(|scope| &mut scope.spans) {
        span.name = (0..WEIGHT).map(|_| random.alphanumeric()).collect();
    }
    request
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_large_is_sent_in_parts_within_the_bound() {
    // What comes in, and how it is sent.
    for (comes, exporter) in [
        (None, "compression: none"),
        (None, "compression: gzip"),
        (Some("zstd"), "compression: zstd"),
        (Some("zstd"), "compression: gzip"),
        (Some("zstd"), "compression: none"),
        (
            Some("zstd"),
            "compression: zstd, sending_queue: { batch: { max_bytes: 600KB, max_delay: 5ms } }",
        ),
    ] {
        let backend = Backend::start();
        backend.always(Answer::Hang);
        let config = format!(
            "
receivers:
  otlp: {{ protocols: {{ grpc: {{ endpoint: 127.0.0.1:0, max_recv_msg_size_mib: 1 }} }} }}
exporters: {{ otlp: {{ endpoint: '{}', {exporter} }} }}
service:
  memory: {{ limit: 8MiB }}
  pipelines:
    traces: {{ receivers: [otlp], exporters: [otlp] }}
",
            backend.endpoint()
        );
        let mut otlet = app::start(&config, &[]);
        let memory = otlet.memory().clone();
        let sender = app::grpc(&otlet, 0);
        let (mut expected, mut refused) = (BTreeSet::new(), 0);
        for number in 0..60 {
            let plain = noise(number).encode_to_vec();
            let body = match comes {
                Some(_) => zstd::bulk::compress(&plain, 1).unwrap(),
                None => plain,
            };
            let answer = sender.call(&method("traces"), comes, &body).await.unwrap();
            match answer.header("grpc-status") {
                Some("0") => expected.extend(number * SPANS..(number + 1) * SPANS),
                Some("8") => refused += 1,
                other => panic!("{other:?}: {answer:?}"),
            }
        }
        assert!(refused >= 10, "{exporter}: {refused} refused");
        backend.always(Answer::AtMost(4, Code::ResourceExhausted));
        backend.release();
        otlet.shut_down().await;
        let arrived = numbers(&backend.taken());
        assert_eq!(arrived, Vec::from_iter(expected), "{comes:?} {exporter}");
        drop(otlet);
        let limit = memory.limit();
        assert!(memory.most() <= limit && memory.most() > limit / 2);
        assert_eq!(memory.held(), 0, "{comes:?} {exporter}");
    }
}
