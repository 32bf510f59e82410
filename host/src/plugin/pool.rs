//! The instances of one processor: bounded, made when they are needed, the last used first.

use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::processor::Place;

/// A bounded pool.
pub(super) struct Pool<T> {
    most: usize,
    state: Mutex<State<T>>,
    freed: Condvar,
}

struct State<T> {
    /// At rest, the last used last.
    idle: Vec<T>,
    /// All, at rest or not.
    alive: usize,
}

/// Room for one instance, given back when this is dropped.
pub(super) struct Lease<'a, T> {
    pool: &'a Pool<T>,
    instance: Option<T>,
}

impl<T> Pool<T> {
    /// A pool of at most this many, with one in it.
    pub(super) fn new(most: usize, first: T) -> Self {
        Self {
            most: most.max(1),
            state: Mutex::new(State {
                idle: vec![first],
                alive: 1,
            }),
            freed: Condvar::new(),
        }
    }

    /// An instance, or room to make one. With neither, a worker waits and an inline call gets none.
    pub(super) fn take(&self, place: Place) -> Option<Lease<'_, T>> {
        let mut state = self.lock();
        loop {
            let instance = state.idle.pop();
            if instance.is_none() && state.alive >= self.most {
                if place == Place::Inline {
                    return None;
                }
                state = self
                    .freed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            if instance.is_none() {
                state.alive += 1;
            }
            return Some(Lease {
                pool: self,
                instance,
            });
        }
    }

    /// Drops what is at rest; more are made when they are needed.
    pub(super) fn drain(&self) {
        let mut state = self.lock();
        let idle = mem::take(&mut state.idle);
        state.alive -= idle.len();
        drop(state);
        drop(idle);
    }

    /// How many there are, at rest or not.
    pub(super) fn alive(&self) -> usize {
        self.lock().alive
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // No instance is entered under the lock, so no panic leaves the counts wrong.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Lease<'_, T> {
    /// The instance, out of its lease. Without [`Lease::give_back`] it is thrown away.
    pub(super) fn instance(&mut self) -> Option<T> {
        self.instance.take()
    }

    /// Lets the next call have the instance.
    pub(super) fn give_back(mut self, instance: T) {
        self.instance = Some(instance);
    }
}

impl<T> Drop for Lease<'_, T> {
    fn drop(&mut self) {
        let mut state = self.pool.lock();
        match self.instance.take() {
            Some(instance) => state.idle.push(instance),
            None => state.alive -= 1,
        }
        drop(state);
        self.pool.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_last_used_comes_first() {
        let pool = Pool::new(2, 'a');
        let mut first = pool.take(Place::Inline).unwrap();
        assert_eq!(first.instance(), Some('a'));
        let mut second = pool.take(Place::Inline).unwrap();
        assert_eq!(second.instance(), None, "there is room to make one");
        first.give_back('a');
        second.give_back('b');
        assert_eq!(pool.take(Place::Inline).unwrap().instance(), Some('b'));
    }

    #[test]
    fn an_inline_call_gets_none_when_all_are_out() {
        let pool = Pool::new(1, 'a');
        let lease = pool.take(Place::Inline);
        assert!(pool.take(Place::Inline).is_none());
        drop(lease);
        assert!(pool.take(Place::Inline).is_some());
    }

    #[test]
    fn what_was_thrown_away_leaves_room() {
        let pool = Pool::new(1, 'a');
        assert_eq!(pool.take(Place::Inline).unwrap().instance(), Some('a'));
        assert_eq!(pool.take(Place::Inline).unwrap().instance(), None);
    }

    #[test]
    fn what_is_at_rest_can_be_dropped_and_what_is_out_comes_back() {
        let pool = Pool::new(2, 'a');
        let mut out = pool.take(Place::Inline).unwrap();
        assert_eq!(out.instance(), Some('a'));
        pool.take(Place::Inline).unwrap().give_back('b');
        assert_eq!(pool.alive(), 2);
        pool.drain();
        assert_eq!(pool.alive(), 1);
        out.give_back('a');
        assert_eq!(pool.take(Place::Inline).unwrap().instance(), Some('a'));
        pool.drain();
        let room = pool.take(Place::Inline).unwrap();
        assert_eq!(pool.alive(), 1, "there is room to make one");
        drop(room);
    }

    #[test]
    fn a_worker_waits_for_one() {
        let pool = Pool::new(1, 'a');
        let mut lease = pool.take(Place::Worker).unwrap();
        let instance = lease.instance().unwrap();
        let (got, gets) = mpsc::sync_channel(1);
        thread::scope(|scope| {
            let pool = &pool;
            scope.spawn(move || {
                let instance = pool.take(Place::Worker).unwrap().instance();
                got.send(instance).unwrap();
            });
            assert!(gets.recv_timeout(Duration::from_millis(20)).is_err());
            lease.give_back(instance);
            assert_eq!(gets.recv_timeout(Duration::from_secs(10)), Ok(Some('a')));
        });
    }
}
