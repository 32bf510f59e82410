//! The thread that moves wasmtime's epoch on, so that running guests look at their clocks. It sleeps while none runs.

use std::sync::Arc;
#[cfg(test)]
use std::sync::atomic::AtomicU64;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use std::{fmt, io};

use wasmtime::EngineWeak;

/// How often a running guest looks at its clocks: fine enough to stop an inline call within 5 ms.
pub(super) const TICK: Duration = Duration::from_millis(1);

/// How many ticks go on after the last call, since waking the thread for every call of many would cost more; under little load
/// the ticks would.
const LINGER: u32 = 3;

/// The ticking thread, which ends with this.
#[derive(Debug)]
pub(super) struct Ticker {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    /// Calls that run now.
    calls: AtomicUsize,
    /// The thread is about to park, or has parked.
    parked: AtomicBool,
    stopped: AtomicBool,
    #[cfg(test)]
    ticks: AtomicU64,
}

/// Keeps the epoch moving for as long as it lives.
pub(super) struct Running<'a>(&'a Shared);

impl Ticker {
    pub(super) fn start(engine: EngineWeak) -> io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let thread = thread::Builder::new()
            .name("otlet-epoch".to_owned())
            .spawn({
                let shared = Arc::clone(&shared);
                move || tick(&shared, &engine)
            })?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// To be held during a call.
    pub(super) fn run(&self) -> Running<'_> {
        // Either the thread sees this call before it parks, or this sees that it parks.
        self.shared.calls.fetch_add(1, Ordering::SeqCst);
        if self.shared.parked.load(Ordering::SeqCst) {
            self.wake();
        }
        Running(&self.shared)
    }

    #[cfg(test)]
    pub(super) fn ticks(&self) -> u64 {
        self.shared.ticks.load(Ordering::SeqCst)
    }

    fn wake(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.calls.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        self.wake();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the epoch thread panicked");
        }
    }
}

impl fmt::Debug for Running<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Running")
    }
}

fn tick(shared: &Shared, engine: &EngineWeak) {
    let mut idle = 0;
    while !shared.stopped.load(Ordering::SeqCst) {
        let Some(engine) = engine.upgrade() else {
            return;
        };
        engine.increment_epoch();
        #[cfg(test)]
        shared.ticks.fetch_add(1, Ordering::SeqCst);
        drop(engine);
        if shared.calls.load(Ordering::SeqCst) > 0 {
            idle = 0;
        } else {
            idle += 1;
        }
        if idle <= LINGER {
            thread::park_timeout(TICK);
            continue;
        }
        shared.parked.store(true, Ordering::SeqCst);
        if shared.calls.load(Ordering::SeqCst) == 0 && !shared.stopped.load(Ordering::SeqCst) {
            thread::park();
        }
        shared.parked.store(false, Ordering::SeqCst);
        idle = 0;
    }
}
