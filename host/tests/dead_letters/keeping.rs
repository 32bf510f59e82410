//! What is kept, and what happens when it cannot be.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use otlet_tests::backend::{Answer, Backend};
use otlet_tests::guests;
use otlet_tests::program::command;
use otlet_tests::sender::{Sender, numbers, spans};
use tokio::task::{JoinSet, yield_now};

use super::*;

const INVALID_ARGUMENT: u16 = 3;
const RESOURCE_EXHAUSTED: u16 = 8;
const UNAVAILABLE: u16 = 14;
/// `RetryInfo` of one second, in base64.
const ONE_SECOND: &str = "CgIIAQ";

#[tokio::test]
async fn what_redact_fails_on_is_kept_as_it_came_for_its_owner_alone() {
    let (world, backend) = (World::new(), Backend::start());
    let mut otlet = run(&world.config(FAILING, "", &backend.endpoint()));
    let sender = Sender::grpc(otlet.grpc());
    for request in [large(1), spans([2])] {
        let reply = sender.send(&of(&request)).await.unwrap();
        assert_eq!(reply.code, 0, "{}", reply.message);
    }
    backend.wait_for(1);
    let log = otlet.wait_for("processor failed");
    assert!(log.contains("withheld"), "{log}");
    assert!(log.contains("on_error=\"dead_letter\""), "{log}");
    assert!(otlet.terminate().success());
    assert_eq!(numbers(&backend.received()), [2]);

    let letters = world.letters();
    assert_eq!(letters.len(), 1);
    let (request, reason) = &letters[0];
    assert!(*request == large(1));
    for (key, value) in [
        ("signal", "traces"),
        ("pipeline", "traces"),
        ("processor", "redact"),
        ("plugin", "redact"),
        ("reason", "withheld"),
        ("kind", "trap"),
    ] {
        assert_eq!(reason[key], value, "{reason}");
    }
    assert_eq!(reason["items"], 1);
    assert!(reason["version"].is_string());
    assert_eq!(mode(&world.directory()), 0o700);
    let files = files(&world.directory());
    assert_eq!(files.len(), 2);
    for file in &files {
        assert_eq!(mode(file), 0o600);
        assert!(file.to_string_lossy().contains("-traces-"));
    }
}

#[tokio::test]
async fn without_a_directory_redact_refuses_and_its_sender_keeps_the_request() {
    let (world, backend) = (World::new(), Backend::start());
    let config = world.config(FAILING, "", &backend.endpoint());
    let config: Vec<_> = config
        .lines()
        .filter(|line| !line.starts_with("dead_letters"))
        .collect();
    let mut otlet = run(&config.join("\n"));
    let sender = Sender::grpc(otlet.grpc());
    let reply = sender.send(&of(&large(1))).await.unwrap();
    assert_eq!(reply.code, INVALID_ARGUMENT);
    assert_eq!(reply.message, "processor redact failed");
    assert!(otlet.terminate().success());
    assert!(backend.received().is_empty());
    assert!(!world.directory().exists());
}

