//! A backend that does what a script says, over gRPC and HTTP on one port, and remembers what it was sent.
//!
//! It has a thread and a runtime of its own, so that tests of every kind can wait for it. It shares no code with otlet: what
//! it receives is decoded with opentelemetry-proto.

mod answer;
mod received;
mod serve;

use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::{Notify, oneshot};

pub use answer::Answer;
pub use received::{Protocol, Received, Request};
pub use tonic::Code;

/// How long a test waits for something that should happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running backend. Dropping it closes its connections.
pub struct Backend {
    addr: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    /// Lets hanging requests go on.
    released: Notify,
}

struct State {
    script: VecDeque<Answer>,
    otherwise: Answer,
    attempts: usize,
    connections: usize,
    received: Vec<Received>,
}

impl Backend {
    /// Starts one on a free port of 127.0.0.1, which takes everything until it is told otherwise.
    pub fn start() -> Self {
        Self::start_at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).expect("loopback has free ports")
    }

    /// Starts one at an address, such as that of one that was stopped.
    pub fn start_at(addr: SocketAddr) -> io::Result<Self> {
        // Bound without a runtime, so that a test may start one from within its own.
        let listener = std::net::TcpListener::bind(addr)?;
        listener.set_nonblocking(true)?;
        let addr = listener.local_addr()?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let listener = {
            let _entered = runtime.enter();
            TcpListener::from_std(listener)?
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                script: VecDeque::new(),
                otherwise: Answer::Ok,
                attempts: 0,
                connections: 0,
                received: Vec::new(),
            }),
            changed: Condvar::new(),
            released: Notify::new(),
        });
        let (stop, stopped) = oneshot::channel();
        let serving = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("backend".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        () = serve::serve(listener, serving) => {}
                        _ = stopped => {}
                    }
                });
            })?;
        Ok(Self {
            addr,
            shared,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where it listens, as a URL.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Adds answers to the next requests, in their order.
    pub fn script(&self, answers: impl IntoIterator<Item = Answer>) {
        self.shared.lock().script.extend(answers);
    }

    /// Answers so whenever the script is at its end.
    pub fn always(&self, answer: Answer) {
        self.shared.lock().otherwise = answer;
    }

    /// Takes the requests that hang now.
    pub fn release(&self) {
        self.shared.released.notify_waiters();
    }

    /// The requests that have begun, also those that were reset before they were read.
    pub fn attempts(&self) -> usize {
        self.shared.lock().attempts
    }

    /// The connections that were made.
    pub fn connections(&self) -> usize {
        self.shared.lock().connections
    }

    /// What arrived, in its order.
    pub fn received(&self) -> Vec<Received> {
        self.shared.lock().received.clone()
    }

    /// What arrived and was taken, in its order, whether or not its sender was told.
    pub fn taken(&self) -> Vec<Received> {
        let mut received = self.received();
        received.retain(|received| received.taken);
        received
    }

    /// Waits until `count` requests have arrived.
    pub fn wait_for(&self, count: usize) -> Vec<Received> {
        self.wait_until(&format!("{count} requests"), |received| {
            received.len() >= count
        })
    }

    /// Waits until what arrived is as it should be, and fails the test when that does not happen.
    pub fn wait_until(&self, what: &str, condition: impl Fn(&[Received]) -> bool) -> Vec<Received> {
        self.wait(what, |state| condition(&state.received))
            .received
            .clone()
    }

    /// Waits until `count` requests have begun, also those that are reset before they are read.
    pub fn wait_for_attempts(&self, count: usize) {
        drop(self.wait(&format!("{count} attempts"), |state| {
            state.attempts >= count
        }));
    }

    fn wait(&self, what: &str, condition: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let end = Instant::now() + PATIENCE;
        let mut state = self.shared.lock();
        while !condition(&state) {
            let left = end.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "waited {PATIENCE:?} for {what}: {} requests began and {} arrived",
                state.attempts,
                state.received.len()
            );
            (state, _) = self
                .shared
                .changed
                .wait_timeout(state, left)
                .expect("nothing panics under this lock");
        }
        state
    }

    /// Closes the port and every connection, and says where it was.
    pub fn stop(mut self) -> SocketAddr {
        self.end();
        self.addr
    }

    fn end(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // If the thread panicked the test has seen it by its requests.
            let _panicked = thread.join();
        }
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.end();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics under this lock")
    }

    /// Changes the state and wakes who waits.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let answer = change(&mut self.lock());
        self.changed.notify_all();
        answer
    }
}
