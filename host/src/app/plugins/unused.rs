//! Files that no processor uses: each is tried, so that lists can say what it is, on a thread of its own, one after the other.
//!
//! However long one takes, what processors use does not wait for it, and no reload does that needs another. The thread ends
//! when there is nothing to try.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::{RETRY, lock, until_again};
use crate::plugin::{Found, Registry};

/// What tries files that nothing uses. Dropped, it tries no other.
pub(super) struct Unused {
    registry: Arc<Registry>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// What waits, and whether it was found like this before. It is no more than a directory has.
    waiting: VecDeque<(Found, bool)>,
    under_way: Option<Found>,
    /// What is to be tried again, after so long.
    again: Vec<(Found, Duration)>,
    has_thread: bool,
}

/// The thread's own.
struct Trying {
    state: Arc<Mutex<State>>,
    /// Whether there was nothing more to try.
    is_done: bool,
}

impl Unused {
    pub(super) fn new(registry: &Arc<Registry>) -> Self {
        Self {
            registry: Arc::clone(registry),
            state: Arc::default(),
        }
    }

    /// What was tried and is to be tried again, after so long.
    pub(super) fn to_be_tried_again(&self) -> Vec<(Found, Duration)> {
        mem::take(&mut lock(&self.state).again)
    }

    /// Has these files be tried, each with whether it was found like this before, in place of those that still waited. What is
    /// to be tried again is told by calling `again`.
    pub(super) fn try_these(
        &self,
        files: Vec<(Found, bool)>,
        again: impl Fn() + Send + Sync + 'static,
    ) {
        let mut state = lock(&self.state);
        let under_way = state.under_way.clone();
        let others = files.into_iter();
        state.waiting = others
            .filter(|(found, _)| under_way.as_ref() != Some(found))
            .collect();
        if state.has_thread || state.waiting.is_empty() {
            return;
        }
        state.has_thread = true;
        drop(state);
        let trying = Trying {
            state: Arc::clone(&self.state),
            is_done: false,
        };
        let registry = Arc::clone(&self.registry);
        let again = Arc::new(again);
        let thread = thread::Builder::new().name("otlet-unused".to_owned());
        let tells = Arc::clone(&again);
        if let Err(error) = thread.spawn(move || trying.run(&registry, &*tells)) {
            tracing::debug!(%error, "no thread can be started to try plugins that nothing uses");
            let mut state = lock(&self.state);
            let waiting = mem::take(&mut state.waiting).into_iter();
            state.again.extend(waiting.map(|(found, _)| (found, RETRY)));
            drop(state);
            again();
        }
    }
}

impl Drop for Unused {
    fn drop(&mut self) {
        lock(&self.state).waiting.clear();
    }
}

impl Trying {
    fn run(mut self, registry: &Registry, again: &impl Fn()) {
        while let Some((found, is_settled)) = self.next() {
            // Its plugin is compiled for nobody, and dropped here.
            let after = until_again(&registry.inspect(&found, is_settled));
            if let Some(after) = after {
                lock(&self.state).again.push((found, after));
                again();
            }
        }
    }

    /// The next file; without one the thread is to end.
    fn next(&mut self) -> Option<(Found, bool)> {
        let mut state = lock(&self.state);
        let next = state.waiting.pop_front();
        state.under_way = next.as_ref().map(|(found, _)| found.clone());
        // From now on another thread may be started.
        state.has_thread = next.is_some();
        self.is_done = next.is_none();
        next
    }
}

impl Drop for Trying {
    /// Where it never ran, or panicked, another thread takes its place.
    fn drop(&mut self) {
        if !self.is_done {
            let mut state = lock(&self.state);
            state.under_way = None;
            state.has_thread = false;
        }
    }
}
