//! What `otlet check` says of certificates, keys and tokens, with the place of each.

use otlet::config;

use super::*;

/// The report on a config of these keys of the receiver's gRPC, of the exporter and of the extension, and where `marked` stands
/// in it.
fn report(
    files: &Files,
    [receiver, exporter, extension]: [&str; 3],
    marked: &str,
) -> (String, String) {
    let config = format!(
        "
receivers: {{ otlp: {{ protocols: {{ grpc: {{ {receiver} }} }} }} }}
exporters: {{ otlp: {{ endpoint: localhost:14317, {exporter} }} }}
extensions: {{ bearertokenauth: {{ {extension} }} }}
service:
  extensions: [bearertokenauth]
  pipelines: {{ traces: {{ receivers: [otlp], exporters: [otlp] }} }}
"
    );
    let path = put(files.folder(), "otlet.yaml", &config);
    let report = match config::load(&path).finish() {
        Ok(loaded) => loaded.warnings.to_string(),
        Err(report) => report.to_string(),
    };
    let (line, column) = config
        .lines()
        .zip(1..)
        .find_map(|(text, line)| Some((line, text.find(marked)? + 1)))
        .unwrap();
    let folder = format!("{}/", files.folder().display());
    (
        report.replace(&folder, ""),
        format!("otlet.yaml:{line}:{column}\n"),
    )
}

const AUTH: &str = "auth: { authenticator: bearertokenauth }";

#[test]
fn files_are_checked_where_they_are_named_and_start_at_the_configs_folder() {
    let files = Files::new();
    put(files.folder(), "token", "s3cret");
    put(files.folder(), "empty", "\n");
    put(files.folder(), "tokens", "s3cret-one\ns3cret-two\n");
    files
        .authority
        .certify_expired(&["localhost"])
        .write(files.folder(), "old");
    let right = "tls: { cert_file: back.crt, key_file: back.key }";
    let trust = format!("tls: {{ ca_file: ca.crt }}, {AUTH}");
    let [trust, token] = [trust.as_str(), "filename: token"];
    assert_eq!(report(&files, [right, trust, token], "otlp").0, "");
    let trusts_key = format!("tls: {{ ca_file: back.key }}, {AUTH}");
    for (keys, marked, says) in [
        (
            ["tls: { cert_file: none, key_file: back.key }", trust, token],
            "none",
            "error: `none` cannot be read: ",
        ),
        (
            [
                "tls: { cert_file: back.crt, key_file: front.key }",
                trust,
                token,
            ],
            "front.key",
            "error: `front.key` is not the key of the certificate",
        ),
        (
            [
                "tls: { cert_file: old.crt, key_file: old.key }",
                trust,
                token,
            ],
            "old.crt",
            "warning: the certificate expired at 2020-01-01 00:00 UTC",
        ),
        (
            [right, &trusts_key, token],
            "back.key }, auth",
            "error: `back.key` holds no certificate",
        ),
        (
            [right, trust, "filename: none"],
            "none",
            "error: `none` cannot be read: ",
        ),
        (
            [right, trust, "filename: empty"],
            "empty",
            "error: `empty` holds no token",
        ),
        (
            [right, trust, "filename: tokens"],
            "bearertokenauth } }",
            "error: `filename` of extension `bearertokenauth` holds several tokens",
        ),
    ] {
        let (report, place) = report(&files, keys, marked);
        assert!(report.starts_with(says), "{report}");
        assert!(report.contains(&place), "{place}: {report}");
        assert!(!report.contains("s3cret"), "{report}");
    }
}

#[test]
fn all_that_is_wrong_with_the_files_of_a_receiver_is_said_at_once() {
    let files = Files::new();
    let keys = "tls: { cert_file: none, key_file: front.key, client_ca_file: front.crt }";
    let keys = [keys, AUTH, "token: s3cret"];
    let (report, at_certificate) = report(&files, keys, "none");
    assert!(report.contains(&at_certificate), "{report}");
    for says in [
        "error: `none` cannot be read: ",
        "error: `front.crt` holds a certificate that is no authority's",
    ] {
        assert!(report.contains(says), "{report}");
    }
}
