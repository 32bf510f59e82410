//! What the config says: a list of actions, each with a verb, and the tables that they look things up in.
//!
//! A list, because what an action finds depends on those before it, and a map has no order; verbs as keys, because then an
//! action reads as the sentence that it is. What is wrong with one is said by `action`, which knows the paths.

use std::collections::BTreeMap;

use otlet_conditions::Condition;
use schemars::JsonSchema;
use serde::Deserialize;

/// Sets, copies, moves, renames, removes, extracts, converts, hashes and looks up attributes and fields of resources, scopes
/// and records of every signal.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What is done, in this order: each action sees what those before it did. Example:
    /// `actions: [{ remove: 'record.attributes["http.user_agent"]' }]`.
    pub actions: Vec<Action>,

    /// The tables of `lookup`, by name. Example: `tables: { teams: { csv: "${file:teams.csv}", key: service } }`.
    pub tables: BTreeMap<String, Table>,
}

/// One action: exactly one verb (`set`, `copy`, `move`, `rename`, `remove`, `remove_matching`, `keep_matching`, `extract`,
/// `replace`, `truncate`, `lowercase`, `uppercase`, `convert`, `hash`, `lookup`) and what belongs to it.
///
/// Paths are OTTL's: `resource.attributes["service.name"]`, `scope.name`, `record.attributes["http.route"]`, `log.body`.
/// `record.` is a span, log record or data point; `span.`, `log.` and `datapoint.` are those of one signal.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Action {
    /// Sets this attribute or field to `value`, or to what `template` makes. Example: `set: resource.attributes["team"]`.
    pub set: Option<String>,

    /// Copies this attribute or field to `to`, with its type, where it is there. `to` is of the same row or of the rows in
    /// it, such as a resource's attribute and its records. Example: `copy: resource.attributes["service.name"]`.
    pub copy: Option<String>,

    /// Copies this attribute or field to `to`, where it is there, and removes it. `to` may be of the rows in its own, as with
    /// `copy`. Example: `move: resource.attributes["k8s.pod.uid"]`.
    #[serde(rename = "move")]
    pub move_: Option<String>,

    /// Renames this attribute to `to`, where it is there. Example: `rename: record.attributes["http.url"]`.
    pub rename: Option<String>,

    /// Removes these attributes; clears these fields. Example: `remove: record.attributes["http.user_agent"]`.
    pub remove: Option<Paths>,

    /// Removes the attributes of the table `from` whose keys a regular expression finds. Example:
    /// `remove_matching: '^http\.request\.header\.'`.
    pub remove_matching: Option<String>,

    /// Removes the attributes of the table `from` whose keys a regular expression does not find. Example:
    /// `keep_matching: '^(http|url)\.'`.
    pub keep_matching: Option<String>,

    /// Puts what the named groups of `pattern` find in this text into attributes: those of the groups' names in the same row,
    /// or where `to` says. Example: `extract: record.attributes["url.path"]`.
    pub extract: Option<String>,

    /// Replaces what `pattern` finds in these texts by `with`. Example: `replace: span.name`. Here and with `truncate`,
    /// `lowercase` and `uppercase`, `record.attributes` without a key is every text in all attributes of the record.
    pub replace: Option<Paths>,

    /// Cuts these texts to `length` characters. Example: `truncate: record.attributes`.
    pub truncate: Option<Paths>,

    /// Puts these texts in lower case. Example: `lowercase: record.attributes["http.request.method"]`.
    pub lowercase: Option<Paths>,

    /// Puts these texts in upper case. Example: `uppercase: log.severity_text`.
    pub uppercase: Option<Paths>,

    /// Converts these to the type `as`, in place or into `to`. Example:
    /// `convert: record.attributes["http.response.status_code"]`.
    pub convert: Option<Paths>,

    /// Puts the SHA-256 of these in their place, or into `to`, in hexadecimal. Example: `hash: record.attributes["user.id"]`.
    pub hash: Option<Paths>,

    /// Looks this up in the table `in`, and sets what its row has. Example: `lookup: resource.attributes["service.name"]`.
    pub lookup: Option<String>,

    /// What `set` sets: a text, a number, true or false, a list or a map. Example: `value: blue`.
    #[schemars(extend("type" = ["string", "number", "boolean", "array", "object"]))]
    pub value: Option<serde_json::Value>,

    /// What `set` sets, with paths in braces for what is there, perhaps with a default; a brace is two. Where a path without
    /// a default has nothing, nothing is done. Example: `template: '{resource.attributes["service.name"]|unknown}: {span.name}'`.
    pub template: Option<String>,

    /// Where `copy`, `move`, `rename`, `convert` and `hash` lead; of `extract` a path for each group, of `lookup` one for each
    /// column. Example: `to: record.attributes["url.full"]`.
    pub to: Option<To>,

    /// A regular expression, for `extract` with named groups. Example: `pattern: '^/users/(?P<user_id>\d+)'`.
    pub pattern: Option<String>,

    /// What stands before the groups' names in `extract` without `to`. Example: `prefix: 'url.'`.
    pub prefix: Option<String>,

    /// What `replace` puts there: `$1`, and as a config file has it `$${1}` or `$${name}`, are what a group found, and `$$$$` is
    /// a dollar sign. Example: `with: '/users/$1'`.
    pub with: Option<String>,

    /// How many characters `truncate` leaves, or how many hexadecimal digits `hash` gives: 64, unless it says so. Example:
    /// `length: 4096`.
    pub length: Option<u32>,

    /// The type that `convert` gives. Example: `as: integer`.
    #[serde(rename = "as")]
    pub as_: Option<As>,

    /// With it `hash` makes HMAC-SHA-256, which nobody without the key can guess. Example: `key: ${env:HASH_KEY}`.
    pub key: Option<String>,

    /// The table that `lookup` looks into. Example: `in: teams`.
    #[serde(rename = "in")]
    pub in_: Option<String>,

    /// What `lookup` sets for a column where the table has no row. Example: `default: { team: unknown }`.
    pub default: Option<BTreeMap<String, serde_json::Value>>,

    /// The table whose attributes `remove_matching` and `keep_matching` look at: `resource`, `scope`, `metric`, `record`,
    /// `span`, `log`, `datapoint`, `event`, `link` or `exemplar`. Example: `from: record`.
    pub from: Option<String>,

    /// When to do it, by what stands at the target: `always` (the default), only where it is `missing`, or only where it is
    /// `present`. The Collector calls these upsert, insert and update. Example: `if: missing`.
    #[serde(rename = "if")]
    pub if_: Option<If>,

    /// When to do it, by what stands anywhere in the row and above it: a map of paths, all of which must hold, or a list of
    /// maps, one of which must. Example: `when: { span.name: /health }`.
    pub when: Option<Condition>,
}

