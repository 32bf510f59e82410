//! The plugin redact: hides e-mail addresses, card numbers, tokens, passwords and other secrets in every text of every table
//! of every signal, in place: what was found becomes `[redacted:email]` or the like, and nothing else changes.
//!
//! One read takes every value of the batch in one piece, one pass scans it (`scan`), and one edit writes back the leaves
//! that held something. What the place of a value says (`place`) is found out once a place, not for every value; places with
//! keys are among them, so that the keys of all rows are read only if one holds something. Batches without findings leave as
//! the bytes they came in.

mod action;
mod api_key;
mod assign;
mod card;
mod config;
mod detector;
mod email;
mod escape;
mod hash;
mod iban;
mod ip;
mod json;
mod label;
mod lists;
mod mask;
mod name;
mod named;
mod partial;
mod pattern;
mod pem;
mod phone;
mod place;
mod prose;
mod scan;
mod search;
mod shape;
mod sql;
mod ssn;
mod text;
mod token;
mod url;
mod value;
mod view;
mod weigh;
mod yaml;

use std::collections::BTreeMap;

use otlet_plugin::host::{self, Level};
use otlet_plugin::{Batch, Error, Kind, LeafEdits, Leaves, Manifest, OnError, Plugin, Table};

use action::{Action, Actions};
pub use config::Config;
pub use detector::Detector;
use detector::Wanted;
use hash::Hasher;
use lists::{Listed, Rules};
use mask::Covered;
pub use pattern::PatternConfig;
use place::{Places, Said};
use scan::{Finding, Quotes};
use search::Search;
use sql::Shaped;

/// The kinds of leaves that can hold a secret. A mask in place of a number makes it a string.
const VALUES: [Kind; 4] = [Kind::Text, Kind::Integer, Kind::Double, Kind::Bytes];

/// The plugin.
pub struct Redact {
    search: Search,
    rules: Rules,
    actions: Actions,
    hasher: Hasher,
    shapes_sql: bool,
    kinds: Vec<Kind>,
    places: Places,
}

impl Plugin for Redact {
    type Config = Config;

    fn manifest() -> Manifest {
        Manifest::new(env!("CARGO_PKG_VERSION")).on_error(OnError::DeadLetter)
    }

    fn new(config: Config) -> Result<Self, Error> {
        let (search, rules, actions) = config.read()?;
        if config.lacks_key(&actions) {
            host::log(Level::Warn, config::NO_KEY);
        }
        let hasher = match &config.hash_key {
            Some(key) => Hasher::new(key.bytes()),
            None => Hasher::new(&host::seed()),
        };
        let mut kinds = VALUES.to_vec();
        // What is denied is hidden whatever it is.
        kinds.extend(rules.deny().then_some(Kind::Boolean));
        Ok(Self {
            search,
            rules,
            actions,
            hasher,
            shapes_sql: config.sql.is_some(),
            kinds,
            places: Places::default(),
        })
    }

    fn process(&mut self, batch: &mut Batch) -> Result<(), Error> {
        let mut leaves = batch.leaves(Table::ALL, &self.kinds);
        let signal = batch.signal();
        let (rules, search) = (&self.rules, &self.search);
        let mut places = self.places.of(&leaves, signal, rules, search);
        if places.iter().any(|said| said.hidden_key) {
            let kinds = [&*self.kinds, &[Kind::Key]].concat();
            leaves = batch.leaves(Table::ALL, &kinds);
            places = self.places.of(&leaves, signal, rules, search);
        }
        let shaped = if self.shapes_sql {
            let hashed = self.actions.keep_apart().then_some(&self.hasher);
            sql::shape(&leaves, &places, hashed)
        } else {
            Vec::new()
        };
        let covered = mask::merge(self.find(&leaves, &places, &shaped));
        batch.replace_leaves(&self.edits(&leaves, &places, &covered, &shaped));
        count(&covered, &shaped);
        Ok(())
    }
}

otlet_plugin::export!(Redact);

impl Redact {
    /// All that is to be hidden, in no order.
    fn find(&self, leaves: &Leaves, places: &[Said], shaped: &[Shaped]) -> Vec<Finding> {
        let texts = leaves.texts();
        let mut findings = scan::scan(texts.data(), texts.ends(), &self.search);
        findings.retain(|found| {
            shaped
                .binary_search_by_key(&found.text, |it| it.leaf)
                .is_err()
        });
        findings.extend(in_shaped(shaped, &self.search));
        findings.retain(|found| {
            let leaf = leaves.get(found.text);
            let said = leaf.and_then(|leaf| Some((leaf, places.get(leaf.place)?)));
            said.is_none_or(|(leaf, said)| {
                let spared = said
                    .named
                    .spares(found.detector, &found.range, leaf.bytes());
                said.listed == Listed::No && !spared
            })
        });
        find_whole(leaves, places, self.search.wanted, &mut findings);
        findings
    }

