//! What comes of files, and what goes to them, is counted.

use otlet_tests::backend::{Answer, Backend, Request};
use otlet_tests::metrics::scrape_until;
use otlet_tests::sender::{Sender, spans};

use super::{OK, run, shop, with_lines};

#[tokio::test]
async fn lines_are_counted() {
    let backend = Backend::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("app.log");
    std::fs::write(&file, b"one\nt\xffo\n").unwrap();
    let otlet = run(&with_lines(&backend.endpoint(), file.to_str().unwrap()));
    let scraped = scrape_until(otlet.admin(), "2 records sent", |metrics| {
        metrics.count("otlet_exporter_sent_items_total", &[]) == 2
    });
    let of = [("receiver", "jsonlines")];
    for (name, expected) in [
        ("otlet_receiver_accepted_items_total", 2),
        ("otlet_receiver_read_bytes_total", 6),
        ("otlet_receiver_not_utf8_lines_total", 1),
        ("otlet_receiver_line_cuts_total", 0),
        ("otlet_receiver_passed_over_items_total", 0),
    ] {
        assert_eq!(scraped.count(name, &of), expected, "{name}");
    }
}

#[tokio::test]
async fn dead_letters_are_counted() {
    let backend = Backend::start();
    backend.always(Answer::refused());
    let folder = tempfile::tempdir().unwrap();
    let dead = folder.path().join("dead");
    let kept = format!("dead_letters: {{ directory: '{}' }}\n", dead.display());
    let otlet = run(&(shop(&backend.endpoint()) + &kept));
    let sender = Sender::grpc(otlet.grpc());
    let request = Request::Traces(spans([1, 2, 3]));
    assert_eq!(sender.send(&request).await.unwrap().code, OK);
    let scraped = scrape_until(otlet.admin(), "a dead letter", |metrics| {
        metrics.count("otlet_dead_letters_written_total", &[]) == 1
    });
    let written = scraped.count("otlet_dead_letters_written_items_total", &[]);
    assert_eq!(written, 3);
    assert!(scraped.count("otlet_dead_letters_disk_usage_bytes", &[]) > 0);
    let unwritten = scraped.count("otlet_dead_letters_unwritten_total", &[]);
    assert_eq!(unwritten, 0);
    // As a replay does.
    for entry in std::fs::read_dir(&dead).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    scrape_until(otlet.admin(), "an empty directory", |metrics| {
        metrics.count("otlet_dead_letters_disk_usage_bytes", &[]) == 0
    });
}
