//! The bytes that the process holds of requests, under one bound whatever holds them: receivers, processors, queues.
//!
//! It counts bytes, not what the system says the process has: allocators keep pages that nobody uses any more, and a limiter
//! that went by them would refuse long after there is room again. What is counted is a request in each form that is at hand
//! (as it came, opened, edited), once however many queues hold it, and what its processors and its exporters were promised room
//! for. What is not is bounded elsewhere: instances of plugins, connections' buffers, edits while they are made (`limits` of
//! processors), the text of one request that an exporter prints or writes to a file.
//!
//! **Invariant**: what is held is never more than the bound. What is refused is refused before it is held, and what was
//! promised is given back when the last of those who hold it lets go. Whatever it takes to get rid of a request is promised
//! when it is taken, so that nobody who sends ever waits for room.

mod available;

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

use crate::telemetry::Counter;

pub use available::default_limit;

/// The bytes that the process holds, and may. Clones are the same.
#[derive(Clone, Debug)]
pub struct Memory(Arc<Held>);

#[derive(Debug)]
struct Held {
    limit: AtomicUsize,
    now: AtomicUsize,
    most: AtomicUsize,
    refused: Counter,
    /// Told when there was no room.
    short: Notify,
}

/// Bytes that are held, until it is dropped.
#[derive(Debug)]
pub struct Lease {
    memory: Memory,
    bytes: usize,
    /// What is held for as long.
    beneath: Option<Arc<Lease>>,
}

