//! The gateway of `examples/gateway` is let run, with certificates and a token made for it.

#![allow(
    clippy::unwrap_used,
    reason = "everything here is a test, the functions that tests share included"
)]

use otlet_tests::program::command;
use std::fs;
use std::path::Path;

use otlet_tests::certificates::{Authority, put};

#[test]
fn the_gateway_holds_beside_its_certificates_and_not_without_them() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/gateway/otlet.yaml");
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("otlet.yaml");
    fs::copy(example, &config).unwrap();
    let check = || {
        command(env!("CARGO_BIN_EXE_otlet"))
            .arg("check")
            .arg(&config)
            .env("OTLET_LETTERS", folder.path().join("letters"))
            .output()
            .unwrap()
    };
    let output = check();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    for file in ["tls.crt", "clients.crt", "tokens"] {
        assert!(said.contains(&format!("/{file}` cannot be read")), "{said}");
    }

    let authority = Authority::new("the authority");
    authority.certify(&["otlet"]).write(folder.path(), "tls");
    put(folder.path(), "clients.crt", &authority.pem());
    put(folder.path(), "tokens", "s3cret-one\ns3cret-two\n");
    let output = check();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    assert!(!said.contains("warning"), "{said}");
}
