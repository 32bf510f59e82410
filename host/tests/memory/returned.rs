//! Whatever becomes of a request, its memory is given back.

use std::time::Duration;

use libdeflater::{CompressionLvl, Compressor};
use otlet_tests::backend::{Answer, Backend, Request};
use otlet_tests::guests;
use otlet_tests::program::Program;
use otlet_tests::sender::{Sender, method};
use prost::Message;
use tokio::time::timeout;

use super::load::resident;
use super::{ENRICH, WEIGHT, app, heavy, in_process, is_taken};

#[tokio::test]
async fn whatever_becomes_of_a_request_its_memory_is_given_back() {
    let message = heavy(1).encode_to_vec();
    let zstd = zstd::bulk::compress(&message, 1).unwrap();
    let bodies = [(None, &message), (Some("zstd"), &zstd)];
    for exporter in [
        "compression: none",
        "compression: zstd",
        "compression: gzip",
        "compression: none, sending_queue: { enabled: false }",
        "compression: gzip, sending_queue: { batch: { max_bytes: 600KB, max_delay: 5ms } }",
        "compression: none, sending_queue: { batch: { max_bytes: 10KB, max_delay: 5ms } }",
    ] {
        for edits in [false, true] {
            let backend = Backend::start();
            let mut otlet = in_process(exporter, &backend.endpoint(), edits);
            let memory = otlet.memory().clone();
            let sender = app::grpc(&otlet, 0);
            backend.script([Answer::refused()]);
            for (coding, body) in bodies.repeat(4) {
                let answer = sender.call(&method("traces"), coding, body).await.unwrap();
                assert!(answer.header("grpc-status").is_some(), "{answer:?}");
            }
            let garbage = sender
                .call(&method("traces"), Some("zstd"), b"garbage")
                .await;
            assert_eq!(garbage.unwrap().header("grpc-status"), Some("3"));
            drop(sender);
            otlet.shut_down().await;
            drop(otlet);
            assert!(memory.most() >= WEIGHT, "{exporter} {edits}");
            assert_eq!(memory.held(), 0, "{exporter} {edits}");
        }
    }
}

/// Requests in every form, twice: plain, compressed, in two members.
async fn in_every_form(sender: &Sender) {
    let message = heavy(1).encode_to_vec();
    let gzip = |plain: &[u8]| {
        let mut compressor = Compressor::new(CompressionLvl::fastest());
        let mut gzip = vec![0; compressor.gzip_compress_bound(plain.len())];
        let len = compressor.gzip_compress(plain, &mut gzip).unwrap();
        gzip.truncate(len);
        gzip
    };
    let (half, rest) = message.split_at(message.len() / 2);
    let zstd = zstd::bulk::compress(&message, 1).unwrap();
    let bodies = [
        (None, message.clone()),
        (Some("zstd"), zstd),
        (Some("gzip"), gzip(&message)),
        (Some("gzip"), [gzip(half), gzip(rest)].concat()),
    ];
    for (coding, body) in bodies.iter().chain(&bodies) {
        let answer = sender.call(&method("traces"), *coding, body).await.unwrap();
        assert!(answer.header("grpc-status").is_some(), "{answer:?}");
    }
}

