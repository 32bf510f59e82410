//! What goes back to a sender that keeps it is told from what is lost.

use otlet_tests::backend::{Answer, Backend, Request};
use otlet_tests::metrics::scrape_until;
use otlet_tests::sender::{Sender, spans};

use super::{OK, run};

const INVALID_ARGUMENT: u16 = 3;
const UNAVAILABLE: u16 = 14;

#[tokio::test]
async fn with_the_queue_off_only_what_is_refused_for_good_is_failed() {
    let backend = Backend::start();
    backend.script([
        Answer::unavailable(),
        Answer::unavailable(),
        Answer::Ok,
        Answer::refused(),
    ]);
    let config = format!(
        "
admin: {{ endpoint: 127.0.0.1:0 }}
receivers: {{ otlp: {{ protocols: {{ grpc: {{ endpoint: 127.0.0.1:0 }} }} }} }}
exporters:
  otlp:
    endpoint: '{}'
    retry_on_failure: {{ enabled: false }}
    sending_queue: {{ enabled: false }}
service: {{ pipelines: {{ traces: {{ receivers: [otlp], exporters: [otlp] }} }} }}
",
        backend.endpoint()
    );
    let otlet = run(&config);
    let sender = Sender::grpc(otlet.grpc());
    for code in [UNAVAILABLE, UNAVAILABLE, OK] {
        let request = Request::Traces(spans([1, 2, 3]));
        assert_eq!(sender.send(&request).await.unwrap().code, code);
    }
    let line = otlet.wait_for("its sender was told to try again");
    assert!(line.contains("WARN"), "{line}");
    assert!(!otlet.said().contains("ERROR"), "{}", otlet.said());

    let request = Request::Traces(spans([4]));
    assert_eq!(sender.send(&request).await.unwrap().code, INVALID_ARGUMENT);
    let scraped = scrape_until(otlet.admin(), "a failed request", |metrics| {
        metrics.count("otlet_exporter_failed_requests_total", &[]) == 1
    });
    for (name, expected) in [
        ("otlet_exporter_returned_requests_total", 2),
        ("otlet_exporter_returned_items_total", 6),
        ("otlet_exporter_failed_items_total", 1),
        ("otlet_exporter_sent_items_total", 3),
        ("otlet_exporter_lost_items_total", 0),
    ] {
        assert_eq!(scraped.count(name, &[]), expected, "{name}");
    }
    let line = otlet.wait_for("ERROR");
    assert!(
        line.contains("a request was not delivered exporter"),
        "{line}"
    );
}
