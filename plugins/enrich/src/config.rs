//! What the config says: a list of actions, each with a verb.
//!
//! A list, because what an action finds depends on those before it, and a map has no order; verbs as keys, because then an
//! action reads as the sentence that it is. What is wrong with one is said by `action`, which knows the paths.

use schemars::JsonSchema;
use serde::Deserialize;

/// Sets, copies, renames and removes attributes and fields of resources, scopes and records of every signal.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What is done, in this order: each action sees what those before it did. Example:
    /// `actions: [{ remove: 'record.attributes["http.user_agent"]' }]`.
    pub actions: Vec<Action>,
}

/// One action: exactly one of `set`, `copy`, `rename` and `remove`.
///
/// Paths are OTTL's: `resource.attributes["service.name"]`, `scope.name`, `record.attributes["http.route"]`, `log.body`.
/// `record.` is a span, log record or data point; `span.`, `log.` and `datapoint.` are those of one signal.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend(
    "oneOf" = [
        {"required": ["set"]}, {"required": ["copy"]}, {"required": ["rename"]}, {"required": ["remove"]}
    ],
    "dependentRequired" = {"set": ["value"], "value": ["set"], "copy": ["to"], "rename": ["to"]}
))]
pub struct Action {
    /// Sets this attribute or field to `value`. Example: `set: resource.attributes["team"]`.
    pub set: Option<String>,

    /// Copies this attribute or field to `to`, with its type, where it is there. `to` is of the same row or of the rows in
    /// it, such as a resource's attribute and its records. Example: `copy: resource.attributes["service.name"]`.
    pub copy: Option<String>,

    /// Renames this attribute to `to`, where it is there. Example: `rename: record.attributes["http.url"]`.
    pub rename: Option<String>,

    /// Removes these attributes; clears these fields. Example: `remove: record.attributes["http.user_agent"]`.
    pub remove: Option<Paths>,

    /// What `set` sets: a text, a number, true or false, a list or a map. Example: `value: blue`.
    #[schemars(extend("type" = ["string", "number", "boolean", "array", "object"]))]
    pub value: Option<serde_json::Value>,

    /// Where `copy` and `rename` lead. Example: `to: record.attributes["url.full"]`.
    pub to: Option<String>,

    /// When to do it, by what stands at the target: `always` (the default), only where it is `missing`, or only where it is
    /// `present`. The Collector calls these upsert, insert and update. Example: `if: missing`.
    #[serde(rename = "if")]
    pub when: Option<When>,
}

/// When an action is done, by what stands at its target.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// Whatever stands there.
    #[default]
    Always,
    /// Where nothing stands there.
    Missing,
    /// Where something stands there.
    Present,
}

/// A path, or a list of them.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a path or a list of paths")]
pub enum Paths {
    /// One path.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl Paths {
    /// The paths, one by one.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        match self {
            Self::One(path) => std::slice::from_ref(path),
            Self::Many(paths) => paths,
        }
        .iter()
        .map(String::as_str)
    }
}