#[tokio::test]
async fn a_plugin_that_errs_or_traps_or_spins_leaves_letters_and_the_other_pipeline_is_not_touched()
{
    let (world, backend, other) = (World::new(), Backend::start(), Backend::start());
    for (vice, kind, reason) in [
        ("error", "error", "withheld"),
        ("trap", "trap", "withheld"),
        (
            "spin",
            "deadline",
            "it took longer than its deadline of 20 ms",
        ),
    ] {
        let config = format!(
            "
receivers: {{ otlp: {{ protocols: {{ grpc: {{ endpoint: 127.0.0.1:0 }} }} }} }}
processors:
  enrich: {{ config: {{ actions: [{{ set: 'resource.attributes[\"shop\"]', value: north }}] }} }}
  bad: {{ config: {{ vice: {vice}, n: 3 }}, on_error: dead_letter, limits: {{ deadline: 20ms }} }}
exporters:
  otlp: {{ endpoint: '{}' }}
  otlp/other: {{ endpoint: '{}' }}
dead_letters: {{ directory: '{}' }}
service:
  pipelines:
    traces/bad: {{ receivers: [otlp], processors: [enrich, bad], exporters: [otlp] }}
    traces/other: {{ receivers: [otlp], processors: [enrich], exporters: [otlp/other] }}
",
            backend.endpoint(),
            other.endpoint(),
            world.directory().display()
        );
        let mut otlet = app::start(&config, &[("bad", guests::BAD)]);
        let sender = app::grpc(&otlet, 0);
        let reply = sender.send(&of(&spans([1, 2]))).await.unwrap();
        assert_eq!(reply.code, 0, "{}", reply.message);
        otlet.shut_down().await;
        let letters = world.letters();
        let (request, told) = letters.last().unwrap();
        assert_eq!(*request, spans([1, 2]));
        assert_eq!(told["pipeline"], "traces/bad");
        assert_eq!(told["plugin"], "bad");
        assert_eq!(told["version"], "6.6.6");
        assert_eq!(
            (&told["kind"], &told["reason"]),
            (&kind.into(), &reason.into())
        );
        assert_eq!(told["items"], 2);
    }
    assert_eq!(world.letters().len(), 3);
    assert!(backend.received().is_empty());
    let received = other.received();
    assert_eq!(received.len(), 3);
    let Request::Traces(enriched) = &received[0].request else {
        panic!("{received:?}");
    };
    let resource = enriched.resource_spans[0].resource.as_ref().unwrap();
    assert_eq!(resource.attributes, [attribute("shop", "north")]);
}

#[tokio::test]
async fn what_finds_no_room_is_refused_for_now_and_passes_nowhere() {
    let (world, backend) = (World::new(), Backend::start());
    let mut otlet = run(&world.config(FAILING, "", &backend.endpoint()));
    let sender = Sender::grpc(otlet.grpc());
    let mut kept = 0;
    let full = loop {
        let reply = sender.send(&of(&large(kept))).await.unwrap();
        if reply.code != 0 {
            break reply;
        }
        kept += 1;
        assert!(kept < 16, "16 MiB hold less");
    };
    assert!(kept >= 14, "{kept}");
    assert_eq!(full.code, RESOURCE_EXHAUSTED, "{}", full.message);
    assert_eq!(full.retry.as_deref(), Some(ONE_SECOND));
    assert!(full.message.contains("dead letters"), "{}", full.message);
    let line = otlet.wait_for("dead letters cannot be written");
    assert!(line.contains("otlet replay"), "{line}");
    assert_eq!(world.letters().len(), usize::try_from(kept).unwrap());
    assert_eq!(files(&world.directory()).len(), world.letters().len() * 2);
    // What does not fail goes on.
    assert_eq!(sender.send(&of(&spans([99]))).await.unwrap().code, 0);
    backend.wait_for(1);

    // A replay makes room, which the running otlet finds.
    let healthy = Backend::start();
    let output = world.replay(&world.config("redact:", "", &healthy.endpoint()));
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(numbers(&healthy.taken()), (0..kept).collect::<Vec<_>>());
    let started = Instant::now();
    while sender.send(&of(&large(100))).await.unwrap().code != 0 {
        assert!(started.elapsed() < Duration::from_secs(20));
        yield_now().await;
    }
    assert!(otlet.terminate().success());
    assert_eq!(numbers(&backend.received()), [99]);
    assert_eq!(world.letters().len(), 1);
}

