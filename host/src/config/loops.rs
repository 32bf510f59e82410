//! Finds exporters that send to a receiver of the same config from which what they sent comes back to them, for ever.
//!
//! Each signal goes its own way, and pipelines that follow each other through receivers of the same process are fine as long as
//! they end. What an endpoint's host is, is known as far as this machine knows it by itself: no name server is asked.

mod machine;

use std::collections::HashSet;

use http::Uri;
use http::uri::Scheme;

use crate::batch::Signal;
use crate::exporter::{self, Kind};

use super::PipelineConfig;
use super::connectors::behind;
use super::reader::{Mistakes, Reader};
use super::receivers::Listening;
use super::report::{Mistake, Place, quoted};
use super::yaml::Entry;

pub(super) use machine::Machine;

/// What the pipelines join. The numbers in the pipelines are positions in the entries.
pub(super) struct Parts<'a> {
    pub(super) receivers: &'a [Entry],
    pub(super) exporters: &'a [Entry],
    /// Those of the exporters that could be read.
    pub(super) configs: &'a [exporter::Config],
    pub(super) sockets: &'a [Listening],
    pub(super) pipelines: &'a [PipelineConfig],
    pub(super) machine: &'a Machine,
}

/// Reports one exporter of each circle.
pub(super) fn check(parts: &Parts<'_>, mistakes: &Mistakes) {
    // A circle is broken where it was reported.
    let mut reported = HashSet::new();
    for signal in Signal::ALL {
        for (exporter, entry) in parts.exporters.iter().enumerate() {
            if reported.contains(&exporter) || !parts.comes_back(exporter, signal, &reported) {
                continue;
            }
            let Some(socket) = parts.socket(exporter, signal) else {
                continue;
            };
            reported.insert(exporter);
            let what = format!(
                "the {} that exporter {} sends come back to it by way of receiver {}, for ever",
                signal.name(),
                quoted(&entry.key),
                quoted(&socket.receiver)
            );
            let cure = "write the address of your backend; if that is on this machine, give the receiver another port";
            let mistake = Mistake::error(place(entry, signal, mistakes), what, cure);
            let mistake = mistake.and(socket.place, "the receiver is here");
            mistakes.borrow_mut().push(mistake);
        }
    }
}

impl Parts<'_> {
    /// Whether what an exporter sends gets to it again, other than by way of those in `without`.
    fn comes_back(&self, exporter: usize, signal: Signal, without: &HashSet<usize>) -> bool {
        let mut seen = without.clone();
        let mut next = vec![exporter];
        while let Some(one) = next.pop() {
            let Some(socket) = self.socket(one, signal) else {
                continue;
            };
            for pipeline in self.fed_by(socket, signal) {
                if pipeline.exporters.contains(&exporter) {
                    return true;
                }
                let others = pipeline.exporters.iter().copied();
                next.extend(others.filter(|other| seen.insert(*other)));
            }
        }
        false
    }

    /// The socket of a receiver that an exporter sends a signal to, if it is one of this config.
    fn socket(&self, exporter: usize, signal: Signal) -> Option<&Listening> {
        let name = &self.exporters.get(exporter)?.key;
        let config = self.configs.iter().find(|config| config.name == *name)?;
        let endpoint = endpoint(&config.kind, signal)?;
        let mut sockets = self.sockets.iter();
        sockets.find(|socket| is_at(endpoint, socket, self.machine))
    }

    /// The pipelines that a socket feeds, by way of connectors, too.
    fn fed_by(&self, socket: &Listening, signal: Signal) -> Vec<&PipelineConfig> {
        let receiver = self
            .receivers
            .iter()
            .position(|entry| entry.key == socket.receiver);
        let takes = |pipeline: &&PipelineConfig| {
            pipeline.signal == signal
                && receiver.is_some_and(|receiver| pipeline.receivers.contains(&receiver))
        };
        let mut fed: Vec<_> = self.pipelines.iter().filter(takes).collect();
        let mut at = 0;
        while let Some(pipeline) = fed.get(at).copied() {
            for next in behind(self.pipelines, pipeline) {
                if !fed.iter().any(|one| one.name == next.name) {
                    fed.push(next);
                }
            }
            at += 1;
        }
        fed
    }
}

