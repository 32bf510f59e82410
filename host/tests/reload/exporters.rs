//! Exporters that change or go: what waits in them is sent all the same.

use otlet_tests::backend::{Answer, Backend, Request};
use otlet_tests::metrics::{scrape, scrape_until};
use otlet_tests::sender::{Sender, numbers};
use tokio::task::spawn_blocking;

use super::{APPLIED, run, send, to, traces};

const DRAINING: &str = "otlet_exporter_draining_requests";

#[tokio::test]
async fn what_waits_for_a_backend_that_is_away_arrives_there_though_the_exporter_has_another() {
    let away = Backend::start();
    let to_away = to(&away.endpoint());
    let address = away.stop();
    let backend = Backend::start();
    let otlet = run(&traces(&[], &[("otlp", &to_away)]));
    let sender = Sender::grpc(otlet.grpc());
    for number in 0..5 {
        send(&sender, number).await;
    }
    otlet.reload(&traces(&[], &[("otlp", &to(&backend.endpoint()))]), APPLIED);
    for number in 5..8 {
        send(&sender, number).await;
    }
    assert_eq!(numbers(&backend.wait_for(3)), [5, 6, 7]);
    let of = [("exporter", "otlp")];
    assert_eq!(scrape(otlet.admin()).count(DRAINING, &of), 5);
    let back = Backend::start_at(address).unwrap();
    assert_eq!(numbers(&back.wait_for(5)), [0, 1, 2, 3, 4]);
    scrape_until(otlet.admin(), "nothing to be left", |metrics| {
        metrics.count(DRAINING, &of) == 0
    });
    otlet.wait_for("has sent what it had");
    assert_eq!(numbers(&backend.taken()), [5, 6, 7]);
}

#[tokio::test]
async fn a_shutdown_waits_for_what_an_exporter_that_is_gone_still_has() {
    let away = Backend::start();
    let to_away = to(&away.endpoint());
    let address = away.stop();
    let backend = Backend::start();
    let to_backend = to(&backend.endpoint());
    let mut otlet = run(&traces(
        &[],
        &[("otlp", &to_backend), ("otlp/away", &to_away)],
    ));
    let sender = Sender::grpc(otlet.grpc());
    send(&sender, 1).await;
    let line = otlet.reload(&traces(&[], &[("otlp", &to_backend)]), APPLIED);
    assert!(line.contains("removed=exporters.otlp/away"), "{line}");
    send(&sender, 2).await;
    assert_eq!(
        scrape(otlet.admin()).count(DRAINING, &[("exporter", "otlp/away")]),
        1
    );
    otlet.signal("TERM");
    otlet.wait_for("not sent yet");
    let back = Backend::start_at(address).unwrap();
    assert_eq!(numbers(&back.wait_for(1)), [1]);
    let ended = spawn_blocking(move || otlet.ended()).await.unwrap();
    assert_eq!(ended.code(), Some(0));
    assert_eq!(numbers(&backend.taken()), [1, 2]);
}

#[tokio::test]
async fn what_an_exporter_that_is_gone_still_has_is_counted_as_lost_if_otlet_must_end() {
    let away = Backend::start();
    let to_away = to(&away.endpoint());
    away.stop();
    let backend = Backend::start();
    let mut otlet = run(&traces(&[], &[("otlp", &to_away)]));
    let sender = Sender::grpc(otlet.grpc());
    for number in 0..2 {
        send(&sender, number).await;
    }
    otlet.reload(&traces(&[], &[("otlp", &to(&backend.endpoint()))]), APPLIED);
    otlet.signal("TERM");
    otlet.wait_for("shutting down");
    otlet.signal("TERM");
    otlet.wait_for("lost_requests=2");
    let ended = spawn_blocking(move || otlet.ended()).await.unwrap();
    assert_eq!(ended.code(), Some(1));
}

#[tokio::test]
async fn a_request_on_its_way_ends_where_it_began() {
    let (first, second) = (Backend::start(), Backend::start());
    first.always(Answer::Hang);
    let config = |backend: &Backend| {
        let keys = to(&backend.endpoint()) + ", timeout: 60s, sending_queue: { enabled: false }";
        traces(&[], &[("otlp", &keys)])
    };
    let otlet = run(&config(&first));
    let sender = Sender::grpc(otlet.grpc());
    let waiting = tokio::spawn({
        let sender = sender.clone();
        async move { send(&sender, 0).await }
    });
    while first.attempts() == 0 {
        tokio::task::yield_now().await;
    }
    otlet.reload(&config(&second), APPLIED);
    send(&sender, 1).await;
    assert_eq!(numbers(&second.taken()), [1]);
    assert!(!waiting.is_finished());
    let of = [("exporter", "otlp")];
    assert_eq!(scrape(otlet.admin()).count(DRAINING, &of), 1);
    first.release();
    waiting.await.unwrap();
    assert_eq!(numbers(&first.taken()), [0]);
    let connections = "otlet_receiver_accepted_connections_total";
    let of = [("protocol", "grpc")];
    assert_eq!(scrape(otlet.admin()).count(connections, &of), 1);
}

#[tokio::test]
async fn a_file_that_is_written_goes_on_with_what_it_holds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("telemetry.json");
    let config = |keys: &str| {
        let file = format!("path: '{}', append: false{keys}", path.display());
        traces(&[], &[("file", &file)])
    };
    let otlet = run(&config(""));
    let sender = Sender::http(otlet.http());
    let lines = || {
        std::fs::read_to_string(&path)
            .unwrap_or_default()
            .lines()
            .count()
    };
    for (number, keys) in [(1, ""), (2, ", sending_queue: { queue_size: 7 }")] {
        if number > 1 {
            otlet.reload(&config(keys), APPLIED);
        }
        send(&sender, number).await;
        let number = usize::try_from(number).unwrap();
        scrape_until(otlet.admin(), "a line more", |_| lines() == number);
    }
}

#[tokio::test]
async fn otlets_own_metrics_go_where_the_config_says_now() {
    let (first, second) = (Backend::start(), Backend::start());
    let config = |to_own: &Backend| {
        let traces = traces(&[], &[("otlp", &to(&first.endpoint()))]);
        let own = format!(
            "  telemetry: {{ metrics: {{ readers: [{{ periodic: {{ interval: 100, exporter: {{ otlp: {{ protocol: grpc, endpoint: '{}' }} }} }} }}] }} }}\n",
            to_own.endpoint()
        );
        traces.replacen("service:\n", &format!("service:\n{own}"), 1)
    };
    let resource = |backend: &Backend| {
        let received = backend.wait_until("metrics", |received| {
            received
                .iter()
                .any(|one| matches!(one.request, Request::Metrics(_)))
        });
        let mut resources = received.iter().filter_map(|one| match &one.request {
            Request::Metrics(request) => request.resource_metrics[0].resource.clone(),
            _ => None,
        });
        resources.next().unwrap()
    };
    let otlet = run(&config(&first));
    let before = resource(&first);
    otlet.reload(&config(&second), "changed=service.telemetry.metrics");
    // It is the same process.
    assert_eq!(resource(&second), before);
}
