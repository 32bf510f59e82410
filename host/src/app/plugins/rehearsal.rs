//! Trying a new version of a plugin with a processor's config, on batches that nobody sent.

mod samples;

use std::sync::Arc;

use super::User;
use crate::app::prepare;
use crate::batch::Batch;
use crate::plugin::{Cause, Failure, LoadError, OnError, Place, Plugin, Processor, Refusal, Why};

/// The processor with another version of its plugin, which has done well on a sample of each signal that it works on. What
/// the sample batches left in it, or in its numbers, is not in the result.
pub(super) fn rehearse(plugin: &Arc<Plugin>, user: &User) -> Result<Processor, Refusal> {
    let name = &user.config.name;
    let refused = |why, reason| Refusal { why, reason };
    let manifest = plugin.manifest();
    if user.config.on_error == Some(OnError::Pass) && manifest.on_error.fails_closed() {
        let reason =
            format!("what it fails on must not pass, and processor {name:?} says `on_error: pass`");
        return Err(refused(Why::Configure, reason));
    }
    if let Some(wrong) = prepare::misfit(plugin, &user.config) {
        let reason = format!("the config of processor {name:?} does not fit its schema: {wrong}");
        return Err(refused(Why::Configure, reason));
    }
    // What a plugin says of its config may quote a secret that is in it.
    let cannot = |_: LoadError| {
        let reason = format!(
            "it does not take the config of processor {name:?}: `otlet check` says what is wrong"
        );
        refused(Why::Configure, reason)
    };
    let rehearsing =
        prepare::processor(plugin, &user.config, user.keeps_letters).map_err(cannot)?;
    for signal in &manifest.signals {
        let batch = samples::batch(*signal);
        // Its own words may quote its config too.
        if let Err(cause) = run(&rehearsing, batch) {
            let reason = format!(
                "processor {name:?} failed with it on a sample of {} ({cause})",
                signal.name()
            );
            return Err(refused(Why::Trial, reason));
        }
    }
    drop(rehearsing);
    processor(plugin, user).map_err(cannot)
}

/// The processor with another version of its plugin.
pub(super) fn processor(plugin: &Arc<Plugin>, user: &User) -> Result<Processor, LoadError> {
    let on_error = prepare::on_error(plugin, &user.config, user.keeps_letters);
    let running = user.stage.processor();
    running.with(Arc::clone(plugin), Some(on_error))
}

fn run(processor: &Processor, batch: Batch) -> Result<(), &'static str> {
    match processor.process(batch, Place::Worker) {
        Ok(_) => Ok(()),
        Err(Failure::Failed { cause, .. }) => Err(cause.name()),
        Err(Failure::Slow(_) | Failure::Busy(_)) => Err(Cause::Busy.name()),
    }
}
