//! Golden cases of the bundled plugins: a folder of `NAME.yaml` (a config), `NAME.in.json` (an OTLP request) and
//! `NAME.out.json` (what becomes of it, written by hand). Add three files, get a test.
//!
//! Each plugin's `tests/cases.rs` includes this file and runs its folder natively; `host/tests/cases.rs` includes it and runs
//! all of them in the sandbox.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use otlet_plugin::Error;
use otlet_plugin::testing::Request;
use saphyr::{LoadableYamlNode as _, Scalar, Yaml};
use serde_json::Value;

/// Runs every case in the folder `cases` of a package, and says of each that fails in what it differs. `outcome` gives what
/// becomes of a request under a config.
pub(crate) fn run(
    package: impl AsRef<Path>,
    outcome: impl Fn(Value, Request) -> Result<Request, Error>,
) {
    let folder = package.as_ref().join("cases");
    let mut configs: Vec<PathBuf> = fs::read_dir(&folder)
        .expect("a folder of cases")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .collect();
    configs.sort();
    let requests = fs::read_dir(&folder).expect("a folder of cases").count();
    assert!(!configs.is_empty(), "no case in {}", folder.display());
    assert_eq!(
        requests,
        3 * configs.len(),
        "each case is three files in {}",
        folder.display()
    );
    let failures: String = configs
        .iter()
        .filter_map(|config| failure(config, &outcome))
        .collect();
    assert!(failures.is_empty(), "{failures}");
}

fn failure(
    config: &Path,
    outcome: impl Fn(Value, Request) -> Result<Request, Error>,
) -> Option<String> {
    let name = config.file_stem().expect("a name").to_string_lossy();
    let failure = case(config, outcome).unwrap_or_else(|error| Some(error.into()));
    failure.map(|failure| format!("\n{name}: {failure}\n"))
}

/// Nothing where all is well; an error where the case could not be run.
fn case(
    config: &Path,
    outcome: impl Fn(Value, Request) -> Result<Request, Error>,
) -> Result<Option<String>, Error> {
    let read = |extension| {
        let path = config.with_extension(extension);
        fs::read_to_string(&path).map_err(|error| Error::from(error).context(path.display()))
    };
    let request =
        |extension| Request::from_json(&read(extension)?).map_err(|error| error.context(extension));
    let (given, expected) = (request("in.json")?, request("out.json")?);
    let found = outcome(json_of_yaml(&read("yaml")?)?, given)?;
    Ok((found != expected).then(|| difference(&found, &expected)))
}

/// The lines that differ of both requests, in JSON, from the first to the last.
fn difference(found: &Request, expected: &Request) -> String {
    let text = |request: &Request| serde_json::to_string_pretty(&request.to_json()).expect("JSON");
    let (found, expected) = (text(found), text(expected));
    let (found, expected): (Vec<_>, Vec<_>) = (found.lines().collect(), expected.lines().collect());
    let same = |pairs: &mut dyn Iterator<Item = (&&str, &&str)>| {
        pairs.take_while(|(one, other)| one == other).count()
    };
    let before = same(&mut found.iter().zip(&expected));
    let most = found.len().min(expected.len()) - before;
    let after = same(&mut found.iter().rev().zip(expected.iter().rev())).min(most);
    let mut out = String::from("in JSON these lines differ (- expected, + found)\n");
    for (sign, lines) in [('-', &expected), ('+', &found)] {
        for line in lines.get(before..lines.len() - after).unwrap_or_default() {
            writeln!(out, "{sign} {line}").expect("writing to a string does not fail");
        }
    }
    out
}

/// A config in YAML as the host hands it on.
pub(crate) fn json_of_yaml(text: &str) -> Result<Value, String> {
    let documents = Yaml::load_from_str(text).map_err(|error| error.to_string())?;
    match documents.as_slice() {
        [document] => json(document),
        _ => Err("a config is one document".to_owned()),
    }
}

fn json(yaml: &Yaml<'_>) -> Result<Value, String> {
    Ok(match yaml {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(boolean)) => (*boolean).into(),
        Yaml::Value(Scalar::Integer(integer)) => (*integer).into(),
        Yaml::Value(Scalar::FloatingPoint(double)) => (**double).into(),
        Yaml::Value(Scalar::String(text)) => text.as_ref().into(),
        Yaml::Sequence(items) => items
            .iter()
            .map(json)
            .collect::<Result<Vec<_>, _>>()?
            .into(),
        Yaml::Mapping(entries) => {
            let entries = entries.iter().map(|(key, value)| {
                let key = key.as_str().ok_or("a key is a text")?;
                Ok::<_, String>((key.to_owned(), json(value)?))
            });
            Value::Object(entries.collect::<Result<_, _>>()?)
        }
        other => return Err(format!("no config has {other:?}")),
    })
}
