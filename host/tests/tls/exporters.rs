//! What keeps an exporter from its backend: each has its line in the log, and when it is mended the data arrives.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::*;

/// The endpoints of an otlet behind TLS, by exporter.
fn endpoint(exporter: &str, otlet: &Program) -> String {
    match exporter {
        "otlp" => format!("localhost:{}", otlet.grpc().port()),
        _ => format!("https://localhost:{}", otlet.http().port()),
    }
}

const EXPORTERS: [&str; 2] = ["otlp", "otlphttp"];

#[tokio::test]
async fn telemetry_goes_over_mutual_tls() {
    for exporter in EXPORTERS {
        for version in ["1.2", "1.3"] {
            let files = Files::new();
            let backend = Backend::start();
            let ca = files.setting("client_ca_file", "ca.crt");
            let tls = format!("tls: {{ {}, {ca} }}", files.identity("back"));
            let back = back(&backend, &tls, "");
            let ca = files.setting("ca_file", "ca.crt");
            let tls = format!(
                "tls: {{ {}, {ca}, max_version: '{version}' }}",
                files.identity("front")
            );
            let front = front(exporter, &endpoint(exporter, &back), &tls, "");
            send(&front, 1).await;
            assert_eq!(arrived(&backend, 1), [1]);
        }
    }
}

#[tokio::test]
async fn texts_in_the_config_do_as_well_as_files() {
    let files = Files::new();
    let backend = Backend::start();
    let text = |key: &str, name: &str| {
        let pem = fs::read_to_string(files.path(name)).unwrap();
        format!("{key}: \"{}\"", pem.replace('\n', "\\n"))
    };
    let tls = format!(
        "tls: {{ {}, {} }}",
        text("cert_pem", "back.crt"),
        text("key_pem", "back.key")
    );
    let back = back(&backend, &tls, "");
    let tls = format!("tls: {{ {} }}", text("ca_pem", "ca.crt"));
    let front = front("otlp", &endpoint("otlp", &back), &tls, "");
    send(&front, 1).await;
    assert_eq!(arrived(&backend, 1), [1]);
    assert!(!(front.said() + &back.said()).contains("-----BEGIN"));
}

#[tokio::test]
async fn any_certificate_will_do_if_the_config_says_so() {
    let files = Files::new();
    files
        .authority
        .certify_expired(&["another"])
        .write(files.folder(), "back");
    let backend = Backend::start();
    let back = back(
        &backend,
        &format!("tls: {{ {} }}", files.identity("back")),
        "",
    );
    let tls = "tls: { insecure_skip_verify: true }";
    let front = front("otlp", &endpoint("otlp", &back), tls, "");
    send(&front, 1).await;
    assert_eq!(arrived(&backend, 1), [1]);
}

/// Starts a pair with these files, waits for what both say of it, and mends the files.
async fn fails_until(exporter: &str, files: &Files, said: [&str; 2], mend: impl FnOnce(&Files)) {
    let backend = Backend::start();
    let ca = files.setting("client_ca_file", "clients.crt");
    let tls = format!("tls: {{ {}, {ca} }}", files.identity("back"));
    let back = back(&backend, &tls, "");
    let ca = files.setting("ca_file", "ca.crt");
    let tls = format!("tls: {{ {}, {ca} }}", files.identity("front"));
    let front = front(exporter, &endpoint(exporter, &back), &tls, "");
    send(&front, 1).await;
    let [front_says, back_says] = said;
    let line = front.wait_for("the backend does not take requests");
    assert!(line.contains(front_says), "{line}");
    let line = back.wait_for("a client was not let in");
    assert!(line.contains(back_says), "{line}");
    assert!(line.contains("peer=127.0.0.1:"), "{line}");
    assert_eq!(backend.received().len(), 0);
    mend(files);
    assert_eq!(arrived(&backend, 1), [1]);
    front.wait_for("the backend takes requests again");
}

/// Files that are right, whose client authority has a file of its own.
fn right() -> Files {
    let files = Files::new();
    put(files.folder(), "clients.crt", &files.authority.pem());
    files
}

#[tokio::test]
async fn an_unknown_authority() {
    for exporter in EXPORTERS {
        let files = right();
        put(files.folder(), "ca.crt", &Authority::new("another").pem());
        let said = [
            "the backend's certificate is of an authority that is not trusted",
            "the client does not trust the certificate",
        ];
        let mend = |files: &Files| drop(put(files.folder(), "ca.crt", &files.authority.pem()));
        fails_until(exporter, &files, said, mend).await;
    }
}

#[tokio::test]
async fn the_systems_authorities_are_read_again_when_they_change() {
    let files = right();
    let backend = Backend::start();
    let keys = format!("tls: {{ {} }}", files.identity("back"));
    let back = back(&backend, &keys, "");
    let roots = put(files.folder(), "roots", &Authority::new("another").pem());
    let script = put(
        files.folder(),
        "otlet.sh",
        &format!(
            "#!/bin/sh\nSSL_CERT_FILE='{}' exec '{}' \"$@\"\n",
            roots.display(),
            env!("CARGO_BIN_EXE_otlet")
        ),
    );
    fs::set_permissions(&script, fs::Permissions::from_mode(0o700)).unwrap();
    let config = format!(
        "
receivers: {{ otlp: {{ protocols: {{ grpc: {{ endpoint: 127.0.0.1:0 }} }} }} }}
exporters:
  otlp:
    endpoint: 'https://localhost:{}'
    retry_on_failure: {{ initial_interval: 20ms, max_interval: 100ms }}
service: {{ pipelines: {{ traces: {{ receivers: [otlp], exporters: [otlp] }} }} }}
",
        back.grpc().port()
    );
    let front = Program::start(script.to_str().unwrap(), &config);
    send(&front, 1).await;
    front.wait_for("is of an authority that is not trusted");
    put(files.folder(), "roots", &files.authority.pem());
    assert_eq!(arrived(&backend, 1), [1]);
    front.wait_for("files changed and were read again");
}

