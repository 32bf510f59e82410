//! The plugin redact: hides e-mail addresses, card numbers, tokens, passwords and other secrets in every text of every table
//! of every signal, in place: what was found becomes `[redacted:email]` or the like, and nothing else changes.
//!
//! One read takes every value of the batch in one piece, one pass scans it (`scan`), and one edit writes back the leaves
//! that held something. Batches without findings leave as the bytes they came in. Keys are the same in every row: each is
//! scanned once, and only if one holds something are the keys of all rows read.

mod api_key;
mod assign;
mod card;
mod detector;
mod email;
mod escape;
mod iban;
mod ip;
mod json;
mod label;
mod leaf;
mod mask;
mod name;
mod pattern;
mod pem;
mod phone;
mod prose;
mod scan;
mod search;
mod shape;
mod ssn;
mod text;
mod token;
mod url;
mod value;
mod view;
mod weigh;
mod yaml;

use std::collections::BTreeMap;

use otlet_plugin::{Batch, Error, Kind, LeafEdits, Leaves, Manifest, OnError, Plugin, Table, host};
use schemars::JsonSchema;
use serde::Deserialize;

pub use detector::Detector;
pub use pattern::PatternConfig;
use pattern::Patterns;
use scan::Finding;
use search::Search;

/// The kinds of leaves that can hold a secret, the rarest last. A mask in place of a number makes it a string.
const KINDS: [Kind; 5] = [
    Kind::Text,
    Kind::Integer,
    Kind::Double,
    Kind::Bytes,
    Kind::Key,
];

/// The config of redact.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What to look for: all that there is, unless it is listed here. Example: `[email, credit_card]`
    pub detectors: Vec<Detector>,
    /// What to look for besides. Example: `[{ name: customer_no, pattern: 'CUST-\d{6}' }]`
    pub patterns: Vec<PatternConfig>,
    /// Whether the detector `ip` also hides addresses of private networks and of the machine itself, which it keeps unless
    /// asked. Example: `true`
    pub private_addresses: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            detectors: Detector::ALL.to_vec(),
            patterns: Vec::new(),
            private_addresses: false,
        }
    }
}

/// The plugin.
pub struct Redact {
    search: Search,
}

impl Plugin for Redact {
    type Config = Config;

    fn manifest() -> Manifest {
        Manifest::new(env!("CARGO_PKG_VERSION")).on_error(OnError::Reject)
    }

    fn new(config: Config) -> Result<Self, Error> {
        if config.detectors.is_empty() {
            return Err(
                "detectors: is empty, name at least one or leave the key out for all".into(),
            );
        }
        Ok(Self {
            search: Search {
                patterns: Patterns::new(&config.patterns)?,
                private_addresses: config.private_addresses,
                ..Search::of(&config.detectors)
            },
        })
    }

    fn process(&mut self, batch: &mut Batch) -> Result<(), Error> {
        let [values @ .., _] = &KINDS;
        let mut leaves = batch.leaves(Table::ALL, values);
        if has_secret_key(&leaves, &self.search) {
            leaves = batch.leaves(Table::ALL, &KINDS);
        }
        let texts = leaves.texts();
        let mut findings = scan::scan(texts.data(), texts.ends(), &self.search);
        findings.retain(|found| !leaf::is_other(&leaves, found));
        leaf::find(&leaves, self.search.wanted, &mut findings);
        let findings = mask::merge(findings);
        batch.replace_leaves(&masked(&leaves, &findings));
        count(&findings);
        Ok(())
    }
}

otlet_plugin::export!(Redact);

/// Whether a key, itself, holds something to hide.
fn has_secret_key(leaves: &Leaves, search: &Search) -> bool {
    let (mut data, mut ends) = (String::new(), Vec::new());
    for place in leaves.places() {
        if place.kind == Kind::Key
            && let Some(key) = place.keys().last()
        {
            data.push_str(key);
            ends.push(u32::try_from(data.len()).unwrap_or(u32::MAX));
        }
    }
    !scan::scan(data.as_bytes(), &ends, search).is_empty()
}

/// One text with masks over all that the detectors find in it.
pub fn redacted(text: &str) -> String {
    let end = u32::try_from(text.len()).unwrap_or(u32::MAX);
    let findings = scan::scan(text.as_bytes(), &[end], &Search::default());
    let mut out = String::with_capacity(text.len());
    mask::write(text.as_bytes(), &mask::merge(findings), |piece| {
        out.push_str(piece);
    });
    out
}

/// The leaves that hold findings, with masks over them.
fn masked(leaves: &Leaves, findings: &[Finding]) -> LeafEdits {
    let mut edits = LeafEdits::new();
    for group in findings.chunk_by(|one, next| one.text == next.text) {
        let Some(leaf) = group.first().and_then(|found| leaves.get(found.text)) else {
            continue;
        };
        edits.push_with(leaf.index, |out| {
            mask::write(leaf.bytes(), group, |piece| out.push_str(piece));
        });
    }
    edits
}

/// Counts what was masked, by detector. What it was is told nowhere.
fn count(findings: &[Finding]) {
    let mut masked = BTreeMap::new();
    for found in findings {
        *masked.entry(found.detector).or_insert(0) += 1;
    }
    for (detector, masked) in masked {
        host::count(&format!("redacted_{}", detector.name()), masked);
    }
}
