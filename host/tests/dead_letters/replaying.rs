//! `otlet replay` delivers what was kept, once, and leaves what it cannot deliver.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use otlet_tests::backend::{Answer, Backend};
use otlet_tests::sender::{Sender, numbers, spans};

use super::*;

/// Keeps requests that a backend refused, with these numbers.
async fn refused(world: &World, kept: impl IntoIterator<Item = u64>) {
    let backend = Backend::start();
    backend.always(Answer::refused());
    let mut otlet = run(&world.config("", "", &backend.endpoint()));
    let sender = Sender::grpc(otlet.grpc());
    for (at, number) in kept.into_iter().enumerate() {
        assert_eq!(sender.send(&of(&spans([number]))).await.unwrap().code, 0);
        // One after the other, so that they are kept in this order.
        backend.wait_for(at + 1);
    }
    assert!(otlet.terminate().success());
}

#[tokio::test]
async fn what_redact_failed_on_goes_through_the_whole_pipeline_once_it_can() {
    let (world, backend) = (World::new(), Backend::start());
    let mut otlet = run(&world.config(FAILING, "", &backend.endpoint()));
    let sender = Sender::grpc(otlet.grpc());
    assert_eq!(sender.send(&of(&large(1))).await.unwrap().code, 0);
    assert!(otlet.terminate().success());
    assert!(backend.received().is_empty());

    // It fails again: the letter stays, there is no second one, and nothing leaks.
    for times in 1..=2 {
        let output = world.replay(&world.config(FAILING, "", &backend.endpoint()));
        assert_eq!(output.status.code(), Some(1));
        assert!(said(&output).contains("redact failed"), "{}", said(&output));
        assert!(said(&output).contains("0 delivered, 1 failed, 0 left"));
        let letters = world.letters();
        assert_eq!(letters.len(), 1);
        assert!(letters[0].0 == large(1));
        assert_eq!(letters[0].1["replayed"]["times"], times);
        assert_eq!(letters[0].1["reason"], "withheld");
        assert_eq!(files(&world.directory()).len(), 2);
        assert!(backend.received().is_empty());
    }

    let output = world.replay(&world.config("redact:", "", &backend.endpoint()));
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("1 delivered, 0 failed, 0 left"));
    assert!(files(&world.directory()).is_empty());
    let received = backend.received();
    assert_eq!(numbers(&received), [1]);
    let Request::Traces(request) = &received[0].request else {
        panic!("it was traces");
    };
    let attributes = &request.resource_spans[0].scope_spans[0].spans[0].attributes;
    assert_eq!(
        attributes[1],
        large(1).resource_spans[0].scope_spans[0].spans[0].attributes[1]
    );
    assert_ne!(attributes[0], attribute("customer", EMAIL));
}

#[tokio::test]
async fn what_a_backend_refused_is_delivered_as_it_was_the_oldest_first() {
    let world = World::new();
    refused(&world, [3, 1, 2]).await;
    let backend = Backend::start();
    let output = world.replay(&world.config("", "", &backend.endpoint()));
    assert!(output.status.success(), "{}", said(&output));
    let received: Vec<_> = backend
        .received()
        .into_iter()
        .map(|received| received.request)
        .collect();
    assert_eq!(received, [3, 1, 2].map(|number| of(&spans([number]))));
    assert!(files(&world.directory()).is_empty());
}

