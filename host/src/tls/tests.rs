//! What is wrong with files is said before they are used.

use std::fs;
use std::path::Path;

use otlet_tests::certificates::{Authority, put};

use super::*;
use crate::fresh::Wrong;

fn file(folder: &Path, name: &str) -> Pem {
    Pem::File(folder.join(name))
}

fn server(folder: &Path, name: &str) -> Server {
    Server {
        identity: Identity {
            certificate: file(folder, &format!("{name}.crt")),
            key: file(folder, &format!("{name}.key")),
        },
        client_ca: None,
        versions: Versions::default(),
    }
}

/// A folder with an authority and a certificate of it that is right.
fn folder() -> (tempfile::TempDir, Authority) {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new("authority");
    put(folder.path(), "ca.crt", &authority.pem());
    authority
        .certify(&["localhost"])
        .write(folder.path(), "good");
    (folder, authority)
}

fn said(wrong: &Wrong) -> (&'static str, &str) {
    (wrong.key, &wrong.what)
}

#[test]
fn right_files_are_taken_as_files_and_as_texts() {
    let (folder, _) = folder();
    let folder = folder.path();
    let mut server = server(folder, "good");
    assert_eq!(server.check(), Ok(None));
    server.client_ca = Some(file(folder, "ca.crt"));
    assert_eq!(server.check(), Ok(None));
    let text = |name: &str| Pem::Text(fs::read_to_string(folder.join(name)).unwrap());
    server.identity.certificate = text("good.crt");
    server.identity.key = text("good.key");
    assert_eq!(server.check(), Ok(None));
    assert!(!format!("{server:?}").contains("PRIVATE"));
    let client = Client {
        ca: Some(file(folder, "ca.crt")),
        identity: Some(server.identity),
        ..Client::default()
    };
    assert_eq!(client.check(), Ok(None));
    assert!(!client.uses_system_roots());
}

#[test]
fn what_is_wrong_with_a_certificate_or_key_is_named() {
    let (folder, authority) = folder();
    let folder = folder.path();
    let good = authority.certify(&["localhost"]);
    let other = authority.certify(&["localhost"]);
    let damaged = good.certificate.replace("-----END", "====");
    let encrypted = good.key.replace("BEGIN PRIVATE", "BEGIN ENCRYPTED PRIVATE");
    let old = format!(
        "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n{}",
        good.key
    );
    let (cert, key) = (good.certificate.as_str(), good.key.as_str());
    for (certificate, private, expected) in [
        ("", key, ("cert_file", "holds no certificate")),
        ("x: y", key, ("cert_file", "holds no certificate")),
        (key, key, ("cert_file", "holds no certificate")),
        (&damaged, key, ("cert_file", "holds damaged PEM")),
        (cert, "", ("key_file", "holds no private key")),
        (cert, cert, ("key_file", "holds no private key")),
        (cert, &encrypted, ("key_file", "holds an encrypted key")),
        (cert, &old, ("key_file", "holds an encrypted key")),
        (
            cert,
            &other.key,
            ("key_file", "is not the key of the certificate"),
        ),
    ] {
        put(folder, "bad.crt", certificate);
        put(folder, "bad.key", private);
        let wrong = server(folder, "bad").check().unwrap_err();
        assert_eq!(said(&wrong), expected);
        assert!(!wrong.cure.is_empty());
        assert!(
            !wrong.to_string().contains("BEGIN PRIVATE KEY-----\n"),
            "{wrong}"
        );
        assert!(wrong.to_string().contains("bad."), "{wrong}");
    }
    let missing = server(folder, "none").check().unwrap_err();
    assert!(missing.what.starts_with("cannot be read: "), "{missing}");
}

#[test]
fn authorities_that_are_none_are_named() {
    let (folder, _) = folder();
    let folder = folder.path();
    put(folder, "bad", "nothing");
    let mut server = server(folder, "good");
    server.client_ca = Some(file(folder, "bad"));
    let wrong = server.check().unwrap_err();
    assert_eq!(said(&wrong), ("client_ca_file", "holds no certificate"));
    let client = Client {
        ca: Some(file(folder, "good.key")),
        ..Client::default()
    };
    let wrong = client.check().unwrap_err();
    assert_eq!(said(&wrong), ("ca_file", "holds no certificate"));
}

#[test]
fn a_certificate_that_has_expired_is_warned_of_with_its_date() {
    let (folder, authority) = folder();
    authority
        .certify_expired(&["localhost"])
        .write(folder.path(), "old");
    let warning = server(folder.path(), "old").check().unwrap();
    let expected = "the certificate expired at 2020-01-01 00:00 UTC";
    assert_eq!(warning.as_deref(), Some(expected));
}

#[test]
fn a_name_may_be_an_address() {
    for host in ["backend", "backend.internal", "127.0.0.1", "[::1]", "::1"] {
        assert!(server_name(host).is_some(), "{host}");
    }
    for host in ["", "a b", "[::1", "-"] {
        assert!(server_name(host).is_none(), "{host}");
    }
}
