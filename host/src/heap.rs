//! The heap of the program, which is mimalloc's: how it is kept small. What requests may take of it is `memory`'s business.

use std::time::Duration;

// What is called below is in it, also where a test has another heap.
use mimalloc as _;
use rustix::time::{ClockId, clock_gettime};

/// How often a thread looks whether it rests.
const LOOK: Duration = Duration::from_secs(5);

/// A thread that has not used more CPU time since it looked last rests: one part in a hundred.
const LITTLE: Duration = Duration::from_millis(50);

/// One that used less has done nothing but look.
const NOTHING: Duration = Duration::from_millis(1);

#[expect(
    unsafe_code,
    reason = "a function of mimalloc's that its crate does not pass on"
)]
unsafe extern "C" {
    /// Gives back the pages that this thread has emptied, and those that others gave up; other threads may go on meanwhile.
    // SAFETY: it may be called at any time by any thread, whatever the argument.
    safe fn mi_collect(force: bool);
}

/// Has memory come in small pages. Huge ones are touched for the little that is needed of them, and have to be cleared: spans held
/// for seconds cost a third more, and nothing cost measurably less (BENCHMARKS.md).
pub fn use_small_pages() {
    // Where it cannot be said, they stay.
    #[cfg(target_os = "linux")]
    let _unsaid = rustix::thread::disable_transparent_huge_pages(true);
}

/// Gives back to the system what this thread does not use.
pub fn give_back() {
    mi_collect(true);
}

/// Gives back what the thread that it runs on does not use, whenever that has worked and rests: mimalloc itself does so only while
/// it is asked for more, and what a rush has taken would stay after it. Never ends.
pub async fn tend() {
    let (mut before, mut owes) = (used(), true);
    loop {
        tokio::time::sleep(LOOK).await;
        let spent = used().saturating_sub(before);
        owes |= spent > NOTHING;
        if owes && spent <= LITTLE {
            give_back();
            owes = false;
        }
        before = used();
    }
}

/// The CPU time of this thread.
fn used() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime)
        .try_into()
        .unwrap_or_default()
}
