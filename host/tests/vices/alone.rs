//! A plugin that fails on everything is left alone.

use super::*;

const UNAVAILABLE: u16 = 14;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_that_always_fails_is_left_alone_and_recovers_by_itself() {
    let backend = Backend::start();
    let directory = plugins(&[("bad", guests::BAD)]);
    let config = format!(
        "
admin: {{ endpoint: 127.0.0.1:0 }}
plugins: {{ directory: '{}' }}
receivers: {{ otlp: {{ protocols: {{ grpc: {{ endpoint: 127.0.0.1:0 }} }} }} }}
processors: {{ bad: {{ config: {{ vice: trap, if: poison }}, on_error: reject }} }}
exporters: {{ otlp: {{ endpoint: '{}' }} }}
service: {{ pipelines: {{ traces: {{ receivers: [otlp], processors: [bad], exporters: [otlp] }} }} }}
",
        directory.path().display(),
        backend.endpoint()
    );
    let mut otlet = run(config).await.unwrap();
    let (sender, admin) = (Sender::grpc(otlet.grpc()), otlet.admin());
    let tripped = |metrics: &Metrics| metrics.count("otlet_processor_tripped", &[]);
    assert_eq!(tripped(&metrics(admin).await), 0);
    // A sender that is alone trips it, in a while.
    let trips = async {
        for number in 0.. {
            let reply = sender.send(&poison(number)).await.unwrap();
            if reply.code == UNAVAILABLE {
                return reply;
            }
            assert_eq!(reply.code, INVALID_ARGUMENT, "{}", reply.message);
        }
        unreachable!("there are more numbers than seconds");
    };
    let reply = timeout(PATIENCE, trips).await.expect("it trips");
    assert!(reply.retry.is_some(), "it is worth a try later");
    let shown = metrics(admin).await;
    assert_eq!(tripped(&shown), 1);
    let (_, listed) = spawn_blocking(move || page(admin, "/plugins"))
        .await
        .unwrap();
    assert!(
        listed.contains("\"tripped\": [\n        \"bad\""),
        "{listed}"
    );
    let cause = [("error_type", "tripped")];
    assert!(shown.count("otlet_processor_failures_total", &cause) >= 1);
    let recovers = async {
        while sender
            .send(&Request::Traces(spans([7])))
            .await
            .unwrap()
            .code
            != 0
        {
            yield_now().await;
        }
    };
    timeout(PATIENCE, recovers).await.expect("it recovers");
    assert_eq!(tripped(&metrics(admin).await), 0);
    ends_well(&mut otlet);
    assert_eq!(numbers(&backend.received()), [7]);
}

/// A span that the guest traps on.
fn poison(number: u64) -> Request {
    let mut request = with_poison(1, 0);
    let span = &mut request.resource_spans[0].scope_spans[0].spans[0];
    span.span_id = number.to_be_bytes().to_vec();
    Request::Traces(request)
}
