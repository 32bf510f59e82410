//! One at a time for each name: whoever loads a plugin of a name that somebody is loading waits, and nobody else does.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The names that have their turn. There are as many as there are threads that load plugins.
#[derive(Debug, Default)]
pub(super) struct Turns {
    names: Mutex<BTreeSet<String>>,
    ended: Condvar,
}

/// The turn of a name, until it is dropped.
pub(super) struct Turn<'a> {
    turns: &'a Turns,
    name: String,
}

impl Turns {
    /// Waits for the turn of a name. Whoever has it must not take it again.
    pub(super) fn take(&self, name: &str) -> Turn<'_> {
        let names = self.lock();
        let mut names = self
            .ended
            .wait_while(names, |names| names.contains(name))
            .unwrap_or_else(PoisonError::into_inner);
        names.insert(name.to_owned());
        Turn {
            turns: self,
            name: name.to_owned(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.turns.lock().remove(&self.name);
        self.turns.ended.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_name_waits_for_its_own_turn_alone() {
        let turns = Turns::default();
        let first = turns.take("a");
        drop(turns.take("b"));
        let (got, gets) = mpsc::sync_channel(1);
        thread::scope(|scope| {
            let turns = &turns;
            scope.spawn(move || {
                let _turn = turns.take("a");
                got.send(()).unwrap();
            });
            assert!(gets.recv_timeout(Duration::from_millis(20)).is_err());
            drop(first);
            assert_eq!(gets.recv_timeout(Duration::from_secs(10)), Ok(()));
        });
    }
}
