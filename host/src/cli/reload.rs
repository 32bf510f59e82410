//! Reads the config again while otlet runs.

use std::fmt::Display;
use std::sync::Arc;

use super::source::{self, Changed, Source};
use super::{Ends, unless_told};
use crate::app::{self, App, Changes, Listed, Prepared};
use crate::config::Report;
use crate::telemetry::Logging;
use crate::watch::Watched;

/// Runs what the config says now; where it cannot be used, what ran goes on. Says whether otlet goes on, and was not told to
/// end meanwhile.
pub(super) async fn reload(
    app: &mut App,
    source: &mut Source,
    why: Changed,
    signals: &mut Ends,
    log: &Logging,
) -> bool {
    tracing::info!(config = %source.path().display(), "reading the config again");
    source.forget();
    let (path, registry) = (source.path().to_owned(), Arc::clone(app.registry()));
    let running = app.running();
    // Plugins take long to compile: on a thread of its own, as at the start.
    let prepared = unless_told(signals, move || {
        let read = source::load_again(&path);
        let prepared = app::prepare_beside(&running, read.draft, &registry);
        (prepared, read.config, read.plugins)
    });
    match prepared.await {
        Ok(None) => return false,
        Ok(Some((prepared, config, plugins))) => {
            source.watch(config);
            match prepared {
                Ok(prepared) => apply(app, prepared, log).await,
                Err(reason) => {
                    app.refuse_reload();
                    if reason.waits {
                        source.watch_plugins(plugins);
                    }
                    let report = reason.report.to_string();
                    if why == Changed::Plugins && source.said == report {
                        tracing::info!("the config cannot be used yet, for the same reasons");
                    } else {
                        refused(&report);
                    }
                    source.said = report;
                }
            }
        }
        Err(error) => {
            // No thread could be had, or it panicked: the next change, or signal, is another try.
            source.watch(Watched::new(vec![source.path().to_owned()]));
            app.refuse_reload();
            refused(&format_args!("{error:#}"));
        }
    }
    true
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

fn refused(reason: &dyn Display) {
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
