use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::mpsc::TryRecvError;

use tempfile::TempDir;

use super::*;

const PATIENCE: Duration = Duration::from_secs(30);

/// Notices alone, and comparing alone: each must do without the other.
const WAYS: [(bool, Pace); 2] = [
    (
        true,
        Pace {
            quiet: Duration::from_millis(20),
            longest: Duration::from_millis(200),
            poll: Duration::from_hours(1),
            pause: Duration::from_millis(1),
        },
    ),
    (
        false,
        Pace {
            quiet: Duration::from_millis(20),
            longest: Duration::from_millis(200),
            poll: Duration::from_millis(5),
            pause: Duration::from_millis(1),
        },
    ),
];

/// The files of a folder and what is in them, as a look finds them.
type Sight = Vec<(String, String)>;

struct Looks {
    watch: Watch,
    sights: Receiver<Sight>,
}

impl Looks {
    fn at(path: &Path, (notices, pace): (bool, Pace)) -> Self {
        Self::again_at(path, (notices, pace), None)
    }

    fn again_at(path: &Path, (notices, pace): (bool, Pace), again: Option<Duration>) -> Self {
        let (saw, sights) = mpsc::sync_channel(1_000);
        let folder = path.to_owned();
        let look = move || {
            // A test that has seen enough no longer listens.
            let _gone = saw.send(sight(&folder));
            again
        };
        let watched = Watched::new(vec![path.to_owned()]);
        let watch = watched.start_at(pace, "test", notices, look).unwrap();
        Self { watch, sights }
    }

    /// Waits until a look finds these.
    fn find(&self, expected: &[(&str, &str)]) {
        let mut last = vec![];
        loop {
            let Ok(sight) = self.sights.recv_timeout(PATIENCE) else {
                panic!("it was last {last:?}, and never {expected:?}");
            };
            let found: Vec<_> = sight
                .iter()
                .map(|(name, text)| (&**name, &**text))
                .collect();
            if found == expected {
                return;
            }
            last = sight;
        }
    }
}