#[tokio::test]
async fn an_expired_certificate_of_the_backend() {
    let files = right();
    files
        .authority
        .certify_expired(&["localhost"])
        .write(files.folder(), "back");
    let said = [
        "the backend's certificate expired at 2020-01-01 00:00 UTC",
        "the client says that the certificate has expired",
    ];
    fails_until("otlp", &files, said, |files| {
        files
            .authority
            .certify(&["localhost"])
            .write(files.folder(), "back");
    })
    .await;
}

#[tokio::test]
async fn a_certificate_for_another_name() {
    let files = right();
    files
        .authority
        .certify(&["another.internal"])
        .write(files.folder(), "back");
    let said = [
        "the backend's certificate is not for `localhost` but for",
        "the client does not trust the certificate",
    ];
    fails_until("otlphttp", &files, said, |files| {
        files
            .authority
            .certify(&["localhost"])
            .write(files.folder(), "back");
    })
    .await;
}

#[tokio::test]
async fn an_authoritys_own_certificate() {
    let files = right();
    files.authority.itself().write(files.folder(), "back");
    let said = [
        "the backend's certificate is an authority's own (`CA:TRUE`)",
        "the client does not trust the certificate",
    ];
    fails_until("otlp", &files, said, |files| {
        let back = files.authority.certify(&["localhost"]);
        back.write(files.folder(), "back");
    })
    .await;
}

#[tokio::test]
async fn a_client_certificate_of_an_unknown_authority() {
    for exporter in EXPORTERS {
        let files = right();
        put(
            files.folder(),
            "clients.crt",
            &Authority::new("another").pem(),
        );
        let said = [
            "the backend does not take the client certificate",
            "the client's certificate is of no authority in `tls.client_ca_file`",
        ];
        let mend = |files: &Files| drop(put(files.folder(), "clients.crt", &files.authority.pem()));
        fails_until(exporter, &files, said, mend).await;
    }
}

#[tokio::test]
async fn an_expired_client_certificate() {
    let files = right();
    files
        .authority
        .certify_expired(&["front"])
        .write(files.folder(), "front");
    let said = [
        "the backend says that the client certificate of `tls.cert_file` has expired",
        "the client's certificate expired at 2020-01-01 00:00 UTC",
    ];
    fails_until("otlp", &files, said, |files| {
        files
            .authority
            .certify(&["front"])
            .write(files.folder(), "front");
    })
    .await;
}

#[tokio::test]
async fn no_client_certificate() {
    for exporter in EXPORTERS {
        let files = Files::new();
        let backend = Backend::start();
        let ca = files.setting("client_ca_file", "ca.crt");
        let tls = format!("tls: {{ {}, {ca} }}", files.identity("back"));
        let back = back(&backend, &tls, "");
        let tls = format!("tls: {{ {} }}", files.setting("ca_file", "ca.crt"));
        let front = front(exporter, &endpoint(exporter, &back), &tls, "");
        send(&front, 1).await;
        let line = front.wait_for("the backend does not take requests");
        assert!(
            line.contains("the backend demands a client certificate"),
            "{line}"
        );
        let line = back.wait_for("a client was not let in");
        assert!(line.contains("the client sent no certificate"), "{line}");
        assert_eq!(backend.received().len(), 0);
    }
}

#[tokio::test]
async fn tls_to_a_plain_port_and_plain_http_to_a_port_for_tls() {
    let files = Files::new();
    let backend = Backend::start();
    for exporter in EXPORTERS {
        let endpoint = format!("https://localhost:{}", backend.addr().port());
        let tls = format!("tls: {{ {} }}", files.setting("ca_file", "ca.crt"));
        let front = front(exporter, &endpoint, &tls, "");
        send(&front, 1).await;
        let line = front.wait_for("the backend does not take requests");
        assert!(
            line.contains("the backend does not speak TLS at this port"),
            "{line}"
        );
    }
    let back = back(
        &backend,
        &format!("tls: {{ {} }}", files.identity("back")),
        "",
    );
    for (exporter, port) in [
        ("otlp", back.grpc().port()),
        ("otlphttp", back.http().port()),
    ] {
        let front = front(exporter, &format!("http://localhost:{port}"), "", "");
        send(&front, 1).await;
        let line = front.wait_for("the backend does not take requests");
        assert!(line.contains("it may want TLS"), "{line}");
        back.wait_for("what came is not TLS");
    }
    assert_eq!(backend.received().len(), 0);
}

#[tokio::test]
async fn a_name_that_does_not_exist() {
    // No name may be that long, so that nobody is asked.
    let name = "x".repeat(64);
    let front = front("otlp", &format!("http://{name}:4317"), "", "");
    send(&front, 1).await;
    let line = front.wait_for("the backend does not take requests");
    assert!(
        line.contains(&format!("the backend's name `{name}` cannot be looked up")),
        "{line}"
    );
}
