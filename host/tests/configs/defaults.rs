//! What `otlet config defaults` prints is what the code does: each value is the default, and every key is there.

use otlet::config::{self, Config, DEFAULTS};

/// The same components, with nothing said that has a default.
const SILENT: &str = r#"
receivers:
  otlp: { protocols: { grpc: , http: } }
  jsonlines: { include: [/var/log/shop/*.log] }
processors:
  sample:
exporters:
  otlp: { endpoint: "http://127.0.0.1:14317" }
  otlphttp: { endpoint: "http://127.0.0.1:14318" }
  file: { path: otlet.json }
  debug:
connectors:
  groupbytrace:
  spanmetrics:
service:
  pipelines:
    traces: { receivers: [otlp], processors: [], exporters: [groupbytrace, spanmetrics] }
    traces/whole: { receivers: [groupbytrace], processors: [sample], exporters: [otlp, otlphttp] }
    metrics: { receivers: [otlp, spanmetrics], processors: [], exporters: [otlp] }
    logs: { receivers: [otlp, jsonlines], processors: [], exporters: [debug, file] }
"#;

/// The mappings whose keys are compared, at the least.
const COMPARED: usize = 15;

fn read(text: &str) -> Result<Config, String> {
    config::parse("defaults.yaml", text.as_bytes(), &|_| None)
        .finish()
        .map(|loaded| loaded.config)
        .map_err(|report| report.to_string())
}

/// The defaults with what has none: `#key: value` is a key, `# Words` is a comment.
fn with_examples() -> String {
    let lines = DEFAULTS.lines().map(|line| {
        let key = line.trim_start();
        match key.strip_prefix('#') {
            Some(rest) if !rest.starts_with(' ') => line.replacen('#', "", 1),
            Some(_) => String::new(),
            None => line.to_owned(),
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// A mapping: the whole text with an unknown key in it, and the keys that it has.
struct Mapping {
    text: String,
    keys: Vec<String>,
}

fn key(text: &str) -> Option<String> {
    text.trim_start()
        .split_once(':')
        .map(|(key, _)| key.to_owned())
}

/// Every mapping of the defaults, in blocks and in braces.
fn mappings() -> Vec<Mapping> {
    let text = with_examples();
    let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    let mut mappings = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let with = |changed: String| {
            let mut lines: Vec<_> = lines.iter().map(ToString::to_string).collect();
            lines[at] = changed;
            lines.join("\n")
        };
        if let Some((before, inside)) = line.split_once(": { ") {
            // A mapping in braces within one is read as a key of its own, which no case has more of.
            let inside = inside.trim_end_matches([' ', '}']);
            mappings.push(Mapping {
                text: with(format!("{before}: {{ unheard_of: 1, {inside} }}")),
                keys: inside.split(", ").filter_map(key).collect(),
            });
        }
        let begins = at == 0 || indent(lines[at - 1]) < indent(line);
        if begins {
            let block = lines[at..]
                .iter()
                .take_while(|other| indent(other) >= indent(line))
                .filter(|other| indent(other) == indent(line));
            let spaces = " ".repeat(indent(line));
            mappings.push(Mapping {
                text: with(format!("{spaces}unheard_of: 1\n{line}")),
                keys: block.filter_map(|other| key(other)).collect(),
            });
        }
    }
    mappings
}

/// The keys that the code knows in the mapping that has the unknown one; none where the user names them.
fn known(text: &str) -> Option<Vec<String>> {
    let report = read(text).err()?;
    let (_, after) = report
        .split_once("unknown key \"unheard_of\"")
        .or_else(|| report.split_once("unknown key `unheard_of`"))?;
    let cure = after
        .lines()
        .find_map(|line| line.split_once("the keys here are "))?;
    let names = cure.1.replace(" and ", ", ");
    Some(
        names
            .split(", ")
            .map(|name| name.trim_matches('`').to_owned())
            .collect(),
    )
}

#[test]
fn every_value_that_is_printed_is_the_default() {
    let printed = read(DEFAULTS).unwrap();
    let silent = read(SILENT).unwrap();
    assert_eq!(format!("{printed:#?}"), format!("{silent:#?}"));
}

#[test]
fn every_key_that_the_code_knows_is_printed() {
    let mut compared = 0;
    for mapping in mappings() {
        let Some(mut known) = known(&mapping.text) else {
            continue;
        };
        let mut printed = mapping.keys;
        known.sort();
        printed.sort();
        assert_eq!(printed, known);
        compared += 1;
    }
    assert!(compared >= COMPARED, "{compared}");
}
