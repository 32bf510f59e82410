//! Certificates that change while otlet runs, and clients that do not shake hands.

use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::client::{Client, der};
use super::*;

/// What no test should ever wait for.
const BOUND: Duration = Duration::from_secs(20);

/// Connects again and again until the server is what it should be.
async fn connect_until(otlet: &Program, authority: &str, certificate: &str) -> Client {
    let connecting = async {
        loop {
            match Client::connect(otlet.http(), authority, None).await {
                Ok(client) if client.server == der(certificate) => return client,
                _ => sleep(Duration::from_millis(20)).await,
            }
        }
    };
    timeout(BOUND, connecting)
        .await
        .expect("the server never had that certificate")
}

#[tokio::test]
async fn a_new_certificate_is_shown_to_new_connections_and_the_old_ones_live_on() {
    let files = Files::new();
    let backend = Backend::start();
    let back = back(
        &backend,
        &format!("tls: {{ {} }}", files.identity("back")),
        "",
    );
    let mut old = Client::connect(back.http(), &files.authority.pem(), None)
        .await
        .unwrap();
    assert_eq!(old.send(1).await.unwrap(), 200);

    let next = Authority::new("the next authority");
    let certified = next.certify(&["localhost"]);
    certified.write(files.folder(), "back");
    let mut new = connect_until(&back, &next.pem(), &certified.certificate).await;
    assert_eq!(new.send(2).await.unwrap(), 200);
    assert_eq!(old.send(3).await.unwrap(), 200);
    back.wait_for("files changed and were read again");

    // A broken one keeps what was there.
    put(files.folder(), "back.crt", "nothing");
    let waiting = async {
        while !back.said().contains("what they held before is kept") {
            let client = Client::connect(back.http(), &next.pem(), None)
                .await
                .unwrap();
            assert_eq!(client.server, der(&certified.certificate));
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(BOUND, waiting).await.expect("nothing was said");
    let line = back.wait_for("what they held before is kept");
    assert!(line.contains("back.crt holds no certificate"), "{line}");
    let mut still = Client::connect(back.http(), &next.pem(), None)
        .await
        .unwrap();
    assert_eq!(still.send(4).await.unwrap(), 200);

    // And is mended.
    let mended = next.certify(&["localhost"]);
    mended.write(files.folder(), "back");
    connect_until(&back, &next.pem(), &mended.certificate).await;
    assert_eq!(arrived(&backend, 4), [1, 2, 3, 4]);
}

#[tokio::test]
async fn a_folder_that_is_swapped_as_kubernetes_does_it() {
    let files = Files::new();
    let backend = Backend::start();
    let path = |name: &str| files.path(name);
    let versions = [1, 2].map(|version| {
        let folder = path(&format!("..{version}"));
        std::fs::create_dir(&folder).unwrap();
        let certified = files.authority.certify(&["localhost"]);
        certified.write(&folder, "tls");
        certified.certificate
    });
    std::os::unix::fs::symlink("..1", path("..data")).unwrap();
    for name in ["tls.crt", "tls.key"] {
        std::os::unix::fs::symlink(format!("..data/{name}"), path(name)).unwrap();
    }
    let back = back(
        &backend,
        &format!("tls: {{ {} }}", files.identity("tls")),
        "",
    );
    let authority = files.authority.pem();
    connect_until(&back, &authority, &versions[0]).await;
    std::os::unix::fs::symlink("..2", path("..next")).unwrap();
    std::fs::rename(path("..next"), path("..data")).unwrap();
    connect_until(&back, &authority, &versions[1]).await;
    assert!(!back.said().contains("what they held before is kept"));
}

#[tokio::test]
async fn only_clients_with_a_certificate_are_let_in() {
    let files = Files::new();
    let backend = Backend::start();
    let ca = files.setting("client_ca_file", "ca.crt");
    let back = back(
        &backend,
        &format!("tls: {{ {}, {ca} }}", files.identity("back")),
        "",
    );
    let authority = files.authority.pem();
    let known = files.authority.certify(&["client"]);
    let mut client = Client::connect(back.http(), &authority, Some(&known))
        .await
        .unwrap();
    assert_eq!(client.send(1).await.unwrap(), 200);
    let stranger = Authority::new("another").certify(&["client"]);
    for identity in [None, Some(&stranger)] {
        // It may hear of it only when it sends.
        if let Ok(mut client) = Client::connect(back.http(), &authority, identity).await {
            assert!(client.send(2).await.is_err());
        }
    }
    assert_eq!(arrived(&backend, 1), [1]);
}

#[tokio::test]
async fn a_client_that_does_not_shake_hands_is_let_go() {
    let files = Files::new();
    let backend = Backend::start();
    let keys = format!("read_timeout: 200ms, tls: {{ {} }}", files.identity("back"));
    let back = back(&backend, &keys, "");
    let mut silent = TcpStream::connect(back.grpc()).await.unwrap();
    let mut rest = Vec::new();
    let closed = timeout(BOUND, silent.read_to_end(&mut rest)).await;
    assert!(closed.is_ok(), "it is still open");
    let line = back.wait_for("a client was not let in");
    assert!(
        line.contains("the TLS handshake did not end within 200ms"),
        "{line}"
    );
}

#[tokio::test]
async fn a_handshake_holds_up_no_shutdown() {
    let files = Files::new();
    let backend = Backend::start();
    let mut back = back(
        &backend,
        &format!("tls: {{ {} }}", files.identity("back")),
        "",
    );
    let mut silent = TcpStream::connect(back.grpc()).await.unwrap();
    // The one after it is served, so that it was accepted.
    let mut client = Client::connect(back.http(), &files.authority.pem(), None)
        .await
        .unwrap();
    assert_eq!(client.send(1).await.unwrap(), 200);
    drop(client);
    let status = tokio::task::spawn_blocking(move || back.terminate())
        .await
        .unwrap();
    assert_eq!(status.code(), Some(0));
    let mut rest = Vec::new();
    let closed = timeout(BOUND, silent.read_to_end(&mut rest)).await;
    assert!(closed.is_ok(), "it is still open");
}
