//! Reads `tls` of receivers and exporters, with the Collector's keys, and has the files that it names checked.
//!
//! Paths that are not absolute start at the config's folder.

use std::path::Path;

use crate::fresh::Wrong;
use crate::tls::{Checked, Client, Identity, Pem, Server, Version, Versions};

use super::reader::{Lacking, Reader};
use super::report::{Mistake, Place, quoted};

const VERSIONS: [(&str, Version); 2] = [("1.2", Version::Tls12), ("1.3", Version::Tls13)];

const OF_RECEIVERS: &str = "it is for receivers: remove it";
const OF_EXPORTERS: &str = "it is for exporters: remove it";

/// Keys of the Collector's TLS that otlet has no equivalent for.
const LACKING: Lacking = &[
    (
        "reload_interval",
        "otlet reads certificates and keys again whenever they change: remove it",
    ),
    (
        "client_ca_file_reload",
        "otlet reads certificates and keys again whenever they change: remove it",
    ),
    (
        "cipher_suites",
        "otlet speaks those of TLS 1.2 and 1.3 that are safe: remove it",
    ),
    ("curve_preferences", "otlet chooses them itself: remove it"),
    ("tpm", "otlet takes keys from PEM alone: remove it"),
];

/// Keys that are for the other side.
const RECEIVERS_LACKING: Lacking = &[
    (
        "ca_file",
        "write `client_ca_file`, whose certificates clients must have",
    ),
    (
        "ca_pem",
        "write `client_ca_file`, whose certificates clients must have",
    ),
    ("insecure", OF_EXPORTERS),
    ("insecure_skip_verify", OF_EXPORTERS),
    ("server_name_override", OF_EXPORTERS),
    ("include_system_ca_certs_pool", OF_EXPORTERS),
];
const EXPORTERS_LACKING: Lacking = &[("client_ca_file", OF_RECEIVERS)];

/// `tls` of an exporter.
#[derive(Default)]
pub(super) struct Exporters {
    pub(super) client: Client,
    /// Whether there is to be none (`insecure`).
    pub(super) insecure: bool,
    /// Where `insecure` stands.
    insecure_place: Option<Place>,
    /// The first key that is of use with TLS alone, and where it stands.
    needs_tls: Option<(&'static str, Place)>,
    /// Where it stands as a whole.
    place: Option<Place>,
}

/// Reads `tls` of a receiver; none beside a mistake if it cannot be used.
pub(super) fn server(reader: Reader<'_>, folder: &Path) -> Option<Server> {
    let mut reader = reader.lacking(LACKING).lacking(RECEIVERS_LACKING);
    let identity = identity(&mut reader, folder);
    if identity.is_none()
        && !["cert_file", "cert_pem", "key_file", "key_pem"]
            .iter()
            .any(|key| reader.has(key))
    {
        let cure = "write `cert_file: cert.pem` and `key_file: key.pem`";
        reader.report(Mistake::error(
            reader.place(),
            "a receiver's `tls` needs a certificate and its key",
            cure,
        ));
    }
    let client_ca = path(&mut reader, "client_ca_file", folder).map(Pem::File);
    let versions = versions(&mut reader);
    let checked = Server::check(identity.as_ref(), client_ca.as_ref());
    report(&reader, checked);
    reader.finish();
    Some(Server {
        identity: identity?,
        client_ca,
        versions,
    })
}

/// Reads `tls` of an exporter.
pub(super) fn client(reader: Reader<'_>, folder: &Path) -> Exporters {
    let mut reader = reader.lacking(LACKING).lacking(EXPORTERS_LACKING);
    let mut read = Exporters {
        place: Some(reader.place()),
        ..Exporters::default()
    };
    reader.boolean("insecure", &mut read.insecure);
    read.insecure_place = reader.has("insecure").then(|| reader.place_of("insecure"));
    let client = &mut read.client;
    client.ca = pem(&mut reader, "ca_file", "ca_pem", folder);
    client.identity = identity(&mut reader, folder);
    reader.boolean("include_system_ca_certs_pool", &mut client.system_roots);
    reader.boolean("insecure_skip_verify", &mut client.skip_verify);
    client.server_name = text(&mut reader, "server_name_override");
    client.versions = versions(&mut reader);
    read.needs_tls = NEED_TLS
        .into_iter()
        .filter(|key| reader.has(key))
        .map(|key| (key, reader.place_of(key)))
        .min_by_key(|(_, place)| place.start);
    if client.skip_verify {
        let what = "with `insecure_skip_verify` whoever answers is taken for the backend";
        let cure = "remove it, and set `ca_file` to the authority of the backend's certificate";
        reader.report(Mistake::warning(
            reader.place_of("insecure_skip_verify"),
            what,
            cure,
        ));
    }
    report(&reader, client.check());
    reader.finish();
    read
}

/// The keys that are of no use without TLS.
const NEED_TLS: [&str; 11] = [
    "ca_file",
    "ca_pem",
    "cert_file",
    "cert_pem",
    "key_file",
    "key_pem",
    "include_system_ca_certs_pool",
    "insecure_skip_verify",
    "server_name_override",
    "min_version",
    "max_version",
];

impl Exporters {
    /// Reports settings that contradict the endpoints: whether one of them is `https://`.
    pub(super) fn check(&self, reader: &Reader<'_>, is_secure: bool) {
        if is_secure && self.insecure {
            let place = self.insecure_place.unwrap_or(reader.place());
            let what = "`insecure: true` and an endpoint with `https://` contradict each other";
            let cure = "remove `insecure`, or write `http://`";
            reader.report(Mistake::error(place, what, cure));
        }
        if is_secure {
            self.warn_of_no_roots(reader);
            return;
        }
        if let Some((key, place)) = self.needs_tls {
            let (why, cure) = if self.insecure {
                ("`insecure` is true", "remove it, or `insecure`")
            } else {
                (
                    "no endpoint is `https://`",
                    "write `https://`, or remove it",
                )
            };
            let what = format!("`{key}` has no effect: {why}");
            reader.report(Mistake::error(place, what, cure));
        } else if let (Some(place), false) = (self.insecure_place, self.insecure) {
            let what = "`insecure: false` and an endpoint with `http://` contradict each other";
            let cure = "write `https://`, or `insecure: true`";
            reader.report(Mistake::error(place, what, cure));
        }
    }

