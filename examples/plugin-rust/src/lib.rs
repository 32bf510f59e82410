//! owner: says which team owns a service, and drops spans that nobody looks at.

use std::collections::BTreeMap;

use otlet_plugin::{
    Batch, Column, Error, Manifest, OnError, Plugin, Signal, Table, TextEdits,
    host::{self, Level},
};

/// What stands under the processor's `config`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The team of each service, by its service.name.
    #[schemars(extend("minProperties" = 1))]
    teams: BTreeMap<String, String>,
    /// The resource attribute that names the team.
    #[serde(default = "team")]
    #[schemars(length(min = 1))]
    attribute: String,
    /// Spans whose names begin with one of these are dropped.
    #[serde(default)]
    #[schemars(inner(length(min = 1)))]
    drop: Vec<String>,
}

fn team() -> String {
    "team".to_owned()
}

pub struct Owner {
    teams: BTreeMap<String, String>,
    drop: Vec<String>,
    service: Column,
    team: Column,
    name: Column,
}

impl Plugin for Owner {
    type Config = Config;

    fn manifest() -> Manifest {
        Manifest::new(env!("CARGO_PKG_VERSION"))
            .signals([Signal::Traces, Signal::Metrics, Signal::Logs])
            .on_error(OnError::Pass)
    }

    fn new(config: Config) -> Result<Self, Error> {
        let (services, attribute) = (config.teams.len(), &config.attribute);
        let line = format!("owner sets {attribute:?} for {services} services");
        host::log(Level::Info, &line);
        Ok(Self {
            service: Column::attribute(Table::Resource, "service.name")?,
            team: Column::attribute(Table::Resource, attribute)?,
            name: Column::open("span.name")?,
            teams: config.teams,
            drop: config.drop,
        })
    }

    fn process(&mut self, batch: &mut Batch) -> Result<(), Error> {
        self.name_owners(batch);
        if !self.drop.is_empty() && batch.signal() == Signal::Traces {
            self.drop_spans(batch);
        }
        Ok(())
    }
}

impl Owner {
    fn name_owners(&self, batch: &mut Batch) {
        let mut edits = TextEdits::new();
        for (row, service) in batch.texts(&self.service).present() {
            if let Some(team) = self.teams.get(service) {
                edits.push(row, team);
            }
        }
        batch.set_texts(&self.team, &edits);
        host::count("resources_owned", edits.len());
    }

    fn drop_spans(&self, batch: &mut Batch) {
        let names = batch.texts(&self.name);
        let is_unwanted = |name: &str| self.drop.iter().any(|start| name.starts_with(start));
        let unwanted: Vec<usize> = (names.present())
            .filter_map(|(row, name)| is_unwanted(name).then_some(row))
            .collect();
        batch.drop_rows(Table::Record, &unwanted);
        host::count("spans_dropped", unwanted.len());
    }
}

otlet_plugin::export!(Owner);
