//! Mistakes in a config: serde says what is wrong and at which column of the JSON; this adds the key, since nobody sees the
//! JSON.

use std::fmt::Write;

use crate::Error;

/// The error with the key that it is about in front: `rules[2].action: invalid type: integer 7, expected a string`.
pub(crate) fn explain(config: &str, error: &serde_json::Error) -> Error {
    let message = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let message = message.strip_suffix(&place).unwrap_or(&message);
    let before = config
        .split_inclusive('\n')
        .take(error.line().saturating_sub(1))
        .map(str::len);
    let offset = before.sum::<usize>() + error.column();
    let path = path_at(config.as_bytes().get(..offset).unwrap_or(config.as_bytes()));
    let error = Error::new(message);
    if path.is_empty() {
        error
    } else {
        error.context(path)
    }
}

/// A level of the JSON that is still open where it was cut off.
enum Level {
    Object(Option<String>),
    Array(usize),
}

/// The path of the value in which this beginning of a JSON text ends.
fn path_at(json: &[u8]) -> String {
    let mut levels: Vec<Level> = Vec::new();
    let mut rest = json;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'{' => levels.push(Level::Object(None)),
            b'[' => levels.push(Level::Array(0)),
            // The last byte may be the end of the value that is wrong, which still belongs to it.
            b'}' | b']' | b',' if rest.is_empty() => {}
            b'}' | b']' => drop(levels.pop()),
            b',' => match levels.last_mut() {
                Some(Level::Object(key)) => *key = None,
                Some(Level::Array(index)) => *index += 1,
                None => {}
            },
            b'"' => {
                let (text, after) = string(rest);
                rest = after;
                if let Some(Level::Object(key @ None)) = levels.last_mut() {
                    *key = Some(text);
                }
            }
            _ => {}
        }
    }
    render(&levels)
}

/// The string that begins after a quote, and what follows it. Escapes stay as they are: this is for people.
fn string(json: &[u8]) -> (String, &[u8]) {
    let mut escaped = false;
    let end = json.iter().position(|byte| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    });
    let end = end.unwrap_or(json.len());
    let (text, rest) = json.split_at_checked(end).unwrap_or((json, &[]));
    (
        String::from_utf8_lossy(text).into_owned(),
        rest.get(1..).unwrap_or_default(),
    )
}

fn render(levels: &[Level]) -> String {
    let mut path = String::new();
    for level in levels {
        match level {
            Level::Object(Some(key)) if path.is_empty() => path.push_str(key),
            Level::Object(Some(key)) => {
                path.push('.');
                path.push_str(key);
            }
            Level::Object(None) => {}
            Level::Array(index) => {
                write!(path, "[{index}]").expect("writing to a string does not fail");
            }
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::explain;

    #[derive(Debug, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    #[derive(Default)]
    struct Config {
        name: String,
        rules: Vec<Rule>,
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Rule {
        #[serde(rename = "action")]
        _action: String,
    }

    fn message(json: &str) -> String {
        let error = serde_json::from_str::<Config>(json).unwrap_err();
        explain(json, &error).message().to_owned()
    }

    #[test]
    fn a_mistake_names_the_key() {
        assert_eq!(
            message(r#"{"name":7}"#),
            "name: invalid type: integer `7`, expected a string"
        );
        assert_eq!(
            message(r#"{"name":"a\"{","rules":[{"action":"x"},{"action":true}]}"#),
            "rules[1].action: invalid type: boolean `true`, expected a string"
        );
        assert_eq!(
            message("{\n  \"rules\": [\n    {\"action\": [] }]}"),
            "rules[0].action: invalid type: sequence, expected a string"
        );
        assert_eq!(
            message(r#"{"rules":[{}]}"#),
            "rules[0]: missing field `action`"
        );
        assert_eq!(
            message(r#"{"nome":7}"#),
            "nome: unknown field `nome`, expected `name` or `rules`"
        );
    }
}
