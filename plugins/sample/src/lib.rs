//! otlet's plugin `sample`: keeps a share of the traces, the same traces wherever the share is applied.
//!
//! Consistent probability sampling by the OpenTelemetry specification. A kept span leaves with the threshold that it has
//! passed in its trace state (`ot=th:e666`), because that is how a backend knows that it stands for ten; without it every
//! count and rate that is derived from spans would be a tenth of the truth. Logs follow their trace, and say so in attributes
//! if the config asks for it, since OTLP has no place for it. Of metrics whole ones go, or none. The README is for users.

mod chance;
mod config;
mod decision;
mod duration;
mod keep;
mod key;
mod logs;
mod metrics;
mod rates;
mod shares;
mod spans;
mod threshold;
mod traces;
mod tracestate;

use otlet_plugin::{Batch, Error, Manifest, Plugin, Signal};

pub use config::{By, Config, Keep, Metrics, Mode, Rate};
pub use duration::Duration;
use logs::Logs;
use shares::Shares;
use spans::Spans;
pub use threshold::{Randomness, Threshold};
pub use tracestate::{Sampling, sampling, with_threshold};

/// The plugin.
#[derive(Debug)]
pub struct Sample {
    shares: Shares,
    spans: Spans,
    logs: Logs,
    metrics: metrics::Metrics,
}

impl Plugin for Sample {
    type Config = Config;

    fn manifest() -> Manifest {
        Manifest::new(env!("CARGO_PKG_VERSION"))
    }

    fn new(config: Config) -> Result<Self, Error> {
        let mut mistakes = config.check();
        let shares = Shares::open(&config, &mut mistakes);
        let metrics = metrics::Metrics::open(&config.metrics, &mut mistakes);
        match shares {
            Some(shares) if mistakes.is_empty() => Ok(Self {
                shares,
                spans: Spans::open()?,
                logs: Logs::open(config.writes_log_attributes())?,
                metrics,
            }),
            // The host shows each line where it belongs.
            _ => Err(mistakes.join("\n").into()),
        }
    }

    fn process(&mut self, batch: &mut Batch) -> Result<(), Error> {
        match batch.signal() {
            Signal::Traces => self.spans.sample(batch, &self.shares),
            Signal::Logs => self.logs.sample(batch, &self.shares),
            Signal::Metrics => self.metrics.filter(batch),
            _ => {}
        }
        Ok(())
    }
}

otlet_plugin::export!(Sample);
