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

/// What is wrong with the files of a receiver, or when its certificate expired.
fn check(server: &Server) -> Result<Option<String>, Vec<Wrong>> {
    outcome(Server::check(
        Some(&server.identity),
        server.client_ca.as_ref(),
    ))
}

fn outcome(checked: Checked) -> Result<Option<String>, Vec<Wrong>> {
    match checked {
        Checked { wrong, expired } if wrong.is_empty() => Ok(expired),
        Checked { wrong, .. } => Err(wrong),
    }
}

/// The one thing that is wrong.
fn one(wrong: Vec<Wrong>) -> Wrong {
    let [wrong] = <[Wrong; 1]>::try_from(wrong).unwrap();
    wrong
}

fn said(wrong: &Wrong) -> (&'static str, &str) {
    (wrong.key, &wrong.what)
}

#[test]
fn right_files_are_taken_as_files_and_as_texts() {
    let (folder, _) = folder();
    let folder = folder.path();
    let mut server = server(folder, "good");
    assert_eq!(check(&server), Ok(None));
    server.client_ca = Some(file(folder, "ca.crt"));
    assert_eq!(check(&server), Ok(None));
    let text = |name: &str| Pem::Text(fs::read_to_string(folder.join(name)).unwrap());
    server.identity.certificate = text("good.crt");
    server.identity.key = text("good.key");
    assert_eq!(check(&server), Ok(None));
    assert!(!format!("{server:?}").contains("PRIVATE"));
    let client = Client {
        ca: Some(file(folder, "ca.crt")),
        identity: Some(server.identity),
        ..Client::default()
    };
    assert_eq!(outcome(client.check()), Ok(None));
    assert!(!client.uses_system_roots());
}

const CUT_CERTIFICATE: &str = "holds a certificate that is cut short";
const CUT_KEY: &str = "holds a private key that is cut short";

/// The first lines of a text.
fn cut(text: &str, lines: usize) -> String {
    text.split_inclusive('\n').take(lines).collect()
}

/// A text without one of its lines, counted from 0.
fn without_line(text: &str, gone: usize) -> String {
    let lines = text.split_inclusive('\n').enumerate();
    let rest = lines.filter(|(at, _)| *at != gone);
    rest.map(|(_, line)| line).collect()
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
        (&damaged, key, ("cert_file", CUT_CERTIFICATE)),
        (&cut(cert, 3), key, ("cert_file", CUT_CERTIFICATE)),
        (
            &cert.replace("MII", "M~I"),
            key,
            ("cert_file", "holds damaged PEM"),
        ),
        (
            &format!("\u{feff}{cert}"),
            key,
            ("cert_file", "begins with a byte order mark"),
        ),
        (cert, &cut(key, 2), ("key_file", CUT_KEY)),
        (cert, &without_line(key, 2), ("key_file", CUT_KEY)),
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
        let wrong = one(check(&server(folder, "bad")).unwrap_err());
        assert_eq!(said(&wrong), expected);
        assert!(!wrong.cure.is_empty());
        assert!(
            !wrong.to_string().contains("BEGIN PRIVATE KEY-----\n"),
            "{wrong}"
        );
        assert!(wrong.to_string().contains("bad."), "{wrong}");
    }
    let missing = check(&server(folder, "none")).unwrap_err();
    let keys: Vec<_> = missing.iter().map(|wrong| wrong.key).collect();
    assert_eq!(keys, ["cert_file", "key_file"]);
    for missing in missing {
        assert!(missing.what.starts_with("cannot be read: "), "{missing}");
    }
}

#[test]
fn authorities_that_are_none_are_named() {
    let (folder, _) = folder();
    let folder = folder.path();
    put(folder, "bad", "nothing");
    let mut server = server(folder, "good");
    server.client_ca = Some(file(folder, "bad"));
    let wrong = one(check(&server).unwrap_err());
    assert_eq!(said(&wrong), ("client_ca_file", "holds no certificate"));
    let client = Client {
        ca: Some(file(folder, "good.key")),
        ..Client::default()
    };
    let wrong = one(outcome(client.check()).unwrap_err());
    assert_eq!(said(&wrong), ("ca_file", "holds no certificate"));
}

#[test]
fn a_certificate_that_can_sign_none_is_no_authority() {
    let (folder, authority) = folder();
    let folder = folder.path();
    let leaf = fs::read_to_string(folder.join("good.crt")).unwrap();
    let mut server = server(folder, "good");
    server.client_ca = Some(file(folder, "good.crt"));
    let expected = "holds a certificate that is no authority's";
    let wrong = one(check(&server).unwrap_err());
    assert_eq!(said(&wrong), ("client_ca_file", expected));
    let mut client = Client {
        ca: Some(Pem::Text(leaf.clone())),
        ..Client::default()
    };
    let wrong = one(outcome(client.check()).unwrap_err());
    assert_eq!(said(&wrong), ("ca_pem", expected));
    // Beside an authority it does no harm.
    client.ca = Some(Pem::Text(leaf + &authority.pem()));
    assert_eq!(outcome(client.check()), Ok(None));
    // One that has signed itself is trusted as what it is.
    client.ca = Some(Pem::Text(Authority::itself_alone("localhost")));
    assert_eq!(outcome(client.check()), Ok(None));
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let (folder, _) = folder();
    let folder = folder.path();
    let mut server = server(folder, "none");
    server.client_ca = Some(file(folder, "good.crt"));
    let wrong = check(&server).unwrap_err();
    let keys: Vec<_> = wrong.iter().map(|wrong| wrong.key).collect();
    assert_eq!(keys, ["cert_file", "key_file", "client_ca_file"]);
}

#[test]
fn a_certificate_that_has_expired_is_warned_of_with_its_date() {
    let (folder, authority) = folder();
    authority
        .certify_expired(&["localhost"])
        .write(folder.path(), "old");
    let warning = check(&server(folder.path(), "old")).unwrap();
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
