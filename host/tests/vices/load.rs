//! Vices at load: in what a plugin says of itself, and while it is configured.

use std::process::{Command, Stdio};

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_that_lies_or_sins_at_load_is_refused_while_good_pipelines_carry_on() {
    let backend = Backend::start();
    let config = format!(
        "
admin: {{ endpoint: 127.0.0.1:0 }}
receivers: {{ otlp: {{ protocols: {{ grpc: {{ endpoint: 127.0.0.1:0 }} }} }} }}
processors:
  enrich: {{ config: {{ actions: [{{ set: 'resource.attributes[\"shop\"]', value: north }}] }} }}
exporters: {{ otlp: {{ endpoint: '{}', sending_queue: {{ enabled: false }} }} }}
service: {{ pipelines: {{ traces: {{ receivers: [otlp], processors: [enrich], exporters: [otlp] }} }} }}
",
        backend.endpoint()
    );
    let mut otlet = run(config).await.unwrap();
    let good = Good::start(Sender::grpc(otlet.grpc()), otlet.admin());
    for (manifest, vice, reason) in [
        ("no json", "none", "its manifest"),
        (r#"{"signals": ["spans"]}"#, "none", "spans"),
        (r#"{"config_schema": 7}"#, "none", "`config_schema`"),
        ("trap", "none", "unreachable"),
        ("huge", "none", "more than 1048576"),
        // It asks for a batch where there is none.
        ("batch", "none", "during `process` alone"),
        ("{}", "row", "during `process` alone"),
        ("{}", "trap", "unreachable"),
        ("{}", "recurse", "stack"),
        ("{}", "hold", "bytes of memory"),
    ] {
        let wasm = describing(manifest);
        let text = spawn_blocking(move || refusal(&wasm, vice)).await.unwrap();
        assert!(text.contains(reason), "{manifest}, {vice}: {text}");
        assert!(text.len() < 3_000, "{manifest}, {vice}: {}", text.len());
        good.goes_on().await;
    }
    let sent = good.end().await;
    ends_well(&mut otlet);
    assert_eq!(numbers(&backend.received()), (0..sent).collect::<Vec<_>>());
}

/// The bad guest with another manifest.
fn describing(manifest: &str) -> Vec<u8> {
    let honest = r#"{"version": "6.6.6", "on_error": "reject"}"#;
    let room = honest.len() + 80;
    let (old, new) = (format!("{honest:room$}"), format!("{manifest:room$}"));
    let mut wasm = guests::BAD.to_vec();
    let at = wasm.windows(room).position(|bytes| bytes == old.as_bytes());
    let at = at.expect("the manifest stands in the component");
    wasm[at..at + room].copy_from_slice(new.as_bytes());
    wasm
}

/// Why `otlet check` does not take a component that does this in `configure`.
fn refusal(wasm: &[u8], vice: &str) -> String {
    let directory = plugins(&[("liar", wasm)]);
    let config = format!(
        "
receivers: {{ otlp: {{ protocols: {{ grpc: {{ endpoint: 127.0.0.1:0 }} }} }} }}
plugins: {{ directory: . }}
processors: {{ liar: {{ config: {{ vice: {vice}, n: 300, in: configure }} }} }}
exporters: {{ debug: }}
service: {{ pipelines: {{ traces: {{ receivers: [otlp], processors: [liar], exporters: [debug] }} }} }}
"
    );
    let path = directory.path().join("otlet.yaml");
    fs::write(&path, config).unwrap();
    let checked = Command::new(env!("CARGO_BIN_EXE_otlet"))
        .arg("check")
        .arg(path)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = [checked.stdout, checked.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    assert!(!checked.status.success(), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    said
}
