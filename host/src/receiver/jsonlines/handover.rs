//! Hands requests on, one at a time, until they are taken or refused for good.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time;

use super::counters::Counters;
use super::gather::Request;
use crate::acceptance::Accepted;
use crate::payload::Payload;
use crate::receiver::Next;
use crate::refusal::Refusal;
use crate::runtime::{Load, Runtimes};
use crate::telemetry::Throttle;

/// The wait after a first refusal, and the longest.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// How long lines are held up before the log says so; then twice as long, and so on.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often a request may make the pipeline panic before it is passed over: the next ones may not.
const MAX_PANICS: usize = 4;

/// Where the requests of one receiver go.
pub(super) struct Handover {
    name: String,
    next: Next,
    /// The IO thread that they are processed on.
    io: Handle,
    _load: Load,
    counters: Arc<Counters>,
    /// Of what is passed over.
    losses: Throttle,
}

/// What became of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It was taken.
    Accepted,
    /// Trying it again would not help.
    Refused(String),
    /// It was not taken before the receiver, or otlet, was to stop.
    Held,
}

/// What became of one try.
enum Attempt {
    Taken(Accepted),
    /// The lines themselves were refused, and would be again.
    Refused(String),
    /// Something else is in the way, which may go away.
    Hindered(String),
    Panicked,
    /// There is no thread to process it on: otlet ends.
    Ended,
}

impl Handover {
    pub(super) fn new(
        name: &str,
        runtimes: &Runtimes,
        next: &Next,
        counters: &Arc<Counters>,
    ) -> Self {
        let (io, load) = runtimes.least_loaded();
        Self {
            name: name.to_owned(),
            next: Arc::clone(next),
            io: io.clone(),
            _load: load,
            counters: Arc::clone(counters),
            losses: Throttle::new(),
        }
    }

    /// The receiver's name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether lines that are passed over may be logged now, and how many times that was not done since the last.
    pub(super) fn may_log_loss(&self) -> Option<u64> {
        self.losses.pass()
    }

    /// Hands a request on, as often as it takes; `stop`, if given, ends that.
    pub(super) async fn over(
        &self,
        request: Request,
        mut stop: Option<&mut watch::Receiver<bool>>,
    ) -> Outcome {
        let Request { payload, records } = request;
        self.counters.hold(records);
        let began = Instant::now();
        let (mut wait, mut patience, mut panics) = (FIRST_WAIT, PATIENCE, 0);
        let outcome = loop {
            let reason = match self.attempt(payload.clone()).await {
                Attempt::Taken(accepted) => {
                    self.tell(&accepted, records);
                    break Outcome::Accepted;
                }
                Attempt::Refused(reason) => break Outcome::Refused(reason),
                Attempt::Hindered(reason) => reason,
                Attempt::Panicked => {
                    panics += 1;
                    let reason = "the pipeline broke off".to_owned();
                    if panics == MAX_PANICS {
                        break Outcome::Refused(reason);
                    }
                    reason
                }
                Attempt::Ended => break Outcome::Held,
            };
            if began.elapsed() >= patience {
                patience = 2 * began.elapsed();
                tracing::warn!(
                    receiver = self.name,
                    records,
                    reason,
                    "lines are held up, and read on once these are taken"
                );
            }
            match &mut stop {
                None => time::sleep(wait).await,
                Some(stop) => {
                    if time::timeout(wait, super::stopped(stop)).await.is_ok() {
                        break Outcome::Held;
                    }
                }
            }
            wait = (2 * wait).min(LONGEST_WAIT);
        };
        match &outcome {
            Outcome::Accepted if patience > PATIENCE => {
                tracing::info!(receiver = self.name, "lines go on");
            }
            Outcome::Accepted => {}
            Outcome::Refused(_) => self.counters.refused.add_len(records),
            // They are still held.
            Outcome::Held => return outcome,
        }
        self.counters.hold(0);
        outcome
    }

    /// Counts what was taken, and says what a backend that was waited for did not take.
    fn tell(&self, accepted: &Accepted, records: usize) {
        let records = u64::try_from(records).unwrap_or(u64::MAX);
        self.counters.refused.add(accepted.rejected);
        self.counters
            .accepted
            .add(records.saturating_sub(accepted.rejected));
        if accepted.rejected > 0
            && let Some(unlogged) = self.may_log_loss()
        {
            let Accepted { rejected, words } = accepted;
            tracing::error!(
                receiver = self.name,
                rejected,
                words,
                unlogged,
                "the backend rejected lines, which are passed over"
            );
        }
    }

