//! Says what plugins are given beyond the contract, wherever one begins to be used.

use crate::config::ProcessorConfig;
use crate::plugin::{Grants, Plugin, shown};

/// Says what a processor's plugin is granted, if it is granted something that it can use.
pub(super) fn tell(config: &ProcessorConfig, plugin: &Plugin) {
    let Grants { files, env } = &config.sandbox.grants;
    if config.sandbox.grants.are_none() || !plugin.imports_wasi() {
        return;
    }
    let files = files
        .iter()
        .map(|folder| format!("{} as {}", shown(&folder.path), folder.name));
    tracing::info!(
        processor = config.name,
        digest = %plugin.digest(),
        files = files.collect::<Vec<_>>().join(", "),
        env = env.join(", "),
        "a plugin is granted folders to read and variables"
    );
}

/// Warns where a processor's plugin has no use for what it is granted.
pub(super) fn tell_unused(config: &ProcessorConfig, plugin: &Plugin) {
    if !config.sandbox.grants.are_none() && !plugin.imports_wasi() {
        tracing::warn!(
            processor = config.name,
            digest = %plugin.digest(),
            "a plugin is granted what it cannot use, since it does not import WASI: remove `grants`"
        );
    }
}