fn sight(path: &Path) -> Sight {
    let text = |path: &Path| fs::read_to_string(path).unwrap_or_default();
    if path.is_file() {
        return vec![(String::new(), text(path))];
    }
    let entries = fs::read_dir(path).ok().into_iter().flatten().flatten();
    let mut sight: Sight = entries
        .map(|entry| (entry.file_name().into_string().unwrap(), entry.path()))
        .filter(|(name, _)| !name.starts_with(".."))
        .map(|(name, path)| (name, text(&path)))
        .collect();
    sight.sort();
    sight
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn files_that_are_new_changed_renamed_and_removed() {
    for way in WAYS {
        let folder = folder();
        let looks = Looks::at(folder.path(), way);
        let (one, two) = (folder.path().join("one"), folder.path().join("two"));
        fs::write(&one, "a").unwrap();
        looks.find(&[("one", "a")]);
        fs::write(&one, "b").unwrap();
        looks.find(&[("one", "b")]);
        fs::rename(&one, &two).unwrap();
        looks.find(&[("two", "b")]);
        fs::remove_file(&two).unwrap();
        looks.find(&[]);
    }
}

#[test]
fn many_files_at_once() {
    for way in WAYS {
        let folder = folder();
        let looks = Looks::at(folder.path(), way);
        let names: Vec<_> = (100..150).map(|n| n.to_string()).collect();
        for name in &names {
            fs::write(folder.path().join(name), "x").unwrap();
        }
        let expected: Vec<_> = names.iter().map(|name| (&**name, "x")).collect();
        looks.find(&expected);
    }
}

#[test]
fn a_file_that_is_written_bit_by_bit() {
    for way in WAYS {
        let folder = folder();
        let looks = Looks::at(folder.path(), way);
        let mut file = File::create(folder.path().join("one")).unwrap();
        for part in ["a", "b", "c"] {
            io::Write::write_all(&mut file, part.as_bytes()).unwrap();
        }
        looks.find(&[("one", "abc")]);
    }
}

#[test]
fn what_changes_all_the_time_is_looked_at_meanwhile() {
    for way in WAYS {
        let folder = folder();
        let looks = Looks::at(folder.path(), way);
        let started = Instant::now();
        let mut n = 0;
        while looks.sights.try_recv() == Err(TryRecvError::Empty) {
            n += 1;
            fs::write(folder.path().join("one"), n.to_string()).unwrap();
            assert!(started.elapsed() < PATIENCE);
        }
        looks.find(&[("one", &n.to_string())]);
    }
}

#[test]
fn folders_that_appear_later_go_and_come_back() {
    for way in WAYS {
        let folder = folder();
        let deep = folder.path().join("not").join("yet");
        let looks = Looks::at(&deep, way);
        for text in ["first", "second"] {
            fs::create_dir_all(&deep).unwrap();
            fs::write(deep.join("one"), text).unwrap();
            looks.find(&[("one", text)]);
            fs::remove_dir_all(deep.parent().unwrap()).unwrap();
            looks.find(&[]);
        }
    }
}

#[test]
fn a_folder_that_another_takes_the_place_of() {
    for way in WAYS {
        let folder = folder();
        let [plugins, aside, new] = ["plugins", "aside", "new"].map(|it| folder.path().join(it));
        fs::create_dir(&plugins).unwrap();
        let looks = Looks::at(&plugins, way);
        fs::create_dir(&new).unwrap();
        fs::write(new.join("one"), "new").unwrap();
        fs::rename(&plugins, &aside).unwrap();
        fs::rename(&new, &plugins).unwrap();
        looks.find(&[("one", "new")]);
        fs::write(plugins.join("one"), "newer").unwrap();
        looks.find(&[("one", "newer")]);
    }
}

#[test]
fn a_symlinked_folder_that_is_swapped_as_a_whole() {
    for way in WAYS {
        let folder = folder();
        let plugins = folder.path().join("plugins");
        for text in ["v1", "v2"] {
            fs::create_dir(folder.path().join(text)).unwrap();
            fs::write(folder.path().join(text).join("one"), text).unwrap();
        }
        symlink("v1", &plugins).unwrap();
        let looks = Looks::at(&plugins, way);
        symlink("v2", folder.path().join("next")).unwrap();
        fs::rename(folder.path().join("next"), &plugins).unwrap();
        looks.find(&[("one", "v2")]);
        fs::write(folder.path().join("v2").join("one"), "v2, changed").unwrap();
        looks.find(&[("one", "v2, changed")]);
    }
}

/// What the kubelet does: the names lead through `..data`, which is renamed over.
#[test]
fn a_config_map_that_is_updated() {
    for way in WAYS {
        for name in ["", "one"] {
            let folder = folder();
            let mount = |text: &str| {
                fs::create_dir(folder.path().join(format!("..{text}"))).unwrap();
                fs::write(folder.path().join(format!("..{text}/one")), text).unwrap();
                symlink(format!("..{text}"), folder.path().join("..data_tmp")).unwrap();
                fs::rename(
                    folder.path().join("..data_tmp"),
                    folder.path().join("..data"),
                )
                .unwrap();
            };
            mount("v1");
            symlink("..data/one", folder.path().join("one")).unwrap();
            let looks = Looks::at(&folder.path().join(name), way);
            mount("v2");
            let found = if name.is_empty() { "one" } else { "" };
            looks.find(&[(found, "v2")]);
        }
    }
}

#[test]
fn a_nudge_has_it_look_without_a_change() {
    let folder = folder();
    fs::write(folder.path().join("one"), "a").unwrap();
    let (notices, pace) = WAYS[0];
    let looks = Looks::at(folder.path(), (notices, pace));
    looks.watch.nudge().look();
    looks.find(&[("one", "a")]);
    // Reading is no change: there was this look alone.
    assert_eq!(sight(folder.path()).len(), 1);
    looks.watch.nudge().look();
    looks.find(&[("one", "a")]);
    assert_eq!(looks.sights.try_recv(), Err(TryRecvError::Empty));
}

#[test]
fn a_look_may_ask_for_another() {
    let folder = folder();
    let again = Some(Duration::from_millis(1));
    let looks = Looks::again_at(folder.path(), WAYS[0], again);
    looks.watch.nudge().look();
    for _ in 0..3 {
        looks.find(&[]);
    }
}

#[test]
fn it_ends_when_it_is_dropped() {
    let folder = folder();
    for way in WAYS {
        let Looks { watch, sights } = Looks::at(folder.path(), way);
        drop(watch);
        assert!(sights.recv_timeout(PATIENCE).is_err());
        assert_eq!(sights.try_recv(), Err(TryRecvError::Disconnected));
    }
}