    /// Tries once, on the IO thread.
    async fn attempt(&self, payload: Payload) -> Attempt {
        // Dropped with this future, it ends the attempt.
        let mut attempt = JoinSet::new();
        let next = Arc::clone(&self.next);
        attempt.spawn_on(async move { next(payload).await }, &self.io);
        match attempt.join_next().await {
            Some(Ok(Ok(accepted))) => Attempt::Taken(accepted),
            Some(Ok(Err(refusal))) if is_for_good(&refusal) => {
                Attempt::Refused(refusal.to_string())
            }
            Some(Ok(Err(refusal))) => Attempt::Hindered(refusal.to_string()),
            Some(Err(error)) if error.is_panic() => Attempt::Panicked,
            _ => Attempt::Ended,
        }
    }
}

/// Whether a processor or backend refused the lines themselves.
fn is_for_good(refusal: &Refusal) -> bool {
    match refusal {
        Refusal::Invalid(_)
        | Refusal::TooLarge(_)
        | Refusal::Unrouted(_)
        | Refusal::Rejected(_) => true,
        Refusal::Full { .. } | Refusal::Unavailable { .. } | Refusal::Unauthenticated(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::watch;

    use super::*;
    use crate::receiver::jsonlines::gather::Gather;

    fn handover(
        answers: impl Fn(usize) -> Result<Accepted, Refusal> + Send + Sync + 'static,
    ) -> (Handover, Arc<Counters>, Runtimes) {
        let tries = AtomicUsize::new(0);
        let next: Next = Arc::new(move |_payload| {
            let answer = answers(tries.fetch_add(1, Ordering::Relaxed));
            Box::pin(async move { answer })
        });
        let counters = Arc::<Counters>::default();
        let runtimes = Runtimes::start(1).unwrap();
        let handover = Handover::new("jsonlines", &runtimes, &next, &counters);
        (handover, counters, runtimes)
    }

    fn request() -> Request {
        let mut gather = Gather::new(&[], 100, &Arc::default());
        gather.add(b"a", &[]).unwrap();
        gather.finish().unwrap()
    }

    fn full() -> Refusal {
        Refusal::Full {
            what: "a queue".to_owned(),
            after: Duration::from_secs(1),
        }
    }

    #[tokio::test]
    async fn what_is_full_is_tried_again_and_what_is_refused_is_not() {
        let (handover, counters, _runtimes) = handover(|at| match at {
            0 | 1 => Err(full()),
            2 => Ok(Accepted::default()),
            _ => Err(Refusal::Rejected("no".to_owned())),
        });
        assert_eq!(handover.over(request(), None).await, Outcome::Accepted);
        let refused = Outcome::Refused("no".to_owned());
        assert_eq!(handover.over(request(), None).await, refused);
        assert_eq!((counters.accepted.get(), counters.refused.get()), (1, 1));
        assert_eq!(counters.held(), 0);
    }

    #[tokio::test]
    async fn a_stop_ends_the_tries() {
        let (handover, counters, _runtimes) = handover(|_| Err(full()));
        let (stop, mut stopped) = watch::channel(false);
        stop.send_replace(true);
        let outcome = handover.over(request(), Some(&mut stopped)).await;
        assert_eq!(outcome, Outcome::Held);
        assert_eq!(counters.held(), 1);
    }

    #[tokio::test]
    async fn lines_are_held_where_they_are_not_at_fault() {
        let (handover, counters, runtimes) = handover(|at| match at {
            0 => panic!("as the test wants"),
            1 => Err(Refusal::Unauthenticated("no token".to_owned())),
            _ => Ok(Accepted::default()),
        });
        assert_eq!(handover.over(request(), None).await, Outcome::Accepted);
        // Without a thread that could process them.
        let ended = runtimes.iter().map(|io| io.spawn(std::future::pending()));
        let ended: Vec<tokio::task::JoinHandle<()>> = ended.collect();
        drop(runtimes);
        for ended in ended {
            assert!(ended.await.unwrap_err().is_cancelled());
        }
        assert_eq!(handover.over(request(), None).await, Outcome::Held);
        assert_eq!((counters.refused.get(), counters.held()), (0, 1));
    }

    #[tokio::test]
    async fn a_pipeline_that_panics_is_no_reason_to_try_for_ever() {
        let (handover, counters, _runtimes) = handover(|_| panic!("as the test wants"));
        assert!(matches!(
            handover.over(request(), None).await,
            Outcome::Refused(_)
        ));
        assert_eq!(counters.refused.get(), 1);
    }
}
