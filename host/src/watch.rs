//! Watching files and directories: whoever cares is told to look again once they have changed and been quiet for a moment.
//!
//! What is there is compared with what was there, through all symlinks: that says whether something changed, and is looked at
//! now and then in any case. The system's notices of changes only make it soon. So paths may appear later, be replaced, or lie
//! where no notices come from, such as a network drive.
//!
//! It says nothing about what changed, and reads no file.
//!
//! **Invariant**: after the last change there is one look more, which begins after that change.

mod notices;
mod print;
#[cfg(test)]
mod tests;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use notices::Notices;
use print::Print;

/// How soon what changed is looked at.
#[derive(Clone, Copy)]
struct Pace {
    /// For so long nothing must have changed.
    quiet: Duration,
    /// After so long it is looked at though it goes on changing.
    longest: Duration,
    /// How often it is compared without a notice.
    poll: Duration,
    /// How often it is compared at most, whatever notices come: the folder may be a busy one.
    pause: Duration,
}

const PACE: Pace = Pace {
    quiet: Duration::from_millis(100),
    longest: Duration::from_secs(2),
    poll: Duration::from_secs(2),
    pause: Duration::from_millis(20),
};

/// Paths and what is there, as of when this was made.
pub struct Watched {
    paths: Vec<PathBuf>,
    print: Print,
}

/// Watches until it is dropped.
pub struct Watch {
    nudge: Nudge,
}

/// Asks for a look from elsewhere, such as a signal. It never blocks.
#[derive(Clone)]
pub struct Nudge(Arc<Shared>);

struct Shared {
    wake: SyncSender<()>,
    asked: AtomicBool,
    ended: AtomicBool,
}

impl Watched {
    /// What is there now: made before it is first read, so that a change in between is seen.
    pub fn new(paths: Vec<PathBuf>) -> Self {
        let print = Print::of(&paths);
        Self { paths, print }
    }

    /// Has `look` called on a thread of its own whenever something changed; what it returns has it called again after so long,
    /// though nothing changes. `what` is watched stands in the log.
    pub fn start(
        self,
        what: &str,
        look: impl FnMut() -> Option<Duration> + Send + 'static,
    ) -> io::Result<Watch> {
        self.start_at(PACE, what, true, look)
    }

    fn start_at(
        self,
        pace: Pace,
        what: &str,
        notices: bool,
        look: impl FnMut() -> Option<Duration> + Send + 'static,
    ) -> io::Result<Watch> {
        let (wake, woken) = mpsc::sync_channel(1);
        let shared = Arc::new(Shared {
            wake: wake.clone(),
            asked: AtomicBool::new(false),
            ended: AtomicBool::new(false),
        });
        let watcher = Watcher {
            pace,
            notices: notices.then(|| Notices::new(what, wake)),
            watched: self,
            shared: Arc::clone(&shared),
            change: None,
            again: None,
        };
        thread::Builder::new()
            .name("otlet-watch".to_owned())
            .spawn(move || watcher.run(&woken, look))?;
        Ok(Watch {
            nudge: Nudge(shared),
        })
    }
}

impl Watch {
    /// What asks for a look from elsewhere.
    pub fn nudge(&self) -> Nudge {
        self.nudge.clone()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.nudge.0.ended.store(true, Ordering::Release);
        self.nudge.0.wake();
    }
}

impl Nudge {
    /// Has somebody look, soon and without a change.
    pub fn look(&self) {
        self.0.asked.store(true, Ordering::Release);
        self.0.wake();
    }
}

impl Shared {
    fn wake(&self) {
        // It is full where the thread is to wake already, and closed where it has ended.
        let _woken = self.wake.try_send(());
    }

    fn is_urgent(&self) -> bool {
        self.asked.load(Ordering::Acquire) || self.ended.load(Ordering::Acquire)
    }
}

/// The thread's own.
struct Watcher {
    pace: Pace,
    notices: Option<Notices>,
    watched: Watched,
    shared: Arc<Shared>,
    /// What nobody has looked at yet.
    change: Option<Change>,
    /// When to look again though nothing changes.
    again: Option<Instant>,
}

struct Change {
    first: Instant,
    last: Instant,
}

impl Watcher {
    fn run(mut self, woken: &Receiver<()>, mut look: impl FnMut() -> Option<Duration>) {
        loop {
            self.compare();
            if self.is_due() {
                self.change = None;
                self.again = look().map(|after| Instant::now() + after);
                if self.has_ended() {
                    return;
                }
                continue;
            }
            if !self.wait(woken) {
                return;
            }
        }
    }

    /// Looks whether something changed.
    fn compare(&mut self) {
        // First, so that what comes after the comparison is noticed.
        if let Some(notices) = &mut self.notices {
            notices.watch(&self.watched.paths);
        }
        let print = Print::of(&self.watched.paths);
        if print == self.watched.print {
            return;
        }
        self.watched.print = print;
        let last = Instant::now();
        let first = self.change.as_ref().map_or(last, |change| change.first);
        self.change = Some(Change { first, last });
        if let Some(notices) = &mut self.notices {
            notices.forget();
        }
    }

    /// Whether to look now. A nudge is used up by it.
    fn is_due(&self) -> bool {
        let now = Instant::now();
        self.shared.asked.swap(false, Ordering::AcqRel) || self.due().is_some_and(|due| due <= now)
    }

    /// When to look, as it stands.
    fn due(&self) -> Option<Instant> {
        let change = self
            .change
            .as_ref()
            .map(|change| (change.last + self.pace.quiet).min(change.first + self.pace.longest));
        change.into_iter().chain(self.again).min()
    }

    /// Waits for a notice, but no longer than until something is due; false if it is to end.
    fn wait(&self, woken: &Receiver<()>) -> bool {
        let most = self.due().map_or(self.pace.poll, |due| {
            due.saturating_duration_since(Instant::now())
                .min(self.pace.poll)
        });
        match woken.recv_timeout(most) {
            // Whatever else comes meanwhile is seen by the same comparison.
            Ok(()) if !self.shared.is_urgent() => thread::park_timeout(self.pace.pause),
            Ok(()) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return false,
        }
        !self.has_ended()
    }

    fn has_ended(&self) -> bool {
        self.shared.ended.load(Ordering::Acquire)
    }
}
