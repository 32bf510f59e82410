//! Receivers that come, go and change, and lines that are read on.

use std::fs::File;
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use otlet_tests::backend::{Backend, Received, Request};
use otlet_tests::program::Program;
use otlet_tests::records::bodies;
use otlet_tests::sender::{Sender, numbers, spans};

use super::{APPLIED, REFUSED, run, send, to};

/// Receivers as they are written, all for traces to one backend.
fn receiving(receivers: &[(&str, &str)], backend: &Backend) -> String {
    let lines = receivers
        .iter()
        .map(|(name, protocols)| format!("  {name}: {{ protocols: {{ {protocols} }} }}\n"));
    let names: Vec<_> = receivers.iter().map(|(name, _)| *name).collect();
    format!(
        "admin: {{ endpoint: 127.0.0.1:0 }}\nreceivers:\n{}exporters: {{ otlp: {{ {} }} }}\nservice: {{ pipelines: {{ traces: {{ receivers: [{}], exporters: [otlp] }} }} }}\n",
        lines.collect::<String>(),
        to(&backend.endpoint()),
        names.join(", "),
    )
}

/// Where a line of the log says that is listened.
fn address(line: &str) -> SocketAddr {
    let address = line.split("address=").nth(1).unwrap();
    address.split_whitespace().next().unwrap().parse().unwrap()
}

/// A port that nobody has just now.
fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

const HTTP: &str = "http: { endpoint: 127.0.0.1:0 }";

#[tokio::test]
async fn a_receiver_comes_and_another_goes() {
    let backend = Backend::start();
    let otlet = run(&receiving(&[("otlp/a", HTTP), ("otlp/b", HTTP)], &backend));
    let kept = Sender::http(otlet.http());
    let removed = address(&otlet.wait_for("receiver=\"otlp/b\""));
    let leaving = Sender::http(removed);
    send(&kept, 0).await;
    send(&leaving, 1).await;
    let line = otlet.reload(
        &receiving(&[("otlp/a", HTTP), ("otlp/c", HTTP)], &backend),
        APPLIED,
    );
    assert!(
        line.contains("added=receivers.otlp/c") && line.contains("removed=receivers.otlp/b"),
        "{line}"
    );
    let added = address(&otlet.wait_for("receiver=\"otlp/c\""));
    send(&Sender::http(added), 2).await;
    send(&kept, 3).await;
    // The connection ends in good order, and there is no other.
    while TcpStream::connect(removed).is_ok() {}
    // What comes just before its end is taken.
    while leaving.send(&Request::Traces(spans([4]))).await.is_ok() {}
    let all = |received: &[Received]| (0..4).all(|number| numbers(received).contains(&number));
    let received = backend.wait_until("all", all);
    let mut numbers = numbers(&received);
    numbers.retain(|number| *number != 4);
    assert_eq!(numbers, [0, 1, 2, 3]);
    let connections = otlet_tests::metrics::scrape(otlet.admin());
    assert_eq!(
        connections.count(
            "otlet_receiver_accepted_connections_total",
            &[("receiver", "otlp/a")]
        ),
        1
    );
    assert!(!otlet.said().contains("were cut"));
}

