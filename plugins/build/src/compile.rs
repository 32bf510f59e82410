//! Runs cargo inside of cargo: in a target folder of its own, whose lock is not the outer cargo's, and in an environment
//! without what the outer build chose for the host's code.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use anyhow::{Context as _, Result, bail};

use crate::{Guest, Kind};

/// The profile of the guests, in the workspace's manifest.
const PROFILE: &str = "guest";

/// What guests of the contract are compiled with: wide scans are 1.2 to 1.9 times faster.
const SIMD: (&str, &str) = (
    "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS",
    "-C target-feature=+simd128",
);

/// Of cargo's own variables, the ones that say where things are and not how to build.
const KEPT: [&str; 7] = [
    "CARGO_HOME",
    "CARGO_HTTP_",
    "CARGO_MAKEFLAGS",
    "CARGO_NET_",
    "CARGO_REGISTRIES_",
    "CARGO_REGISTRY_",
    "CARGO_TERM_",
];

/// What cargo and clippy set for the host's code beside `CARGO_..`.
const FOREIGN: [&str; 13] = [
    "CLIPPY_ARGS",
    "CLIPPY_CONF_DIR",
    "DEBUG",
    "HOST",
    "NUM_JOBS",
    "OPT_LEVEL",
    "OUT_DIR",
    "PROFILE",
    "RUSTC_LINKER",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTFLAGS",
    "TARGET",
];

/// Where all guests of the workspace are compiled, for every profile of the outer build: `guests` in the target folder.
pub(crate) fn target_folder(out: &Path) -> Result<PathBuf> {
    // <target>[/<triple>]/<profile>/build/<package>/out
    let profile = out
        .ancestors()
        .find(|folder| folder.file_name() == Some(OsStr::new("build")))
        .and_then(Path::parent);
    let folder = profile.and_then(Path::parent);
    let folder = match (folder, env::var_os("TARGET")) {
        (Some(folder), Some(triple)) if folder.file_name() == Some(&triple) => folder.parent(),
        (folder, _) => folder,
    };
    let folder =
        folder.with_context(|| format!("find the target folder above {}", out.display()))?;
    Ok(folder.join("guests"))
}

/// The module or component that cargo made of a guest.
pub(crate) fn artifact(guest: &Guest, target_folder: &Path) -> PathBuf {
    target_folder
        .join(guest.kind.target())
        .join(PROFILE)
        .join(format!("{}.wasm", guest.library))
}

/// Compiles the packages for the kind's target.
pub(crate) fn build(kind: Kind, packages: &[&str], target_folder: &Path) -> Result<()> {
    ensure_target(kind.target())?;
    let mut command = clean(variable("CARGO")?);
    command
        .current_dir(variable("CARGO_MANIFEST_DIR")?)
        .args(["build", "--locked", "--lib", "--profile", PROFILE])
        .args(["--target", kind.target()])
        .arg("--target-dir")
        .arg(target_folder);
    for package in packages {
        command.args(["-p", package]);
    }
    if kind != Kind::Wasi {
        command.env(SIMD.0, SIMD.1);
    }
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .context("run cargo")?;
    if !status.success() {
        bail!(
            "the guests {} did not compile for {}; cargo's messages are above",
            packages.join(", "),
            kind.target()
        );
    }
    Ok(())
}

/// Makes sure that the standard library of a target is there.
fn ensure_target(target: &str) -> Result<()> {
    if has_target(target)? {
        return Ok(());
    }
    let added = Command::new("rustup")
        .args(["target", "add", target])
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !added || !has_target(target)? {
        bail!(
            "Rust's standard library for {target} is missing and could not be added: run `rustup target add {target}`"
        );
    }
    Ok(())
}

fn has_target(target: &str) -> Result<bool> {
    let output = Command::new(variable("RUSTC")?)
        .args(["--print", "target-libdir", "--target", target])
        .output()
        .context("ask rustc for its targets")?;
    let folder = String::from_utf8(output.stdout).context("read what rustc says")?;
    Ok(fs::read_dir(folder.trim()).is_ok_and(|mut files| files.next().is_some()))
}

/// A command without the outer build's choices.
fn clean(program: OsString) -> Command {
    let mut command = Command::new(program);
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(is_foreign) {
            command.env_remove(name);
        }
    }
    command
}

fn is_foreign(name: &str) -> bool {
    let of_cargo = (name == "CARGO" || name.starts_with("CARGO_"))
        && !KEPT.iter().any(|kept| name.starts_with(kept));
    of_cargo || FOREIGN.contains(&name)
}

fn variable(name: &str) -> Result<OsString> {
    env::var_os(name).with_context(|| format!("{name} is not set: call this from a build script"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guests_folder_is_the_same_for_every_profile() {
        for profile in ["debug", "release", "dist"] {
            let out = PathBuf::from(format!("/w/target/{profile}/build/otlet-0123/out"));
            assert_eq!(target_folder(&out).unwrap(), Path::new("/w/target/guests"));
        }
    }

    #[test]
    fn the_choices_of_the_outer_build_do_not_reach_the_guests() {
        for name in [
            "CARGO_ENCODED_RUSTFLAGS",
            "CARGO_BUILD_TARGET",
            "CARGO_PROFILE_RELEASE_LTO",
            "CARGO_TARGET_DIR",
            "RUSTFLAGS",
            "RUSTC_WORKSPACE_WRAPPER",
        ] {
            assert!(is_foreign(name), "{name}");
        }
        for name in [
            "PATH",
            "HOME",
            "RUSTC",
            "CARGO_HOME",
            "CARGO_MAKEFLAGS",
            "CARGO_NET_OFFLINE",
        ] {
            assert!(!is_foreign(name), "{name}");
        }
    }
}
