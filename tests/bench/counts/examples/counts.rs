//! Counts the instructions that `batch` takes for a record, with callgrind, and compares them with `counts.txt`:
//! `cargo run --release -p otlet-counts --example counts`. It fails if a case takes over a tenth more than the table says.
//!
//! Whoever makes something dearer on purpose, or cheaper, renews the table and says why in the commit:
//! `cargo run --release -p otlet-counts --example counts -- renew`. Where the instructions go shows
//! `callgrind_annotate target/counts/NUMBER`, with the number that the case has in the list.
//!
//! Counts are of this toolchain on x86-64, on any machine with AVX2: callgrind shows programs nothing newer. A count is not a
//! time: what waits for memory or for its own last result costs more than its instructions. Look at `--example plugins` of
//! `otlet-bench` before a change is kept for its count alone.
#![allow(
    clippy::print_stdout,
    reason = "an instrument, whose output is what it is for"
)]

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use otlet_counts::batch::{Batch, Signal};
use otlet_counts::cases::{CASES, Case, counted};
use otlet_counts::requests::{self, Request};

/// What a count may rise to, of what it was.
const MOST: f64 = 1.1;

fn main() -> Result<()> {
    match env::args().nth(1).as_deref() {
        None => compare(&measured()?),
        Some("renew") => Ok(fs::write(table(), shown(&measured()?))?),
        Some("run") => run(),
        Some(other) => bail!("{other}: write nothing, or `renew` to write the table anew"),
    }
}

/// Every case of every request, in the order that they run in.
fn each(requests: &[Request]) -> impl Iterator<Item = (&Request, &'static Case)> {
    let all = requests
        .iter()
        .flat_map(|request| CASES.iter().map(move |case| (request, case)));
    // Data points have neither ids nor trace states.
    all.filter(|(request, (name, _))| {
        request.signal != Signal::Metrics || !["read ids", "sample a tenth, whole"].contains(name)
    })
}

/// Does every case; what callgrind runs.
fn run() -> Result<()> {
    let requests = requests::all()?;
    for (request, (_, ready)) in each(&requests) {
        counted(ready(request));
    }
    Ok(())
}

/// The instructions a record of each case.
fn measured() -> Result<Vec<(String, f64)>> {
    let folder = root().join("target/counts");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    // One profile each time that `counted` returns, of what happened in it. Of two equal patterns callgrind minds one.
    let status = Command::new("valgrind")
        .args(["--tool=callgrind", "--quiet", "--compress-strings=no"])
        .args(["--toggle-collect=*counted*", "--dump-after=*::counted*"])
        .arg(format!(
            "--callgrind-out-file={}",
            folder.join("all").display()
        ))
        .arg(env::current_exe()?)
        .arg("run")
        .status()
        .context("valgrind: install it to count instructions")?;
    ensure!(status.success(), "valgrind failed: {status}");
    let requests = requests::all()?;
    let mut counts = Vec::new();
    for (number, (request, (name, _))) in (1..).zip(each(&requests)) {
        let file = folder.join(format!("all.{number}"));
        let profile = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        // Callers from before the counting began are called 0 times, which callgrind_annotate takes for costs of their own.
        let profile = profile.replace("\ncalls=0 ", "\ncalls=1 ");
        fs::write(folder.join(number.to_string()), &profile)?;
        fs::remove_file(&file)?;
        let count = total(&profile)?;
        let batch = Batch::new(request.signal, request.bytes.clone())?;
        let count = count / f64::from(batch.records());
        counts.push((format!("{}: {name}", request.name), count));
    }
    Ok(counts)
}

/// The sum in a profile.
fn total(profile: &str) -> Result<f64> {
    let total = profile
        .lines()
        .find_map(|line| line.strip_prefix("totals: "));
    Ok(total.context("no totals")?.trim().parse()?)
}

/// Prints each count beside that of the table. An error if one is too high.
fn compare(counts: &[(String, f64)]) -> Result<()> {
    let table = fs::read_to_string(table())?;
    let mut known = BTreeMap::new();
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        let (count, name) = line.trim().split_once("  ").context("the table")?;
        known.insert(name, count.parse::<f64>()?);
    }
    let mut risen = 0;
    for (number, (name, count)) in (1..).zip(counts) {
        let before = known.remove(name.as_str());
        let change = before.map_or(f64::INFINITY, |before| count / before);
        let verdict = if change > MOST {
            risen += 1;
            "  too many"
        } else {
            ""
        };
        let before = before.unwrap_or_default();
        println!("{number:>2}  {before:>8.1} -> {count:>8.1}  {name}{verdict}");
    }
    ensure!(
        known.is_empty(),
        "counts.txt names cases that are no more: renew it"
    );
    ensure!(
        risen == 0,
        "{risen} cases take over a tenth more instructions than counts.txt says: see the top of examples/counts.rs"
    );
    Ok(())
}

fn shown(counts: &[(String, f64)]) -> String {
    let mut table = String::from(
        "# Instructions a record; `cargo run --release -p otlet-counts --example counts -- renew` writes this file.\n",
    );
    for (name, count) in counts {
        let _written = writeln!(table, "{count:>8.1}  {name}");
    }
    table
}

fn table() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("counts.txt")
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..")
}
