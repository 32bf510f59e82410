use std::fs;
use std::io::Write as _;
use std::sync::Arc;
use std::time::SystemTime;

use super::*;

const MAX: usize = 300 << 10;

struct Fixture {
    folder: tempfile::TempDir,
    gather: Gather,
    buffer: Vec<u8>,
    handles: Handles,
}

impl Fixture {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            gather: Gather::new(&[], MAX, &Arc::default()),
            buffer: vec![],
            handles: Handles::new(9),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("a.log")
    }

    fn append(&self, text: &str) {
        let mut file = File::options()
            .append(true)
            .create(true)
            .open(self.path())
            .unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn tail(&self) -> Tail {
        let id = FileId::of(&fs::metadata(self.path()).unwrap());
        let mut tail = Tail::new(&self.path(), id);
        assert!(tail.open(&self.handles).unwrap());
        tail
    }

    /// The records that a look at the file gives.
    fn records(&mut self, tail: &mut Tail, flush: Duration) -> usize {
        tail.look().unwrap();
        let filled = tail
            .fill(&mut self.gather, &mut self.buffer, flush)
            .unwrap();
        assert_eq!(filled, Filled::End);
        self.gather.finish().map_or(0, |request| request.records)
    }
}

#[test]
fn lines_are_read_once_they_are_whole() {
    let mut fixture = Fixture::new();
    fixture.append("a\nb\nhalf");
    let mut tail = fixture.tail();
    assert_eq!(fixture.records(&mut tail, Duration::ZERO), 2);
    assert_eq!(tail.held(), Some((0, 4)));
    tail.accept();
    assert_eq!(tail.held(), None);
    assert_eq!(fixture.records(&mut tail, Duration::ZERO), 0);
    fixture.append(" and half\n");
    assert_eq!(fixture.records(&mut tail, Duration::ZERO), 1);
    assert_eq!(tail.position().offset, 4);
}

#[test]
fn what_has_no_end_is_read_after_a_while() {
    let mut fixture = Fixture::new();
    fixture.append("the end");
    let mut tail = fixture.tail();
    assert_eq!(fixture.records(&mut tail, Duration::from_hours(1)), 0);
    assert_eq!(fixture.records(&mut tail, Duration::from_nanos(1)), 1);
    assert_eq!(fixture.records(&mut tail, Duration::from_nanos(1)), 0);
    fixture.append("\n");
    assert_eq!(fixture.records(&mut tail, Duration::ZERO), 0);
}

#[test]
fn a_file_that_has_not_changed_is_not_looked_at() {
    let mut fixture = Fixture::new();
    fixture.append("one\nhalf");
    let mut tail = fixture.tail();
    let list = |fixture: &Fixture, tail: &mut Tail| {
        tail.list(Some(Seen::of(&fs::metadata(fixture.path()).unwrap())));
    };
    let long = Duration::from_hours(1);
    list(&fixture, &mut tail);
    assert!(tail.stirs(long));
    assert_eq!(fixture.records(&mut tail, long), 1);
    assert!(!tail.stirs(long) && !tail.stirs(Duration::ZERO));
    // Half a line waits no longer.
    assert!(tail.stirs(Duration::from_nanos(1)));
    fixture.append(" and half\n");
    list(&fixture, &mut tail);
    assert!(tail.stirs(long));
    assert_eq!(fixture.records(&mut tail, long), 1);
    assert!(!tail.stirs(Duration::from_nanos(1)));
    // Nobody knows what became of it.
    tail.list(None);
    assert!(tail.stirs(long));
}

#[test]
fn a_file_that_begins_anew_is_read_from_its_beginning() {
    let mut fixture = Fixture::new();
    fixture.append("one\ntwo\n");
    let mut tail = fixture.tail();
    assert_eq!(fixture.records(&mut tail, Duration::ZERO), 2);
    // Shorter, as long, and longer.
    for text in ["three\n", "sixth\n", "something else\n"] {
        fs::write(fixture.path(), text).unwrap();
        let time = SystemTime::now() + Duration::from_secs(text.len() as u64);
        File::options()
            .write(true)
            .open(fixture.path())
            .unwrap()
            .set_modified(time)
            .unwrap();
        assert!(tail.look().unwrap(), "{text}");
        assert_eq!(fixture.records(&mut tail, Duration::ZERO), 1, "{text}");
    }
}

#[test]
fn a_renamed_file_is_found_again_and_another_in_its_place_is_not_taken_for_it() {
    let mut fixture = Fixture::new();
    fixture.append("one\n");
    let mut tail = fixture.tail();
    assert_eq!(fixture.records(&mut tail, Duration::ZERO), 1);
    tail.accept();
    let mut again = Tail::at(tail.position());
    fs::rename(fixture.path(), fixture.folder.path().join("a.log.1")).unwrap();
    fixture.append("another\n");
    assert!(again.open(&fixture.handles).unwrap());
    assert_eq!(fixture.records(&mut again, Duration::ZERO), 0);
    fs::remove_file(fixture.folder.path().join("a.log.1")).unwrap();
    assert!(!Tail::at(tail.position()).open(&fixture.handles).unwrap());
    // Nor is one that has its inode.
    let mut reused = tail.position();
    reused.id = FileId::of(&fs::metadata(fixture.path()).unwrap());
    let mut reused = Tail::at(reused);
    assert!(reused.open(&fixture.handles).unwrap());
    assert!(reused.look().unwrap());
    assert_eq!(fixture.records(&mut reused, Duration::ZERO), 1);
}

#[test]
fn the_end_is_behind_the_last_whole_line() {
    let mut fixture = Fixture::new();
    fixture.append("one\ntwo\nhalf");
    let mut tail = fixture.tail();
    tail.skip(MAX).unwrap();
    assert_eq!(fixture.records(&mut tail, Duration::ZERO), 0);
    fixture.append(" a line\n");
    assert_eq!(fixture.records(&mut tail, Duration::ZERO), 1);
    tail.accept();
    assert_eq!(tail.position().offset, 20);
    // A line longer than a line may be is passed over.
    fixture.append(&"x".repeat(MAX + 1));
    tail.skip(MAX).unwrap();
    assert_eq!(tail.position().offset, 20 + MAX as u64 + 1);
}

#[test]
fn lines_longer_than_what_is_read_at_once_are_whole() {
    let mut fixture = Fixture::new();
    fixture.append(&format!(
        "{}\n{}\nb\n",
        "x".repeat(CHUNK + 9),
        "y".repeat(MAX + 1)
    ));
    let mut tail = fixture.tail();
    assert_eq!(fixture.records(&mut tail, Duration::ZERO), 4);
}
