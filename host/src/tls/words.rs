//! What went wrong between two sides of TLS, in words that say what to do. They hold nothing that a peer chose but the names in
//! its certificate.

use std::io;

use rustls::{AlertDescription, CertificateError, Error, PeerIncompatible};

use super::cause;
use super::validity::date;

/// The names of a certificate that are told.
const NAMES: usize = 5;

/// How webpki names the use of an authority's certificate for a server or client, for which there is no word of rustls's.
const AUTHORITY: &str = "CaUsedAsEndEntity";

/// What went wrong with a client of ours.
pub(super) fn of_a_client(error: &io::Error) -> String {
    let Some(cause) = cause(error) else {
        return match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                "the client hung up before the end of the TLS handshake: it may not trust the certificate".to_owned()
            }
            _ => error.to_string(),
        };
    };
    match cause {
        Error::NoCertificatesPresented => {
            "the client sent no certificate, which `tls.client_ca_file` demands".to_owned()
        }
        Error::InvalidCertificate(why) => client_certificate(why),
        Error::InvalidMessage(_) => {
            "what came is not TLS: a client that speaks plain HTTP must be told to use `https://`"
                .to_owned()
        }
        Error::AlertReceived(alert) => client_alert(*alert),
        Error::PeerIncompatible(why) => incompatible(why, "the client"),
        Error::NoApplicationProtocol => {
            "the client speaks neither HTTP/2 nor, at a port for OTLP over HTTP, HTTP/1.1"
                .to_owned()
        }
        other => format!("the TLS handshake failed: {other}"),
    }
}

/// What went wrong with a backend.
pub(super) fn of_a_server(error: &io::Error) -> String {
    let Some(cause) = cause(error) else {
        return match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => {
                "the backend hung up during the TLS handshake: it may not speak TLS at this port"
                    .to_owned()
            }
            _ => error.to_string(),
        };
    };
    match cause {
        Error::InvalidCertificate(why) => server_certificate(why),
        Error::InvalidMessage(_) => {
            "the backend does not speak TLS at this port: write `http://`, or its port for TLS".to_owned()
        }
        Error::AlertReceived(alert) => server_alert(*alert),
        Error::PeerIncompatible(why) => incompatible(why, "the backend"),
        Error::NoApplicationProtocol => {
            "the backend does not speak HTTP over TLS at this port as `otlp` (HTTP/2) or `otlphttp` (HTTP/1.1) needs it"
                .to_owned()
        }
        other => format!("the TLS handshake failed: {other}"),
    }
}

fn client_certificate(why: &CertificateError) -> String {
    match why {
        CertificateError::UnknownIssuer => {
            "the client's certificate is of no authority in `tls.client_ca_file`, or the client sends none of the intermediate certificates between the two".to_owned()
        }
        other => certificate(other, "the client's certificate"),
    }
}

fn server_certificate(why: &CertificateError) -> String {
    match why {
        CertificateError::UnknownIssuer => {
            "the backend's certificate is of an authority that is not trusted: set `tls.ca_file` to that of the backend, and have the backend send its intermediate certificates".to_owned()
        }
        CertificateError::NotValidForName => {
            "the backend's certificate is for another name than the endpoint's".to_owned()
        }
        CertificateError::NotValidForNameContext {
            expected,
            presented,
        } => {
            let names: Vec<_> = presented.iter().take(NAMES).map(String::as_str).collect();
            format!(
                "the backend's certificate is not for `{}` but for {}: use that name in `endpoint`, or `tls.server_name_override`",
                expected.to_str(),
                if names.is_empty() { "no name".to_owned() } else { names.join(", ") },
            )
        }
        other => certificate(other, "the backend's certificate"),
    }
}

fn certificate(why: &CertificateError, whose: &str) -> String {
    match why {
        CertificateError::Expired => format!("{whose} has expired"),
        CertificateError::ExpiredContext { not_after, .. } => {
            format!("{whose} expired at {}", date(not_after.as_secs()))
        }
        CertificateError::NotValidYet => format!("{whose} is not valid yet"),
        CertificateError::NotValidYetContext { not_before, .. } => {
            format!("{whose} is not valid before {}", date(not_before.as_secs()))
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            format!("{whose} was made for another purpose than this side of TLS")
        }
        CertificateError::Other(other) if other.to_string().contains(AUTHORITY) => {
            format!("{whose} is an authority's own (`CA:TRUE`): make one that is signed by it")
        }
        CertificateError::BadSignature => format!("{whose} is not signed by its authority"),
        other => format!("{whose} is not valid: {other}"),
    }
}

/// What a client says of our certificate.
fn client_alert(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::UnknownCA
        | AlertDescription::BadCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnsupportedCertificate => {
            "the client does not trust the certificate: give it the authority, and a name that the certificate is for; intermediate certificates belong into `tls.cert_file`, behind the first".to_owned()
        }
        AlertDescription::CertificateExpired => {
            "the client says that the certificate has expired".to_owned()
        }
        other => format!("the client ended the TLS handshake: {other:?}"),
    }
}

/// What a backend says of us.
fn server_alert(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::CertificateRequired => {
            "the backend demands a client certificate: set `tls.cert_file` and `tls.key_file`".to_owned()
        }
        AlertDescription::UnknownCA
        | AlertDescription::BadCertificate
        | AlertDescription::DecryptError
        | AlertDescription::CertificateUnknown
        | AlertDescription::AccessDenied
        | AlertDescription::UnsupportedCertificate => {
            format!("the backend does not take the client certificate of `tls.cert_file` ({alert:?})")
        }
        AlertDescription::CertificateExpired => {
            "the backend says that the client certificate of `tls.cert_file` has expired".to_owned()
        }
        AlertDescription::ProtocolVersion => {
            "the backend speaks no version of TLS from `tls.min_version` to `tls.max_version`".to_owned()
        }
        AlertDescription::HandshakeFailure => {
            "the backend found nothing in common with us for TLS, or misses a client certificate (`tls.cert_file`)".to_owned()
        }
        AlertDescription::UnrecognisedName => {
            "the backend does not know the endpoint's name: set `tls.server_name_override`".to_owned()
        }
        AlertDescription::NoApplicationProtocol => {
            "the backend does not speak HTTP over TLS at this port as `otlp` (HTTP/2) or `otlphttp` (HTTP/1.1) needs it"
                .to_owned()
        }
        other => format!("the backend ended the TLS handshake: {other:?}"),
    }
}

fn incompatible(why: &PeerIncompatible, who: &str) -> String {
    match why {
        PeerIncompatible::ServerDoesNotSupportTls12Or13
        | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
        | PeerIncompatible::SupportedVersionsExtensionRequired
        | PeerIncompatible::Tls12NotOffered
        | PeerIncompatible::Tls12NotOfferedOrEnabled => {
            format!("{who} speaks no version of TLS from `tls.min_version` to `tls.max_version`")
        }
        other => format!("{who} and otlet have nothing in common for TLS ({other:?})"),
    }
}

/// What rustls has to say in the error of a stream, in our words.
pub(super) fn within(error: &io::Error, of_a_server: bool) -> Option<String> {
    cause(error)?;
    Some(if of_a_server {
        self::of_a_server(error)
    } else {
        of_a_client(error)
    })
}
