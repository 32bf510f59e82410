//! Configs that cannot be used, which change nothing and are told.

use std::fs;
use std::net::TcpListener;
use std::process::Command;

use otlet_tests::backend::Backend;
use otlet_tests::metrics::{page, scrape};
use otlet_tests::sender::{Sender, numbers};

use super::{APPLIED, REFUSED, reloads, run, send, shop, to, traces};

const LAST_GOOD: &str = "otlet_config_last_good_seconds";

#[tokio::test]
async fn a_config_with_mistakes_changes_nothing_and_is_reported_whole() {
    let (backend, other) = (Backend::start(), Backend::start());
    let to_backend = to(&backend.endpoint());
    let good = traces(&[("enrich", &shop("north"))], &[("otlp", &to_backend)]);
    let otlet = run(&good);
    let sender = Sender::grpc(otlet.grpc());
    send(&sender, 0).await;
    let loaded = scrape(otlet.admin()).sum(LAST_GOOD, &[]);
    assert!(loaded > 1.7e9, "{loaded}");
    // Everything else in them is new.
    let to_other = to(&other.endpoint());
    let bad = traces(&[("enrich", &shop("south"))], &[("otlp", &to_other)]);
    let bad = [
        (
            bad.replacen("processors: [", "processors: [[", 1),
            "otlet.yaml:14:75",
        ),
        (
            bad.replacen("otlp:\n    protocols", "otlp:\n    protocol", 1),
            "did you mean `protocols`?",
        ),
        (bad.replacen("set: ", "stet: ", 1), "unknown key `stet`"),
        (
            bad.replacen("record.attributes", "record.attribute", 1),
            "plugin `enrich`",
        ),
        (
            bad.clone() + "  telemetry: { logs: { encoding: json } }\n",
            "`service.telemetry.logs.encoding` is read at the start alone: restart otlet",
        ),
        (
            bad.clone() + "dead_letters: { directory: /no/such/folder }\n",
            "`dead_letters` is read at the start alone: restart otlet",
        ),
        (
            bad.clone() + "plugins: { cache: /no/such/folder }\n",
            "`plugins.cache` is read at the start alone: restart otlet",
        ),
    ];
    for (number, (config, words)) in bad.iter().enumerate() {
        let before = otlet.lines();
        otlet.reload(config, REFUSED);
        otlet.wait_for_after(before, words);
        let number = u64::try_from(number).unwrap() + 1;
        // Both the signal and the change of the file may have had it read.
        assert!(reloads(&otlet, "refused") >= number);
        send(&sender, number).await;
    }
    let count = u64::try_from(bad.len()).unwrap();
    let received = backend.wait_for(bad.len() + 1);
    assert_eq!(numbers(&received), (0..=count).collect::<Vec<_>>());
    for span in super::arrived(&received) {
        assert_eq!(
            span.attributes[0].value,
            Some(otlet_tests::requests::text("north"))
        );
    }
    assert_eq!(other.attempts(), 0);
    let metrics = scrape(otlet.admin());
    assert_eq!(metrics.sum(LAST_GOOD, &[]).to_bits(), loaded.to_bits());
    assert_eq!(
        metrics.count(
            "otlet_receiver_accepted_connections_total",
            &[("protocol", "grpc")]
        ),
        1
    );
    for path in ["/healthz", "/readyz"] {
        assert_eq!(page(otlet.admin(), path).0, 200);
    }
    // A good one is taken all the same.
    otlet.reload(
        &traces(&[("enrich", &shop("south"))], &[("otlp", &to_other)]),
        APPLIED,
    );
    assert!(scrape(otlet.admin()).sum(LAST_GOOD, &[]) > loaded);
    send(&sender, 100).await;
    assert_eq!(numbers(&other.wait_for(1)), [100]);
}

#[tokio::test]
async fn a_config_that_became_a_pipe_is_refused_and_never_waited_for() {
    let backend = Backend::start();
    let config = |value: &str| {
        traces(
            &[("enrich", &shop(value))],
            &[("otlp", &to(&backend.endpoint()))],
        )
    };
    let mut otlet = run(&config("north"));
    let sender = Sender::grpc(otlet.grpc());
    let path = |name: &str| otlet.folder().join(name);
    let made = Command::new("mkfifo").arg(path("pipe")).status();
    assert!(made.unwrap().success());
    // Seen by itself, and asked for.
    let before = otlet.lines();
    fs::rename(path("pipe"), path("otlet.yaml")).unwrap();
    otlet.wait_for_after(before, REFUSED);
    otlet.wait_for_after(before, "cannot read the config: it is no regular file");
    let before = otlet.lines();
    otlet.signal("HUP");
    otlet.wait_for_after(before, REFUSED);
    send(&sender, 0).await;
    otlet.reload(&config("south"), APPLIED);
    send(&sender, 1).await;
    let spans = super::arrived(&backend.wait_for(2));
    let shops: Vec<_> = spans.iter().map(|span| &span.attributes[0].value).collect();
    let text = |value| Some(otlet_tests::requests::text(value));
    assert_eq!(shops, [&text("north"), &text("south")]);
    assert!(otlet.terminate().success());
}

#[tokio::test]
async fn an_address_that_somebody_else_has_changes_nothing() {
    let (backend, other) = (Backend::start(), Backend::start());
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let config = |endpoint: &str, receiver: &str| {
        let traces = traces(&[], &[("otlp", &to(endpoint))]);
        traces.replacen("receivers:\n", &format!("receivers:\n{receiver}"), 1)
    };
    let otlet = run(&config(&backend.endpoint(), ""));
    let sender = Sender::grpc(otlet.grpc());
    send(&sender, 0).await;
    let second =
        format!("  otlp/second: {{ protocols: {{ http: {{ endpoint: '{address}' }} }} }}\n");
    let with = |endpoint: &str| {
        config(endpoint, &second).replacen("receivers: [otlp]", "receivers: [otlp, otlp/second]", 1)
    };
    let before = otlet.lines();
    otlet.reload(&with(&other.endpoint()), REFUSED);
    otlet.wait_for_after(
        before,
        &format!("receiver \"otlp/second\": cannot listen on {address}: "),
    );
    send(&sender, 1).await;
    assert_eq!(numbers(&backend.wait_for(2)), [0, 1]);
    assert_eq!((other.attempts(), reloads(&otlet, "applied")), (0, 0));
    // Once it is free, it can be had.
    drop(taken);
    otlet.reload(&with(&other.endpoint()), APPLIED);
    send(&Sender::http(address), 2).await;
    assert_eq!(numbers(&other.wait_for(1)), [2]);
}
