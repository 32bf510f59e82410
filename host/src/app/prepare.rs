//! From a config to what can be started: its plugins compiled, its processors configured, and all mistakes said at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::{Config, Draft, Loaded, Nature, ProcessorConfig, Report};
use crate::pipeline::Stage;
use crate::plugin::{Engine, LoadError, OnError, Plugin, Problem, Processor};

/// A config that holds, with its plugins compiled and its processors configured.
pub struct Prepared {
    /// The config.
    pub config: Config,
    /// What is to be said about it, though it holds.
    pub warnings: Report,
    pub(super) stages: Vec<Arc<Stage>>,
}

/// Compiles and configures the plugins that a config names; a report says what is wrong with the config.
///
/// `available` are the plugins that there are, by name: the program has [`plugin::BUNDLED`](crate::plugin::BUNDLED).
pub fn prepare(
    mut draft: Draft,
    available: &[(&str, &[u8])],
) -> anyhow::Result<Result<Prepared, Report>> {
    let processors: Vec<_> = draft.processors().cloned().collect();
    let plugins = load(&processors, available)?;
    let keeps_letters = draft.keeps_letters();
    let names: Vec<_> = available.iter().map(|(name, _)| *name).collect();
    let mut stages = vec![];
    for (index, config) in processors.iter().enumerate() {
        let Some(plugin) = plugins.get(config.plugin.as_str()) else {
            draft.no_plugin(index, &names);
            continue;
        };
        if config.on_error == Some(OnError::Pass) && plugin.manifest().on_error.fails_closed() {
            draft.passes_what_should_not(index);
        }
        let schema = plugin.manifest().config_schema.as_ref();
        if !schema.is_none_or(|schema| draft.check_plugin_config(index, schema)) {
            continue;
        }
        match processor(plugin, config, keeps_letters) {
            Ok(processor) => stages.push(Arc::new(Stage::new(processor))),
            Err(LoadError {
                problem: Problem::Refused(mistakes),
                ..
            }) => mistakes
                .iter()
                .for_each(|mistake| draft.refused(index, mistake)),
            Err(error) => draft.refused(index, &error.to_string()),
        }
    }
    draft.check_order(|processor| {
        let manifest = plugins.get(processor.plugin.as_str())?.manifest();
        Some(Nature {
            fails_closed: manifest.on_error.fails_closed(),
            adds_text: manifest.adds_text,
        })
    });
    Ok(draft.finish().map(|Loaded { config, warnings }| Prepared {
        config,
        warnings,
        stages,
    }))
}

/// Compiles each plugin that the processors name and that there is, once.
fn load<'a>(
    processors: &'a [ProcessorConfig],
    available: &[(&str, &[u8])],
) -> Result<BTreeMap<&'a str, Arc<Plugin>>, LoadError> {
    let instances = processors
        .iter()
        .map(|processor| processor.sandbox.limits.instances)
        .sum();
    let engine = Engine::new(instances)?;
    let mut plugins = BTreeMap::new();
    for processor in processors {
        let name = processor.plugin.as_str();
        if let Some((_, wasm)) = available.iter().find(|(available, _)| *available == name)
            && !plugins.contains_key(name)
        {
            plugins.insert(name, Arc::new(Plugin::load(&engine, name, wasm)?));
        }
    }
    Ok(plugins)
}

fn processor(
    plugin: &Arc<Plugin>,
    config: &ProcessorConfig,
    keeps_letters: bool,
) -> Result<Processor, LoadError> {
    let ProcessorConfig {
        name,
        config,
        sandbox,
        on_error,
        ..
    } = config;
    let on_error = match on_error.unwrap_or(plugin.manifest().on_error) {
        OnError::DeadLetter if !keeps_letters => OnError::Reject,
        on_error => on_error,
    };
    Processor::new(Arc::clone(plugin), name, config, sandbox, Some(on_error))
}
