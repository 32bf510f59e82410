//! Sends the metrics by OTLP, again and again, with an exporter of its own on a thread of its own.
//!
//! **Invariant**: the exporter is not among the sources, so that what it sends is nowhere counted and causes nothing to send.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{self, MissedTickBehavior};

use super::otlp;
use super::sources::Sources;
use crate::exporter::{self, Exporter, Output};
use crate::queue::Size;
use crate::runtime::Runtimes;
use crate::telemetry::instance;

/// How long the end of otlet waits until its last metrics are sent.
const GOODBYE: Duration = Duration::from_secs(5);

/// Where otlet sends its own metrics (`service.telemetry.metrics.readers`).
#[derive(Clone, Debug, PartialEq)]
pub struct PushConfig {
    /// How often. Example: `interval: 60000`, in milliseconds.
    pub interval: Duration,
    /// Whereto, with the keys of the exporters `otlp` and `otlphttp`.
    pub exporter: exporter::Config,
}

/// Metrics on their way to a backend. Dropping it stops that.
pub struct Push {
    exporter: Arc<Exporter>,
    sources: Arc<Sources>,
    resource: Arc<[(String, String)]>,
    interval: Duration,
    runtimes: Runtimes,
}

/// What otlet says of itself unless the config says otherwise: its name, its version, and a name of this process.
pub fn resource(configured: &[(String, String)]) -> Vec<(String, String)> {
    let mut resource = vec![
        ("service.name".to_owned(), "otlet".to_owned()),
        (
            "service.version".to_owned(),
            env!("CARGO_PKG_VERSION").to_owned(),
        ),
        ("service.instance.id".to_owned(), instance().to_owned()),
    ];
    for (key, value) in configured {
        resource.retain(|(own, _)| own != key);
        resource.push((key.clone(), value.clone()));
    }
    resource
}

impl Push {
    /// Makes ready to send what `sources` tell, from [`begin`](Self::begin) on.
    pub fn start(
        config: &PushConfig,
        resource: &Arc<[(String, String)]>,
        sources: &Arc<Sources>,
    ) -> io::Result<Self> {
        let runtimes = Runtimes::start(1)?;
        let exporter = Exporter::start(&config.exporter, &runtimes, &Output::stdout(), None)
            .map_err(io::Error::other)?;
        Ok(Self {
            exporter: Arc::new(exporter),
            sources: Arc::clone(sources),
            resource: Arc::clone(resource),
            interval: config.interval,
            runtimes,
        })
    }

    /// Sends now, and again and again.
    pub fn begin(&self) {
        for runtime in self.runtimes.iter() {
            let exporter = Arc::downgrade(&self.exporter);
            let (sources, resource) = (Arc::clone(&self.sources), Arc::clone(&self.resource));
            let mut ticks = {
                let _runtime = runtime.enter();
                time::interval(self.interval)
            };
            ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
            runtime.spawn(async move {
                loop {
                    ticks.tick().await;
                    let Some(exporter) = exporter.upgrade() else {
                        return;
                    };
                    send(&exporter, &sources, &resource).await;
                }
            });
        }
    }

    /// Sends everything once more, and ends.
    pub async fn finish(self) {
        let last = async {
            send(&self.exporter, &self.sources, &self.resource).await;
            self.exporter.drain().await;
        };
        if time::timeout(GOODBYE, last).await.is_err() {
            tracing::warn!("the last metrics of otlet itself were not sent");
        }
    }
}

/// Sends everything once. What a backend does not take is logged by the exporter, and what finds no room in its queue is left
/// out: the next has it all.
async fn send(exporter: &Exporter, sources: &Sources, resource: &[(String, String)]) {
    let (payload, items) = otlp::request(&sources.snapshot(), resource);
    let size = Size {
        bytes: u64::try_from(payload.size()).unwrap_or(u64::MAX),
        items,
    };
    if let Ok(reserved) = exporter.reserve(size) {
        // With a queue it is taken; without one the exporter tells what came of it.
        let _answer = reserved.commit(payload, size).wait().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_config_has_the_last_word_on_the_resource() {
        let set = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let resource = resource(&[set("service.name", "gateway"), set("host.name", "a")]);
        let of = |key| resource.iter().filter(|(own, _)| own == key).count();
        assert!(resource.contains(&set("service.name", "gateway")));
        assert!(resource.contains(&set("host.name", "a")));
        assert_eq!(
            ["service.name", "service.version", "service.instance.id"].map(of),
            [1; 3]
        );
    }
}
