//! The threads that carry connections: a current-thread tokio runtime each, so that a request stays on the core that took
//! it in (ARCHITECTURE.md, "Threads", has the measured reason).

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use crate::heap;

/// Every IO thread of the process.
#[derive(Clone)]
pub struct Runtimes {
    threads: Arc<[Io]>,
}

/// One IO thread.
pub struct Io {
    handle: Handle,
    connections: Arc<AtomicUsize>,
    /// Dropping it ends the thread's runtime.
    _alive: oneshot::Sender<()>,
}

/// Counts one connection to its IO thread for as long as it lives.
pub struct Load(Arc<AtomicUsize>);

impl Runtimes {
    /// Starts `count` IO threads (at least one); they end when the last clone is dropped.
    pub fn start(count: usize) -> io::Result<Self> {
        let threads = (0..count.max(1))
            .map(Io::start)
            .collect::<io::Result<_>>()?;
        Ok(Self { threads })
    }

    /// The IO threads in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Handle> {
        self.threads.iter().map(|io| &io.handle)
    }

    /// The IO thread with the fewest connections, which counts one more until the load is dropped.
    pub fn least_loaded(&self) -> (&Handle, Load) {
        let io = self
            .threads
            .iter()
            .min_by_key(|io| io.connections.load(Ordering::Relaxed))
            .expect("there is at least one IO thread");
        io.connections.fetch_add(1, Ordering::Relaxed);
        (&io.handle, Load(Arc::clone(&io.connections)))
    }
}

impl Io {
    fn start(index: usize) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        handle.spawn(heap::tend());
        let (alive, ended) = oneshot::channel::<()>();
        thread::Builder::new()
            .name(format!("otlet-io-{index}"))
            .spawn(move || {
                let _ended = runtime.block_on(ended);
            })?;
        Ok(Self {
            handle,
            connections: Arc::default(),
            _alive: alive,
        })
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
