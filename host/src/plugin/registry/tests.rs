use std::collections::BTreeSet;
use std::fs;

use otlet_tests::guests;
use tempfile::TempDir;

use super::*;
use crate::plugin::directory::MOST;

/// No processor uses any.
const NONE: BTreeSet<String> = BTreeSet::new();

/// A registry of a bundled `echo` and a directory.
fn registry(folder: &TempDir, allow: &[(&str, Digest)]) -> Registry {
    let settings = Settings {
        directory: Some(folder.path().to_owned()),
        allow: allow
            .iter()
            .map(|(name, digest)| ((*name).to_owned(), *digest))
            .collect(),
        cache: None,
    };
    Registry::new(&[("echo", guests::ECHO)], settings, None, 1).unwrap()
}

fn put(folder: &TempDir, name: &str, wasm: &[u8]) {
    fs::write(folder.path().join(name), wasm).unwrap();
}

/// Offers what has changed.
fn offer(registry: &Registry) -> Vec<(String, Offer)> {
    let changed = registry.changes(&NONE).unwrap().changed.into_iter();
    changed
        .map(|found| (found.name.clone(), registry.offer(&found, true)))
        .collect()
}

fn refused(registry: &Registry, name: &str) -> Vec<Why> {
    let entries = registry
        .list()
        .into_iter()
        .filter(|entry| entry.name == name);
    entries
        .filter_map(|entry| match entry.state {
            State::Refused(refusal) => Some(refusal.why),
            _ => None,
        })
        .collect()
}

#[test]
fn a_file_is_loaded_by_its_stem_and_once() {
    let folder = tempfile::tempdir().unwrap();
    let registry = registry(&folder, &[]);
    assert_eq!(
        registry.get("bad").unwrap_err(),
        Absent::Missing(folder.path().join("bad.wasm"))
    );
    put(&folder, "bad.wasm", guests::BAD);
    let plugin = registry.get("bad").unwrap();
    assert_eq!(plugin.name(), "bad");
    assert_eq!(plugin.digest(), Digest::of(guests::BAD));
    assert!(Arc::ptr_eq(&plugin, &registry.get("bad").unwrap()));
    assert!(offer(&registry).is_empty());
    assert_eq!(registry.names(), ["bad", "echo"]);
    let entries = registry.list();
    let entries: Vec<_> = entries
        .iter()
        .map(|entry| (entry.name.as_str(), &entry.source, &entry.state))
        .collect();
    let file = Source::File(folder.path().join("bad.wasm"));
    assert_eq!(
        entries,
        [
            ("bad", &file, &State::Current),
            ("echo", &Source::Bundled, &State::Available),
        ]
    );
}

#[test]
fn a_file_named_like_a_bundled_plugin_is_refused_unless_its_digest_is_allowed() {
    let folder = tempfile::tempdir().unwrap();
    put(&folder, "echo.wasm", guests::BAD);
    let bare = registry(&folder, &[]);
    assert_eq!(bare.get("echo").unwrap().digest(), Digest::of(guests::ECHO));
    assert_eq!(refused(&bare, "echo"), [Why::Bundled]);
    let bad = Digest::of(guests::BAD);
    assert!(
        bare.list()
            .iter()
            .any(|entry| matches!(&entry.state, State::Refused(refusal)
                if refusal.reason.contains(&format!("allow: {{ echo: {bad} }}"))))
    );
    // The same when it comes later.
    let late = tempfile::tempdir().unwrap();
    let later = registry(&late, &[]);
    let before = later.get("echo").unwrap();
    put(&late, "echo.wasm", guests::BAD);
    assert!(matches!(
        offer(&later).as_slice(),
        [(_, Offer::Refused(refusal))] if refusal.why == Why::Bundled
    ));
    assert!(Arc::ptr_eq(&before, &later.get("echo").unwrap()));

    let allowed = registry(&folder, &[("echo", bad)]);
    assert_eq!(allowed.get("echo").unwrap().digest(), bad);
    assert!(refused(&allowed, "echo").is_empty());
    // What is allowed no longer is not had any more.
    allowed.keep(&allowed.under(Settings {
        directory: Some(folder.path().to_owned()),
        ..Settings::default()
    }));
    assert_eq!(
        allowed.get("echo").unwrap().digest(),
        Digest::of(guests::ECHO)
    );
}

