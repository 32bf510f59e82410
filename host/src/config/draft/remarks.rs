//! What is said of a config's plugins once they are loaded, where each is written.

use std::collections::BTreeSet;

use crate::plugin::Absent;

use super::super::component::{Kind, instead, unknown_type};
use super::super::processors::Read;
use super::super::report::{Mistake, Report, quoted};
use super::super::schema::{self, Subject};
use super::super::{ProcessorConfig, path, secrets};
use super::Draft;

/// The characters that a plugin may say about its config.
const REASON: usize = 500;

/// What a plugin does that its place in a pipeline matters for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nature {
    /// Whether it asks to fail closed.
    pub fails_closed: bool,
    /// Whether it may write text into a batch.
    pub adds_text: bool,
}

impl Draft {
    /// Says that there is no plugin of a processor's type, but those of the given names.
    pub fn no_plugin(&mut self, processor: usize, names: &[&str]) {
        if let Some(read) = self.processors.get(processor) {
            let mistake = unknown_type(Kind::Processor, &read.config.plugin, read.place, names);
            self.mistakes.push(mistake);
        }
        self.hide_config(processor);
    }

    /// Says why a processor's plugin, which may be a file, cannot be had.
    pub fn plugin_absent(&mut self, processor: usize, absent: &Absent) {
        if let Some(read) = self.processors.get(processor) {
            let plugin = &read.config.plugin;
            let what = format!("plugin {} cannot be had: {absent}", quoted(plugin));
            let cure = match absent {
                Absent::Missing(_) => instead(Kind::Processor, plugin).map(str::to_owned),
                _ => None,
            };
            let cure = cure.unwrap_or_else(|| absent.cure());
            self.mistakes.push(Mistake::error(read.place, what, cure));
        }
        self.hide_config(processor);
    }

    /// Has no report show what a processor's plugin is told: which of it is secret only the plugin could say.
    fn hide_config(&mut self, processor: usize) {
        if let Some(Read {
            node: Some((_, node)),
            ..
        }) = self.processors.get(processor)
        {
            secrets::literals(node, &self.source.text, &mut self.secrets);
        }
    }

    /// The report of a config with mistakes whose plugins were not asked; nothing if it has none.
    pub fn report(mut self) -> Option<Report> {
        (0..self.processors.len()).for_each(|processor| self.hide_config(processor));
        self.finish().err()
    }

    /// Says that the processors ask for more instances than there is room for.
    pub fn too_many_instances(&mut self, asked: usize, room: usize) {
        let what = format!(
            "the processors' `limits.instances` are {asked} together, and there is room for {room}"
        );
        let cure = "restart otlet, which makes room for a larger config, or lower them";
        self.mistakes.push(Mistake::of_file(what, cure));
    }

    /// Warns that a processor passes on what its plugin fails on, though the plugin asks to fail closed.
    pub fn passes_what_should_not(&mut self, processor: usize) {
        if let Some(read) = self.processors.get(processor) {
            let plugin = quoted(&read.config.plugin);
            let what = format!(
                "what plugin {plugin} fails on goes on as it came, and it asks for the opposite"
            );
            let cure = "remove it, or write `on_error: reject` or `dead_letter`";
            self.mistakes
                .push(Mistake::warning(read.on_error, what, cure));
        }
    }

    /// Warns that a processor grants what its plugin has no use for.
    pub fn grants_in_vain(&mut self, processor: usize) {
        if let Some(read) = self.processors.get(processor) {
            let plugin = quoted(&read.config.plugin);
            let what = format!("plugin {plugin} has no use for grants: it does not import WASI");
            let cure = "remove them, or use a version of the plugin that imports WASI";
            self.mistakes
                .push(Mistake::warning(read.grants, what, cure));
        }
    }

    /// Warns of plugins that write text after one that fails closed, and so has not seen it. Where there are mistakes it says
    /// nothing: not all that is named may be there.
    pub fn check_order(&mut self, nature: impl Fn(&ProcessorConfig) -> Option<Nature>) {
        if self.has_mistakes() {
            return;
        }
        let natures: Vec<_> = self.processors().map(nature).collect();
        for (pipeline, places) in self.pipelines.iter().zip(&self.named) {
            let mut closed: Option<&str> = None;
            for (at, place) in pipeline.processors.iter().zip(places) {
                let (Some(Some(nature)), Some(read)) = (natures.get(*at), self.processors.get(*at))
                else {
                    continue;
                };
                let name = read.config.name.as_str();
                if let Some(first) = closed.filter(|_| nature.adds_text) {
                    let what = format!(
                        "{} may write text that {} has not seen",
                        quoted(name),
                        quoted(first)
                    );
                    let cure = format!("name it before {}", quoted(first));
                    self.mistakes.push(Mistake::warning(*place, what, cure));
                }
                closed = closed.or(nature.fails_closed.then_some(name));
            }
        }
    }

    /// Says why a processor's plugin refused its `config`, or could not be made ready otherwise. A reason that begins with the
    /// path of a value (`actions[2].to: ...`) is shown there.
    pub fn refused(&mut self, processor: usize, reason: &str) {
        if let Some(read) = self.processors.get(processor) {
            let place = match &read.node {
                Some((place, node)) => path::find(*place, node, reason),
                None => read.place,
            };
            let mut reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
            // A plugin may repeat what it was told.
            if let Some((_, node)) = &read.node {
                node.hide_secrets(&mut reason);
            }
            let reason: String = reason.chars().take(REASON).collect();
            let what = format!("plugin {}: {reason}", quoted(&read.config.plugin));
            self.mistakes.push(Mistake::error(place, what, ""));
        }
    }

    /// Has no report show what a plugin's schema calls `writeOnly`.
    fn hide_write_only(&mut self, processor: usize, schema: &serde_json::Value) {
        let Some(read) = self.processors.get_mut(processor) else {
            return;
        };
        let Some((_, node)) = &mut read.node else {
            return;
        };
        let mut places = BTreeSet::new();
        if schema::is_within_bounds(schema) {
            let keys = secrets::write_only(schema);
            secrets::under(node, &keys, &self.source.text, &mut places);
        } else {
            secrets::literals(node, &self.source.text, &mut places);
        }
        node.hide(&places);
        self.secrets.extend(places);
    }

    /// Checks what a processor's plugin is told against the plugin's JSON Schema, and says whether it holds.
    pub fn check_plugin_config(&mut self, processor: usize, schema: &serde_json::Value) -> bool {
        self.hide_write_only(processor, schema);
        let Some(read) = self.processors.get(processor) else {
            return false;
        };
        // What could not be filled in would be one mistake more.
        if (read.node.as_ref()).is_some_and(|(_, node)| node.is_unknown()) {
            return false;
        }
        let subject = Subject {
            place: read.node.as_ref().map_or(read.place, |(place, _)| *place),
            node: read.node.as_ref().map(|(_, node)| node),
            json: &read.config.config,
        };
        match schema::check(&subject, schema) {
            Ok(mistakes) => {
                let holds = mistakes.is_empty();
                self.mistakes.extend(mistakes);
                holds
            }
            Err(error) => {
                let plugin = quoted(&read.config.plugin);
                let what =
                    format!("plugin {plugin} has a config schema that is not usable: {error}");
                let cure = "this is a mistake of the plugin: use another version of it";
                self.mistakes
                    .push(Mistake::error(subject.place, what, cure));
                false
            }
        }
    }
}
