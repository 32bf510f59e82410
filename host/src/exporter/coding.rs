//! Whether a backend's refusal says that it does not know how the request is compressed.
//!
//! What these say is no more than a suspicion: the request is sent again uncompressed, and only if that is taken it was right.

use http::header::ACCEPT_ENCODING;
use http::{HeaderMap, HeaderName, StatusCode};

/// What a gRPC server understands.
const GRPC_ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");

/// Of a gRPC status, what was said with it, and the headers of the answer.
pub(super) fn is_unknown_to_grpc(code: &[u8], said: &str, headers: &HeaderMap, name: &str) -> bool {
    let said = said.to_ascii_lowercase();
    match code {
        // UNIMPLEMENTED, as the protocol has it: "Decompressor is not installed for grpc-encoding" in grpc-go, "Can't find
        // decompressor" in grpc-java, "Content is compressed with" in tonic.
        b"12" => {
            let speaks_of_it = said.contains("encoding") || said.contains("compress");
            speaks_of_it || lacks(headers, &GRPC_ACCEPT_ENCODING, name)
        }
        // INTERNAL of C-core: "Error parsing 'grpc-encoding' metadata".
        b"13" => said.contains("grpc-encoding"),
        _ => false,
    }
}

/// Of an HTTP status, what was said with it, and the headers of the answer. The Collector says 400 in words.
pub(super) fn is_unknown_to_http(
    status: StatusCode,
    said: &str,
    headers: &HeaderMap,
    name: &str,
) -> bool {
    match status {
        StatusCode::UNSUPPORTED_MEDIA_TYPE => true,
        StatusCode::BAD_REQUEST => {
            let said = said.to_ascii_lowercase();
            said.contains("content-encoding") || lacks(headers, &ACCEPT_ENCODING, name)
        }
        _ => false,
    }
}

/// Whether an answer lists the codings that are understood, and not this one.
fn lacks(headers: &HeaderMap, header: &HeaderName, name: &str) -> bool {
    if !headers.contains_key(header) {
        return false;
    }
    let values = headers.get_all(header).iter();
    let listed = values.filter_map(|value| value.to_str().ok());
    !listed.flat_map(|list| list.split(',')).any(|one| {
        let (one, _weight) = one.split_once(';').unwrap_or((one, ""));
        one.trim().eq_ignore_ascii_case(name) || one.trim() == "*"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(header: HeaderName, list: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header, http::HeaderValue::from_static(list))])
    }

    #[test]
    fn the_words_and_lists_of_grpc_servers_are_known() {
        let none = HeaderMap::new();
        for (code, said) in [
            (
                "12",
                "grpc: Decompressor is not installed for grpc-encoding \"zstd\"",
            ),
            ("12", "Can't find decompressor for zstd"),
            (
                "12",
                "Content is compressed with `zstd` which isn't supported",
            ),
            (
                "12",
                "Unsupported grpc-encoding value 'zstd'. Supported encodings: gzip",
            ),
            (
                "13",
                "Error parsing 'grpc-encoding' metadata: invalid value: zstd",
            ),
        ] {
            assert!(
                is_unknown_to_grpc(code.as_bytes(), said, &none, "zstd"),
                "{said}"
            );
        }
        for (code, said) in [
            ("12", "unknown service"),
            ("13", "panic"),
            ("13", "failed to decompress the message"),
            ("3", "unsupported grpc-encoding"),
        ] {
            assert!(
                !is_unknown_to_grpc(code.as_bytes(), said, &none, "zstd"),
                "{said}"
            );
        }
        let listed = listing(GRPC_ACCEPT_ENCODING, "identity, deflate,gzip");
        assert!(is_unknown_to_grpc(b"12", "", &listed, "zstd"));
        assert!(!is_unknown_to_grpc(b"12", "", &listed, "gzip"));
        assert!(!is_unknown_to_grpc(b"13", "", &listed, "zstd"));
    }

    #[test]
    fn the_statuses_and_lists_of_http_servers_are_known() {
        let none = HeaderMap::new();
        let is = |status: u16, said, headers: &HeaderMap| {
            is_unknown_to_http(status.try_into().unwrap(), said, headers, "zstd")
        };
        assert!(is(415, "", &none));
        assert!(is(400, "unsupported Content-Encoding: zstd", &none));
        assert!(!is(400, "no spans", &none));
        assert!(is(400, "", &listing(ACCEPT_ENCODING, "gzip;q=1, deflate")));
        for list in ["gzip, ZSTD;q=0.5", "*"] {
            assert!(!is(400, "", &listing(ACCEPT_ENCODING, list)), "{list}");
        }
        assert!(!is(
            503,
            "Content-Encoding",
            &listing(ACCEPT_ENCODING, "gzip")
        ));
    }
}
