//! From a config to what can be started: its plugins compiled, its processors configured, and all mistakes said at once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::{self, Config, Draft, Loaded, Nature, ProcessorConfig, Report};
use crate::pipeline::Stage;
use crate::plugin::{
    Absent, Compiler, LoadError, OnError, Plugin, Problem, Processor, Registry, Unusable, Vault,
};

/// Why a file is refused whose plugin says by its schema that it does not take a config.
const SCHEMA: &str = "it does not take the config of a processor that uses it";

/// A config that holds, with its plugins compiled and its processors configured.
pub struct Prepared {
    /// The config.
    pub config: Config,
    /// What is to be said about it, though it holds.
    pub warnings: Report,
    /// Where its plugins come from.
    pub registry: Arc<Registry>,
    pub(super) stages: Vec<Arc<Stage>>,
    /// The registry as this config has it, where it was made ready beside what runs.
    tried: Option<Registry>,
}

/// Why a config cannot be used.
pub struct Refused {
    /// Every mistake in it.
    pub report: Report,
    /// Whether files of the plugin directory could mend all of them.
    pub waits: bool,
    /// The plugins that cannot be had until a file comes or changes, with the reasons.
    pub absent: BTreeMap<String, Absent>,
    /// Whether a plugin of a file does not take its config.
    pub is_of_a_file: bool,
    tried: Box<Registry>,
}

impl Prepared {
    fn of(
        Loaded { config, warnings }: Loaded,
        stages: Vec<Arc<Stage>>,
        registry: &Arc<Registry>,
        tried: Option<Registry>,
    ) -> Self {
        Self {
            config,
            warnings,
            registry: Arc::clone(registry),
            stages,
            tried,
        }
    }

    /// Has the registry be as this config has it.
    pub(super) fn keep(&self) {
        if let Some(tried) = &self.tried {
            self.registry.keep(tried);
        }
    }
}

impl Refused {
    /// Has a registry that nothing runs of tell what is missing.
    pub fn tell(&self, registry: &Registry) {
        registry.keep(&self.tried);
    }
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

/// Has each plugin whose file has a version that has not passed its trial begin with the last one that did, as if the file had
/// changed while otlet ran: a restart must not make a version permanent that was about to be rolled back. Plugins of which
/// nothing new is made beside the `running` processors are left as they are.
fn begin_with_proven(draft: &Draft, registry: &Registry, running: &Running) {
    let changed = draft.processors().filter(|config| !running.has(config));
    let names: BTreeSet<_> = changed.map(|config| config.plugin.as_str()).collect();
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
        } else {
            tracing::warn!(
                plugin = name,
                digest = %plugin.digest(),
                "the last version of a plugin that has passed its trial does not take the config: its file's is used without one"
            );
        }
    }
}

/// Compiles and configures the plugins that a config names; a report says what is wrong with the config.
pub fn prepare(draft: Draft, registry: &Arc<Registry>) -> Result<Prepared, Report> {
    let mut wrong = Wrong::default();
    let (loaded, stages) = make(&Running::default(), draft, registry, &mut wrong)?;
    Ok(Prepared::of(loaded, stages, registry, None))
}

/// The same for a config that is to take the place of the one that runs, if one does. A registry beside the given one is asked, so
/// that a config that is refused has changed nothing; what [`App`](super::App) is given is kept.
pub fn prepare_beside(
    running: &Running,
    draft: Draft,
    registry: &Arc<Registry>,
) -> Result<Prepared, Refused> {
    // What could not be read says nothing.
    if draft.has_mistakes() {
        let tried = registry.under(registry.settings());
        return prepare_by(running, draft, registry, tried, true);
    }
    let tried = registry.under(draft.plugins().clone());
    begin_with_proven(&draft, &tried, running);
    prepare_by(running, draft, registry, tried, false)
}

/// The same with the plugins of `tried`. Where one does not take its config, and its file has another than the one that runs, that
/// is tried, unless this is the last attempt: a version and the config that it alone takes may come together.
fn prepare_by(
    running: &Running,
    draft: Draft,
    registry: &Arc<Registry>,
    tried: Registry,
    is_last: bool,
) -> Result<Prepared, Refused> {
    let mut wrong = Wrong {
        is_the_configs: draft.has_mistakes(),
        ..Wrong::default()
    };
    let report = match make(running, draft.clone(), &tried, &mut wrong) {
        Ok((loaded, stages)) => return Ok(Prepared::of(loaded, stages, registry, Some(tried))),
        Err(report) => report,
    };
    let mut has_others = false;
    for (plugin, reason) in &wrong.refused {
        has_others |= tried.withdraw(plugin, reason);
    }
    if has_others && !is_last {
        return prepare_by(running, draft, registry, tried, true);
    }
    Err(Refused {
        report,
        waits: !wrong.is_the_configs,
        is_of_a_file: !wrong.refused.is_empty(),
        absent: wrong.absent,
        tried: Box::new(tried),
    })
}

/// Whose mistakes a config has.
#[derive(Default)]
struct Wrong {
    /// Some cannot be mended by a file of the plugin directory.
    is_the_configs: bool,
    absent: BTreeMap<String, Absent>,
    /// The plugins of files that do not take their config, with the reasons.
    refused: BTreeMap<String, String>,
}

impl Wrong {
    fn absent(&mut self, plugin: &str, absent: Absent) {
        if absent.may_come() {
            self.absent.insert(plugin.to_owned(), absent);
        } else {
            self.is_the_configs = true;
        }
    }

    /// A plugin does not take its config.
    fn refused(&mut self, plugin: &str, reason: &str, registry: &Registry) {
        if registry.is_of_a_file(plugin) {
            self.refused.insert(plugin.to_owned(), reason.to_owned());
        } else {
            self.is_the_configs = true;
        }
    }
}

/// Makes the processors that a config names, but for those that run already.
fn make(
    running: &Running,
    mut draft: Draft,
    registry: &Registry,
    wrong: &mut Wrong,
) -> Result<(Loaded, Vec<Arc<Stage>>), Report> {
    let (asked, room) = (instances(&draft), registry.room());
    if asked > room {
        draft.too_many_instances(asked, room);
        wrong.is_the_configs = true;
    }
    let processors: Vec<_> = draft.processors().cloned().collect();
    let keeps_letters = draft.keeps_letters();
    let (mut stages, mut plugins) = (vec![], vec![]);
    for (index, config) in processors.iter().enumerate() {
        let plugin = plugin(&mut draft, index, config, registry, wrong);
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
            wrong.refused(&config.plugin, SCHEMA, registry);
            continue;
        }
        if let Some(stage) = running.stage(config, &plugin, keeps_letters) {
            stages.push(stage);
            continue;
        }
        match processor(&plugin, config, keeps_letters) {
            Ok(processor) => stages.push(Arc::new(Stage::new(processor))),
            Err(error) => {
                wrong.refused(&config.plugin, &error.to_string(), registry);
                match error.problem {
                    Problem::Refused(mistakes) => mistakes
                        .iter()
                        .for_each(|mistake| draft.refused(index, mistake)),
                    _ => draft.refused(index, &error.to_string()),
                }
            }
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
    Ok((draft.finish()?, stages))
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
    wrong: &mut Wrong,
) -> Option<Arc<Plugin>> {
    let absent = match registry.get(&config.plugin) {
        Ok(plugin) => return Some(plugin),
        Err(absent) => absent,
    };
    if absent == Absent::Unknown {
        let names = registry.names();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        draft.no_plugin(index, &names);
    } else {
        draft.plugin_absent(index, &absent);
    }
    wrong.absent(&config.plugin, absent);
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