/// When an action is done, by what stands at its target.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum If {
    /// Whatever stands there.
    #[default]
    Always,
    /// Where nothing stands there.
    Missing,
    /// Where something stands there.
    Present,
}

/// What `convert` makes.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum As {
    /// A text.
    #[default]
    Text,
    /// An integer.
    Integer,
    /// A double.
    Double,
    /// True or false.
    Boolean,
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
    pub(crate) fn all(&self) -> &[String] {
        match self {
            Self::One(path) => std::slice::from_ref(path),
            Self::Many(paths) => paths,
        }
    }
}

/// Where something goes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a path or a map of names to paths")]
pub enum To {
    /// To one path.
    Path(String),
    /// Each group or column to a path of its own.
    Each(BTreeMap<String, String>),
}

/// A table: exactly one of `csv`, `json` and `rows`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Table {
    /// Lines of comma-separated values, the first of which names the columns. Example: `csv: ${file:teams.csv}`.
    pub csv: Option<String>,

    /// JSON: an object of objects, or a list of objects. Example: `json: ${file:owners.json}`.
    pub json: Option<String>,

    /// Rows written here: a map of maps, or a list of maps. Example: `rows: { cart: { team: checkout } }`.
    #[schemars(extend("type" = ["object", "array"]))]
    pub rows: Option<serde_json::Value>,

    /// The column that `lookup` finds a row by, in `csv` and in a list of rows. Example: `key: service`.
    pub key: Option<String>,
}
