//! YAML as serde takes it.

use std::path::Path;

use anyhow::{Context, anyhow, bail};
use saphyr::{LoadableYamlNode as _, Scalar, Yaml};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Reads a file of one document.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> anyhow::Result<T> {
    let text = std::fs::read_to_string(path)
        .map_err(anyhow::Error::from)
        .with_context(|| path.display().to_string())?;
    parse(&text).with_context(|| path.display().to_string())
}

pub(crate) fn parse<T: DeserializeOwned>(text: &str) -> anyhow::Result<T> {
    let documents = Yaml::load_from_str(text)?;
    let [document] = documents.as_slice() else {
        bail!("it is not one document");
    };
    Ok(serde_json::from_value(json(document)?)?)
}

fn json(yaml: &Yaml<'_>) -> anyhow::Result<Value> {
    Ok(match yaml {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(boolean)) => (*boolean).into(),
        Yaml::Value(Scalar::Integer(integer)) => (*integer).into(),
        Yaml::Value(Scalar::FloatingPoint(double)) => (**double).into(),
        Yaml::Value(Scalar::String(text)) => text.as_ref().into(),
        Yaml::Sequence(items) => Value::Array(items.iter().map(json).collect::<Result<_, _>>()?),
        Yaml::Mapping(entries) => {
            let entries = entries.iter().map(|(key, value)| {
                let key = key.as_str().context("a key is a text")?;
                anyhow::Ok((key.to_owned(), json(value)?))
            });
            Value::Object(entries.collect::<Result<_, _>>()?)
        }
        other => return Err(anyhow!("no scenario has {other:?}")),
    })
}
