use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use super::*;

fn started() -> (Admin, Arc<Health>) {
    let config = Config {
        endpoint: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
    };
    let health = Arc::<Health>::default();
    (
        start(&config, shown(), Arc::clone(&health)).unwrap(),
        health,
    )
}

fn shown() -> Shown {
    Shown {
        metrics: Box::new(|format| format!("{format:?}\n")),
        plugins: Box::new(|| "{}\n".to_owned()),
    }
}

/// What is answered to these bytes, until the connection is closed.
fn ask(admin: &Admin, request: &str) -> String {
    let mut stream = TcpStream::connect(admin.address()).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn get(admin: &Admin, path: &str) -> String {
    ask(admin, &format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n"))
}

#[test]
fn ready_is_from_the_last_receiver_to_the_shutdown() {
    let (admin, health) = started();
    for (stage, status, says) in [
        (Stage::Starting, "HTTP/1.1 503 ", "starting"),
        (Stage::Waiting, "HTTP/1.1 503 ", "waiting for plugins"),
        (Stage::Ready, "HTTP/1.1 200 ", "ready"),
        (Stage::Ending, "HTTP/1.1 503 ", "shutting down"),
    ] {
        health.set(stage);
        let answer = get(&admin, "/readyz");
        assert!(answer.starts_with(status), "{answer}");
        assert!(answer.contains(says), "{answer}");
        assert!(get(&admin, "/healthz").starts_with("HTTP/1.1 200 "));
    }
}

#[test]
fn metrics_have_the_name_that_is_asked_for() {
    let (admin, _health) = started();
    let asked = "GET /metrics HTTP/1.1\r\nhost: a\r\naccept: application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1\r\n\r\n";
    for (answer, kind, format) in [
        (
            ask(&admin, asked),
            "application/openmetrics-text; version=1.0.0",
            Format::OpenMetrics,
        ),
        (
            get(&admin, "/metrics"),
            "text/plain; version=0.0.4",
            Format::Classic,
        ),
    ] {
        assert!(
            answer.contains(&format!("content-type: {kind}")),
            "{answer}"
        );
        assert!(
            answer.ends_with(&format!("\r\n\r\n{format:?}\n")),
            "{answer}"
        );
    }
}

#[test]
fn what_is_no_page_is_told_the_pages_and_what_is_no_get_the_method() {
    let (admin, _health) = started();
    for path in ["/", "/metrics/", "/v1/traces", "/../etc/passwd"] {
        let answer = get(&admin, path);
        assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
        assert!(
            answer.contains("/metrics, /plugins, /healthz and /readyz"),
            "{answer}"
        );
    }
    let posted = "POST /metrics HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n";
    let answer = ask(&admin, posted);
    assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
    assert!(answer.contains("allow: GET, HEAD"), "{answer}");
    let head = ask(&admin, "HEAD /healthz HTTP/1.1\r\nhost: a\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 200 ") && head.ends_with("\r\n\r\n"));
}

#[test]
fn a_head_that_is_too_long_or_never_ends_is_not_waited_for() {
    let (admin, _health) = started();
    let long = format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "x".repeat(15 << 10));
    assert!(ask(&admin, &long).starts_with("HTTP/1.1 404 "));
    let mut stream = TcpStream::connect(admin.address()).unwrap();
    // It may be closed while this is being written.
    let _closed =
        stream.write_all(format!("GET / HTTP/1.1\r\nx: {}", "x".repeat(1 << 20)).as_bytes());
    let mut answer = Vec::new();
    let _reset = stream.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP/1.1 200"));

    let begun = Instant::now();
    let mut slow = TcpStream::connect(admin.address()).unwrap();
    slow.write_all(b"GET / HTTP/1.1\r\n").unwrap();
    let _ended = slow.read_to_end(&mut answer);
    assert!(begun.elapsed().as_secs() < 9, "{:?}", begun.elapsed());
}

#[test]
fn slow_connections_keep_out_nobody() {
    let (admin, _health) = started();
    let mut held: Vec<_> = (0..200)
        .map(|_| {
            let mut slow = TcpStream::connect(admin.address()).unwrap();
            // Closed connections may be among the earlier ones.
            let _begun = slow.write_all(b"GET /met");
            slow
        })
        .collect();
    assert!(get(&admin, "/healthz").starts_with("HTTP/1.1 200 "));
    // The oldest was closed long before its time.
    let begun = Instant::now();
    let _closed = held[0].read_to_end(&mut Vec::new());
    assert!(begun.elapsed().as_secs() < 4, "{:?}", begun.elapsed());
}

#[test]
fn a_port_that_is_taken_is_named() {
    let (admin, health) = started();
    let config = Config {
        endpoint: admin.address(),
    };
    let error = start(&config, shown(), health).unwrap_err().to_string();
    assert!(error.contains(&admin.address().to_string()), "{error}");
    assert!(error.starts_with("admin: cannot listen on "), "{error}");
}