    /// Images made of nothing but a program have none.
    fn warn_of_no_roots(&self, reader: &Reader<'_>) {
        if self.client.uses_system_roots() && !Client::has_system_roots() {
            let place = self.place.unwrap_or(reader.place_of("endpoint"));
            let what = "this system names no authorities, so that no backend is trusted";
            let cure = "install its package `ca-certificates`, or set `tls.ca_file`";
            reader.report(Mistake::warning(place, what, cure));
        }
    }
}

/// A certificate and its key; none beside a mistake if one is missing.
fn identity(reader: &mut Reader<'_>, folder: &Path) -> Option<Identity> {
    let certificate = pem(reader, "cert_file", "cert_pem", folder);
    let key = pem(reader, "key_file", "key_pem", folder);
    let written = |keys: [&'static str; 2]| keys.into_iter().find(|key| reader.has(key));
    let (cert_key, key_key) = (
        written(["cert_file", "cert_pem"]),
        written(["key_file", "key_pem"]),
    );
    let (place, what, cure) = match (cert_key, key_key) {
        (Some(key), None) => (
            reader.place_of(key),
            "a certificate without its key",
            "add `key_file: key.pem`",
        ),
        (None, Some(key)) => (
            reader.place_of(key),
            "a key without its certificate",
            "add `cert_file: cert.pem`",
        ),
        _ => {
            return Some(Identity {
                certificate: certificate?,
                key: key?,
            });
        }
    };
    reader.report(Mistake::error(place, what, cure));
    None
}

/// PEM in a file or as a text; both is a mistake.
fn pem(
    reader: &mut Reader<'_>,
    file: &'static str,
    text_key: &'static str,
    folder: &Path,
) -> Option<Pem> {
    let path = path(reader, file, folder);
    let pem = text(reader, text_key);
    if reader.has(file) && reader.has(text_key) {
        let what = format!("`{file}` and `{text_key}` are two ways to say the same");
        reader.report(Mistake::error(
            reader.place_of(text_key),
            what,
            "remove one of the two",
        ));
    }
    path.map(Pem::File).or(pem.map(Pem::Text))
}

/// A file's path from the config's folder.
pub(super) fn path(
    reader: &mut Reader<'_>,
    key: &'static str,
    folder: &Path,
) -> Option<std::path::PathBuf> {
    let cure = format!("write `{key}: file`");
    reader.text(key, "the path of a file", &cure, |text| {
        if text.is_empty() {
            return Err((format!("`{key}` is empty"), format!("write `{key}: file`")));
        }
        Ok(folder.join(text))
    })
}

/// A text that is not empty.
pub(super) fn text(reader: &mut Reader<'_>, key: &'static str) -> Option<String> {
    let cure = format!("write a text, or remove `{key}`");
    reader.text(key, "a text", &cure, |text| {
        if text.is_empty() {
            return Err((format!("`{key}` is empty"), cure.clone()));
        }
        Ok(text.to_owned())
    })
}

fn versions(reader: &mut Reader<'_>) -> Versions {
    let mut versions = Versions::default();
    reader.choice("min_version", &VERSIONS, &mut versions.min);
    reader.choice("max_version", &VERSIONS, &mut versions.max);
    if versions.min > versions.max {
        let what = "`min_version` is above `max_version`";
        let place = reader.place_of("min_version");
        reader.report(Mistake::error(place, what, "write a lower one"));
    }
    versions
}

/// Reports what the check of the files says.
fn report(reader: &Reader<'_>, checked: Checked) {
    for wrong in checked.wrong {
        reader.report(mistake(reader, &wrong));
    }
    if let Some(expired) = checked.expired {
        let key = ["cert_file", "cert_pem"]
            .into_iter()
            .find(|key| reader.has(key));
        let place = key.map_or(reader.place(), |key| reader.place_of(key));
        let cure = "replace it: no connection will succeed";
        reader.report(Mistake::warning(place, expired, cure));
    }
}

/// What is wrong with a file, at the place of its key.
pub(super) fn mistake(reader: &Reader<'_>, wrong: &Wrong) -> Mistake {
    let place = reader.place_of(wrong.key);
    let what = match &wrong.file {
        // The path may come from the environment.
        Some(file) if !reader.is_hidden(wrong.key) => {
            format!("{} {}", quoted(&file.display().to_string()), wrong.what)
        }
        _ => format!("`{}` {}", wrong.key, wrong.what),
    };
    Mistake::error(place, what, wrong.cure.as_str())
}
