//! Why a letter is one, as the JSON beside it says.

use std::fmt::{self, Display, Formatter};

use serde::{Deserialize, Serialize};

/// What stands in a letter's `.json`. Unknown keys are those of later versions of otlet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// When it was written, by RFC 3339.
    pub time: String,
    /// `traces`, `metrics` or `logs`.
    pub signal: String,
    /// Who failed on it.
    #[serde(flatten)]
    pub origin: Origin,
    /// What kind of failure it was.
    pub kind: Kind,
    /// What happened. Of what a plugin says that fails closed nothing is told: it may quote what was to be hidden.
    pub reason: String,
    /// Spans, data points or log records.
    pub items: u64,
    /// The size of the request.
    pub bytes: u64,
    /// How the last replay failed, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replayed: Option<Replayed>,
}

/// Who failed on a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Origin {
    /// A plugin: the letter is the request as the receiver took it, and is replayed from the pipeline's start.
    Processor {
        /// The pipeline's name in the config.
        pipeline: String,
        /// The processor's.
        processor: String,
        /// The plugin's name.
        plugin: String,
        /// The plugin's version, if it gives one.
        #[serde(skip_serializing_if = "Option::is_none")]
        version: Option<String>,
    },
    /// A pipeline behind a connector: the letter is what was held, as it was handed on, and is replayed to the pipelines that
    /// take from the connector.
    Connector {
        /// The connector's name in the config.
        connector: String,
    },
    /// A backend: the letter is the request as it was to be sent, and is replayed to this exporter alone.
    Exporter {
        /// The exporter's name in the config.
        exporter: String,
    },
}

/// What kind of failure it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The plugin said that it could not process the request.
    Error,
    /// The plugin trapped, or broke the contract.
    Trap,
    /// The plugin took too long.
    Deadline,
    /// The plugin asked for more memory than its limit.
    Memory,
    /// There was no room for an instance of the plugin.
    Unavailable,
    /// The backend refused the request for good.
    Refused,
    /// The backend did not take the request in the time that retries have.
    GivenUp,
}

/// How a replay failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replayed {
    /// When, by RFC 3339.
    pub time: String,
    /// How often, this time included.
    pub times: u64,
    /// What happened.
    pub reason: String,
}

impl Display for Origin {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Processor { processor, .. } => write!(f, "processor {processor}"),
            Self::Connector { connector } => write!(f, "connector {connector}"),
            Self::Exporter { exporter } => write!(f, "exporter {exporter}"),
        }
    }
}

impl Reason {
    pub(super) fn to_json(&self) -> Vec<u8> {
        let mut json =
            serde_json::to_vec_pretty(self).expect("texts and numbers can always be written");
        json.push(b'\n');
        json
    }

    pub(super) fn read(json: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(json)
    }

    /// Notes another failure.
    pub(super) fn failed(&mut self, time: String, reason: &str) {
        let times = self.replayed.take().map_or(0, |replayed| replayed.times);
        self.replayed = Some(Replayed {
            time,
            times: times.saturating_add(1),
            reason: reason.to_owned(),
        });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_reason_is_plain_json_and_is_read_again() {
        let mut reason = Reason {
            time: "2026-11-22T16:08:00.123456Z".to_owned(),
            signal: "traces".to_owned(),
            origin: Origin::Processor {
                pipeline: "traces/eu".to_owned(),
                processor: "redact/all".to_owned(),
                plugin: "redact".to_owned(),
                version: Some("0.1.0".to_owned()),
            },
            kind: Kind::Deadline,
            reason: "withheld".to_owned(),
            items: 3,
            bytes: 120,
            replayed: None,
        };
        let mut expected = json!({
            "time": "2026-11-22T16:08:00.123456Z", "signal": "traces", "pipeline": "traces/eu",
            "processor": "redact/all", "plugin": "redact", "version": "0.1.0", "kind": "deadline", "reason": "withheld",
            "items": 3, "bytes": 120,
        });
        let read = |reason: &Reason| serde_json::from_slice::<Value>(&reason.to_json()).unwrap();
        assert_eq!(read(&reason), expected);
        assert_eq!(Reason::read(&reason.to_json()).unwrap(), reason);
        for times in 1..=2 {
            reason.failed("later".to_owned(), "again");
            expected["replayed"] = json!({"time": "later", "times": times, "reason": "again"});
            assert_eq!(read(&reason), expected);
        }
        reason.origin = Origin::Exporter {
            exporter: "otlp".to_owned(),
        };
        reason.kind = Kind::GivenUp;
        assert_eq!(read(&reason)["exporter"], "otlp");
        assert_eq!(read(&reason)["kind"], "given_up");
        assert_eq!(Reason::read(&reason.to_json()).unwrap(), reason);
        reason.origin = Origin::Connector {
            connector: "groupbytrace".to_owned(),
        };
        assert_eq!(read(&reason)["connector"], "groupbytrace");
        assert_eq!(Reason::read(&reason.to_json()).unwrap(), reason);
    }
}
