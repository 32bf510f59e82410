//! Files that are watched: nobody has to say that they changed.

use std::fs;
use std::os::unix::fs::symlink;

use otlet_tests::backend::Backend;
use otlet_tests::requests::text;
use otlet_tests::sender::Sender;

use super::{APPLIED, REFUSED, UNCHANGED, arrived, reloads, run, send, shop, to, traces};

/// A config whose spans get this value, which may name a file.
fn config(value: &str, backend: &Backend) -> String {
    traces(
        &[("enrich", &shop(value))],
        &[("otlp", &to(&backend.endpoint()))],
    )
}

/// The values that the spans came with, in their order.
fn values(backend: &Backend, count: usize) -> Vec<String> {
    let spans = arrived(&backend.wait_for(count));
    let known = ["a", "b", "c", "d"];
    let value = |span: &opentelemetry_proto::tonic::trace::v1::Span| {
        let value = span.attributes[0].value.clone();
        let found = known.iter().find(|known| value == Some(text(known)));
        (*found.unwrap()).to_owned()
    };
    spans.iter().map(value).collect()
}

#[tokio::test]
async fn a_config_that_is_written_or_replaced_or_comes_back_is_read_again() {
    let backend = Backend::start();
    let otlet = run(&config("a", &backend));
    let path = otlet.folder().join("otlet.yaml");
    let sender = Sender::grpc(otlet.grpc());
    send(&sender, 0).await;
    // In place, by another of that name, and after there was none.
    let before = otlet.lines();
    fs::write(&path, config("b", &backend)).unwrap();
    otlet.wait_for_after(before, APPLIED);
    send(&sender, 1).await;
    let before = otlet.lines();
    otlet.configure(&config("c", &backend));
    otlet.wait_for_after(before, APPLIED);
    send(&sender, 2).await;
    let before = otlet.lines();
    fs::remove_file(&path).unwrap();
    otlet.wait_for_after(before, REFUSED);
    otlet.wait_for_after(before, "cannot read the config");
    let before = otlet.lines();
    otlet.configure(&config("d", &backend));
    otlet.wait_for_after(before, APPLIED);
    send(&sender, 3).await;
    assert_eq!(values(&backend, 4), ["a", "b", "c", "d"]);
    assert_eq!(reloads(&otlet, "applied"), 3);
}

#[tokio::test]
async fn a_file_that_the_config_names_is_watched_and_so_is_one_that_it_names_later() {
    let backend = Backend::start();
    let folder = tempfile::tempdir().unwrap();
    let [first, second] = ["first", "second"].map(|name| folder.path().join(name));
    fs::write(&first, "a").unwrap();
    fs::write(&second, "c").unwrap();
    let naming =
        |path: &std::path::Path| config(&format!("${{file:{}}}", path.display()), &backend);
    let otlet = run(&naming(&first));
    let sender = Sender::grpc(otlet.grpc());
    send(&sender, 0).await;
    let write = |path, text: &str| {
        let before = otlet.lines();
        fs::write(path, text).unwrap();
        otlet.wait_for_after(before, APPLIED);
    };
    write(&first, "b");
    send(&sender, 1).await;
    let before = otlet.lines();
    otlet.configure(&naming(&second));
    otlet.wait_for_after(before, APPLIED);
    send(&sender, 2).await;
    write(&second, "d");
    send(&sender, 3).await;
    assert_eq!(values(&backend, 4), ["a", "b", "c", "d"]);
}

#[tokio::test]
async fn a_folder_that_is_swapped_as_a_whole_is_seen() {
    let backend = Backend::start();
    let otlet = run(&config("a", &backend));
    let path = |name: &str| otlet.folder().join(name);
    for (version, value) in [("..1", "a"), ("..2", "b")] {
        fs::create_dir(path(version)).unwrap();
        fs::write(path(version).join("otlet.yaml"), config(value, &backend)).unwrap();
    }
    // As Kubernetes mounts a ConfigMap.
    symlink("..1", path("..data")).unwrap();
    symlink("..data/otlet.yaml", path("link")).unwrap();
    let before = otlet.lines();
    fs::rename(path("link"), path("otlet.yaml")).unwrap();
    otlet.wait_for_after(before, UNCHANGED);
    let before = otlet.lines();
    symlink("..2", path("..new")).unwrap();
    fs::rename(path("..new"), path("..data")).unwrap();
    otlet.wait_for_after(before, APPLIED);
    send(&Sender::http(otlet.http()), 0).await;
    assert_eq!(values(&backend, 1), ["b"]);
}
