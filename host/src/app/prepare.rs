//! From a config to what can be started: its plugins compiled, its processors configured, and all mistakes said at once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::{self, Config, Draft, Loaded, Nature, ProcessorConfig, Report};
use crate::pipeline::Stage;
use crate::plugin::{
    Absent, Compiler, LoadError, OnError, Plugin, Problem, Processor, Registry, Unusable, Vault,
};

/// A config that holds, with its plugins compiled and its processors configured.
pub struct Prepared {
    /// The config.
    pub config: Config,
    /// What is to be said about it, though it holds.
    pub warnings: Report,
    /// Where its plugins come from.
    pub registry: Arc<Registry>,
    pub(super) stages: Vec<Arc<Stage>>,
}

/// A registry for a config, of these bundled plugins: the program has [`plugin::BUNDLED`](crate::plugin::BUNDLED). Compiled code
/// is kept in the folder `cache`, unless the config names another; files are compiled by `compiler`, or else in this process.
pub fn registry(
    draft: &Draft,
    bundled: &[(&'static str, &'static [u8])],
    cache: Option<PathBuf>,
    compiler: Option<Compiler>,
) -> Result<Arc<Registry>, LoadError> {
    let settings = draft.plugins().clone();
    let is_asked_for = settings.cache.is_some();
    let folder = settings.cache.clone().or(cache);
    let vault = folder.and_then(|folder| open_vault(&folder, is_asked_for));
    let registry = Registry::new(bundled, settings, vault, instances(draft))?;
    Ok(Arc::new(registry.with_compiler(compiler)))
}

fn open_vault(folder: &Path, is_asked_for: bool) -> Option<Vault> {
    let unusable = match Vault::open(folder) {
        Ok(vault) => return Some(vault),
        Err(unusable) => unusable,
    };
    if is_asked_for || !matches!(unusable, Unusable::Io { .. }) {
        tracing::warn!(reason = %unusable, "compiled plugins are not kept: every start compiles them again");
    } else {
        // A user of a container often has no home.
        tracing::info!(reason = %unusable, "compiled plugins are not kept: `plugins.cache` names a folder for them");
    }
    None
}

/// The plugins that a config names and that cannot be had until a file comes or changes, with the reasons.
pub fn missing(draft: &Draft, registry: &Registry) -> BTreeMap<String, Absent> {
    let absent = draft.processors().filter_map(|processor| {
        let absent = registry.get(&processor.plugin).err()?;
        absent
            .may_come()
            .then(|| (processor.plugin.clone(), absent))
    });
    absent.collect()
}

/// Has each plugin whose file has a version that has not passed its trial begin with the last one that did, as if the file had
/// changed while otlet ran: a restart must not make a version permanent that was about to be rolled back. Plugins of which
/// nothing new is made beside the `running` processors are left as they are. What it gives is what the registry has now.
pub fn begin_with_proven(
    draft: &Draft,
    registry: &Registry,
    running: &Running,
) -> Vec<Arc<Plugin>> {
    let changed = draft.processors().filter(|config| !running.has(config));
    let names: BTreeSet<_> = changed.map(|config| config.plugin.as_str()).collect();
    let mut begun = vec![];
    for name in names {
        let Some((plugin, found)) = registry.proven(name) else {
            continue;
        };
        let mut users = draft.processors().filter(|config| config.plugin == name);
        // A config that only the new version takes came with it.
        let takes = |config: &ProcessorConfig| {
            misfit(&plugin, config).is_none()
                && processor(&plugin, config, draft.keeps_letters()).is_ok()
        };
        if users.all(takes) {
            registry.put_back(&plugin, &found);
            begun.push(plugin);
        } else {
            tracing::warn!(
                plugin = name,
                digest = %plugin.digest(),
                "the last version of a plugin that has passed its trial does not take the config: its file's is used without one"
            );
        }
    }
    begun
}

/// Compiles and configures the plugins that a config names; a report says what is wrong with the config.
pub fn prepare(draft: Draft, registry: &Arc<Registry>) -> Result<Prepared, Report> {
    prepare_beside(&Running::default(), draft, registry)
}

