//! Reads where an exporter sends: its endpoint, TLS, token, headers and compression.

use std::net::IpAddr;

use http::uri::Scheme;
use http::{HeaderName, HeaderValue, Uri};

use crate::auth;
use crate::exporter::{Compression, Target};

use super::super::extensions::{Extensions, Side};
use super::super::reader::{Mistakes, Reader, place_of_value};
use super::super::report::{Mistake, Place, quoted};
use super::super::tls;
use super::super::yaml::{Entry, Value};

/// What an exporter speaks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Grpc,
    Http,
}

/// Reads a target, and what is still to be checked of its `tls`.
pub(super) fn read_target(
    name: &str,
    reader: &mut Reader<'_>,
    protocol: Protocol,
    extensions: &Extensions<'_>,
    mistakes: &Mistakes,
) -> Option<(Target, tls::Exporters)> {
    let cure = "write `endpoint: https://host:port`, or `http://` without TLS";
    if !reader.has("endpoint") {
        let what = format!("exporter {} has no endpoint", quoted(name));
        reader.report(Mistake::error(reader.place(), what, cure));
    }
    let tls = reader
        .section("tls")
        .map(|section| tls::client(section, extensions.folder))
        .unwrap_or_default();
    let endpoint = reader.text("endpoint", URL, cure, |text| match protocol {
        Protocol::Grpc => grpc_endpoint(text, tls.insecure),
        Protocol::Http => http_endpoint(text),
    });
    let mut compression = Compression::Gzip;
    let words = [
        ("gzip", Compression::Gzip),
        ("zstd", Compression::Zstd),
        ("deflate", Compression::Deflate),
        ("zlib", Compression::Zlib),
        ("none", Compression::None),
    ];
    reader.choice("compression", &words, &mut compression);
    let headers: Vec<_> = reader
        .named("headers")
        .iter()
        .filter_map(|entry| header(entry, mistakes))
        .collect();
    let auth = extensions.authenticator(reader, Side::Exporter);
    if let Some((auth, place)) = &auth {
        check_header(reader, auth, *place, &headers);
    }
    let target = Target {
        endpoint: endpoint?,
        tls: Box::new(tls.client.clone()),
        auth: auth.map(|(auth, _)| Box::new(auth)),
        headers,
        compression,
        keepalive: None,
    };
    Some((target, tls))
}

/// Reports a header that is set twice.
fn check_header(
    reader: &Reader<'_>,
    auth: &auth::Config,
    place: Place,
    headers: &[(HeaderName, HeaderValue)],
) {
    if headers.iter().any(|(name, _)| *name == auth.header) {
        let what = format!("`headers` and the authenticator both set `{}`", auth.header);
        reader.report(Mistake::error(place, what, "remove it from `headers`"));
    }
}

/// Warns of a token that everyone on the way to one of the endpoints can read.
pub(super) fn check_way<'a>(
    reader: &Reader<'_>,
    target: &Target,
    mut endpoints: impl Iterator<Item = &'a Uri>,
) {
    let is_open = |endpoint| !is_https(endpoint) && !is_this_machine(endpoint);
    if target.auth.is_some() && endpoints.any(is_open) {
        let what =
            "the token goes to another machine over plain HTTP, where it can be read on its way";
        let place = reader.place_of("auth");
        reader.report(Mistake::warning(place, what, "write `https://`"));
    }
}

/// Whether an endpoint is reached over TLS.
pub(super) fn is_https(endpoint: &Uri) -> bool {
    endpoint.scheme() == Some(&Scheme::HTTPS)
}

fn is_this_machine(endpoint: &Uri) -> bool {
    let host = endpoint.host().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let is_loopback = address
        .parse()
        .is_ok_and(|address: IpAddr| address.is_loopback());
    host == "localhost" || is_loopback
}

/// What an endpoint should be, for a message.
pub(super) const URL: &str = "a URL, such as `https://backend:4317`";

