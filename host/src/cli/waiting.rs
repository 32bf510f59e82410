//! `otlet run --wait-for-plugins`: until the files of all plugins that the config names are there and can be used. A config that
//! comes meanwhile takes the place of the one before, unless something is wrong with it that no file of the plugin directory
//! can mend.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Arc;

use super::source::{self, Changed, Read, Source};
use super::{Signals, Start, attempt, say_report, unless_told};
use crate::admin;
use crate::app::{Front, Prepared, Refused};
use crate::config::Draft;
use crate::plugin::{Absent, Registry};

/// What stands while plugins are waited for.
struct Waiting<'a> {
    registry: &'a Arc<Registry>,
    /// The config that is waited with.
    draft: Draft,
    /// The admin endpoint, with its config.
    front: Option<(Option<admin::Config>, Front)>,
    /// What was said of plugins, and of those that do not take their config.
    told: BTreeMap<String, Absent>,
    said: String,
}

/// Waits until a config can be used.
pub(super) async fn wait(
    first: Read,
    registry: &Arc<Registry>,
    source: &mut Source,
    signals: &mut Signals,
) -> anyhow::Result<Start> {
    source.watch(first.config);
    source.watch_plugins(first.plugins);
    let mut waiting = match attempt(first.draft.clone(), registry, &mut signals.ends).await? {
        None => return Ok(Start::Told),
        Some(Ok(prepared)) => return Ok(Start::Ready(None, Box::new(prepared))),
        Some(Err(refused)) if !refused.waits => {
            say_report(&refused.report);
            return Ok(Start::Bad);
        }
        Some(Err(refused)) => Waiting::begin(registry, first.draft, &refused)?,
    };
    loop {
        let changed = tokio::select! {
            changed = source.changed() => changed,
            _ = signals.hangup.recv() => Changed::Config,
            () = signals.ends.wait() => return Ok(Start::Told),
        };
        let (draft, plugins) = match changed {
            Changed::Plugins => (waiting.draft.clone(), None),
            Changed::Config => {
                let path = source.path().to_owned();
                let read = unless_told(&mut signals.ends, move || source::load_again(&path));
                let Some(read) = read.await? else {
                    return Ok(Start::Told);
                };
                source.watch(read.config);
                (read.draft, Some(read.plugins))
            }
        };
        if waiting.refuses(&draft) {
            continue;
        }
        match attempt(draft.clone(), registry, &mut signals.ends).await? {
            None => return Ok(Start::Told),
            Some(Ok(prepared)) => return Ok(waiting.ready(prepared)),
            Some(Err(refused)) if refused.waits => {
                if let Some(plugins) = plugins {
                    source.watch_plugins(plugins);
                }
                waiting.go_on(draft, &refused);
            }
            Some(Err(refused)) => tell_unusable(&refused.report),
        }
    }
}

impl<'a> Waiting<'a> {
    fn begin(registry: &'a Arc<Registry>, draft: Draft, refused: &Refused) -> anyhow::Result<Self> {
        let mut waiting = Self {
            registry,
            draft,
            front: None,
            told: BTreeMap::new(),
            said: String::new(),
        };
        waiting.open()?;
        waiting.tell(refused);
        Ok(waiting)
    }

    /// Waits with this config from now on.
    fn go_on(&mut self, draft: Draft, refused: &Refused) {
        self.draft = draft;
        if let Err(error) = self.open() {
            let error = format!("{error:#}");
            tracing::error!(
                error,
                "there is no admin endpoint while plugins are waited for"
            );
        }
        self.tell(refused);
    }

    /// Has the admin endpoint be the config's.
    fn open(&mut self) -> anyhow::Result<()> {
        let admin = self.draft.admin();
        let stands = self.front.as_ref().map(|(config, _)| config.as_ref());
        if stands == Some(admin) {
            return Ok(());
        }
        // It lets go of its address first.
        self.front = None;
        let front = Front::open(admin, self.registry)?;
        front.wait();
        self.front = Some((admin.cloned(), front));
        Ok(())
    }

    /// Says what is waited for, once for each reason.
    fn tell(&mut self, refused: &Refused) {
        refused.tell(self.registry);
        for (plugin, absent) in &refused.absent {
            if self.told.get(plugin) != Some(absent) {
                tracing::warn!(plugin, reason = %absent, "waiting for a plugin");
            }
        }
        self.told.clone_from(&refused.absent);
        let report = (refused.is_of_a_file).then(|| refused.report.to_string());
        let report = report.unwrap_or_default();
        if !report.is_empty() && report != self.said {
            tracing::warn!(
                "waiting for a plugin that takes its config, or for another config:\n{report}"
            );
        }
        self.said = report;
    }

    /// Whether a config has what only a start can change, which is said.
    fn refuses(&self, draft: &Draft) -> bool {
        let (old, new) = (&self.draft, draft);
        let fixed = if old.logs().encoding != new.logs().encoding {
            "service.telemetry.logs.encoding"
        } else if old.plugins().cache != new.plugins().cache {
            "plugins.cache"
        } else {
            return false;
        };
        // What could not be read says nothing.
        if new.has_mistakes() {
            return false;
        }
        tell_unusable(&format_args!(
            "`{fixed}` is read at the start alone: restart otlet"
        ));
        true
    }

    fn ready(self, prepared: Prepared) -> Start {
        let front = self.front;
        let front = front.filter(|(config, _)| *config == prepared.config.admin);
        Start::Ready(front.map(|(_, front)| front), Box::new(prepared))
    }
}

fn tell_unusable(reason: &dyn Display) {
    tracing::error!("the config cannot be used, and otlet waits with the one before:\n{reason}");
}
