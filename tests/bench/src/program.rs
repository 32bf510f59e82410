//! The programs under test, and how each is started.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::str::FromStr;

use anyhow::{Context, bail, ensure};
use clap::ValueEnum as _;

use crate::forward::Threads;
use crate::otlp::Protocol;
use crate::scenario::{Scenario, Settings};
use crate::swap::Swap;

/// A program's file, as the command line names it: `NAME=PATH`.
#[derive(Clone, Debug)]
pub struct Binary {
    /// Its name, of one program of a scenario or of all whose names begin with it (`otlet-before`, `otlet`).
    pub name: String,
    /// Its file.
    pub path: PathBuf,
}

impl FromStr for Binary {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, path) = text.split_once('=').ok_or("it is NAME=PATH")?;
        Ok(Self {
            name: name.to_owned(),
            path: path.into(),
        })
    }
}

/// A program with its config.
#[derive(Debug)]
pub(crate) struct Program {
    /// As the scenario names it.
    pub(crate) name: String,
    /// What is swapped while it runs.
    pub(crate) swap: Option<Swap>,
    start: Start,
}

#[derive(Debug)]
enum Start {
    Bare(Threads),
    Otlet { binary: PathBuf, config: PathBuf },
    Collector { binary: PathBuf, config: PathBuf },
}

/// Where a program under test listens and exports to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addresses {
    pub(crate) listen_grpc: SocketAddr,
    pub(crate) listen_http: SocketAddr,
    pub(crate) sink_grpc: SocketAddr,
    pub(crate) sink_http: SocketAddr,
}

/// The programs of a scenario whose files are known, and the names of the others. otlet comes first, which the others are
/// compared with. A file with a name that the scenario lacks (`otlet-before`) is started as its kind is (`otlet`), with the same
/// config: another build to compare with.
pub(crate) fn of(
    scenario: &Scenario,
    binaries: &[Binary],
) -> anyhow::Result<(Vec<Program>, Vec<String>)> {
    let (mut programs, mut unknown) = (vec![], vec![]);
    let mut wanted = scenario.programs.clone();
    for binary in binaries {
        if let Some(settings) = scenario.programs.get(kind_of(&binary.name).0) {
            wanted
                .entry(binary.name.clone())
                .or_insert_with(|| settings.clone());
        }
    }
    for (name, settings) in &wanted {
        match start(name, settings, scenario, binaries)? {
            Some(start) => programs.push(Program {
                name: name.clone(),
                swap: settings.swap.clone(),
                start,
            }),
            None => unknown.push(name.clone()),
        }
    }
    programs.sort_by_key(|program| !matches!(program.start, Start::Otlet { .. }));
    Ok((programs, unknown))
}

/// What kind of program a name is of, and what sets it apart: `otlet-before` is an `otlet`.
pub(crate) fn kind_of(name: &str) -> (&str, &str) {
    name.split_once('-').unwrap_or((name, ""))
}

fn start(
    name: &str,
    settings: &Settings,
    scenario: &Scenario,
    binaries: &[Binary],
) -> anyhow::Result<Option<Start>> {
    let (kind, suffix) = kind_of(name);
    if kind == "bare" {
        ensure!(
            scenario.load.protocol == Protocol::Grpc,
            "{}: the bare forwarder speaks gRPC alone",
            scenario.name
        );
        return Ok(Some(Start::Bare(match suffix {
            "" => Threads::Current,
            suffix => match Threads::from_str(suffix, false) {
                Ok(threads) => threads,
                Err(_) => bail!("{}: no bare forwarder is {suffix}", scenario.name),
            },
        })));
    }
    let find = |name| binaries.iter().find(|binary| binary.name == name);
    let Some(binary) = find(name).or_else(|| find(kind)) else {
        return Ok(None);
    };
    let binary = binary.path.clone();
    let config = settings
        .config
        .clone()
        .with_context(|| format!("{}: {name} needs a config", scenario.name))?;
    Ok(Some(match kind {
        "otlet" => Start::Otlet { binary, config },
        _ => Start::Collector { binary, config },
    }))
}

