//! Reads where an exporter sends: its endpoint, headers and compression.

use http::{HeaderName, HeaderValue, Uri};

use crate::exporter::{Compression, Target};

use super::super::reader::{Mistakes, Reader, place_of_value};
use super::super::report::{Mistake, Place, quoted};
use super::super::yaml::{Entry, Value};

pub(super) fn read_target(
    name: &str,
    reader: &mut Reader<'_>,
    parse: fn(&str) -> Result<Uri, (String, String)>,
    mistakes: &Mistakes,
) -> Option<Target> {
    if !reader.has("endpoint") {
        let what = format!("exporter {} has no endpoint", quoted(name));
        let cure = "write `endpoint: http://host:port`";
        reader.report(Mistake::error(reader.place(), what, cure));
    }
    let endpoint = reader.text("endpoint", URL, "write `http://host:port`", parse);
    let mut compression = Compression::Gzip;
    let words = [
        ("gzip", Compression::Gzip),
        ("zstd", Compression::Zstd),
        ("deflate", Compression::Deflate),
        ("zlib", Compression::Zlib),
        ("none", Compression::None),
    ];
    reader.choice("compression", &words, &mut compression);
    let headers = reader
        .named("headers")
        .iter()
        .filter_map(|entry| header(entry, mistakes))
        .collect();
    Some(Target {
        endpoint: endpoint?,
        headers,
        compression,
        keepalive: None,
    })
}

/// What an endpoint should be, for a message.
pub(super) const URL: &str = "a URL, such as `http://backend:4317`";

/// A backend's URL for gRPC: a host and a port, nothing after it.
pub(super) fn grpc_endpoint(text: &str) -> Result<Uri, (String, String)> {
    let uri = url(text, 4317)?;
    let host = uri.authority().map_or("", |authority| authority.as_str());
    if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
        let what = format!("{} has a path, which gRPC has no use for", quoted(text));
        return Err((what, format!("write `http://{host}`")));
    }
    if uri.port().is_none() {
        let what = format!("{} has no port", quoted(text));
        return Err((what, format!("write `http://{host}:4317`")));
    }
    Ok(uri)
}

/// A backend's URL for HTTP.
pub(super) fn http_endpoint(text: &str) -> Result<Uri, (String, String)> {
    url(text, 4318)
}

/// An `http://` URL with a host and without credentials.
fn url(text: &str, port: u16) -> Result<Uri, (String, String)> {
    let Some((scheme, rest)) = text.split_once("://") else {
        let what = format!("{} has no scheme", quoted(text));
        let cure = if text.contains(':') {
            format!("write `http://{text}`")
        } else {
            format!("write `http://{text}:{port}`")
        };
        return Err((what, cure));
    };
    if scheme.eq_ignore_ascii_case("https") {
        let what = format!("{} needs TLS, which otlet does not have yet", quoted(text));
        let cure = format!("write `http://{rest}`, to a backend or a proxy that takes plain HTTP");
        return Err((what, cure));
    }
    if !scheme.eq_ignore_ascii_case("http") {
        let what = format!("{} is not a scheme that otlet knows", quoted(scheme));
        let rest = rest.trim_start_matches('/');
        return Err((what, format!("write `http://{rest}`")));
    }
    let wrong = || {
        let what = format!("{} is not a URL", quoted(text));
        (what, format!("write `http://host:{port}`"))
    };
    let uri: Uri = text.parse().ok().ok_or_else(wrong)?;
    let authority = uri.authority().ok_or_else(wrong)?;
    if authority.as_str().contains('@') {
        let what = "the endpoint holds credentials".to_owned();
        return Err((
            what,
            "put them into `headers`: `authorization: ...`".to_owned(),
        ));
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