#[test]
fn a_pinned_name_is_that_digest_or_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let other = Digest::of(b"other");
    let pinned = registry(&folder, &[("echo", other), ("bad", other)]);
    put(&folder, "bad.wasm", guests::BAD);
    assert!(matches!(
        pinned.get("bad"),
        Err(Absent::Refused(_, refusal)) if refusal.why == Why::Digest
    ));
    let absent = pinned.get("echo").unwrap_err();
    assert!(matches!(absent, Absent::Pinned { allowed, .. } if allowed == other));
    assert!(absent.may_come());
    assert_eq!(refused(&pinned, "echo"), [Why::Digest]);
    assert_eq!(refused(&pinned, "bad"), [Why::Digest]);

    let echo = Digest::of(guests::ECHO);
    let pinned = registry(&folder, &[("echo", echo)]);
    assert_eq!(pinned.get("echo").unwrap().digest(), echo);
}

#[test]
fn what_is_current_stays_when_its_file_is_spoilt_or_removed_while_it_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let registry = registry(&folder, &[]);
    put(&folder, "bad.wasm", guests::BAD);
    let used = registry.get("bad").unwrap();
    put(&folder, "bad.wasm", b"half of");
    assert!(matches!(
        offer(&registry).as_slice(),
        [(_, Offer::Refused(refusal))] if refusal.why == Why::Component
    ));
    assert!(offer(&registry).is_empty(), "it has not changed since");
    assert!(Arc::ptr_eq(&used, &registry.get("bad").unwrap()));
    assert_eq!(refused(&registry, "bad"), [Why::Component]);

    fs::remove_file(folder.path().join("bad.wasm")).unwrap();
    assert_eq!(registry.changes(&NONE).unwrap().gone, ["bad"]);
    assert!(refused(&registry, "bad").is_empty());
    assert!(Arc::ptr_eq(&used, &registry.get("bad").unwrap()));
    put(&folder, "bad.wasm", guests::BAD);
    assert!(matches!(offer(&registry).as_slice(), [(_, Offer::Current)]));

    fs::remove_file(folder.path().join("bad.wasm")).unwrap();
    drop(used);
    registry.changes(&NONE).unwrap();
    assert!(matches!(registry.get("bad"), Err(Absent::Missing(_))));
}

#[test]
fn a_changed_file_is_offered_and_used_once_it_is_adopted() {
    let folder = tempfile::tempdir().unwrap();
    let registry = registry(&folder, &[]);
    put(&folder, "mine.wasm", guests::BAD);
    let old = registry.get("mine").unwrap();
    put(&folder, "mine.wasm", guests::ECHO);
    let found = registry.changes(&NONE).unwrap().changed.pop().unwrap();
    let Offer::Fit(new) = registry.offer(&found, true) else {
        panic!("it is fit");
    };
    assert!(Arc::ptr_eq(&old, &registry.get("mine").unwrap()));
    registry.adopt(&new, &found);
    assert!(Arc::ptr_eq(&new, &registry.get("mine").unwrap()));

    put(&folder, "mine.wasm", guests::BAD);
    let found = registry.changes(&NONE).unwrap().changed.pop().unwrap();
    let Offer::Fit(worse) = registry.offer(&found, true) else {
        panic!("it is fit");
    };
    let trial = refusal(Why::Trial, "it trapped");
    registry.refuse(&worse, &found, trial);
    assert!(Arc::ptr_eq(&new, &registry.get("mine").unwrap()));
    assert_eq!(refused(&registry, "mine"), [Why::Trial]);
    assert!(registry.changes(&NONE).unwrap().changed.is_empty());
}

