//! A batch that a plugin fails on for some of its rows.

use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_rows_that_a_plugin_fails_on_meet_on_error() {
    let directory = plugins(&[("bad", guests::BAD)]);
    for (on_error, arrive, letters) in [("pass", 64, 0), ("drop", 63, 0), ("dead_letter", 63, 1)] {
        let backend = Backend::start();
        let kept = tempfile::tempdir().unwrap();
        let dead = kept.path().join("dead");
        let config = format!(
            "
plugins: {{ directory: '{}' }}
dead_letters: {{ directory: '{}' }}
receivers: {{ otlp: {{ protocols: {{ grpc: {{ endpoint: 127.0.0.1:0 }} }} }} }}
processors:
  enrich: {{ config: {{ actions: [{{ set: 'record.attributes[\"shop\"]', value: north }}] }} }}
  bad: {{ config: {{ vice: trap, if: poison }}, on_error: {on_error} }}
exporters: {{ otlp: {{ endpoint: '{}' }} }}
service: {{ pipelines: {{ traces: {{ receivers: [otlp], processors: [enrich, bad], exporters: [otlp] }} }} }}
",
            directory.path().display(),
            dead.display(),
            backend.endpoint()
        );
        let mut otlet = run(config).await.unwrap();
        let sender = Sender::grpc(otlet.grpc());
        let reply = sender
            .send(&Request::Traces(with_poison(64, 37)))
            .await
            .unwrap();
        assert_eq!(reply.code, 0, "{on_error}: {}", reply.message);
        ends_well(&mut otlet);

        let received = backend.received();
        let expected = (0..64).filter(|number| arrive == 64 || *number != 37);
        assert_eq!(
            numbers(&received),
            expected.collect::<Vec<_>>(),
            "{on_error}"
        );
        for span in received.iter().flat_map(|received| sent(&received.request)) {
            let is_poison = span.span_id == 37_u64.to_be_bytes();
            let keys: Vec<_> = span.attributes.iter().map(|one| one.key.as_str()).collect();
            let expected: &[&str] = if is_poison {
                &["poison", "shop"]
            } else {
                &["shop", "edited"]
            };
            assert_eq!(keys, expected, "{on_error}");
        }
        let files = fs::read_dir(&dead)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let files = files.filter(|path| path.extension().is_some_and(|end| end == "otlp"));
        let kept: Vec<_> = files.map(|path| fs::read(path).unwrap()).collect();
        assert_eq!(kept.len(), letters, "{on_error}");
        for letter in kept {
            let letter = ExportTraceServiceRequest::decode(letter.as_slice()).unwrap();
            let mut came = with_poison(64, 37);
            let spans = &mut came.resource_spans[0].scope_spans[0].spans;
            spans.retain(|span| span.span_id == 37_u64.to_be_bytes());
            assert_eq!(letter, came, "as it came");
        }
    }
}

fn sent(request: &Request) -> impl Iterator<Item = &Span> {
    let Request::Traces(request) = request else {
        panic!("{request:?}");
    };
    let scopes = request
        .resource_spans
        .iter()
        .flat_map(|resource| &resource.scope_spans);
    scopes.flat_map(|scope| &scope.spans)
}
