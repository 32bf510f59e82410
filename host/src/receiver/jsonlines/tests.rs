use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::acceptance::Accepted;

/// A receiver of the file `app.log` in a folder, which keeps its positions there, and the number of requests that it made.
fn receiver(folder: &std::path::Path) -> (Running, Arc<AtomicUsize>, Runtimes) {
    let config = Config {
        name: "jsonlines".to_owned(),
        input: Input::Files(Box::new(Sought {
            include: vec![Glob::parse(folder.join("app.log").to_str().unwrap()).unwrap()],
            exclude: vec![],
            start_at: StartAt::Beginning,
            storage: Some(folder.join("positions")),
            poll_interval: Duration::from_millis(10),
            force_flush_period: Duration::ZERO,
        })),
        max_line_size: 1 << 20,
        resource: vec![],
    };
    let requests = Arc::<AtomicUsize>::default();
    let counted = Arc::clone(&requests);
    let next: Next = Arc::new(move |_payload| {
        counted.fetch_add(1, Ordering::SeqCst);
        Box::pin(async { Ok(Accepted::default()) })
    });
    let runtimes = Runtimes::start(1).unwrap();
    let running = start(&config, &runtimes, &next, &Handles::new(9), None).unwrap();
    (running, requests, runtimes)
}

#[tokio::test]
async fn nothing_is_read_before_it_is_begun() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("app.log"), "one\ntwo\n").unwrap();
    let kept = folder.path().join("positions/jsonlines.json");
    for begins in [false, true] {
        let (mut running, requests, _runtimes) = receiver(folder.path());
        if begins {
            running.begin();
        }
        while begins && running.counters().accepted.get() < 2 {
            tokio::task::yield_now().await;
        }
        assert!(running.stop(Duration::from_mins(1)).await);
        assert_eq!(requests.load(Ordering::SeqCst), usize::from(begins));
        assert_eq!(kept.exists(), begins);
    }
}

#[tokio::test]
async fn what_was_dropped_before_it_began_reads_nothing() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("app.log"), "one\n").unwrap();
    let (running, requests, _runtimes) = receiver(folder.path());
    let mut ended = running.ended.clone();
    drop(running);
    while ended.changed().await.is_ok() {}
    assert_eq!(requests.load(Ordering::SeqCst), 0);
}
