//! The config: YAML in the OpenTelemetry Collector's shape, read into types.
//!
//! [`load`] reads a file into a [`Draft`]; whoever knows the plugins adds what they say about their `config`; and
//! [`Draft::finish`] gives the [`Config`], or every mistake at once, each with its place and its cure.
//!
//! Invariant: no mistake shows a value that came from the environment, since it may be a secret, or one that has the name of one.

mod admin;
mod component;
mod connectors;
mod dead_letters;
mod draft;
mod environment;
mod exporters;
mod extensions;
mod file;
mod grants;
mod loops;
mod memory;
mod path;
mod plugins;
mod processors;
mod reader;
mod receivers;
mod report;
mod schema;
mod secrets;
mod service;
mod telemetry;
mod tls;
mod units;
mod yaml;

use crate::admin as admin_endpoint;
use crate::batch::Signal;
use crate::connector;
use crate::exporter;
use crate::letters;
use crate::metrics::PushConfig;
use crate::plugin::{self, OnError, Sandbox};
use crate::receiver::{self, jsonlines};
use crate::telemetry::LogConfig;

pub use draft::{Draft, Loaded, Nature, load, load_again, parse};
pub use report::Report;
pub use schema::misfit;

/// Every key with its default and a comment, as `otlet config defaults` prints it: a config that can be used.
pub const DEFAULTS: &str = include_str!("config/defaults.yaml");

/// What a whole config file says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// Every receiver, in the file's order.
    pub receivers: Vec<ReceiverConfig>,
    /// Every processor, in the file's order. One that several pipelines name is here once.
    pub processors: Vec<ProcessorConfig>,
    /// Every exporter, in the file's order.
    pub exporters: Vec<exporter::Config>,
    /// Every connector, in the file's order.
    pub connectors: Vec<connector::AnyConfig>,
    /// Every pipeline, in the file's order.
    pub pipelines: Vec<PipelineConfig>,
    /// Where otlet tells of itself, if anywhere. Example: `admin: { endpoint: 127.0.0.1:8888 }`.
    pub admin: Option<admin_endpoint::Config>,
    /// How it logs. Example: `telemetry: { logs: { level: info, encoding: json } }`.
    pub logs: LogConfig,
    /// Where it sends its own metrics. Example: `telemetry: { metrics: { readers: [{ periodic: { exporter: { otlp: {
    /// protocol: grpc, endpoint: http://backend:4317 } } } }] } }`.
    pub readers: Vec<PushConfig>,
    /// Attributes of the resource of its own metrics. Example: `telemetry: { resource: { service.name: otlet } }`.
    pub resource: Vec<(String, String)>,
    /// Where requests are kept that could not be processed or delivered. Example: `dead_letters: { directory: /var/lib/otlet/dead }`.
    pub dead_letters: Option<letters::Config>,
    /// Where plugins come from besides those that are bundled, and which. Example: `plugins: { directory: ./plugins }`.
    pub plugins: plugin::Settings,
    /// The most bytes of requests that the process holds; if `None`, 1 GiB, or two fifths of the limit of a container
    /// that has less. Example: `memory: { limit: 1GiB }`.
    pub memory: Option<usize>,
}

impl Config {
    /// The receivers of OTLP, each with its place among all.
    pub fn otlp(&self) -> impl Iterator<Item = (usize, &receiver::Config)> {
        let receivers = self.receivers.iter().enumerate();
        receivers.filter_map(|(index, receiver)| match receiver {
            ReceiverConfig::Otlp(config) => Some((index, &**config)),
            ReceiverConfig::JsonLines(_) => None,
        })
    }

    /// The receivers of lines that a pipeline takes from, each with its place among all. Lines that no pipeline takes stay
    /// where they are.
    pub fn used_lines(&self) -> impl Iterator<Item = (usize, &jsonlines::Config)> {
        let receivers = self.receivers.iter().enumerate();
        receivers.filter_map(|(index, receiver)| match receiver {
            ReceiverConfig::JsonLines(config) if self.uses_receiver(index) => Some((index, config)),
            _ => None,
        })
    }

    fn uses_receiver(&self, index: usize) -> bool {
        let mut pipelines = self.pipelines.iter();
        pipelines.any(|pipeline| pipeline.receivers.contains(&index))
    }

    /// The least memory of the process in which the largest request of each receiver has room, all the way.
    pub fn least_memory(&self) -> usize {
        let aside = self.connectors.iter().map(connector::AnyConfig::aside);
        memory::least(
            &self.receivers,
            &self.exporters,
            &self.pipelines,
            aside.fold(0, usize::saturating_add),
        )
    }
}

/// One receiver of the config.
#[derive(Clone, Debug, PartialEq)]
pub enum ReceiverConfig {
    /// `otlp`.
    Otlp(Box<receiver::Config>),
    /// `jsonlines`.
    JsonLines(jsonlines::Config),
}

impl ReceiverConfig {
    /// The receiver's name in the config, such as `otlp/internal`.
    pub fn name(&self) -> &str {
        match self {
            Self::Otlp(config) => &config.name,
            Self::JsonLines(config) => &config.name,
        }
    }

    /// The least memory of the process in which its largest request has room until it comes to the exporters.
    fn least_memory(&self) -> usize {
        match self {
            Self::Otlp(config) => config.least_memory(),
            Self::JsonLines(_) => 0,
        }
    }

    /// The most bytes of a request, opened.
    fn largest_request(&self) -> usize {
        match self {
            Self::Otlp(config) => config.largest_request(),
            Self::JsonLines(_) => 0,
        }
    }
}

/// One processor of the config: a plugin, and how it is to run.
#[derive(Clone, Debug, PartialEq)]
pub struct ProcessorConfig {
    /// The processor's name in the config, such as `sample/tenth`.
    pub name: String,
    /// The plugin's name: what stands before the slash.
    pub plugin: String,
    /// What the plugin is told, `{}` where the file is silent. Example: `config: { percentage: 10 }`.
    pub config: serde_json::Value,
    /// What happens to a batch that the plugin fails on; its manifest's default if `None`. Example: `on_error: reject`.
    pub on_error: Option<OnError>,
    /// What the plugin may do; the keys are the names of the fields. Example: `limits: { memory: 64MiB, deadline: 500ms }`.
    pub sandbox: Sandbox,
}

/// One pipeline of the config. The numbers are positions in the lists of [`Config`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PipelineConfig {
    /// The pipeline's name in the config, such as `traces/sampled`.
    pub name: String,
    /// What stands before the slash.
    pub signal: Signal,
    /// Whose requests it takes; at least one, or a connector.
    pub receivers: Vec<usize>,
    /// The connectors that it takes from.
    pub from: Vec<usize>,
    /// What works on them, in order.
    pub processors: Vec<usize>,
    /// Who sends them; at least one, or a connector.
    pub exporters: Vec<usize>,
    /// The connectors that it hands them to.
    pub to: Vec<usize>,
}
