//! `otlet replay`: sends dead letters, the oldest first, and removes each that was delivered.
//!
//! The main thread carries no telemetry, so it may wait for the disk.

use std::cell::{Cell, RefCell};
use std::io;
use std::path::Path;
use std::pin::pin;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context;

use super::{BAD_CONFIG, Ends, control, prepare, say};
use crate::app::Replay;
use crate::letters::{Claim, Claimed, Folder, Name};
use crate::{config, telemetry};

/// How often it says how far it is.
const PROGRESS: Duration = Duration::from_secs(5);

/// How far a replay is.
#[derive(Debug, Default)]
struct Tally {
    delivered: usize,
    failed: usize,
    /// Letters that nothing was tried with yet, and those that another process works on.
    left: usize,
}

/// A replay that is under way.
struct Work<'a> {
    folder: &'a Folder,
    replay: Replay,
    tally: RefCell<Tally>,
    /// Whether it is to end after the letter under way.
    ends: Cell<bool>,
}

/// Sends the letters of a directory: exit code 0 if all were delivered.
pub(super) fn main(directory: &Path, config: &Path) -> anyhow::Result<ExitCode> {
    let draft = config::load(config);
    let _log =
        telemetry::start_logging(draft.logs()).context("no thread for the log could be started")?;
    let Some(prepared) = prepare(draft)? else {
        return Ok(ExitCode::from(BAD_CONFIG));
    };
    let folder = Folder::open(directory)?;
    for file in folder.foreign()? {
        tell(&format!("{file}: no dead letter, and left as it is"));
    }
    let letters = folder.letters()?;
    control()?.block_on(async {
        let mut signals = Ends::new()?;
        let work = Work {
            folder: &folder,
            replay: Replay::start(prepared)?,
            tally: RefCell::new(Tally {
                left: letters.len(),
                ..Tally::default()
            }),
            ends: Cell::new(false),
        };
        let mut all = pin!(work.all(&letters));
        tokio::select! {
            () = all.as_mut() => {}
            () = signals.wait() => {
                work.ends.set(true);
                tell("ends after the letter that is being sent; another signal ends it at once");
                tokio::select! {
                    () = all => {}
                    () = signals.wait() => {}
                }
            }
        }
        let tally = work.tally.borrow();
        tell(&tally.to_string());
        Ok(if tally.failed + tally.left == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    })
}

fn tell(text: &str) {
    say(&mut io::stderr(), text);
}

impl Work<'_> {
    async fn all(&self, letters: &[Name]) {
        let mut told = Instant::now();
        for name in letters {
            if self.ends.get() {
                return;
            }
            self.one(name).await;
            if told.elapsed() >= PROGRESS {
                told = Instant::now();
                tell(&self.tally.borrow().to_string());
            }
        }
    }

    async fn one(&self, name: &Name) {
        let file = name.request();
        let sent = match self.folder.claim(name) {
            Ok(Claimed::Mine(claim)) => self.send(claim).await,
            Ok(Claimed::Gone) => Ok(false),
            Ok(Claimed::Busy) => {
                // It stays among those that are left.
                tell(&format!("{file}: another process works on it"));
                return;
            }
            Err(error) => Err(format!("it cannot be opened: {error}")),
        };
        let mut tally = self.tally.borrow_mut();
        tally.left -= 1;
        match sent {
            Ok(is_delivered) => tally.delivered += usize::from(is_delivered),
            Err(why) => {
                tally.failed += 1;
                tell(&format!("{file}: {why}"));
            }
        }
    }

    /// Sends a letter and removes it, or notes in its reason why that failed.
    async fn send(&self, mut claim: Claim<'_>) -> Result<bool, String> {
        let (payload, reason) = claim.read().map_err(|damage| damage.to_string())?;
        let Err(why) = self.replay.send(payload, &reason).await else {
            let removed = claim.remove();
            return removed.map(|()| true).map_err(|error| {
                format!("it was delivered and cannot be removed: remove it by hand: {error}")
            });
        };
        match claim.failed(reason, &why) {
            Ok(()) => Err(why),
            Err(error) => Err(format!("{why} (which its reason cannot be told: {error})")),
        }
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            delivered,
            failed,
            left,
        } = self;
        write!(f, "{delivered} delivered, {failed} failed, {left} left")
    }
}
