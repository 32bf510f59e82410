//! `google.rpc.Status` with its `RetryInfo`: what gRPC puts beside a code, and OTLP over HTTP into a body. Receivers write
//! it and exporters read it.

use std::time::Duration;

use prost::Message;

/// The type of the one detail that matters here.
pub const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";

/// Why a request was not taken.
#[derive(Clone, PartialEq, Message)]
pub struct Status {
    /// gRPC's code.
    #[prost(int32, tag = "1")]
    pub code: i32,
    /// What a person may read.
    #[prost(string, tag = "2")]
    pub message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

/// When the same request may be tried again.
#[derive(Clone, PartialEq, Message)]
pub struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    delay: Option<Delay>,
}

#[derive(Clone, PartialEq, Message)]
struct Any {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct Delay {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

impl Status {
    /// A status; `after` becomes a `RetryInfo` among its details.
    pub fn new(code: u8, message: &str, after: Option<Duration>) -> Self {
        let details = after.into_iter().map(|after| Any {
            type_url: RETRY_INFO.to_owned(),
            value: RetryInfo::new(after).encode_to_vec(),
        });
        Self {
            code: code.into(),
            message: message.to_owned(),
            details: details.collect(),
        }
    }

    /// The delay of a `RetryInfo` among the details. One without a delay allows to try again at once.
    pub fn retry_delay(&self) -> Option<Duration> {
        let detail = self
            .details
            .iter()
            .find(|detail| detail.type_url.ends_with("/google.rpc.RetryInfo"))?;
        let info = RetryInfo::decode(detail.value.as_slice()).ok()?;
        let delay = info.delay.unwrap_or_default();
        let seconds = u64::try_from(delay.seconds).unwrap_or(0);
        let nanos = u32::try_from(delay.nanos).unwrap_or(0).min(999_999_999);
        Some(Duration::new(seconds, nanos))
    }
}

impl RetryInfo {
    /// A delay.
    pub fn new(delay: Duration) -> Self {
        Self {
            delay: Some(Delay {
                seconds: i64::try_from(delay.as_secs()).unwrap_or(i64::MAX),
                nanos: i32::try_from(delay.subsec_nanos()).unwrap_or(0),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Code 8, "full", and a `RetryInfo` of 1.5 s, by hand.
    fn full() -> Vec<u8> {
        let info = [10, 8, 8, 1, 16, 128, 202, 181, 238, 1];
        let mut any = vec![10, 40];
        any.extend(RETRY_INFO.as_bytes());
        any.extend([18, 10]);
        any.extend(info);
        let mut status = vec![8, 8, 18, 4, b'f', b'u', b'l', b'l', 26, 54];
        status.extend(any);
        status
    }

    #[test]
    fn a_status_is_written_and_read_as_its_proto_says() {
        let after = Duration::from_millis(1500);
        let status = Status::new(8, "full", Some(after));
        assert_eq!(status.encode_to_vec(), full());
        let read = Status::decode(full().as_slice()).unwrap();
        assert_eq!((read.code, read.message.as_str()), (8, "full"));
        assert_eq!(read.retry_delay(), Some(after));
        assert_eq!(Status::new(3, "no", None).retry_delay(), None);
    }

    #[test]
    fn a_retry_info_without_a_delay_allows_to_try_at_once() {
        let status = Status {
            details: vec![Any {
                type_url: RETRY_INFO.to_owned(),
                value: Vec::new(),
            }],
            ..Status::default()
        };
        assert_eq!(status.retry_delay(), Some(Duration::ZERO));
    }
}