#[tokio::test]
async fn two_replays_and_a_running_otlet_send_each_letter_once() {
    const LETTERS: u64 = 40;
    let world = World::new();
    refused(&world, 0..LETTERS).await;
    let backend = Backend::start();
    let config = world.config("", "", &backend.endpoint());
    let mut otlet = run(&config);
    let mut replays: Vec<_> = (0..2)
        .map(|_| {
            let mut command = world.replaying(&config);
            command.stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let sender = Sender::grpc(otlet.grpc());
    assert_eq!(sender.send(&of(&spans([1000]))).await.unwrap().code, 0);
    for replay in &mut replays {
        replay.wait().unwrap();
    }
    assert!(otlet.terminate().success());
    let mut expected: Vec<_> = (0..LETTERS).collect();
    expected.push(1000);
    assert_eq!(numbers(&backend.received()), expected);
    assert!(files(&world.directory()).is_empty());
}

#[tokio::test]
async fn what_cannot_be_sent_is_told_a_line_each_and_the_others_go_on() {
    let world = World::new();
    refused(&world, 0..5).await;
    let letters = requests(&world.directory());
    let name = |at: usize| {
        letters[at]
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned()
    };
    // Half of one, one that is nonsense, and one for an exporter and a pipeline that are not there.
    fs::write(&letters[0], "half").unwrap();
    let reason = fs::read_to_string(letters[1].with_extension("json")).unwrap();
    let len = fs::metadata(&letters[1]).unwrap().len();
    fs::write(&letters[1], vec![0xff; usize::try_from(len).unwrap()]).unwrap();
    let other = reason.replace("\"otlp\"", "\"otlp/gone\"");
    fs::write(letters[2].with_extension("json"), &other).unwrap();
    let other = reason.replace(
        "\"exporter\": \"otlp\"",
        "\"pipeline\": \"traces/gone\", \"processor\": \"p\", \"plugin\": \"p\"",
    );
    fs::write(letters[3].with_extension("json"), &other).unwrap();
    fs::write(world.directory().join("notes.txt"), "mine").unwrap();

    let backend = Backend::start();
    let output = world.replay(&world.config("", "", &backend.endpoint()));
    assert_eq!(output.status.code(), Some(1));
    let said = said(&output);
    for (file, what) in [
        (name(0), "has 4 bytes"),
        (name(1), "not an OTLP traces request"),
        (name(2), "no exporter \"otlp/gone\""),
        (name(3), "no pipeline \"traces/gone\""),
        ("notes.txt".to_owned(), "no dead letter"),
    ] {
        let line = said.lines().find(|line| line.starts_with(&file));
        assert!(
            line.is_some_and(|line| line.contains(what)),
            "{file}: {said}"
        );
    }
    assert!(said.contains("1 delivered, 4 failed, 0 left"), "{said}");
    assert_eq!(numbers(&backend.received()), [4]);
    assert_eq!(requests(&world.directory()), letters[..4]);
    assert!(world.directory().join("notes.txt").exists());
}

#[tokio::test]
async fn an_interrupt_ends_it_after_the_letter_under_way() {
    let world = World::new();
    refused(&world, 0..3).await;
    let backend = Backend::start();
    backend.always(Answer::Hang);
    let config = world.config("", "timeout: 60s", &backend.endpoint());
    let mut command = world.replaying(&config);
    let mut replay = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(replay.stderr.take().unwrap()).lines();
    backend.wait_for(1);
    let sent = Command::new("kill")
        .args(["-s", "INT", &replay.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
    let heard = lines.find(|line| line.as_ref().unwrap().contains("ends after the letter"));
    assert!(heard.is_some());
    // The letter under way is delivered to its end, and no other begins.
    backend.always(Answer::Ok);
    backend.release();
    let last = lines.last().unwrap().unwrap();
    assert_eq!(last, "1 delivered, 0 failed, 2 left");
    assert_eq!(replay.wait().unwrap().code(), Some(1));
    assert_eq!(numbers(&backend.taken()), [0]);
    assert_eq!(requests(&world.directory()).len(), 2);
}

#[test]
fn without_letters_there_is_nothing_to_do_and_without_a_directory_it_fails() {
    let world = World::new();
    let config = world.config("", "", "http://127.0.0.1:1");
    let output = world.replay(&config);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("dead"), "{}", said(&output));
    world.make_directory();
    let output = world.replay(&config);
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("0 delivered"), "{}", said(&output));
}
