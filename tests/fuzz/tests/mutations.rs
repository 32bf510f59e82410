//! Every target takes its seeds, mutations of them, and random bytes.

#![allow(
    clippy::indexing_slicing,
    reason = "everything here is a test, the functions that tests share included"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use fastrand::Rng;
use otlet::batch::Signal;
use otlet_fuzz::{TARGETS, Target, batch};

/// Mutations of the seeds of each target; of each signal where the target is a batch.
const MUTATIONS: usize = 20_000;
/// Inputs without any sense.
const RANDOM: usize = 1_000;

macro_rules! targets {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                let target = otlet_fuzz::$name::TARGET;
                fuzz(&target, &(target.seeds)());
            }
        )*

        const TESTED: &[&str] = &["batch", $(stringify!($name)),*];
    };
}

targets! { calls column config grpc gzip http json lift link redact trace_state zlib zstd }

#[test]
fn batch_of_traces() {
    fuzz(&batch::TARGET, &batch::seeds(Signal::Traces));
}

#[test]
fn batch_of_metrics() {
    fuzz(&batch::TARGET, &batch::seeds(Signal::Metrics));
}

#[test]
fn batch_of_logs() {
    fuzz(&batch::TARGET, &batch::seeds(Signal::Logs));
}

#[test]
fn every_target_is_tested_and_has_an_example() {
    let targets: BTreeSet<_> = TARGETS.map(|target| target.name.to_owned()).into();
    let tested = TESTED.iter().map(|name| (*name).to_owned());
    assert_eq!(tested.collect::<BTreeSet<_>>(), targets);
    let examples = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples"));
    let examples = examples.unwrap().map(|entry| entry.unwrap().path());
    let examples = examples.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned());
    let programs: BTreeSet<_> = examples.filter(|name| name != "seeds").collect();
    assert_eq!(programs, targets);
}

fn fuzz(target: &Target, seeds: &[Vec<u8>]) {
    let mut random = Rng::with_seed(4317);
    // Changes to what is taken come further than changes to what is refused, of which pieces are put in.
    let sound: Vec<_> = seeds.iter().filter(|seed| (target.run)(seed)).collect();
    let mut taken = 0;
    for _ in 0..MUTATIONS {
        let mut input = (*random.choice(&sound).expect("a seed that is taken")).clone();
        for byte in &mut input[target.choices.clone()] {
            *byte = random.u8(..);
        }
        let mut rest = input.split_off(target.choices.end);
        for _ in 0..random.usize(1..=4) {
            mutate(&mut rest, target, seeds, &mut random);
        }
        input.append(&mut rest);
        taken += usize::from((target.run)(&input));
    }
    // A test that only ever sees what is refused at once would find nothing.
    assert!(taken > MUTATIONS / 100, "only {taken} mutations were taken");
    for _ in 0..RANDOM {
        let input: Vec<u8> = (0..random.usize(..300)).map(|_| random.u8(..)).collect();
        (target.run)(&input);
    }
}

/// Changes an input in one place.
fn mutate(input: &mut Vec<u8>, target: &Target, seeds: &[Vec<u8>], random: &mut Rng) {
    let from = random.usize(..=input.len());
    let to = (from + random.usize(..12)).min(input.len());
    match random.u8(..7) {
        0 => drop(input.drain(from..to)),
        1 => input.insert(from, random.u8(..)),
        2 => input.truncate(input.len() - random.usize(..8).min(input.len())),
        3 => {
            let word = random.choice(target.words).copied().unwrap_or_default();
            input.splice(from..from, word.bytes());
        }
        4 => {
            let other = random.choice(seeds).expect("seeds");
            let start = random.usize(..=other.len());
            let end = (start + random.usize(..64)).min(other.len());
            input.splice(from..to, other[start..end].iter().copied());
        }
        kind => {
            if let Some(byte) = input.get_mut(from) {
                *byte = if kind == 5 {
                    random.u8(..)
                } else {
                    *byte ^ 1 << random.u8(..8)
                };
            }
        }
    }
}