/// Connects and sends again and again while a receiver changes; nobody is kept out.
async fn nobody_is_kept_out(
    otlet: Program,
    address: SocketAddr,
    config: &str,
    backend: &Backend,
) -> Program {
    let over = Arc::new(AtomicBool::new(false));
    let ended = Arc::clone(&over);
    let clients = tokio::spawn(async move {
        let mut number = 0;
        while !ended.load(Ordering::SeqCst) || number < 10 {
            // A connection that is taken just before the end may be closed before a request comes.
            let request = Request::Traces(spans([number]));
            let fresh = |_| Sender::http(address);
            let mut tries = (0..3).map(fresh);
            let reply = loop {
                TcpStream::connect(address).unwrap();
                if let Ok(reply) = tries.next().unwrap().send(&request).await {
                    break reply;
                }
            };
            assert_eq!(reply.code, 200, "{reply:?}");
            number += 1;
        }
        number
    });
    let text = config.to_owned();
    let otlet = tokio::task::spawn_blocking(move || {
        otlet.reload(&text, APPLIED);
        otlet
    });
    let otlet = otlet.await.unwrap();
    over.store(true, Ordering::SeqCst);
    let sent = clients.await.unwrap();
    backend.wait_until("all that was sent", |received| {
        let numbers = numbers(received);
        (0..sent).all(|number| numbers.contains(&number))
    });
    otlet
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_with_other_settings_keeps_its_socket() {
    let backend = Backend::start();
    let fixed = free();
    let large = "max_request_body_size: 1MiB";
    for endpoint in ["127.0.0.1:0".to_owned(), fixed.to_string()] {
        let config = |keys: &str| {
            let http = format!("http: {{ endpoint: '{endpoint}', {keys} }}");
            receiving(&[("otlp", &http)], &backend)
        };
        let otlet = run(&config(large));
        let address = otlet.http();
        let before = otlet.lines();
        let otlet = nobody_is_kept_out(
            otlet,
            address,
            &config("max_request_body_size: 1KiB"),
            &backend,
        )
        .await;
        let line = otlet.wait_for_after(before, "listening");
        assert_eq!(self::address(&line), address);
        let request = Request::Traces(spans(0..100));
        assert_eq!(
            Sender::http(address).send(&request).await.unwrap().code,
            413
        );
        // What it counted goes on.
        let metrics = otlet_tests::metrics::scrape(otlet.admin());
        assert!(metrics.count("otlet_receiver_requests_total", &[]) > 10);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_keeps_its_port_under_another_name_and_at_another_address() {
    let backend = Backend::start();
    let port = free().port();
    let config = |name: &str, host: &str| {
        let http = format!("http: {{ endpoint: '{host}:{port}' }}");
        receiving(&[(name, &http)], &backend)
    };
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let mut otlet = run(&config("otlp", "127.0.0.1"));
    for (name, host) in [
        ("otlp/b", "127.0.0.1"),
        ("otlp/b", "0.0.0.0"),
        ("otlp/b", "127.0.0.1"),
    ] {
        otlet = nobody_is_kept_out(otlet, address, &config(name, host), &backend).await;
    }
    // Nobody else can have it for all that.
    let second = run(&receiving(&[("otlp", HTTP)], &backend));
    second.reload(&config("otlp", "127.0.0.1"), REFUSED);
}

#[tokio::test]
async fn connections_of_a_receiver_with_other_settings_end_in_good_order() {
    let backend = Backend::start();
    let config = |streams: u32| {
        let grpc = format!("grpc: {{ endpoint: 127.0.0.1:0, max_concurrent_streams: {streams} }}");
        receiving(&[("otlp", &grpc)], &backend)
    };
    let otlet = run(&config(10));
    let sender = Sender::grpc(otlet.grpc());
    send(&sender, 0).await;
    otlet.reload(&config(20), APPLIED);
    // Its client connects again.
    otlet_tests::metrics::scrape_until(otlet.admin(), "the connection to end", |metrics| {
        metrics.count("otlet_receiver_connections", &[]) == 0
    });
    while sender.send(&Request::Traces(spans([1]))).await.is_err() {}
    let received = backend.wait_until("both", |received| numbers(received).contains(&1));
    assert_eq!(numbers(&received)[0], 0);
    assert!(!otlet.said().contains("were cut"));
}

#[test]
fn lines_are_read_on_by_a_receiver_that_changed_and_by_one_that_did_not() {
    let (backend, folder) = (Backend::start(), tempfile::tempdir().unwrap());
    let append = |name: &str, line: &str| {
        let path = folder.path().join(name);
        let mut file = File::options()
            .append(true)
            .create(true)
            .open(path)
            .unwrap();
        writeln!(file, "{line}").unwrap();
    };
    let receiver = |name: &str, file: &str, keys: &str| {
        let path = folder.path().join(file);
        format!(
            "  {name}: {{ poll_interval: 10ms, start_at: beginning, include: ['{}'], {keys} }}\n",
            path.display()
        )
    };
    let config = |keys: &str| {
        format!(
            "receivers:\n{}{}{}exporters: {{ otlp: {{ {} }} }}\nservice: {{ pipelines: {{ logs: {{ receivers: [jsonlines/same, jsonlines/kept, jsonlines/forgets], exporters: [otlp] }} }} }}\n",
            receiver("jsonlines/same", "same.log", ""),
            receiver(
                "jsonlines/kept",
                "kept.log",
                &format!(
                    "storage: '{}', {keys}",
                    folder.path().join("positions").display()
                )
            ),
            receiver("jsonlines/forgets", "forgets.log", keys),
            to(&backend.endpoint()),
        )
    };
    let names = ["same.log", "kept.log", "forgets.log"];
    let otlet = run(&config("max_line_size: 1MiB"));
    let mut expected = vec![];
    for round in 0..4 {
        if round > 0 {
            let keys = format!("max_line_size: {round}MiB, resource: {{ round: {round} }}");
            otlet.reload(&config(&keys), APPLIED);
        }
        for name in names {
            for line in 0..3 {
                let line = format!("{name} {round} {line}");
                append(name, &line);
                expected.push(line);
            }
        }
        backend.wait_until("the lines", |received| {
            bodies(received).len() >= expected.len()
        });
    }
    let mut arrived = bodies(&backend.taken());
    arrived.sort();
    expected.sort();
    assert_eq!(arrived, expected);
    assert_eq!(
        otlet
            .said()
            .matches("reading files receiver=\"jsonlines/same\"")
            .count(),
        1
    );
    // Standard input cannot be opened again.
    let stdin = config("max_line_size: 1MiB")
        .replacen(
            "receivers:\n",
            "receivers:\n  jsonlines/in: { stdin: true }\n",
            1,
        )
        .replacen("[jsonlines/same", "[jsonlines/in, jsonlines/same", 1);
    let before = otlet.lines();
    otlet.reload(&stdin, REFUSED);
    otlet.wait_for_after(
        before,
        "receiver `jsonlines/in`: standard input is opened at the start alone: restart otlet",
    );
    append("kept.log", "the end");
    backend.wait_until("the end", |received| {
        bodies(received).iter().any(|body| body == "the end")
    });
}
