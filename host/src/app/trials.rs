//! Trials of plugins' new versions that end without an answer, where nothing remembers that they were on.

use std::sync::Arc;

use crate::pipeline::Stage;
use crate::plugin::Registry;

/// Says of which stages that end the plugin was on trial, if it is used without one from then on.
pub(super) fn tell_ended(stages: &[Arc<Stage>], registry: &Registry) {
    if registry.vault().is_some() {
        return;
    }
    for stage in stages.iter().filter(|stage| stage.is_on_trial()) {
        let processor = stage.processor();
        tracing::warn!(
            processor = stage.name(),
            version = processor.plugin().version(),
            digest = %processor.plugin().digest(),
            "a plugin's new version was on trial, and there is no folder to remember that in: it is used without one from now \
             on; `plugins.cache` names a folder"
        );
    }
}