/// Where an exporter sends a signal, if it sends to anyone.
pub(super) fn endpoint(kind: &Kind, signal: Signal) -> Option<&Uri> {
    match kind {
        Kind::Otlp(target) => Some(&target.endpoint),
        Kind::OtlpHttp(to) => {
            let whole = match signal {
                Signal::Traces => &to.traces_endpoint,
                Signal::Metrics => &to.metrics_endpoint,
                Signal::Logs => &to.logs_endpoint,
            };
            Some(whole.as_ref().unwrap_or(&to.target.endpoint))
        }
        Kind::Debug(_) | Kind::File(_) => None,
    }
}

/// Where that is written.
fn place(exporter: &Entry, signal: Signal, mistakes: &Mistakes) -> Place {
    let reader = Reader::new(exporter.place, &exporter.value, mistakes);
    let whole = match signal {
        Signal::Traces => "traces_endpoint",
        Signal::Metrics => "metrics_endpoint",
        Signal::Logs => "logs_endpoint",
    };
    reader.place_of(if reader.has(whole) { whole } else { "endpoint" })
}

/// Whether a URL leads to a receiver of this process, as far as this machine knows.
pub(super) fn is_at(endpoint: &Uri, socket: &Listening, machine: &Machine) -> bool {
    let own = socket.address;
    let default = if endpoint.scheme() == Some(&Scheme::HTTPS) {
        443
    } else {
        80
    };
    if endpoint.port_u16().unwrap_or(default) != own.port() {
        return false;
    }
    let host = endpoint.host().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    machine.leads(host, own.ip())
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    #[test]
    fn an_endpoint_leads_to_a_receiver_of_this_machine_or_does_not() {
        let hosts =
            "127.0.0.1 localhost # this\n\n127.0.1.1\tWeb1.internal web1\n10.0.0.9 other\nnone";
        let owns = |ip: IpAddr| ip.to_string() == "10.0.0.1";
        let machine = Machine::new(hosts, "web1\n", owns);
        for (endpoint, address, expected) in [
            ("http://127.0.0.1:4317", "127.0.0.1:4317", true),
            ("http://127.0.0.1:4317", "127.0.0.1:4318", false),
            ("http://127.0.0.1:4317", "127.0.0.2:4317", false),
            ("http://LocalHost:4317", "127.0.0.1:4317", true),
            ("http://localhost:4317", "[::1]:4317", true),
            ("http://localhost:4317", "0.0.0.0:4317", true),
            ("http://localhost:4317", "10.0.0.1:4317", false),
            ("http://0.0.0.0:4317", "127.0.0.1:4317", true),
            ("http://0.0.0.0:4317", "0.0.0.0:4317", true),
            ("http://0.0.0.0:4317", "10.0.0.1:4317", false),
            ("http://127.0.0.1:4317", "[::]:4317", true),
            ("http://[::1]:4317", "[::]:4317", true),
            ("http://[::]:4317", "[::1]:4317", true),
            ("http://[::1]:4317", "0.0.0.0:4317", false),
            ("http://10.0.0.1:4317", "10.0.0.1:4317", true),
            ("http://10.0.0.1:4317", "0.0.0.0:4317", true),
            ("http://10.0.0.1:4317", "[::]:4317", true),
            ("http://10.0.0.1:4317", "127.0.0.1:4317", false),
            ("http://10.0.0.2:4317", "0.0.0.0:4317", false),
            ("http://web1.internal:4317", "0.0.0.0:4317", true),
            ("http://WEB1.internal.:4317", "127.0.1.1:4317", true),
            ("http://web1.internal:4317", "127.0.0.1:4317", false),
            ("http://web1:4317", "[::]:4317", true),
            ("http://web1:4317", "10.0.0.1:4317", false),
            ("http://other:4317", "0.0.0.0:4317", false),
            ("http://other:4317", "10.0.0.9:4317", true),
            ("http://backend:4317", "0.0.0.0:4317", false),
            ("http://localhost", "127.0.0.1:80", true),
            ("https://localhost/otlp", "127.0.0.1:443", true),
            ("https://localhost", "127.0.0.1:80", false),
        ] {
            let socket = Listening::at("otlp", address.parse().unwrap());
            let found = is_at(&Uri::from_static(endpoint), &socket, &machine);
            assert_eq!(found, expected, "{endpoint} {address}");
        }
    }
}
