//! TLS, client certificates and a token between otlet and the Collectors.

use std::path::Path;

use otlet_tests::certificates::{Authority, put};
use tempfile::TempDir;

use super::*;

/// A folder with an authority and what it signed: one certificate for servers, and one for clients.
fn files() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new("the authority");
    put(folder.path(), "ca.crt", &authority.pem());
    let server = authority.certify(&["localhost", "127.0.0.1"]);
    server.write(folder.path(), "server");
    authority
        .certify(&["client"])
        .write(folder.path(), "client");
    put(folder.path(), "token", "s3cret-token\n");
    folder
}

/// A way over TLS where both sides show a certificate.
fn mutual(exporter: &'static str, folder: &Path) -> Way {
    let file = |name: &str| folder.join(name).display().to_string();
    let (authority, crt, key) = (file("ca.crt"), file("client.crt"), file("client.key"));
    let (server, server_key) = (file("server.crt"), file("server.key"));
    Way {
        keys: format!("tls: {{ ca_file: '{authority}', cert_file: '{crt}', key_file: '{key}' }},"),
        receiver: format!(
            "tls: {{ cert_file: '{server}', key_file: '{server_key}', client_ca_file: '{authority}' }},"
        ),
        ..way(exporter, "gzip")
    }
}

/// The same, to an otlet that demands a token besides.
fn with_token(way: &Way, folder: &Path, token: &str) -> Way {
    let file = folder.join("token").display().to_string();
    Way {
        keys: format!(
            "{} headers: {{ authorization: 'Bearer {token}' }},",
            way.keys
        ),
        receiver: format!(
            "{} auth: {{ authenticator: bearertokenauth }},",
            way.receiver
        ),
        rest: format!(
            "  extensions: [bearertokenauth]\nextensions: {{ bearertokenauth: {{ filename: '{file}' }} }}"
        ),
        ..way.clone()
    }
}

#[tokio::test]
async fn what_real_sdks_sent_arrives_once_and_unchanged_over_mutual_tls_with_a_token() {
    let Some(binary) = binary() else { return };
    let folder = files();
    for exporter in ["otlp", "otlphttp"] {
        let from = mutual(exporter, folder.path());
        let to = with_token(&from, folder.path(), "s3cret-token");
        goes_through(&binary, &to, &from).await;
    }
}

#[tokio::test]
async fn a_collector_with_another_token_or_without_a_certificate_is_not_let_in() {
    let Some(binary) = binary() else { return };
    let folder = files();
    for exporter in ["otlp", "otlphttp"] {
        let backend = Backend::start();
        let right = mutual(exporter, folder.path());
        let wrong_token = with_token(&right, folder.path(), "another");
        let otlet = otlet(
            &wrong_token,
            "otlp",
            &format!("endpoint: '{}'", backend.endpoint()),
        );
        let authority = folder.path().join("ca.crt");
        let no_certificate = Way {
            keys: format!(
                "tls: {{ ca_file: '{}' }}, headers: {{ authorization: 'Bearer s3cret-token' }},",
                authority.display()
            ),
            ..right.clone()
        };
        let right = with_token(&right, folder.path(), "s3cret-token");
        for (way, is_let_in) in [
            (&wrong_token, false),
            (&no_certificate, false),
            (&right, true),
        ] {
            let once = "retry_on_failure: { enabled: false }";
            let keys = keys(way, otlet.grpc(), otlet.http(), once);
            let collector = Collector::start(&binary, "", exporter, &keys);
            let sender = Sender::grpc(collector.grpc);
            let reply = sender.send(&Request::Traces(spans([1]))).await.unwrap();
            assert_eq!(reply.code == 0, is_let_in, "{exporter}: {}", reply.message);
        }
        assert_eq!(numbers(&backend.taken()), [1]);
    }
}
