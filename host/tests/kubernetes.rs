//! The manifests in `examples/kubernetes` are YAML, agree with each other, and hold a config that otlet takes.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "everything here is a test, the functions that tests share included"
)]

use std::fs;
use std::path::Path;
use std::process::Command;

use saphyr::{LoadableYamlNode as _, Yaml};

/// What stands at a path of keys and positions.
fn at<'a>(node: &'a Yaml<'a>, path: &str) -> &'a Yaml<'a> {
    path.split('/')
        .fold(node, |node, key| match key.parse::<usize>() {
            Ok(index) => &node[index],
            Err(_) => node
                .as_mapping_get(key)
                .unwrap_or_else(|| panic!("no {key} in {path}")),
        })
}

fn text(node: &Yaml<'_>, path: &str) -> String {
    at(node, path).as_str().unwrap().to_owned()
}

#[test]
fn the_manifests_agree_and_their_config_holds() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/kubernetes/otlet.yaml");
    let manifests = fs::read_to_string(file).unwrap();
    let documents = Yaml::load_from_str(&manifests).unwrap();
    let [config, deployment, service] = documents.as_slice() else {
        panic!("{} documents", documents.len());
    };
    let kinds = [config, deployment, service].map(|document| text(document, "kind"));
    assert_eq!(kinds, ["ConfigMap", "Deployment", "Service"]);

    let otlet = text(config, "data/otlet.yaml");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("otlet.yaml");
    fs::write(&path, &otlet).unwrap();
    let container = at(deployment, "spec/template/spec/containers/0");
    let mut check = Command::new(env!("CARGO_BIN_EXE_otlet"));
    check.arg("check").arg(&path);
    for variable in at(container, "env").as_vec().unwrap() {
        check.env(text(variable, "name"), text(variable, "value"));
    }
    let output = check.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );

    let ports = at(container, "ports").as_vec().unwrap();
    let named = |name: &str| {
        let port = ports.iter().find(|port| text(port, "name") == name);
        at(port.unwrap(), "containerPort").as_integer().unwrap()
    };
    for name in ["grpc", "http", "admin"] {
        let port = named(name);
        assert!(
            otlet.contains(&format!("{name}: {{ endpoint: 0.0.0.0:{port}")),
            "{name}"
        );
    }
    for port in at(service, "spec/ports").as_vec().unwrap() {
        assert_eq!(
            at(port, "port").as_integer(),
            Some(named(&text(port, "targetPort")))
        );
    }
    for (probe, page) in [
        ("startupProbe", "/readyz"),
        ("readinessProbe", "/readyz"),
        ("livenessProbe", "/healthz"),
    ] {
        let probe = at(container, probe);
        assert_eq!(text(probe, "httpGet/path"), page);
        assert_eq!(text(probe, "httpGet/port"), "admin");
    }
    // The config is where the program looks for it.
    let mounted = text(container, "volumeMounts/0/mountPath");
    assert_eq!(text(container, "args/2"), format!("{mounted}/otlet.yaml"));
}
