//! The manifests in `examples/kubernetes` are YAML, agree with each other, and hold a config that otlet takes.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "everything here is a test, the functions that tests share included"
)]

use otlet_tests::program::command;
use std::fs;
use std::path::Path;

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

/// A file of the example.
fn read(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/kubernetes");
    fs::read_to_string(folder.join(name)).unwrap()
}

/// What follows a word at the beginning of each line that has it.
fn after<'a>(file: &'a str, word: &str) -> Vec<&'a str> {
    let rest = |line: &'a str| line.strip_prefix(word)?.strip_prefix(' ');
    file.lines().filter_map(rest).collect()
}

#[test]
fn the_image_is_the_one_that_the_deployment_runs() {
    let (image, manifests) = (read("Dockerfile"), read("otlet.yaml"));
    let documents = Yaml::load_from_str(&manifests).unwrap();
    let pod = at(&documents[1], "spec/template/spec");
    let container = at(pod, "containers/0");

    // What is built is what cargo builds, runs alone, and is told what the pod tells it.
    let built = Path::new(env!("CARGO_BIN_EXE_otlet")).file_name().unwrap();
    let copied: Vec<_> = after(&image, "COPY").pop().unwrap().split(' ').collect();
    let [from, source, binary] = copied.as_slice() else {
        panic!("{copied:?}");
    };
    assert_eq!(*from, "--from=build");
    assert_eq!(Path::new(source).file_name(), Some(built));
    let directory = after(&image, "WORKDIR")[0];
    let packages = after(&image, "RUN");
    assert_eq!(*source, format!("{directory}/target/release/otlet"));
    assert_eq!(packages, ["cargo build --release --locked --package otlet"]);
    assert_eq!(after(&image, "ENTRYPOINT"), [format!("[\"{binary}\"]")]);
    assert!(container.as_mapping_get("command").is_none());
    let arguments = at(container, "args").as_vec().unwrap().iter();
    let arguments: Vec<_> = arguments.map(|one| one.as_str().unwrap()).collect();
    let told: Vec<String> = serde_json::from_str(after(&image, "CMD")[0]).unwrap();
    assert_eq!(told, arguments);

    let id = |key: &str| {
        at(pod, &format!("securityContext/{key}"))
            .as_integer()
            .unwrap()
    };
    let user = format!("{}:{}", id("runAsUser"), id("runAsGroup"));
    assert_eq!(after(&image, "USER"), [user]);
    let ports = at(container, "ports").as_vec().unwrap().iter();
    let ports: Vec<_> = ports
        .map(|port| at(port, "containerPort").as_integer().unwrap().to_string())
        .collect();
    assert_eq!(after(&image, "EXPOSE"), [ports.join(" ")]);

    let command = format!(
        "docker build --file examples/kubernetes/Dockerfile --tag {} .",
        text(container, "image")
    );
    assert_eq!(after(&read("README.md"), "docker").len(), 1);
    assert!(read("README.md").lines().any(|line| line == command));
    // The libraries that it is linked with are those that it runs with.
    let [builds, runs] = <[&str; 2]>::try_from(after(&image, "FROM")).unwrap();
    assert!(builds.contains("bookworm") && runs.contains("debian12"));
}

#[test]
fn the_manifests_agree_and_their_config_holds() {
    let manifests = read("otlet.yaml");
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
    let mut check = command(env!("CARGO_BIN_EXE_otlet"));
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
