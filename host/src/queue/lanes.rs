//! Where requests wait: a lane for each IO thread, so that a request is sent on the core that took it in.
//!
//! The lanes have no bounds of their own: what they hold in all is bounded by the queue's room.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock};
use std::thread::{self, ThreadId};

use tokio::sync::Notify;

use super::Queued;

pub(super) struct Lanes(Box<[Lane]>);

#[derive(Default)]
struct Lane {
    /// The IO thread that takes from it.
    thread: OnceLock<ThreadId>,
    state: Mutex<State>,
    /// The length of `waiting`, to be read without the lock.
    len: AtomicUsize,
    wake: Notify,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Box<Queued>>,
    /// Takers that sleep.
    idle: usize,
    stopped: bool,
}

/// Counts a sleeping taker, also when its future is dropped.
struct Idle<'a>(&'a Lane);

impl Lanes {
    pub(super) fn new(count: usize) -> Self {
        Self((0..count.max(1)).map(|_lane| Lane::default()).collect())
    }

    /// Makes the calling thread the one whose requests go to `lane`.
    pub(super) fn adopt(&self, lane: usize) {
        if let Some(lane) = self.0.get(lane) {
            lane.thread.get_or_init(|| thread::current().id());
        }
    }

    /// Adds a request to the calling thread's lane, or to another that has somebody idle, or else to the shortest; gives it
    /// back if the queue is stopped.
    pub(super) fn push(&self, queued: Box<Queued>) -> Result<(), Box<Queued>> {
        let here = thread::current().id();
        let own = self.0.iter().find(|lane| lane.thread.get() == Some(&here));
        let mut queued = queued;
        for lane in own.into_iter().chain(&self.0) {
            match lane.push(queued, true)? {
                None => return Ok(()),
                Some(back) => queued = back,
            }
        }
        let len = |lane: &&Lane| lane.len.load(Ordering::Relaxed);
        let shortest = self.0.iter().min_by_key(len);
        let lane = own
            .filter(|own| shortest.is_none_or(|shortest| len(own) <= len(&shortest)))
            .or(shortest)
            .expect("there is at least one lane");
        lane.push(queued, false)?;
        // Somebody may have gone to sleep since; whoever does looks at every lane after counting as idle.
        if let Some(free) = self.0.iter().find(|lane| lane.lock().is_free()) {
            free.wake.notify_one();
        }
        Ok(())
    }

    /// Takes the oldest request of `lane`, or of another when there is none; sleeps until one comes; none once stopped.
    pub(super) async fn take(&self, lane: usize) -> Option<Box<Queued>> {
        let own = self.0.get(lane)?;
        loop {
            let mut woken = std::pin::pin!(own.wake.notified());
            woken.as_mut().enable();
            let idle = {
                let mut state = own.lock();
                if state.stopped {
                    return None;
                }
                state.idle += 1;
                Idle(own)
            };
            if let Some(queued) = self.pop(lane) {
                return Some(queued);
            }
            woken.await;
            drop(idle);
        }
    }

    fn pop(&self, lane: usize) -> Option<Box<Queued>> {
        let (before, after) = self.0.split_at_checked(lane)?;
        after.iter().chain(before).find_map(Lane::pop)
    }

    /// Drops what waits, and lets no more in.
    pub(super) fn stop(&self) {
        for lane in &self.0 {
            let mut state = lane.lock();
            state.stopped = true;
            let waiting = std::mem::take(&mut state.waiting);
            lane.len.store(0, Ordering::Relaxed);
            drop(state);
            drop(waiting);
            lane.wake.notify_waiters();
        }
    }
}

impl Lane {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics under this lock")
    }

    /// Adds a request and wakes a taker. If `free` is asked for and no taker is, hands the request back; so does, as an
    /// error, a lane that is stopped.
    fn push(&self, queued: Box<Queued>, free: bool) -> Result<Option<Box<Queued>>, Box<Queued>> {
        let mut state = self.lock();
        if state.stopped {
            return Err(queued);
        }
        if free && !state.is_free() {
            return Ok(Some(queued));
        }
        state.waiting.push_back(queued);
        self.len.store(state.waiting.len(), Ordering::Relaxed);
        drop(state);
        self.wake.notify_one();
        Ok(None)
    }

    fn pop(&self) -> Option<Box<Queued>> {
        if self.len.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let mut state = self.lock();
        let queued = state.waiting.pop_front();
        self.len.store(state.waiting.len(), Ordering::Relaxed);
        queued
    }
}

impl State {
    /// Whether a taker sleeps that no waiting request will wake.
    fn is_free(&self) -> bool {
        self.idle > self.waiting.len()
    }
}

impl Drop for Idle<'_> {
    fn drop(&mut self) {
        self.0.lock().idle -= 1;
    }
}
