//! When the config is read again, and when there is nothing to do.

use std::fs;
use std::net::{TcpListener, TcpStream};

use otlet_tests::backend::{Answer, Backend};
use otlet_tests::metrics::{scrape, scrape_until};
use otlet_tests::sender::{Sender, numbers};
use tokio::task::spawn_blocking;

use super::{APPLIED, UNCHANGED, arrived, reloads, run, send, shop, to, traces};

#[tokio::test]
async fn a_signal_without_a_change_changes_nothing() {
    let backend = Backend::start();
    let to_backend = to(&backend.endpoint());
    let config = traces(&[("enrich", &shop("north"))], &[("otlp", &to_backend)]);
    let otlet = run(&config);
    let sender = Sender::grpc(otlet.grpc());
    send(&sender, 0).await;
    let before = scrape(otlet.admin());
    // Comments and the order of the sections say nothing new.
    otlet.reload(&format!("# the same\n{config}"), UNCHANGED);
    send(&sender, 1).await;
    let after = scrape(otlet.admin());
    let connections = "otlet_receiver_accepted_connections_total";
    assert_eq!(
        before.count(connections, &[]),
        after.count(connections, &[])
    );
    assert_eq!(after.count("otlet_processor_batches_total", &[]), 2);
    // The file was written, too, which may have had it read once more.
    assert!(reloads(&otlet, "unchanged") >= 1);
    assert_eq!(reloads(&otlet, "applied"), 0);
    backend.wait_for(2);
}

#[tokio::test]
async fn many_signals_at_once_end_in_what_the_config_says() {
    let backend = Backend::start();
    let to_backend = to(&backend.endpoint());
    let config = |value: &str| traces(&[("enrich", &shop(value))], &[("otlp", &to_backend)]);
    let otlet = run(&config("v0"));
    let sender = Sender::grpc(otlet.grpc());
    for number in 1..=20 {
        otlet.configure(&config(&format!("v{number}")));
        otlet.signal("HUP");
        send(&sender, number).await;
    }
    // Twice nothing new: the second look began after the first had ended.
    let mut unchanged = 0;
    while unchanged < 2 {
        let line = otlet.reload(&config("v20"), "the config ");
        unchanged = if line.contains(UNCHANGED) {
            unchanged + 1
        } else {
            0
        };
    }
    send(&sender, 21).await;
    let received = backend.wait_for(21);
    assert_eq!(numbers(&received), (1..=21).collect::<Vec<_>>());
    let last = arrived(&received)
        .into_iter()
        .find(|span| span.span_id == 21_u64.to_be_bytes());
    assert_eq!(
        last.unwrap().attributes[0].value,
        Some(otlet_tests::requests::text("v20"))
    );
}

#[tokio::test]
async fn a_signal_during_a_shutdown_is_no_reason_to_end_at_once() {
    let backend = Backend::start();
    backend.always(Answer::Hang);
    let to_backend = to(&backend.endpoint()) + ", timeout: 60s";
    let mut otlet = run(&traces(&[], &[("otlp", &to_backend)]));
    let sender = Sender::grpc(otlet.grpc());
    for number in 0..3 {
        send(&sender, number).await;
    }
    otlet.signal("HUP");
    otlet.signal("TERM");
    otlet.wait_for("shutting down");
    otlet.signal("HUP");
    backend.always(Answer::Ok);
    backend.release();
    let ended = spawn_blocking(move || otlet.ended()).await.unwrap();
    assert_eq!(ended.code(), Some(0));
    assert_eq!(numbers(&backend.taken()), [0, 1, 2]);
}

#[tokio::test]
async fn what_a_file_that_the_config_names_says_is_read_again() {
    let backend = Backend::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("value");
    fs::write(&file, "first\n").unwrap();
    let value = format!("${{file:{}}}", file.display());
    let config = traces(
        &[("enrich", &shop(&value))],
        &[("otlp", &to(&backend.endpoint()))],
    );
    let otlet = run(&config);
    let sender = Sender::http(otlet.http());
    send(&sender, 1).await;
    fs::write(&file, "second\n").unwrap();
    let line = otlet.reload(&config, APPLIED);
    assert!(
        line.contains("changed=processors.enrich") && !line.contains("second"),
        "{line}"
    );
    send(&sender, 2).await;
    let values: Vec<_> = arrived(&backend.wait_for(2))
        .into_iter()
        .map(|span| span.attributes[0].value.clone())
        .collect();
    assert_eq!(
        values,
        ["first", "second"].map(|value| Some(otlet_tests::requests::text(value)))
    );
}

#[tokio::test]
async fn the_level_of_the_log_and_the_bound_on_memory_change() {
    let backend = Backend::start();
    let config = |service: &str| {
        let traces = traces(&[], &[("otlp", &to(&backend.endpoint()))]);
        traces.replacen("service:\n", &format!("service:\n{service}"), 1)
    };
    let otlet = run(&config("  memory: { limit: 256MiB }\n"));
    let limit = || scrape(otlet.admin()).count("otlet_memory_limit_bytes", &[]);
    assert_eq!(limit(), 256 << 20);
    otlet.reload(
        &config("  memory: { limit: 512MiB }\n"),
        "changed=service.memory",
    );
    assert_eq!(limit(), 512 << 20);
    // Nothing is told of what is done at that level; and then again.
    let quiet = "  memory: { limit: 384MiB }\n  telemetry: { logs: { level: error } }\n";
    let before = otlet.lines();
    otlet.configure(&config(quiet));
    otlet.signal("HUP");
    scrape_until(otlet.admin(), "the quiet config", |metrics| {
        metrics.count("otlet_memory_limit_bytes", &[]) == 384 << 20
    });
    otlet.signal("HUP");
    scrape_until(otlet.admin(), "another look", |_| {
        reloads(&otlet, "unchanged") >= 1
    });
    otlet.reload("oh: no", super::REFUSED);
    let said = otlet.said();
    let quiet: Vec<_> = said
        .lines()
        .skip(before)
        .filter(|line| line.contains("INFO"))
        .collect();
    assert!(quiet.len() <= 1, "{quiet:#?}");
}

#[tokio::test]
async fn the_admin_endpoint_comes_moves_and_goes() {
    let backend = Backend::start();
    let with = traces(&[], &[("otlp", &to(&backend.endpoint()))]);
    let admin = "admin: { endpoint: 127.0.0.1:0 }\n";
    let without = with.replacen(admin, "", 1);
    let otlet = run(&without);
    otlet.reload(&with, "changed=admin");
    let first = otlet.admin();
    assert_eq!(reloads(&otlet, "applied"), 1);
    let before = otlet.lines();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr();
    let second = free.unwrap();
    let moved = format!("admin: {{ endpoint: '{second}' }}\n");
    otlet.reload(&with.replacen(admin, &moved, 1), "changed=admin");
    otlet.wait_for_after(
        before,
        &format!("admin endpoint listening address={second}"),
    );
    let metrics = scrape(second);
    let of = [("outcome", "applied")];
    assert_eq!(metrics.count("otlet_config_reloads_total", &of), 2);
    otlet.reload(&without, "changed=admin");
    for address in [first, second] {
        while TcpStream::connect(address).is_ok() {}
    }
}