#[test]
fn a_name_that_no_plugin_can_have_is_said_and_not_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let registry = registry(&folder, &[]);
    put(&folder, "my plugin.wasm", guests::ECHO);
    put(&folder, "echo .wasm", guests::BAD);
    assert_eq!(offer(&registry).len(), 2);
    assert_eq!(refused(&registry, "my plugin"), [Why::Name]);
    assert_eq!(refused(&registry, "echo"), [Why::Name]);
    assert_eq!(
        registry.get("echo").unwrap().digest(),
        Digest::of(guests::ECHO)
    );
}

#[test]
fn a_directory_that_is_not_there_yet_has_no_files() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        directory: Some(folder.path().join("later")),
        ..Settings::default()
    };
    let registry = Registry::new(&[], settings, None, 1).unwrap();
    assert!(offer(&registry).is_empty());
    assert!(matches!(registry.get("echo"), Err(Absent::Missing(_))));
    fs::create_dir(folder.path().join("later")).unwrap();
    fs::write(folder.path().join("later/echo.wasm"), guests::ECHO).unwrap();
    assert!(registry.get("echo").is_ok());
    assert_eq!(
        Registry::new(&[], Settings::default(), None, 1)
            .unwrap()
            .get("echo")
            .unwrap_err(),
        Absent::Unknown
    );
}

#[test]
fn of_what_nobody_uses_is_kept_what_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let registry = registry(&folder, &[]);
    put(&folder, "mine.wasm", guests::BAD);
    let found = registry.changes(&NONE).unwrap().changed.pop().unwrap();
    let Offer::Fit(plugin) = registry.inspect(&found, true) else {
        panic!("it is fit");
    };
    assert_eq!(Arc::strong_count(&plugin), 1, "nobody else has it");
    assert!(matches!(registry.inspect(&found, true), Offer::Current));
    assert!(registry.changes(&NONE).unwrap().changed.is_empty());
    let is_shown = |state| {
        let entries = registry.list();
        let mut mine = entries.into_iter().filter(|entry| entry.name == "mine");
        let entry = mine.next().unwrap();
        assert!(mine.next().is_none());
        assert_eq!(entry.state, state);
        assert_eq!(entry.digest, Some(Digest::of(guests::BAD)));
        let about = entry.about.unwrap();
        assert_eq!(about.version.as_deref(), Some("6.6.6"));
        assert_eq!(about.signals.len(), 3);
    };
    is_shown(State::Available);

    // It is loaded again when it is asked for, and let go of when nobody uses it any more.
    let again = registry.get("mine").unwrap();
    assert!(!Arc::ptr_eq(&plugin, &again));
    is_shown(State::Current);
    let used = BTreeSet::from(["mine".to_owned()]);
    registry.changes(&used).unwrap();
    let held = Arc::downgrade(&again);
    drop(again);
    registry.changes(&used).unwrap();
    assert!(held.upgrade().is_some());
    registry.changes(&NONE).unwrap();
    assert!(held.upgrade().is_none());
    is_shown(State::Available);
    assert!(registry.get("mine").is_ok());
}

#[test]
fn files_that_are_too_many_are_refused_until_there_are_fewer() {
    let folder = tempfile::tempdir().unwrap();
    let registry = registry(&folder, &[]);
    for at in 0..=MOST {
        put(&folder, &format!("p{at:04}.wasm"), b"");
    }
    let last = format!("p{MOST:04}");
    assert_eq!(registry.changes(&NONE).unwrap().changed.len(), MOST);
    assert_eq!(refused(&registry, &last), [Why::Many]);
    let used = BTreeSet::from([last.clone()]);
    let looked = registry.changes(&used).unwrap().changed;
    assert!(looked.iter().any(|found| found.name == last));
    let before = format!("p{:04}", MOST - 1);
    assert_eq!(refused(&registry, &before), [Why::Many]);
    fs::remove_file(folder.path().join("p0000.wasm")).unwrap();
    let changes = registry.changes(&NONE).unwrap();
    assert!(changes.changed.iter().any(|found| found.name == last));
    assert!(!changes.gone.contains(&last));
}
