//! Leaves, read and replaced on both sides.

use std::collections::{BTreeMap, BTreeSet};

use otlet::batch;
use otlet_plugin::{
    Kind, Table,
    testing::{PackedLeaves, PackedTexts},
};

use crate::steps::Run;

/// A leaf, to be found again on the other side: row, path, kind, text.
pub(crate) type Key = (u32, String, String, String);

/// Texts in one piece, for both sides.
pub(crate) fn pack(texts: &[Option<String>]) -> (batch::PackedTexts, PackedTexts) {
    let mut packed = PackedTexts::default();
    for (index, text) in texts.iter().enumerate() {
        if index % 8 == 0 {
            packed.present.push(0);
        }
        if let Some(text) = text {
            packed.data.extend_from_slice(text.as_bytes());
            packed.present[index / 8] |= 1 << (index % 8);
        }
        packed.ends.push(u32::try_from(packed.data.len()).unwrap());
    }
    let PackedTexts {
        data,
        ends,
        present,
    } = packed.clone();
    (
        batch::PackedTexts {
            data,
            ends,
            present,
        },
        packed,
    )
}

pub(crate) fn of_host(leaves: batch::Leaves) -> PackedLeaves {
    let batch::Leaves {
        texts,
        rows,
        places,
        place_paths,
        place_kinds,
    } = leaves;
    let batch::PackedTexts {
        data,
        ends,
        present,
    } = texts;
    let texts = PackedTexts {
        data,
        ends,
        present,
    };
    PackedLeaves {
        texts,
        rows,
        places,
        place_paths,
        place_kinds,
    }
}

/// The leaves one by one, in order.
pub(crate) fn list(leaves: &PackedLeaves) -> Vec<Key> {
    let mut start = 0;
    let mut keys = Vec::new();
    for (index, end) in leaves.texts.ends.iter().enumerate() {
        let text = leaves.texts.data.get(start..*end as usize).unwrap();
        start = *end as usize;
        let place = leaves.places[index] as usize;
        let (path, kind) = (
            leaves.place_paths[place].clone(),
            leaves.place_kinds[place].clone(),
        );
        keys.push((
            leaves.rows[index],
            path,
            kind,
            String::from_utf8(text.to_vec()).unwrap(),
        ));
    }
    keys
}

/// For every leaf of the host the same one of the model. Within a row the order is that of the wire, which the model knows of
/// no edited row.
fn pairs(host: &[Key], model: &[Key]) -> Vec<(u32, u32)> {
    let places = |keys: &[Key]| {
        let mut places: BTreeMap<Key, Vec<u32>> = BTreeMap::new();
        for (index, key) in keys.iter().enumerate() {
            places
                .entry(key.clone())
                .or_default()
                .push(u32::try_from(index).unwrap());
        }
        places
    };
    let (host, model) = (places(host), places(model));
    for (key, at) in &host {
        assert_eq!(
            model.get(key).map_or(0, Vec::len),
            at.len(),
            "leaves of the model: {key:?}"
        );
    }
    for (key, at) in &model {
        assert_eq!(
            host.get(key).map_or(0, Vec::len),
            at.len(),
            "leaves of the host: {key:?}"
        );
    }
    let pairs = host
        .into_values()
        .flatten()
        .zip(model.into_values().flatten());
    let mut pairs: Vec<_> = pairs.collect();
    pairs.sort_unstable();
    pairs
}

/// The order of tables and rows, which holds whatever was edited.
fn rows(keys: &[Key]) -> Vec<(&str, u32)> {
    let table = |path: &'_ str| path.find('.').unwrap_or(path.len());
    keys.iter()
        .map(|(row, path, ..)| (path.get(..table(path)).unwrap(), *row))
        .collect()
}

/// The places of keys, which are named whether keys were asked for or not.
fn keys(leaves: &PackedLeaves) -> BTreeSet<&str> {
    let kinds = leaves.place_kinds.iter();
    let places = leaves.place_paths.iter().zip(kinds);
    let keys = places.filter(|(_, kind)| *kind == "key");
    keys.map(|(path, _)| path.as_str()).collect()
}

/// Asks both sides for leaves; pairs of their numbers, and what they are.
fn ask(run: &mut Run<'_>, tables: &[String], kinds: &[String]) -> (Vec<(u32, u32)>, Vec<Key>) {
    let host = of_host(run.host.all_leaves(tables, kinds).unwrap());
    let model = run.model.all_leaves(tables, kinds).unwrap();
    assert_eq!(keys(&host), keys(&model), "the places of keys");
    let (host, model) = (list(&host), list(&model));
    let pairs = pairs(&host, &model);
    assert_eq!(rows(&host), rows(&model), "the order of the leaves' rows");
    (pairs, host)
}

/// Compares every leaf.
pub(crate) fn compare(run: &mut Run<'_>) {
    let tables: Vec<_> = Table::ALL
        .iter()
        .map(|table| table.name().to_owned())
        .collect();
    let kinds: Vec<_> = Kind::ALL
        .iter()
        .map(|kind| kind.name().to_owned())
        .collect();
    ask(run, &tables, &kinds);
}

/// Asks for some leaves and replaces some of them, once or twice.
pub(crate) fn step(run: &mut Run<'_>) -> bool {
    let mut tables: Vec<_> = Table::ALL
        .iter()
        .map(|table| table.name().to_owned())
        .collect();
    run.rng.shuffle(&mut tables);
    tables.truncate(run.rng.usize(1..=tables.len()));
    let mut kinds: Vec<_> = Kind::ALL
        .iter()
        .map(|kind| kind.name().to_owned())
        .collect();
    run.rng.shuffle(&mut kinds);
    kinds.truncate(run.rng.usize(1..=kinds.len()));
    run.done.push(format!("all_leaves {tables:?} {kinds:?}"));
    let (pairs, keys) = ask(run, &tables, &kinds);
    for _ in 0..run.rng.usize(..3) {
        let mut chosen = Vec::new();
        for (host, model) in &pairs {
            if run.rng.u8(..4) == 0 {
                let text = match run.rng.u8(..4) {
                    0 => None,
                    1 => Some(String::new()),
                    _ => Some(format!("new{}", run.rng.u8(..))),
                };
                chosen.push((*host, *model, text));
            }
        }
        let shown: Vec<_> = chosen
            .iter()
            .map(|(host, _, text)| (&keys[*host as usize], text))
            .collect();
        run.done.push(format!("replace_leaves {shown:?}"));
        replace(run, chosen);
    }
    true
}

fn replace(run: &mut Run<'_>, mut chosen: Vec<(u32, u32, Option<String>)>) {
    let texts: Vec<_> = chosen.iter().map(|(.., text)| text.clone()).collect();
    let numbers: Vec<_> = chosen.iter().map(|(host, ..)| *host).collect();
    run.host.replace_leaves(&numbers, &pack(&texts).0).unwrap();
    chosen.sort_by_key(|(_, model, _)| *model);
    let texts: Vec<_> = chosen.iter().map(|(.., text)| text.clone()).collect();
    let numbers: Vec<_> = chosen.iter().map(|(_, model, _)| *model).collect();
    run.model.replace_leaves(&numbers, &pack(&texts).1).unwrap();
}
