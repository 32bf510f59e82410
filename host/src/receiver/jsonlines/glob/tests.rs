use std::fs;
use std::path::Path;

use super::Glob;

fn matches(glob: &str, path: &str) -> bool {
    Glob::parse(glob)
        .unwrap()
        .matches(Path::new(path), Path::new("/home/me"))
}

#[test]
fn wildcards_fit_as_in_a_shell() {
    for (glob, path) in [
        ("/var/log/*.log", "/var/log/a.log"),
        ("/var/log/*", "/var/log/a.log"),
        ("/var/*/a?.log", "/var/log/ab.log"),
        ("/a*b*c", "/axbxbxc"),
        ("/[a-c][!a-c][^x].log", "/bz1.log"),
        ("/[a-].log", "/-.log"),
        ("/[]].log", "/].log"),
        ("/a\\*.log", "/a*.log"),
        ("/var/{log,tmp}/{a,b}.log", "/var/tmp/a.log"),
        ("/var/**/a.log", "/var/a.log"),
        ("/var/**/a.log", "/var/x/y/z/a.log"),
        ("/**/*.log", "/a.log"),
        ("logs/*.log", "/home/me/logs/a.log"),
        ("./logs/*.log", "/home/me/logs/a.log"),
        ("/\u{e4}?.log", "/\u{e4}\u{f6}.log"),
    ] {
        assert!(matches(glob, path), "{glob} {path}");
    }
    for (glob, path) in [
        ("/var/log/*.log", "/var/log/a.log.1"),
        ("/var/log/*.log", "/var/log/x/a.log"),
        ("/var/log/?.log", "/var/log/ab.log"),
        ("/[a-c].log", "/d.log"),
        ("/[!a-c].log", "/b.log"),
        ("/a\\*.log", "/ab.log"),
        ("/var/**/b.log", "/var/x/a.log"),
        ("logs/*.log", "/logs/a.log"),
        ("/{a,b}.log", "/c.log"),
    ] {
        assert!(!matches(glob, path), "{glob} {path}");
    }
}

#[test]
fn a_pattern_that_is_none_is_told() {
    for (glob, what) in [
        ("", "is empty"),
        ("/a[b.log", "has a `[` without its `]`"),
        ("/a{b.log", "has a `{` without its `}`"),
        ("/a{b,{c,d}}", "has braces in braces"),
        ("/a\\", "ends with a backslash"),
        (
            "/var/**",
            "names no file: it should end with a name, such as `*.log`",
        ),
        (
            "/",
            "names no file: it should end with a name, such as `*.log`",
        ),
        ("/var/log/", "names a folder: add `*.log`"),
    ] {
        assert_eq!(Glob::parse(glob), Err(what), "{glob}");
    }
    let many = "{a,b,c,d,e}".repeat(3);
    assert_eq!(Glob::parse(&many), Err("stands for too many alternatives"));
    // Many stars take no time.
    assert!(!matches(
        &format!("/{}x", "*a".repeat(50)),
        &format!("/{}", "a".repeat(500))
    ));
}

#[test]
fn files_are_found_and_what_cannot_be_looked_at_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    for path in ["a.log", "b.txt", "x/c.log", "x/y/d.log"] {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    // Around in a circle.
    std::os::unix::fs::symlink(&root, root.join("x/z")).unwrap();
    let found = |glob: &str| {
        let mut paths = vec![];
        let glob = Glob::parse(glob).unwrap();
        let all = glob.find(
            &root,
            &mut |path| paths.push(path.strip_prefix(&root).unwrap().display().to_string()),
            &mut |path, error| panic!("{}: {error}", path.display()),
        );
        assert!(all);
        paths.sort();
        paths
    };
    assert_eq!(found("*.log"), ["a.log"]);
    assert_eq!(found("**/*.log"), ["a.log", "x/c.log", "x/y/d.log"]);
    assert_eq!(
        found(&format!("{}/x/*.{{log,txt}}", root.display())),
        ["x/c.log"]
    );
    assert_eq!(found("x/z/a.log"), ["x/z/a.log"]);
    assert!(found("none/*.log").is_empty());
    assert!(found("a.log/*.log").is_empty());
}
