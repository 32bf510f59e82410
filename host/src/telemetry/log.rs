//! Lines on their way to a place that may not take them.
//!
//! **Invariant**: whoever logs neither waits nor fails. A thread writes; what its place does not take in time, or at all, is
//! dropped and counted, and the count is told as soon as there is someone to tell.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Bytes that may wait.
const WAITING: usize = 1 << 20;

/// How long the end of the program waits for what is not written yet.
const GOODBYE: Duration = Duration::from_secs(1);

/// A log, until it is dropped: then what waits is written, within a second.
#[derive(Debug)]
pub struct Log(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    more: Condvar,
    less: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    lines: Vec<u8>,
    dropped: u64,
    /// Whether lines that wait no more are being written.
    is_writing: bool,
    is_over: bool,
}

/// Takes one line a call.
#[derive(Debug)]
pub(super) struct Writer(Arc<Shared>);

impl Log {
    /// Starts the thread that writes to `place`.
    pub(super) fn start(place: impl Write + Send + 'static) -> io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let log = Self(Arc::clone(&shared));
        thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || shared.write_to(place))?;
        Ok(log)
    }

    /// What takes lines.
    pub(super) fn writer(&self) -> impl Fn() -> Writer + Send + Sync + 'static {
        let shared = Arc::clone(&self.0);
        move || Writer(Arc::clone(&shared))
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        let mut waiting = self.0.lock();
        waiting.is_over = true;
        self.0.more.notify_one();
        let is_busy = |waiting: &mut Waiting| waiting.is_writing || !waiting.lines.is_empty();
        let _late = self.0.less.wait_timeout_while(waiting, GOODBYE, is_busy);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Lines are whole whatever a panic interrupted.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_to(&self, mut place: impl Write) {
        while let Some((lines, dropped)) = self.next() {
            // What fails is lost, and there is no one to tell.
            let _lost = place.write_all(&lines);
            if dropped > 0 {
                let _lost = writeln!(place, "{dropped} lines of the log were dropped");
            }
            let mut waiting = self.lock();
            waiting.is_writing = false;
            self.less.notify_all();
        }
    }

    /// The lines that wait, once there are some, and how many were dropped after them; none when it is over.
    fn next(&self) -> Option<(Vec<u8>, u64)> {
        let is_idle = |waiting: &mut Waiting| waiting.lines.is_empty() && !waiting.is_over;
        let waiting = self.more.wait_while(self.lock(), is_idle);
        let mut waiting = waiting.unwrap_or_else(PoisonError::into_inner);
        if waiting.lines.is_empty() {
            return None;
        }
        waiting.is_writing = true;
        let dropped = std::mem::take(&mut waiting.dropped);
        Some((std::mem::take(&mut waiting.lines), dropped))
    }
}

impl Write for Writer {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut waiting = self.0.lock();
        if waiting.lines.len() + line.len() > WAITING {
            waiting.dropped += 1;
        } else {
            waiting.lines.extend_from_slice(line);
            self.0.more.notify_one();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

    use super::*;

    /// Takes lines one at a time, when it is told to.
    struct Place {
        told: Receiver<()>,
        taken: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Place {
        fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
            self.told.recv().map_err(io::Error::other)?;
            self.taken.lock().unwrap().extend_from_slice(lines);
            Ok(lines.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn place() -> (Place, SyncSender<()>, Arc<Mutex<Vec<u8>>>) {
        let (tell, told) = sync_channel(8);
        let taken = Arc::<Mutex<Vec<u8>>>::default();
        let place = Place {
            told,
            taken: Arc::clone(&taken),
        };
        (place, tell, taken)
    }

    #[test]
    fn the_end_writes_what_waits() {
        let (place, tell, taken) = place();
        let log = Log::start(place).unwrap();
        let writer = log.writer();
        for line in ["one\n", "two\n"] {
            writer().write_all(line.as_bytes()).unwrap();
        }
        (0..2).for_each(|_| tell.send(()).unwrap());
        drop(log);
        assert_eq!(*taken.lock().unwrap(), b"one\ntwo\n");
    }

    #[test]
    fn what_nobody_takes_is_dropped_and_counted() {
        let (place, tell, taken) = place();
        let log = Log::start(place).unwrap();
        let writer = log.writer();
        let line = [b'x'; 1024];
        for _ in 0..4096 {
            writer().write_all(&line).unwrap();
        }
        assert!(log.0.lock().lines.len() <= WAITING);
        (0..8).for_each(|_| tell.send(()).unwrap());
        drop(log);
        let taken = taken.lock().unwrap();
        let told = String::from_utf8_lossy(&taken);
        assert!(
            told.contains(" lines of the log were dropped\n"),
            "{}",
            taken.len()
        );
    }

    #[test]
    fn a_place_that_fails_stops_nobody() {
        let (place, tell, _) = place();
        drop(tell);
        let log = Log::start(place).unwrap();
        for _ in 0..100 {
            log.writer()().write_all(b"line\n").unwrap();
        }
        drop(log);
    }
}