#[tokio::test]
async fn what_goes_to_the_disk_gives_its_memory_back() {
    let backend = Backend::start();
    backend.always(Answer::refused());
    let folder = tempfile::tempdir().unwrap();
    let refusing = |more: &str| format!("otlp: {{ endpoint: '{}', {more} }}", backend.endpoint());
    let written = folder.path().join("written").display().to_string();
    let batch = "compression: gzip, sending_queue: { batch: { max_bytes: 600KB, max_delay: 5ms } }";
    // How many letters there are at the least: a lot is one, and each of its requests once it is refused.
    for (exporter, processors, letters) in [
        (refusing("compression: gzip"), "", 8),
        (refusing("compression: none"), "enrich", 8),
        (refusing("sending_queue: { enabled: false }"), "enrich", 0),
        (refusing(batch), "", 8),
        (refusing(batch), "enrich", 8),
        (refusing(""), "enrich, bad", 8),
        (format!("file: {{ path: '{written}.json' }}"), "", 0),
        (
            format!("file: {{ path: '{written}.pb', format: proto }}"),
            "enrich",
            0,
        ),
        (
            format!("file: {{ path: '{written}.json' }}"),
            "enrich, bad",
            8,
        ),
    ] {
        let name = exporter.split(':').next().unwrap();
        let dead = tempfile::tempdir_in(folder.path()).unwrap();
        let dead = dead.path().join("letters");
        let config = format!(
            "
receivers: {{ otlp: {{ protocols: {{ grpc: {{ endpoint: 127.0.0.1:0 }} }} }} }}
processors:
  {ENRICH}
  bad: {{ config: {{ vice: error }}, on_error: dead_letter }}
exporters: {{ {exporter} }}
dead_letters: {{ directory: '{}' }}
service:
  pipelines:
    traces: {{ receivers: [otlp], processors: [{processors}], exporters: [{name}] }}
",
            dead.display()
        );
        let mut otlet = app::start(&config, &[("bad", guests::BAD)]);
        let memory = otlet.memory().clone();
        let sender = app::grpc(&otlet, 0);
        in_every_form(&sender).await;
        drop(sender);
        otlet.shut_down().await;
        let kept = otlet.letters().unwrap().counters().written.get();
        assert!(kept >= letters, "{exporter} {processors}: {kept} letters");
        drop(otlet);
        assert!(memory.most() >= WEIGHT / 2, "{exporter} {processors}");
        assert_eq!(memory.held(), 0, "{exporter} {processors}");
    }
}

#[tokio::test]
async fn what_is_lost_at_the_end_gives_its_memory_back() {
    let backend = Backend::start();
    backend.always(Answer::Hang);
    for exporter in [
        "compression: gzip",
        "compression: none, sending_queue: { batch: { max_bytes: 600KB, max_delay: 5ms } }",
    ] {
        let otlet = in_process(exporter, &backend.endpoint(), true);
        let memory = otlet.memory().clone();
        let sender = app::grpc(&otlet, 0);
        in_every_form(&sender).await;
        assert!(memory.held() >= WEIGHT);
        drop(sender);
        assert!(otlet.abort().await > 0);
        drop(otlet);
        assert_eq!(memory.held(), 0, "{exporter}");
    }
}

/// What otlet does where nothing asks it for memory any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_rush_has_taken_goes_back_to_the_system() {
    const REQUESTS: u64 = 200;
    let backend = Backend::start();
    let config = format!(
        "
receivers: {{ otlp: {{ protocols: {{ grpc: {{ endpoint: 127.0.0.1:0 }} }} }} }}
exporters:
  otlp:
    endpoint: '{}'
    timeout: 1h
    compression: none
    sending_queue: {{ num_consumers: 1, max_bytes: 1GiB }}
service: {{ pipelines: {{ traces: {{ receivers: [otlp], exporters: [otlp] }} }} }}
",
        backend.endpoint()
    );
    let otlet = Program::start(env!("CARGO_BIN_EXE_otlet"), &config);
    let sender = Sender::grpc(otlet.grpc());
    assert!(is_taken(
        &sender.send(&Request::Traces(heavy(0))).await.unwrap()
    ));
    backend.wait_for(1);
    let base = resident(&otlet);

    backend.always(Answer::Hang);
    for number in 1..=REQUESTS {
        let reply = sender.send(&Request::Traces(heavy(number))).await;
        assert!(is_taken(&reply.unwrap()));
    }
    let held = REQUESTS * WEIGHT as u64;
    assert!(resident(&otlet) > base + held * 9 / 10);

    backend.always(Answer::Ok);
    let is_returned = async {
        while backend.attempts() as u64 <= REQUESTS {
            backend.release();
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        while resident(&otlet) > base + held / 4 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let returned = timeout(Duration::from_mins(1), is_returned).await;
    assert!(returned.is_ok(), "{} from {base}", resident(&otlet));
}