/// The bound is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl Memory {
    /// Memory with a bound in bytes.
    pub fn new(limit: usize) -> Self {
        Self(Arc::new(Held {
            limit: AtomicUsize::new(limit),
            now: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            refused: Counter::default(),
            short: Notify::new(),
        }))
    }

    /// Memory that only counts.
    pub fn unbounded() -> Self {
        Self::new(usize::MAX)
    }

    /// The bound.
    pub fn limit(&self) -> usize {
        self.0.limit.load(Ordering::Relaxed)
    }

    /// Bounds it anew. What is held above the new bound stays, and nothing is taken until there is less.
    pub fn set_limit(&self, limit: usize) {
        self.0.limit.store(limit, Ordering::Relaxed);
    }

    /// The bytes held now.
    pub fn held(&self) -> usize {
        self.0.now.load(Ordering::Relaxed)
    }

    /// The most bytes that were held at a time.
    pub fn most(&self) -> usize {
        self.0.most.load(Ordering::Relaxed)
    }

    /// How often there was no room.
    pub fn refused(&self) -> u64 {
        self.0.refused.get()
    }

    /// Refuses what would not fit now. Nothing is held for what would.
    pub fn would_fit(&self, bytes: usize) -> Result<(), Full> {
        let sum = self.held().checked_add(bytes);
        if sum.is_some_and(|sum| sum <= self.limit()) {
            return Ok(());
        }
        Err(self.refuse())
    }

    /// Waits until somebody finds no room: who could do with less should.
    pub async fn short(&self) {
        self.0.short.notified().await;
    }

    fn refuse(&self) -> Full {
        self.0.refused.add(1);
        self.0.short.notify_waiters();
        Full
    }

    /// Holds so much more, if there is room.
    pub fn take(&self, bytes: usize) -> Result<Lease, Full> {
        let mut lease = self.nothing();
        lease.grow(bytes)?;
        Ok(lease)
    }

    /// Holds nothing yet.
    pub fn nothing(&self) -> Lease {
        Lease {
            memory: self.clone(),
            bytes: 0,
            beneath: None,
        }
    }

    fn note(&self, now: usize) {
        // A load first: it seldom is the most, and the cache line stays shared.
        if now > self.0.most.load(Ordering::Relaxed) {
            self.0.most.fetch_max(now, Ordering::Relaxed);
        }
    }

    fn give_back(&self, bytes: usize) {
        self.0.now.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Lease {
    /// The memory that it is of.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Holds so much more, if there is room.
    pub fn grow(&mut self, bytes: usize) -> Result<(), Full> {
        let held = &self.memory.0;
        let limit = self.memory.limit();
        let sum = |now: usize| now.checked_add(bytes).filter(|sum| *sum <= limit);
        match held
            .now
            .try_update(Ordering::Relaxed, Ordering::Relaxed, sum)
        {
            Ok(before) => {
                self.memory.note(before.saturating_add(bytes));
                self.bytes = self.bytes.saturating_add(bytes);
                Ok(())
            }
            Err(_now) => Err(self.memory.refuse()),
        }
    }

    /// Holds so much from now on, if there is room for what it does not hold yet.
    pub fn fit(&mut self, bytes: usize) -> Result<(), Full> {
        if bytes > self.bytes {
            return self.grow(bytes - self.bytes);
        }
        self.shrink(bytes);
        Ok(())
    }

    /// Holds no more than so much from now on.
    pub fn shrink(&mut self, bytes: usize) {
        if bytes < self.bytes {
            let before = mem::replace(&mut self.bytes, bytes);
            self.memory.give_back(before - bytes);
        }
    }

    /// Parts with so much of it, at most all.
    #[must_use]
    pub fn split(&mut self, bytes: usize) -> Self {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        Self {
            memory: self.memory.clone(),
            bytes,
            beneath: None,
        }
    }

    /// Lets go of the one that is kept for as long.
    pub fn let_go_beneath(&mut self) {
        self.beneath = None;
    }

    /// Keeps another for as long as this one is held.
    #[must_use]
    pub fn over(mut self, beneath: Option<Arc<Self>>) -> Self {
        self.beneath = beneath;
        self
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.shrink(0);
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn what_fits_is_held_until_dropped() {
        let memory = Memory::new(10);
        let mut one = memory.take(4).unwrap();
        let two = memory.take(3).unwrap();
        assert_eq!(memory.take(4).err(), Some(Full));
        assert_eq!(
            (memory.would_fit(3), memory.would_fit(4)),
            (Ok(()), Err(Full))
        );
        assert_eq!(one.grow(3), Ok(()));
        assert_eq!(one.grow(1), Err(Full));
        assert_eq!(one.grow(usize::MAX), Err(Full));
        assert_eq!((memory.held(), memory.refused()), (10, 4));
        drop(two);
        assert_eq!(memory.held(), 7);
        drop(one);
        assert_eq!((memory.held(), memory.most()), (0, 10));
    }

    #[test]
    fn what_is_held_is_made_to_fit_and_parted_with() {
        let memory = Memory::new(10);
        let mut lease = memory.take(8).unwrap();
        assert_eq!(lease.fit(10), Ok(()));
        assert_eq!(lease.fit(11), Err(Full));
        assert_eq!(memory.held(), 10);
        lease.shrink(11);
        assert_eq!(lease.fit(3), Ok(()));
        assert_eq!(memory.held(), 3);
        let part = lease.split(5);
        drop(lease);
        assert_eq!(memory.held(), 3);
        drop(part);
        assert_eq!((memory.held(), memory.most()), (0, 10));
    }

    #[test]
    fn a_lower_bound_takes_nothing_away_and_lets_nothing_in() {
        let memory = Memory::new(10);
        let held = memory.take(8).unwrap();
        memory.set_limit(4);
        assert_eq!((memory.held(), memory.limit()), (8, 4));
        assert_eq!(memory.take(1).err(), Some(Full));
        drop(held);
        assert!(memory.take(4).is_ok() && memory.take(5).is_err());
    }

    #[test]
    fn what_is_beneath_is_held_as_long_as_what_is_over_it() {
        let memory = Memory::new(100);
        let beneath = Arc::new(memory.take(1).unwrap());
        let over = |bytes| memory.take(bytes).unwrap().over(Some(Arc::clone(&beneath)));
        let (one, two) = (over(10), over(20));
        drop((beneath, one));
        assert_eq!(memory.held(), 21);
        drop(two);
        assert_eq!(memory.held(), 0);
    }

    #[test]
    fn threads_that_take_and_give_back_never_have_more_than_the_bound() {
        let memory = Memory::new(1000);
        thread::scope(|scope| {
            for thread in 0..4 {
                let memory = &memory;
                scope.spawn(move || {
                    let mut random = fastrand::Rng::with_seed(thread);
                    let mut held = Vec::new();
                    for _ in 0..10_000 {
                        match memory.take(random.usize(..200)) {
                            Ok(lease) => held.push(lease),
                            Err(Full) => held.clear(),
                        }
                    }
                });
            }
        });
        assert!(memory.refused() > 0 && memory.most() <= 1000);
        assert_eq!(memory.held(), 0);
    }
}
