//! What a backend answered, and whether the same request may be sent again.

use std::time::Duration;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;

use crate::refusal::{RETRY_AFTER, Refusal};

use super::mask::Mask;
pub(super) use crate::acceptance::Accepted;

/// The most of a backend's own words that goes to the log.
const LONGEST_WORDS: usize = 200;

/// The longest wait that a backend's word makes a sender take: it may hold nothing for longer.
const LONGEST_PASSED_ON: Duration = Duration::from_secs(30);

/// What to do where a backend wants other credentials.
const DENIED: &str = "give it credentials that it takes, by the exporter's `headers`, `auth` or `tls`, or let them in there";

/// A backend did not take the request, or did not say so.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// What happened, in our words: fit for the sender.
    pub(super) reason: String,
    /// What the backend said, fit for the log.
    pub(super) words: String,
    /// Whether the same request may be tried again.
    pub(super) retryable: bool,
    /// When, if the backend said so.
    pub(super) after: Option<Duration>,
    /// Whether a smaller request may be taken.
    pub(super) too_large: bool,
    /// Whether the same request may be taken if it is not compressed.
    pub(super) unknown_coding: bool,
}

impl Accepted {
    /// Reads an export response. One that makes no sense says nothing: the request was taken.
    pub(super) fn parse(message: &[u8], mask: &Mask) -> Self {
        // The responses of the three signals are the same on the wire.
        let partial = ExportTraceServiceResponse::decode(message)
            .ok()
            .and_then(|response| response.partial_success);
        partial.map_or_else(Self::default, |partial| Self {
            rejected: u64::try_from(partial.rejected_spans).unwrap_or(0),
            words: mask.words(&partial.error_message),
        })
    }
}

impl Failure {
    /// The network failed, or the backend's answer did not come.
    pub(super) fn transport(reason: String) -> Self {
        Self {
            reason,
            words: String::new(),
            retryable: true,
            after: None,
            too_large: false,
            unknown_coding: false,
        }
    }

    /// Trying again cannot help.
    pub(super) fn permanent(reason: String) -> Self {
        Self {
            retryable: false,
            ..Self::transport(reason)
        }
    }

    /// The backend does not know whoever sends, or does not let it. Either side can be mended while the request waits.
    pub(super) fn denied(self) -> Self {
        Self {
            reason: format!("{}: {DENIED}", self.reason),
            retryable: true,
            ..self
        }
    }

    /// What a sender that waits is told.
    pub(super) fn refusal(&self, exporter: &str) -> Refusal {
        let what = format!("exporter {exporter:?}: {}", self.reason);
        if self.retryable {
            Refusal::Unavailable {
                what,
                after: self
                    .after
                    .map_or(RETRY_AFTER, |after| after.min(LONGEST_PASSED_ON)),
            }
        } else {
            Refusal::Rejected(what)
        }
    }
}

/// Whether a gRPC server's words say that the message is too large, which has no code of its own: grpc-go, grpc-java, C-core
/// and tonic, otlet.
pub(super) fn says_too_large(said: &str) -> bool {
    ["larger than", "exceeds maximum size", "too large"]
        .iter()
        .any(|words| said.contains(words))
}

/// A backend's own words, cut, and without anything that a terminal would obey.
pub(super) fn words(text: &str) -> String {
    text.chars()
        .take(LONGEST_WORDS)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// Base64 as in gRPC's binary metadata: padded or not.
const BINARY: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Decodes binary metadata.
pub(super) fn base64(text: &[u8]) -> Option<Vec<u8>> {
    BINARY.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_is_not_made_to_wait_for_years() {
        let failure = |seconds: Option<u64>| Failure {
            after: seconds.map(Duration::from_secs),
            ..Failure::transport("down".to_owned())
        };
        for (asked, told) in [
            (Some(7), Duration::from_secs(7)),
            (Some(2_307_068_267), LONGEST_PASSED_ON),
            (None, RETRY_AFTER),
        ] {
            match failure(asked).refusal("otlp") {
                Refusal::Unavailable { after, .. } => assert_eq!(after, told),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn base64_is_read_with_and_without_padding() {
        for (text, bytes) in [
            ("", ""),
            ("Zg==", "f"),
            ("Zg", "f"),
            ("Zm8=", "fo"),
            ("Zm8", "fo"),
            ("Zm9v", "foo"),
            ("Zm9vYmFy", "foobar"),
        ] {
            assert_eq!(base64(text.as_bytes()).unwrap(), bytes.as_bytes());
        }
        assert_eq!(base64(b"+/+/").unwrap(), [0xfb, 0xff, 0xbf]);
        for hostile in ["Z", "Zm9vY", "Z=g=", "Zm\u{fc}v", "Zm 9v"] {
            assert_eq!(base64(hostile.as_bytes()), None, "{hostile}");
        }
    }

    #[test]
    fn a_partial_success_is_read_whatever_the_signal_and_nonsense_is_none() {
        // partial_success { rejected: 3, error_message: "no" }
        let message = [10, 6, 8, 3, 18, 2, b'n', b'o'];
        let accepted = Accepted::parse(&message, &Mask::default());
        assert_eq!((accepted.rejected, accepted.words.as_str()), (3, "no"));
        assert_eq!(Accepted::parse(&[], &Mask::default()), Accepted::default());
        assert_eq!(
            Accepted::parse(b"{}", &Mask::default()),
            Accepted::default()
        );
        // A negative count.
        let negative = [10, 11, 8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1];
        assert_eq!(
            Accepted::parse(&negative, &Mask::default()),
            Accepted::default()
        );
    }

    #[test]
    fn a_backends_words_are_cut_and_cannot_move_the_cursor() {
        let said = words(&format!("a\u{1b}[2J\n{}", "x".repeat(500)));
        assert_eq!(said.chars().count(), 200);
        assert!(said.starts_with("a [2J x"));
    }
}
