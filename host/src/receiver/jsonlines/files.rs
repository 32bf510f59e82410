//! Reads the files of one receiver in turns, and hands on what they hold.
//!
//! While lines are held up the files are still looked for and opened, so that one which is renamed twice meanwhile is not
//! missed.

use std::collections::BTreeMap;
use std::io;
use std::ops::Bound;
use std::pin::pin;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time;

use super::fingerprint::FileId;
use super::found::{Found, Search};
use super::gather::Gather;
use super::handles::Handles;
use super::handover::{Handover, Outcome};
use super::positions::{Position, Positions};
use super::tail::{Filled, Tail};
use super::{Sought, StartAt};

/// The files that are read before others are looked for.
const TURN: usize = 512;

/// The files of one receiver.
pub(super) struct Files {
    receiver: String,
    search: Search,
    tails: BTreeMap<FileId, Tail>,
    handles: Handles,
    positions: Positions,
    gather: Gather,
    buffer: Vec<u8>,
    poll: Duration,
    flush: Duration,
    /// Whether the files that are found now are read from their end on.
    skips: bool,
    /// The file that had the last turn.
    last: Option<FileId>,
    /// When files were last looked for.
    searched: Instant,
}

impl Files {
    pub(super) fn new(
        receiver: &str,
        sought: &Sought,
        mut positions: Positions,
        gather: Gather,
        handles: &Handles,
    ) -> io::Result<Self> {
        let restored = positions.take();
        let skips = restored.is_none() && sought.start_at == StartAt::End;
        let mut files = Self {
            receiver: receiver.to_owned(),
            search: Search::new(receiver, sought)?,
            tails: BTreeMap::new(),
            handles: handles.clone(),
            positions,
            gather,
            buffer: Vec::new(),
            poll: sought.poll_interval,
            flush: sought.force_flush_period,
            skips,
            last: None,
            searched: Instant::now(),
        };
        for mut position in restored.into_iter().flatten() {
            // A disk may have another number after the machine was started again.
            if let Ok(metadata) = std::fs::metadata(&position.path)
                && FileId::of(&metadata).inode == position.id.inode
            {
                position.id = FileId::of(&metadata);
            }
            files.tails.insert(position.id, Tail::at(position));
        }
        files.discover();
        files.skips = false;
        let (receiver, files_found) = (&files.receiver, files.tails.len());
        tracing::info!(receiver, files = files_found, "reading files");
        Ok(files)
    }

    /// Reads until it is stopped, and says how far it read.
    pub(super) async fn run(
        mut self,
        handover: Handover,
        mut stop: watch::Receiver<bool>,
    ) -> Vec<Position> {
        loop {
            let Some(more) = self.turn(&handover, &mut stop).await else {
                break;
            };
            let wait = if more { Duration::ZERO } else { self.poll };
            self.save();
            if time::timeout(wait, super::stopped(&mut stop)).await.is_ok() {
                break;
            }
            if !more || self.searched.elapsed() >= self.poll {
                self.discover();
            }
        }
        let positions: Vec<_> = self.tails.values().map(Tail::position).collect();
        self.positions
            .write(&self.receiver, positions.iter().cloned());
        positions
    }

    /// Gives every file that may have something, or as many as have a turn, theirs; says whether there is more to read at
    /// once, and nothing if it was stopped.
    async fn turn(
        &mut self,
        handover: &Handover,
        stop: &mut watch::Receiver<bool>,
    ) -> Option<bool> {
        let after = self.last.map_or(Bound::Unbounded, Bound::Excluded);
        let window = self.tails.range((after, Bound::Unbounded));
        let stirring = window.filter(|(_, tail)| tail.stirs(self.flush));
        let ids: Vec<_> = stirring.map(|(id, _)| *id).take(TURN).collect();
        let mut more = ids.len() == TURN;
        self.last = ids.last().copied().filter(|_| more);
        self.gather.observe();
        for id in ids {
            if self.read(id) == Filled::Full {
                more = true;
                self.hand_over(handover, stop).await?;
                self.gather.observe();
            }
        }
        self.hand_over(handover, stop).await?;
        Some(more)
    }