fn prepare_beside(
    running: &Running,
    mut draft: Draft,
    registry: &Arc<Registry>,
) -> Result<Prepared, Report> {
    let (asked, room) = (instances(&draft), registry.room());
    if asked > room {
        draft.too_many_instances(asked, room);
    }
    let processors: Vec<_> = draft.processors().cloned().collect();
    let keeps_letters = draft.keeps_letters();
    let (mut stages, mut plugins) = (vec![], vec![]);
    for (index, config) in processors.iter().enumerate() {
        let plugin = plugin(&mut draft, index, config, registry);
        plugins.push(plugin.clone());
        let Some(plugin) = plugin else { continue };
        if config.on_error == Some(OnError::Pass) && plugin.manifest().on_error.fails_closed() {
            draft.passes_what_should_not(index);
        }
        if !config.sandbox.grants.are_none() && !plugin.imports_wasi() {
            draft.grants_in_vain(index);
        }
        let schema = plugin.manifest().config_schema.as_ref();
        if !schema.is_none_or(|schema| draft.check_plugin_config(index, schema)) {
            continue;
        }
        if let Some(stage) = running.stage(config, &plugin, keeps_letters) {
            stages.push(stage);
            continue;
        }
        match processor(&plugin, config, keeps_letters) {
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
        let mut loaded = plugins.iter().flatten();
        let manifest = loaded
            .find(|plugin| plugin.name() == processor.plugin)?
            .manifest();
        Some(Nature {
            fails_closed: manifest.on_error.fails_closed(),
            adds_text: manifest.adds_text,
        })
    });
    draft.finish().map(|Loaded { config, warnings }| Prepared {
        config,
        warnings,
        registry: Arc::clone(registry),
        stages,
    })
}

/// The processors that run, which need not be configured again where nothing of them is different.
#[derive(Default)]
pub struct Running {
    pub(super) stages: Vec<(ProcessorConfig, Arc<Stage>)>,
    pub(super) keeps_letters: bool,
}

impl Running {
    fn has(&self, config: &ProcessorConfig) -> bool {
        self.stages.iter().any(|(old, _)| old == config)
    }

    fn stage(
        &self,
        config: &ProcessorConfig,
        plugin: &Plugin,
        keeps_letters: bool,
    ) -> Option<Arc<Stage>> {
        let is_it = |(old, stage): &&(ProcessorConfig, Arc<Stage>)| {
            old == config && stage.processor().plugin().digest() == plugin.digest()
        };
        let found = self.stages.iter().find(is_it);
        found
            .filter(|_| self.keeps_letters == keeps_letters)
            .map(|(_, stage)| Arc::clone(stage))
    }
}

/// The same for a config that is to take the place of the one that runs. Plugins are had as it says from now on; whoever
/// refuses it sets the registry back.
pub fn prepare_again(
    running: &Running,
    draft: Draft,
    registry: &Arc<Registry>,
) -> Result<Prepared, Report> {
    // What could not be read says nothing.
    if !draft.has_mistakes() && registry.settings() != *draft.plugins() {
        registry.set(draft.plugins().clone());
    }
    // They are held until processors use them: the registry keeps none that nobody does.
    let _begun = if draft.has_mistakes() {
        vec![]
    } else {
        begin_with_proven(&draft, registry, running)
    };
    prepare_beside(running, draft, registry)
}

/// The instances that the processors of a config may have together.
fn instances(draft: &Draft) -> usize {
    draft
        .processors()
        .map(|processor| processor.sandbox.limits.instances)
        .sum()
}

/// The plugin of the processor at `index`; a mistake of the draft if there is none.
fn plugin(
    draft: &mut Draft,
    index: usize,
    config: &ProcessorConfig,
    registry: &Registry,
) -> Option<Arc<Plugin>> {
    match registry.get(&config.plugin) {
        Ok(plugin) => return Some(plugin),
        Err(Absent::Unknown) => {
            let names = registry.names();
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            draft.no_plugin(index, &names);
        }
        Err(absent) => draft.plugin_absent(index, &absent),
    }
    None
}

/// What keeps a processor's config from fitting the schema of a plugin, by the key.
pub(super) fn misfit(plugin: &Plugin, config: &ProcessorConfig) -> Option<String> {
    let schema = plugin.manifest().config_schema.as_ref()?;
    match config::misfit(&config.config, schema) {
        Ok(misfit) => misfit,
        Err(_) => Some("the schema itself is not usable".to_owned()),
    }
}

pub(super) fn processor(
    plugin: &Arc<Plugin>,
    config: &ProcessorConfig,
    keeps_letters: bool,
) -> Result<Processor, LoadError> {
    let on_error = on_error(plugin, config, keeps_letters);
    let ProcessorConfig {
        name,
        config,
        sandbox,
        ..
    } = config;
    Processor::new(Arc::clone(plugin), name, config, sandbox, Some(on_error))
}

/// What happens to a batch that the processor fails on: the config's word, else the plugin's.
pub(super) fn on_error(plugin: &Plugin, config: &ProcessorConfig, keeps_letters: bool) -> OnError {
    match config.on_error.unwrap_or(plugin.manifest().on_error) {
        OnError::DeadLetter if !keeps_letters => OnError::Reject,
        on_error => on_error,
    }
}
