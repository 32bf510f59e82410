//! The threads on which a pipeline's slow processors run. Each pipeline has its own, so that one whose plugin spins holds
//! up nobody else.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::heap;
use crate::telemetry::Throttle;

/// The most batches that wait for a thread; more are refused, and their senders told to wait. Ten seconds of batches that
/// take 100 ms each on two threads, which is longer than senders wait.
const MAX_WAITING: usize = 256;

/// After how long without work a thread gives its memory back.
const REST: Duration = Duration::from_secs(5);

static UNSTARTED: Throttle = Throttle::new();
static PANICKED: Throttle = Throttle::new();

type Job = Box<dyn FnOnce() + Send>;

/// Threads that are started when the first work comes, and end with the pipeline.
pub(super) struct Workers {
    shared: Arc<Shared>,
}

/// Too much waits already.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

struct Shared {
    name: String,
    max_threads: usize,
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Job>,
    threads: usize,
    idle: usize,
    closed: bool,
}

impl Workers {
    pub(super) fn new(pipeline: &str, max_threads: usize) -> Self {
        let shared = Shared {
            name: format!("otlet-{pipeline}"),
            max_threads: max_threads.max(1),
            state: Mutex::default(),
            wake: Condvar::new(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Has `work` done on a thread. The receiver fails if the work panics, or if no thread could be started.
    pub(super) fn submit<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<oneshot::Receiver<T>, Full> {
        let (done, result) = oneshot::channel();
        let job: Job = Box::new(move || {
            // The sender may have gone away; what it asked for was then never acknowledged.
            let _gone = done.send(work());
        });
        let mut state = self.shared.lock();
        if state.waiting.len() >= MAX_WAITING {
            return Err(Full);
        }
        state.waiting.push_back(job);
        if state.idle < state.waiting.len() && state.threads < self.shared.max_threads {
            let shared = Arc::clone(&self.shared);
            match thread::Builder::new()
                .name(self.shared.name.clone())
                .spawn(move || shared.work())
            {
                Ok(_) => state.threads += 1,
                Err(error) if state.threads == 0 => {
                    if let Some(unlogged) = UNSTARTED.pass() {
                        tracing::error!(%error, unlogged, "no worker thread could be started");
                    }
                    state.waiting.clear();
                }
                Err(_) => {}
            }
        }
        drop(state);
        self.shared.wake.notify_one();
        Ok(result)
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.wake.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // No job runs under the lock, so what it guards is whole even after a panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        while let Some(job) = self.next() {
            if catch_unwind(AssertUnwindSafe(job)).is_err()
                && let Some(unlogged) = PANICKED.pass()
            {
                tracing::error!(worker = %self.name, unlogged, "a batch's run panicked");
            }
        }
    }

    fn next(&self) -> Option<Job> {
        let mut rest = REST;
        let mut state = self.lock();
        loop {
            if let Some(job) = state.waiting.pop_front() {
                return Some(job);
            }
            if state.closed {
                return None;
            }
            state.idle += 1;
            let waited = self.wake.wait_timeout(state, rest);
            let (again, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            state = again;
            if timeout.timed_out() && state.waiting.is_empty() && !state.closed {
                drop(state);
                heap::give_back();
                rest = Duration::MAX;
                state = self.lock();
            }
            state.idle -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_panics_fails_alone() {
        let workers = Workers::new("traces", 1);
        let broken = workers
            .submit(|| -> u32 { panic!("planned") })
            .expect("there is room");
        let whole = workers.submit(|| 7).expect("there is room");
        assert!(broken.blocking_recv().is_err());
        assert_eq!(whole.blocking_recv(), Ok(7));
    }

    #[test]
    fn more_than_may_wait_is_refused() {
        let workers = Workers::new("traces", 1);
        let (release, held) = std::sync::mpsc::sync_channel::<()>(0);
        let (started, running) = oneshot::channel();
        let first = workers.submit(move || {
            started.send(()).expect("the test waits for it");
            held.recv()
        });
        running.blocking_recv().expect("the first job runs");
        for _ in 0..MAX_WAITING {
            workers.submit(|| ()).expect("there is room");
        }
        assert_eq!(workers.submit(|| ()).err(), Some(Full));
        release.send(()).expect("the job waits for it");
        assert!(first.expect("it was taken").blocking_recv().is_ok());
    }
}