impl Program {
    /// What starts it, with its plugins in this folder.
    pub(crate) fn command(&self, addresses: &Addresses, plugins: &Path) -> anyhow::Result<Command> {
        let mut command = match &self.start {
            Start::Bare(threads) => {
                let mut command = Command::new(std::env::current_exe()?);
                let threads = threads.to_possible_value().context("a kind of threads")?;
                command
                    .args(["forward", "--threads", threads.get_name()])
                    .args(["--listen", &addresses.listen_grpc.to_string()])
                    .args(["--target", &format!("http://{}", addresses.sink_grpc)]);
                command
            }
            Start::Otlet { binary, config } => {
                let mut command = Command::new(binary);
                command.arg("run").arg("--config").arg(config);
                command
            }
            Start::Collector { binary, config } => {
                let mut command = Command::new(binary);
                command.arg("--config").arg(config);
                command
            }
        };
        command.envs([
            ("LISTEN_GRPC", addresses.listen_grpc.to_string()),
            ("LISTEN_HTTP", addresses.listen_http.to_string()),
            ("SINK_GRPC", addresses.sink_grpc.to_string()),
            ("SINK_HTTP", addresses.sink_http.to_string()),
        ]);
        command.env("PLUGINS", plugins);
        Ok(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml;

    fn programs(text: &str, known: &[&str]) -> (Vec<String>, Vec<String>) {
        let text = format!("about: a\nload: {{ shape: spans }}\nprograms: {text}");
        let scenario: Scenario = yaml::parse(&text).unwrap();
        let known: Vec<Binary> = known.iter().map(|name| name.parse().unwrap()).collect();
        let (programs, unknown) = of(&scenario, &known).unwrap();
        let addresses = Addresses {
            listen_grpc: "127.0.0.1:1".parse().unwrap(),
            listen_http: "127.0.0.1:2".parse().unwrap(),
            sink_grpc: "127.0.0.1:3".parse().unwrap(),
            sink_http: "127.0.0.1:4".parse().unwrap(),
        };
        let started = |program: &Program| {
            let command = program.command(&addresses, Path::new("p")).unwrap();
            let words: Vec<_> = command
                .get_args()
                .map(|word| word.to_string_lossy())
                .collect();
            // This very program has a name that changes with every build.
            let is_bench = command.get_program() == std::env::current_exe().unwrap();
            let file = if is_bench {
                "BENCH".into()
            } else {
                command.get_program().to_string_lossy()
            };
            format!("{}: {file} {}", program.name, words.join(" "))
        };
        (programs.iter().map(started).collect(), unknown)
    }

    #[test]
    fn each_program_is_started_as_its_name_says_and_otlet_comes_first() {
        let (found, unknown) = programs(
            "{ bare-multi: {}, collector-limited: { config: l.yaml }, otlet: { config: o.yaml } }",
            &["otlet=/o", "collector=/c"],
        );
        assert_eq!(
            found,
            [
                "otlet: /o run --config o.yaml",
                "bare-multi: BENCH forward --threads multi --listen 127.0.0.1:1 --target http://127.0.0.1:3",
                "collector-limited: /c --config l.yaml",
            ]
        );
        assert!(unknown.is_empty());
    }

    #[test]
    fn a_name_in_full_goes_before_its_kind_and_what_is_not_given_is_left_out() {
        let (found, unknown) = programs(
            "{ otlet: { config: o.yaml }, otlet-old: { config: a.yaml }, collector: { config: c.yaml } }",
            &["otlet=/o", "otlet-old=/old"],
        );
        assert_eq!(
            found,
            [
                "otlet: /o run --config o.yaml",
                "otlet-old: /old run --config a.yaml"
            ]
        );
        assert_eq!(unknown, ["collector"]);
    }

    #[test]
    fn another_build_takes_part_with_the_config_of_its_kind() {
        let (found, _) = programs(
            "{ otlet: { config: o.yaml } }",
            &["otlet=/o", "otlet-before=/b", "collector-old=/c"],
        );
        assert_eq!(
            found,
            [
                "otlet: /o run --config o.yaml",
                "otlet-before: /b run --config o.yaml"
            ]
        );
    }
}