    /// The leaves that change: those in which something is hidden, and those that were shaped.
    fn edits(
        &self,
        leaves: &Leaves,
        places: &[Said],
        covered: &[Covered],
        shaped: &[Shaped],
    ) -> LeafEdits {
        let mut edits = LeafEdits::new();
        let mut shaped = shaped.iter().peekable();
        for group in covered.chunk_by(|one, next| one.text == next.text) {
            let leaf = group.first().and_then(|hidden| leaves.get(hidden.text));
            let Some((leaf, said)) = leaf.and_then(|leaf| Some((leaf, places.get(leaf.place)?)))
            else {
                continue;
            };
            while let Some(before) = shaped.next_if(|shaped| shaped.leaf < leaf.index) {
                edits.push(before.leaf, &before.text);
            }
            let text = match shaped.next_if(|shaped| shaped.leaf == leaf.index) {
                Some(shaped) => shaped.text.as_bytes(),
                None => leaf.bytes(),
            };
            match self.replaced(text, group, said) {
                Some(text) => edits.push(leaf.index, &text),
                None => edits.remove(leaf.index),
            }
        }
        for rest in shaped {
            edits.push(rest.leaf, &rest.text);
        }
        edits
    }

    /// The text with replacements over what is covered; none if all of it goes.
    fn replaced(&self, text: &[u8], covered: &[Covered], said: &Said) -> Option<String> {
        let action = |hidden: &Covered| self.actions.of(hidden.detector, said.series);
        let mut out = String::with_capacity(text.len());
        mask::write(text, covered, &mut out, |hidden, value, out| {
            let how = (action(hidden), said.series);
            mask::replacement(hidden, value, how, &self.hasher, out);
        });
        // What is left of a number is none.
        let number = matches!(said.kind, Kind::Integer | Kind::Double);
        let removes = |hidden: &Covered| action(hidden) == Action::Remove;
        let gone = out.is_empty() || number && covered.iter().any(removes);
        if !gone {
            return Some(out);
        }
        if said.may_go {
            return None;
        }
        out.clear();
        mask::write(text, covered, &mut out, |hidden, _, out| {
            mask::plain(hidden.detector, out);
        });
        Some(out)
    }
}

/// One text with masks over all that the detectors find in it.
pub fn redacted(text: &str) -> String {
    let end = u32::try_from(text.len()).unwrap_or(u32::MAX);
    let findings = scan::scan(text.as_bytes(), &[end], &Search::default());
    let mut out = String::with_capacity(text.len());
    mask::write(
        text.as_bytes(),
        &mask::merge(findings),
        &mut out,
        |hidden, _, out| mask::plain(hidden.detector, out),
    );
    out
}

/// What is in the texts that statements became.
fn in_shaped(shaped: &[Shaped], search: &Search) -> Vec<Finding> {
    let (mut data, mut ends) = (String::new(), Vec::new());
    for shaped in shaped {
        data.push_str(&shaped.text);
        ends.push(u32::try_from(data.len()).unwrap_or(u32::MAX));
    }
    let mut findings = scan::scan(data.as_bytes(), &ends, search);
    for found in &mut findings {
        found.text = shaped
            .get(found.text)
            .map_or(usize::MAX, |shaped| shaped.leaf);
    }
    findings
}

/// Finds the leaves that are hidden whole because of where they stand: denied, or at any depth under a key that names a
/// secret.
fn find_whole(leaves: &Leaves, places: &[Said], wanted: Wanted, findings: &mut Vec<Finding>) {
    if !places.iter().any(Said::may_hide) {
        return;
    }
    for leaf in leaves.iter() {
        let said = places.get(leaf.place).filter(|said| said.may_hide());
        let hidden = said.and_then(|said| said.hides(leaf.bytes(), wanted));
        findings.extend(hidden.map(|detector| Finding {
            text: leaf.index,
            range: 0..leaf.bytes().len(),
            detector,
            quotes: Quotes::None,
        }));
    }
}

/// Counts what was hidden, by detector, and the statements that were shaped. What it was is told nowhere.
fn count(covered: &[Covered], shaped: &[Shaped]) {
    let mut hidden = BTreeMap::new();
    for covered in covered {
        *hidden.entry(covered.detector).or_insert(0) += 1;
    }
    for (detector, hidden) in hidden {
        host::count(&format!("redacted_{}", detector.name()), hidden);
    }
    if !shaped.is_empty() {
        host::count("shaped_sql", shaped.len());
    }
}