    /// Reads one file for as long as there is room, and forgets it if it is gone.
    fn read(&mut self, id: FileId) -> Filled {
        let Some(tail) = self.tails.get_mut(&id) else {
            return Filled::End;
        };
        let filled = fill(
            tail,
            &mut self.gather,
            &mut self.buffer,
            self.flush,
            (&self.handles, &self.receiver),
        );
        tail.rest();
        match filled {
            Ok(Some(filled)) => {
                self.search.recover(tail.path());
                if tail.is_done() && tail.held().is_none() {
                    self.tails.remove(&id);
                    self.positions.change();
                }
                filled
            }
            Ok(None) => {
                let (receiver, path) = (&self.receiver, tail.path().display());
                tracing::info!(receiver, %path, "a file is gone, and is read no more");
                self.tails.remove(&id);
                self.positions.change();
                Filled::End
            }
            Err(error) => {
                let path = tail.path().to_owned();
                self.search.fail(&path, &error);
                Filled::End
            }
        }
    }

    /// Hands on what was gathered, and counts it as read; nothing if it was stopped before.
    async fn hand_over(
        &mut self,
        handover: &Handover,
        stop: &mut watch::Receiver<bool>,
    ) -> Option<()> {
        let Some(request) = self.gather.finish() else {
            return Some(());
        };
        let outcome = {
            let mut over = pin!(handover.over(request, Some(stop)));
            loop {
                tokio::select! {
                    outcome = &mut over => break outcome,
                    () = time::sleep(self.poll) => {
                        self.discover();
                        self.save();
                    }
                }
            }
        };
        let reason = match outcome {
            Outcome::Accepted => None,
            Outcome::Refused(reason) => handover.may_log_loss().map(|unlogged| (reason, unlogged)),
            Outcome::Held => return None,
        };
        for tail in self.tails.values_mut() {
            if let (Some((from, to)), Some((reason, unlogged))) = (tail.held(), &reason) {
                let (receiver, path) = (&self.receiver, tail.path().display());
                tracing::error!(
                    receiver, %path, from, to, reason, unlogged,
                    "lines of a file were refused and are passed over"
                );
            }
            tail.accept();
        }
        self.positions.change();
        // A turn may be long.
        (!*stop.borrow()).then_some(())
    }

    /// Looks for files that are new, have another name or are gone.
    fn discover(&mut self) {
        self.searched = Instant::now();
        let tails = &self.tails;
        let found = self
            .search
            .find(|id| tails.get(&id).map(|tail| tail.path().to_owned()));
        for (id, tail) in &mut self.tails {
            tail.list(found.get(id).map(|found| found.seen));
        }
        for (id, Found { path, seen }) in found {
            if let Some(tail) = self.tails.get_mut(&id) {
                tail.rename(&path);
                continue;
            }
            let mut tail = Tail::new(&path, id);
            tail.list(Some(seen));
            let opened = tail.open(&self.handles).and_then(|there| {
                if there && self.skips {
                    tail.skip(self.gather.max_line_size())?;
                }
                Ok(there)
            });
            match opened {
                Ok(true) => {
                    tail.rest();
                    tracing::debug!(receiver = self.receiver, path = %path.display(), "a new file");
                    self.search.recover(&path);
                    self.tails.insert(id, tail);
                    self.positions.change();
                }
                // It was renamed or removed just now.
                Ok(false) => {}
                Err(error) => self.search.fail(&path, &error),
            }
        }
    }

    /// Keeps the positions, if it is time.
    fn save(&mut self) {
        if self.positions.are_due() {
            let tails = self.tails.values().map(Tail::position);
            self.positions.write(&self.receiver, tails);
        }
    }
}

/// Reads one file; nothing if it is gone.
fn fill(
    tail: &mut Tail,
    gather: &mut Gather,
    buffer: &mut Vec<u8>,
    flush: Duration,
    (handles, receiver): (&Handles, &str),
) -> io::Result<Option<Filled>> {
    if !tail.open(handles)? {
        return Ok(None);
    }
    if tail.look()? {
        let path = tail.path().display();
        tracing::info!(receiver, %path, "a file was truncated or replaced, and is read from its beginning");
    }
    tail.fill(gather, buffer, flush).map(Some)
}