/// A backend's URL for gRPC: a host and a port, nothing after it. As in the Collector, what has no scheme is reached over TLS,
/// unless that is `insecure`.
fn grpc_endpoint(text: &str, insecure: bool) -> Result<Uri, (String, String)> {
    let scheme = if insecure { "http" } else { "https" };
    let whole = if text.contains("://") {
        text.to_owned()
    } else if text.contains(':') {
        format!("{scheme}://{text}")
    } else {
        let what = format!("{} has no port", quoted(text));
        return Err((what, format!("write `{scheme}://{text}:4317`")));
    };
    let uri = url(text, &whole, 4317)?;
    let host = uri.authority().map_or("", |authority| authority.as_str());
    if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
        let what = format!("{} has a path, which gRPC has no use for", quoted(text));
        let scheme = uri.scheme_str().unwrap_or(scheme);
        return Err((what, format!("write `{scheme}://{host}`")));
    }
    if uri.port().is_none() && !is_https(&uri) {
        let what = format!("{} has no port", quoted(text));
        return Err((what, format!("write `http://{host}:4317`")));
    }
    Ok(uri)
}

/// A backend's URL for HTTP.
pub(super) fn http_endpoint(text: &str) -> Result<Uri, (String, String)> {
    if !text.contains("://") {
        let what = format!("{} has no scheme", quoted(text));
        let (host, path) = text.split_at(text.find('/').unwrap_or(text.len()));
        let port = if host.contains(':') { "" } else { ":4318" };
        let cure = format!("write `https://{host}{port}{path}`, or `http://` without TLS");
        return Err((what, cure));
    }
    url(text, text, 4318)
}

/// An `http://` or `https://` URL with a host and without credentials; `text` is how it was written.
fn url(text: &str, whole: &str, port: u16) -> Result<Uri, (String, String)> {
    let (scheme, rest) = whole.split_once("://").unwrap_or(("", whole));
    let known = ["http", "https"];
    if !known.iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        let what = format!("{} is not a scheme that otlet knows", quoted(scheme));
        let rest = rest.trim_start_matches('/');
        return Err((
            what,
            format!("write `https://{rest}`, or `http://` without TLS"),
        ));
    }
    let wrong = || {
        let what = format!("{} is not a URL", quoted(text));
        (
            what,
            format!("write `{}://host:{port}`", scheme.to_ascii_lowercase()),
        )
    };
    let uri: Uri = whole.parse().ok().ok_or_else(wrong)?;
    let authority = uri.authority().ok_or_else(wrong)?;
    if authority.as_str().contains('@') {
        let what = "the endpoint holds credentials".to_owned();
        let cure = "put them into `headers`, `authorization: ...`, or use `bearertokenauth`";
        return Err((what, cure.to_owned()));
    }
    let bare = authority.as_str().trim_start_matches('[');
    let host_only = authority.host().len() == authority.as_str().len();
    if authority.host().is_empty()
        || bare.is_empty()
        || (!host_only && authority.port_u16().is_none())
    {
        return Err(wrong());
    }
    Ok(uri)
}

/// Headers that are the protocol's own.
const RESERVED: [&str; 8] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "te",
    "transfer-encoding",
    "user-agent",
];

fn header(entry: &Entry, mistakes: &Mistakes) -> Option<(HeaderName, HeaderValue)> {
    let wrong = |place: Place, what: String, cure: &str| {
        mistakes
            .borrow_mut()
            .push(Mistake::error(place, what, cure));
    };
    let name = HeaderName::from_bytes(entry.key.as_bytes());
    let Ok(name) = name else {
        let what = format!("{} is not the name of a header", quoted(&entry.key));
        wrong(
            entry.place,
            what,
            "use letters, digits and hyphens: `x-tenant`",
        );
        return None;
    };
    if RESERVED.contains(&name.as_str()) || name.as_str().starts_with("grpc-") {
        let what = format!("header `{name}` is the protocol's own");
        wrong(entry.place, what, "remove it");
        return None;
    }
    let text = match &entry.value.value {
        Value::Scalar(scalar) if !entry.value.is_null() => scalar.text.as_str(),
        Value::Unknown => return None,
        _ => {
            let what = format!(
                "expected text for header `{name}`, found {}",
                entry.value.found()
            );
            wrong(
                place_of_value(entry),
                what,
                "write one value: `name: value`",
            );
            return None;
        }
    };
    let Ok(mut value) = HeaderValue::from_str(text) else {
        let what = format!("the value of header `{name}` holds what a header cannot");
        wrong(
            place_of_value(entry),
            what,
            "use visible characters on one line",
        );
        return None;
    };
    // Headers carry credentials: they stay out of what is printed for debugging.
    value.set_sensitive(true);
    Some((name, value))
}
