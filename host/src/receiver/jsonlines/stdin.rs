//! Reads the lines of standard input.
//!
//! What cannot be handed on is not read, so that the pipe fills and its writer waits. A stop reads on for a while: whoever
//! ends a whole pipeline with ^C wants the last lines of the writer, too.

use std::io::{self, Read};
use std::thread;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{self, Instant};

use super::gather::{Full, Gather};
use super::handover::{Handover, Outcome};

/// What is read at once: what a pipe holds.
const CHUNK: usize = 64 << 10;

/// How long lines wait for others to share their request.
const GATHER: Duration = Duration::from_millis(200);

/// How long standard input is read on after a stop, if it does not end before.
const LAST_CALL: Duration = Duration::from_secs(5);

/// Standard input, of which nothing is read before it is begun.
pub(super) struct Input {
    begin: oneshot::Sender<()>,
    chunks: mpsc::Receiver<io::Result<Vec<u8>>>,
}

/// Gets ready to read, on a thread that ends with standard input or the process: nothing else ends a read.
pub(super) fn open() -> io::Result<Input> {
    let (sender, chunks) = mpsc::channel(1);
    let (begin, started) = oneshot::channel();
    thread::Builder::new()
        .name("otlet-stdin".to_owned())
        .spawn(move || {
            if started.blocking_recv().is_ok() {
                read(&mut io::stdin().lock(), &sender);
            }
        })?;
    Ok(Input { begin, chunks })
}

fn read(input: &mut impl Read, to: &mpsc::Sender<io::Result<Vec<u8>>>) {
    loop {
        let mut chunk = vec![0; CHUNK];
        let chunk = match input.read(&mut chunk) {
            Ok(0) => return,
            Ok(len) => {
                chunk.truncate(len);
                Ok(chunk)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
        let failed = chunk.is_err();
        if to.blocking_send(chunk).is_err() || failed {
            return;
        }
    }
}

/// Hands on what comes, until it ends and all is taken.
pub(super) async fn run(
    Input { begin, mut chunks }: Input,
    gather: Gather,
    handover: Handover,
    mut stop: watch::Receiver<bool>,
) {
    let mut lines = Lines {
        gather,
        handover,
        begun: Vec::new(),
        due: None,
    };
    let mut last_call = None;
    // Without its thread there are no chunks.
    let _gone = begin.send(());
    loop {
        tokio::select! {
            chunk = chunks.recv() => match chunk {
                Some(Ok(chunk)) => lines.take(chunk).await,
                Some(Err(error)) => {
                    tracing::error!(receiver = lines.handover.name(), %error, "standard input cannot be read");
                    break;
                }
                None => break,
            },
            () = until(lines.due) => lines.hand_over().await,
            () = super::stopped(&mut stop), if last_call.is_none() => {
                last_call = Some(Instant::now() + LAST_CALL);
            }
            () = until(last_call) => break,
        }
    }
    lines.end().await;
}

async fn until(time: Option<Instant>) {
    match time {
        Some(time) => time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}

/// The lines that were read and are not taken yet.
struct Lines {
    gather: Gather,
    handover: Handover,
    /// A line whose end has not come.
    begun: Vec<u8>,
    /// When what was gathered is handed over.
    due: Option<Instant>,
}

impl Lines {
    async fn take(&mut self, chunk: Vec<u8>) {
        let mut begun = std::mem::take(&mut self.begun);
        begun.extend(chunk);
        self.gather.observe();
        let mut rest = begun.as_slice();
        loop {
            match self.gather.add_line(rest, &[]) {
                Ok(Some(after)) => rest = after,
                Ok(None) => break,
                Err(Full) => self.hand_over().await,
            }
        }
        self.begun = rest.to_vec();
        if self.due.is_none() && !self.gather.is_empty() {
            self.due = Some(Instant::now() + GATHER);
        }
    }

    async fn hand_over(&mut self) {
        self.due = None;
        let Some(request) = self.gather.finish() else {
            return;
        };
        let records = request.records;
        if let Outcome::Refused(reason) = self.handover.over(request, None).await
            && let Some(unlogged) = self.handover.may_log_loss()
        {
            let receiver = self.handover.name();
            tracing::error!(
                receiver,
                records,
                reason,
                unlogged,
                "lines of standard input were refused and are passed over"
            );
        }
    }

    async fn end(mut self) {
        let begun = std::mem::take(&mut self.begun);
        self.gather.observe();
        if self.gather.add(&begun, &[]) == Err(Full) {
            self.hand_over().await;
            // An empty request has room for any line.
            let _full = self.gather.add(&begun, &[]);
        }
        self.hand_over().await;
        tracing::info!(receiver = self.handover.name(), "standard input is read");
    }
}
