//! Reads the config again while otlet runs.

use std::path::Path;
use std::sync::Arc;

use super::{Signals, unless_told};
use crate::app::{self, App, Changes, Listed, Prepared};
use crate::config::{self, Report};
use crate::telemetry::Logging;

/// Runs what the config says now; where it cannot be used, what ran goes on. Says whether otlet goes on, and was not told to
/// end meanwhile.
pub(super) async fn reload(
    app: &mut App,
    path: &Path,
    signals: &mut Signals,
    log: &Logging,
) -> anyhow::Result<bool> {
    tracing::info!(config = %path.display(), "reading the config again");
    let file = path.to_owned();
    // Plugins take long to compile: on a thread of its own, as at the start.
    let registry = Arc::clone(app.registry());
    let prepared = unless_told(&mut signals.ends, move || {
        app::prepare_again(config::load(&file), &registry)
    });
    let Some(prepared) = prepared.await? else {
        return Ok(false);
    };
    match prepared {
        Ok(prepared) => apply(app, prepared, log).await,
        Err(report) => {
            app.refuse_reload();
            refused(&report);
        }
    }
    Ok(true)
}

async fn apply(app: &mut App, prepared: Prepared, log: &Logging) {
    warn(&prepared.warnings);
    let level = prepared.config.logs.level;
    match app.reload(prepared).await {
        Ok(changes) => {
            log.set_level(level);
            tell(&changes);
        }
        Err(error) => refused(&format_args!("{error:#}")),
    }
}

fn warn(warnings: &Report) {
    if !warnings.is_empty() {
        tracing::warn!("the config:\n{}", warnings.render(false));
    }
}

fn refused(reason: &dyn std::fmt::Display) {
    tracing::error!("the config was not reloaded, and what ran goes on:\n{reason}");
}

fn tell(changes: &Changes) {
    if changes.is_empty() {
        tracing::info!("the config says what runs already");
        return;
    }
    let Changes {
        added,
        changed,
        removed,
    } = changes;
    tracing::info!(
        added = %Listed(added),
        changed = %Listed(changed),
        removed = %Listed(removed),
        "the config was reloaded"
    );
}