#[tokio::test]
async fn a_full_disk_refuses_what_would_be_kept() {
    let (world, backend) = (World::new(), Backend::start());
    // No file may have more than 512 KiB.
    let script = world.0.path().join("otlet.sh");
    let text = format!("#!/bin/sh\ntrap '' XFSZ\nulimit -f 1024\nexec '{OTLET}' \"$@\"\n");
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o700)).unwrap();
    let config = world.config(FAILING, "", &backend.endpoint());
    let mut otlet = Program::start(script.to_str().unwrap(), &config);
    let sender = Sender::grpc(otlet.grpc());
    let reply = sender.send(&of(&large(1))).await.unwrap();
    assert_eq!(reply.code, UNAVAILABLE, "{}", reply.message);
    assert_eq!(reply.retry.as_deref(), Some(ONE_SECOND));
    let line = otlet.wait_for("dead letters cannot be written");
    assert!(line.contains("make room on the disk"), "{line}");
    assert!(otlet.terminate().success());
    assert!(backend.received().is_empty());
    assert!(files(&world.directory()).is_empty());
}

#[tokio::test]
async fn a_directory_that_is_taken_away_is_made_again_and_one_that_is_no_more_otlets_refuses() {
    let (world, backend) = (World::new(), Backend::start());
    let mut otlet = run(&world.config(FAILING, "", &backend.endpoint()));
    let sender = Sender::grpc(otlet.grpc());
    fs::remove_dir(world.directory()).unwrap();
    assert_eq!(sender.send(&of(&large(1))).await.unwrap().code, 0);
    otlet.wait_for("was gone, and is made again");
    assert_eq!(mode(&world.directory()), 0o700);
    assert_eq!(world.letters().len(), 1);
    fs::remove_dir_all(world.directory()).unwrap();
    fs::write(world.directory(), "").unwrap();
    let reply = sender.send(&of(&large(1))).await.unwrap();
    assert_eq!(reply.code, UNAVAILABLE, "{}", reply.message);
    assert!(reply.retry.is_some());
    let line = otlet.wait_for("dead letters cannot be written");
    assert!(line.contains("move what stands at"), "{line}");
    fs::remove_file(world.directory()).unwrap();
    // One that others can look into is none.
    world.make_directory();
    fs::set_permissions(world.directory(), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(sender.send(&of(&large(1))).await.unwrap().code, UNAVAILABLE);
    assert!(files(&world.directory()).is_empty());
    fs::set_permissions(world.directory(), fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(sender.send(&of(&large(1))).await.unwrap().code, 0);
    assert_eq!(world.letters().len(), 1);
    assert!(otlet.terminate().success());
    assert!(backend.received().is_empty());
}

#[test]
fn a_directory_that_others_can_use_ends_otlet_at_its_start_with_the_cure() {
    let world = World::new();
    world.make_directory();
    fs::set_permissions(world.directory(), fs::Permissions::from_mode(0o755)).unwrap();
    let file = world.0.path().join("otlet.yaml");
    fs::write(&file, world.config("redact:", "", "http://127.0.0.1:1")).unwrap();
    let output = command(OTLET)
        .args(["run", "--config"])
        .arg(file)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let cure = format!("chmod 700 {}", world.directory().display());
    assert!(said(&output).contains(&cure), "{}", said(&output));
}

#[tokio::test]
async fn kill_9_leaves_whole_letters_of_all_that_was_acknowledged() {
    let (world, backend) = (World::new(), Backend::start());
    let config = world
        .config(FAILING, "", &backend.endpoint())
        .replace("16MiB", "1GiB");
    let mut otlet = run(&config);
    let mut senders = JoinSet::new();
    for first in 0..8 {
        let sender = Sender::grpc(otlet.grpc());
        senders.spawn(async move {
            let mut acknowledged = BTreeSet::new();
            let mut numbers = (first..).step_by(8);
            // Until the program is gone.
            while let Some(number) = numbers.next()
                && let Ok(reply) = sender.send(&of(&large(number))).await
            {
                assert_eq!(reply.code, 0, "{}", reply.message);
                acknowledged.insert(number);
            }
            acknowledged
        });
    }
    let started = Instant::now();
    while requests(&world.directory()).len() < 12 {
        assert!(started.elapsed() < Duration::from_mins(1));
        yield_now().await;
    }
    otlet.kill();
    let mut acknowledged = BTreeSet::new();
    while let Some(sent) = senders.join_next().await {
        acknowledged.append(&mut sent.unwrap());
    }
    assert!(!acknowledged.is_empty());

    // Every letter is whole before anything is cleared away.
    let kept: BTreeSet<u64> = world
        .letters()
        .iter()
        .map(|(request, _)| {
            let id = &request.resource_spans[0].scope_spans[0].spans[0].span_id;
            let number = u64::from_be_bytes(id.as_slice().try_into().unwrap());
            assert!(*request == large(number));
            number
        })
        .collect();
    assert!(acknowledged.is_subset(&kept), "{acknowledged:?} {kept:?}");
    drop(run(&config));
    assert_eq!(files(&world.directory()).len(), 2 * world.letters().len());
    assert!(backend.received().is_empty());
}

#[tokio::test]
async fn what_a_backend_refuses_or_does_not_take_in_time_is_kept_if_it_was_acknowledged() {
    let (world, backend) = (World::new(), Backend::start());
    backend.script([Answer::refused()]);
    let keys = "retry_on_failure: { initial_interval: 1ms, max_elapsed_time: 50ms }";
    let mut otlet = run(&world.config("", keys, &backend.endpoint()));
    let sender = Sender::grpc(otlet.grpc());
    assert_eq!(sender.send(&of(&spans([1]))).await.unwrap().code, 0);
    assert!(
        otlet
            .wait_for("a request was not delivered")
            .contains("dead_letter=true")
    );
    backend.always(Answer::unavailable());
    assert_eq!(sender.send(&of(&spans([2]))).await.unwrap().code, 0);
    assert!(otlet.terminate().success());
    let letters = world.letters();
    assert_eq!(letters.len(), 2);
    for ((request, reason), (number, kind)) in letters.iter().zip([(1, "refused"), (2, "given_up")])
    {
        assert_eq!(*request, spans([number]));
        assert_eq!(reason["exporter"], "otlp");
        assert_eq!(reason["kind"], kind);
        assert_eq!(reason["items"], 1);
        assert!(reason.get("pipeline").is_none());
    }

    // Whoever waits for the backend is told, and keeps it.
    let keys = "sending_queue: { enabled: false }";
    backend.always(Answer::refused());
    let mut otlet = run(&world.config("", keys, &backend.endpoint()));
    let sender = Sender::grpc(otlet.grpc());
    assert_eq!(
        sender.send(&of(&spans([3]))).await.unwrap().code,
        INVALID_ARGUMENT
    );
    assert!(otlet.terminate().success());
    assert_eq!(world.letters().len(), 2);
}

#[tokio::test]
async fn what_was_acknowledged_waits_where_no_letter_can_be_written() {
    let (world, backend) = (World::new(), Backend::start());
    backend.always(Answer::refused());
    let keys = "sending_queue: { queue_size: 2 }";
    let mut otlet = run(&world.config("", keys, &backend.endpoint()));
    fs::set_permissions(world.directory(), fs::Permissions::from_mode(0o755)).unwrap();
    let sender = Sender::grpc(otlet.grpc());
    for number in [1, 2] {
        assert_eq!(sender.send(&of(&spans([number]))).await.unwrap().code, 0);
    }
    otlet.wait_for("dead letters cannot be written");
    // The queue holds both, and is full.
    let reply = sender.send(&of(&spans([3]))).await.unwrap();
    assert_eq!(reply.code, RESOURCE_EXHAUSTED, "{}", reply.message);
    backend.always(Answer::Ok);
    backend.wait_until("both arrive", |received| {
        received.iter().filter(|one| one.taken).count() == 2
    });
    assert_eq!(numbers(&backend.taken()), [1, 2]);
    assert!(otlet.terminate().success());
    assert!(world.letters().is_empty());
}
