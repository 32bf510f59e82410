//! The endpoint answers whatever goes on.

use std::time::{Duration, Instant};

use otlet_tests::backend::{Answer, Backend, Request};
use otlet_tests::guests;
use otlet_tests::metrics::{page, scrape, scrape_until};
use otlet_tests::sender::{Sender, spans};
use tokio::task::{JoinSet, spawn_blocking};

use super::{OK, app, run, shop};

#[tokio::test]
async fn admin_answers_while_every_worker_spins() {
    let config = "
admin: { endpoint: 127.0.0.1:0 }
receivers: { otlp: { protocols: { grpc: { endpoint: 127.0.0.1:0 } } } }
processors: { bad: { config: { vice: spin }, limits: { deadline: 30s } } }
exporters: { debug: }
service: { pipelines: { traces: { receivers: [otlp], processors: [bad], exporters: [debug] } } }
";
    let otlet = app::start(config, &[("bad", guests::BAD)]);
    let admin = otlet.admin().unwrap().address();
    let mut spun = JoinSet::new();
    for number in 0..16 {
        let sender = app::grpc(&otlet, 0);
        spun.spawn(async move { sender.send(&Request::Traces(spans([number]))).await });
    }
    // The tests' own tasks need their turn.
    let scraped = spawn_blocking(move || {
        scrape_until(admin, "16 batches on worker threads", |metrics| {
            metrics.count("otlet_processor_hand_overs_total", &[]) >= 16
        })
    });
    scraped.await.unwrap();
    assert!(spun.try_join_next().is_none());
    let begun = Instant::now();
    for _ in 0..20 {
        assert_eq!(page(admin, "/healthz").0, 200);
        assert_eq!(page(admin, "/readyz").0, 200);
        assert_eq!(scrape(admin).count("otlet_receiver_connections", &[]), 16);
    }
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn admin_answers_while_the_io_threads_are_flooded() {
    let backend = Backend::start();
    let otlet = run(&shop(&backend.endpoint()));
    let (grpc, admin) = (otlet.grpc(), otlet.admin());
    let request = Request::Traces(spans(0..500));
    let mut flood = JoinSet::new();
    for _ in 0..8 {
        let (sender, request) = (Sender::grpc(grpc), request.clone());
        flood.spawn(async move {
            loop {
                // Full queues are refusals, and answered as well.
                sender.send(&request).await.unwrap();
            }
        });
    }
    let scraping = spawn_blocking(move || {
        let first = scrape(admin).count("otlet_receiver_requests_total", &[]);
        let mut slowest = Duration::ZERO;
        for _ in 0..30 {
            let begun = Instant::now();
            scrape(admin);
            slowest = slowest.max(begun.elapsed());
        }
        let flooded = scrape_until(admin, "the flood", |metrics| {
            metrics.count("otlet_receiver_requests_total", &[]) > first + 20
        });
        (slowest, flooded)
    });
    let (slowest, flooded) = scraping.await.unwrap();
    drop(flood);
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
    let taken = flooded.count("otlet_receiver_accepted_items_total", &[]);
    assert!(taken % 500 == 0 && taken > 0, "{taken}");
}

#[tokio::test]
async fn ready_ends_with_the_shutdown_and_alive_does_not() {
    let backend = Backend::start();
    backend.always(Answer::Hang);
    let mut otlet = run(&shop(&backend.endpoint()));
    let admin = otlet.admin();
    assert_eq!(page(admin, "/readyz"), (200, "ready\n".to_owned()));
    let sender = Sender::grpc(otlet.grpc());
    assert_eq!(
        sender
            .send(&Request::Traces(spans([1])))
            .await
            .unwrap()
            .code,
        OK
    );
    backend.wait_for(1);
    otlet.signal("TERM");
    otlet.wait_for("shutting down");
    let begun = Instant::now();
    let mut answer = page(admin, "/readyz");
    while answer.0 == 200 && begun.elapsed() < Duration::from_secs(10) {
        answer = page(admin, "/readyz");
    }
    let expected = "shutting down: no new requests are taken\n".to_owned();
    assert_eq!(answer, (503, expected));
    assert_eq!(page(admin, "/healthz").0, 200);
    assert_eq!(scrape(admin).count("otlet_exporter_queue_requests", &[]), 1);
    backend.always(Answer::Ok);
    backend.release();
    let ended = spawn_blocking(move || otlet.ended()).await.unwrap();
    assert!(ended.success());
    assert!(std::net::TcpStream::connect(admin).is_err());
}

#[tokio::test]
async fn without_admin_in_the_config_there_is_none() {
    let backend = Backend::start();
    let config = shop(&backend.endpoint()).replace("admin: { endpoint: 127.0.0.1:0 }\n", "");
    let otlet = run(&config);
    assert!(!otlet.said().contains("admin"), "{}", otlet.said());
}
