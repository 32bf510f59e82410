//! What a plugin is granted is shown when it begins to be used, and it gets that.

use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use otlet_tests::sender::spans;

use super::*;

/// The attributes of the resource that a span arrives with.
fn attributes(otlet: &Program, backend: &Backend) -> Vec<(String, String)> {
    let before = backend.taken().len();
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().unwrap();
    let request = Request::Traces(spans([1]));
    let reply = runtime.block_on(Sender::grpc(otlet.grpc()).send(&request));
    assert_eq!(reply.unwrap().code, 0);
    let Request::Traces(request) = &backend.wait_for(before + 1).pop().unwrap().request else {
        panic!("it sent a span");
    };
    let resource = request.resource_spans[0].resource.clone().unwrap();
    let attributes = resource.attributes.into_iter();
    let texts = attributes.filter_map(|one| match one.value?.value? {
        Any::StringValue(text) => Some((one.key, text)),
        _ => None,
    });
    texts.collect()
}

fn granting(folder: &Path, grants: &str, backend: &Backend) -> String {
    let granted = "wasi: { config: { vars: true, try: [[read, /tables/a.csv], [write, /tables/a.csv], [read, /etc/passwd]] }";
    let processor = format!("{granted}, grants: {{ {grants} }} }}");
    config(folder, "", "wasi", &backend.endpoint())
        .replace(
            "processors: { wasi: }",
            &format!("processors: {{ {processor} }}"),
        )
        .replace("    logs:", "    traces:")
}

#[test]
fn grants_are_shown_when_a_plugin_begins_to_be_used_and_are_all_it_has() {
    let (folder, backend) = (folder(&[("wasi.wasm", guests::WASI)]), Backend::start());
    let tables = folder.path().join("tables");
    fs::create_dir(&tables).unwrap();
    fs::write(tables.join("a.csv"), "eu,Europe").unwrap();
    let grants = format!("files: ['{}'], env: [OTLET_TEST_REGION]", tables.display());
    let mut command = command(OTLET);
    command
        .env("OTLET_TEST_REGION", "north")
        .env("OTLET_TEST_OTHER", "secret");
    let config = granting(folder.path(), &grants, &backend);
    let otlet = Program::begin_with(command, &config, &[]);
    otlet.wait_for("ready");
    let line = otlet.wait_for("a plugin is granted folders to read and variables");
    let shown = format!(
        "files=\"{} as /tables\" env=\"OTLET_TEST_REGION\"",
        tables.display()
    );
    assert!(
        line.contains("processor=\"wasi\"") && line.contains(&shown),
        "{line}"
    );
    let texts = attributes(&otlet, &backend);
    let text = |key: &str| {
        texts
            .iter()
            .find(|(found, _)| found == key)
            .unwrap()
            .1
            .as_str()
    };
    assert_eq!(text("vars"), "OTLET_TEST_REGION=north");
    assert_eq!(text("read /tables/a.csv"), "eu,Europe");
    assert!(text("write /tables/a.csv").starts_with("no: "));
    assert!(text("read /etc/passwd").starts_with("no: "));

    // A version that has no use for them.
    let before = otlet.lines();
    fs::write(folder.path().join("new"), guests::BAD).unwrap();
    fs::rename(
        folder.path().join("new"),
        folder.path().join("plugins/wasi.wasm"),
    )
    .unwrap();
    let line = otlet.wait_for_after(before, "a plugin is granted what it cannot use");
    assert!(line.contains(&digest(guests::BAD)), "{line}");
}

#[test]
fn grants_that_a_reload_brings_are_shown() {
    let (folder, backend) = (folder(&[("wasi.wasm", guests::WASI)]), Backend::start());
    let with = |grants: &str| granting(folder.path(), grants, &backend);
    let otlet = Program::start(OTLET, &with(""));
    assert!(!otlet.said().contains("granted"), "{}", otlet.said());
    let line = otlet.reload(&with("env: [HOME]"), "a plugin is granted");
    assert!(line.contains("files=\"\" env=\"HOME\""), "{line}");
}

#[test]
fn a_file_that_imports_what_no_grant_allows_is_refused_by_name() {
    let (folder, backend) = (folder(&[]), Backend::start());
    let config = config(folder.path(), "", "sample", &backend.endpoint());
    let otlet = Program::start(OTLET, &config);
    let mut wasm = guests::WASI.to_vec();
    let (old, new) = (b"wasi:cli/", b"wasi:owl/");
    while let Some(at) = wasm.windows(old.len()).position(|part| part == old) {
        wasm[at..at + new.len()].copy_from_slice(new);
    }
    fs::write(folder.path().join("new"), &wasm).unwrap();
    fs::rename(
        folder.path().join("new"),
        folder.path().join("plugins/owl.wasm"),
    )
    .unwrap();
    let line = otlet.wait_for("a plugin's file is refused");
    assert!(line.contains("it imports wasi:owl/"), "{line}");
    assert!(line.contains("which no grant allows"), "{line}");
    let rows = rows_until(&otlet, "owl", |rows| rows.len() == 1);
    let reason = rows[0]["reason"].as_str().unwrap();
    assert!(
        reason.contains("wasi:owl/") && reason.contains("`grants`"),
        "{reason}"
    );
}
