//! How much the process may hold unless it is told: a part of what there is for it.

use std::fs;
use std::path::Path;

/// The most that is taken unasked: many seconds of what a pipeline carries, and little beside what machines have.
const MOST: u64 = 1 << 30;

/// Under a limit of a container, two fifths of it: a process needs up to twice what it counts, and some for itself.
const PART: (u64, u64) = (2, 5);

/// The bound of a process that was not told one: 1 GiB, or two fifths of its control group's limit if that is less.
pub fn default_limit() -> usize {
    limit_of(cgroup_limit(Path::new("/")))
}

fn limit_of(cgroup: Option<u64>) -> usize {
    let (times, of) = PART;
    let part = cgroup.map_or(MOST, |limit| limit / of * times);
    usize::try_from(part.min(MOST)).unwrap_or(usize::MAX)
}

/// The memory limit of the process's control group, and of those that it is in, of version 2 or 1. `root` is the file
/// system's root.
fn cgroup_limit(root: &Path) -> Option<u64> {
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let group = |prefix: &str| groups.lines().find_map(|line| line.strip_prefix(prefix));
    let own = group("0::").unwrap_or("/");
    let mounted = root.join("sys/fs/cgroup");
    let unified = least(&mounted, own, "memory.max");
    let old = groups.lines().find_map(|line| {
        let (_, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        let is_memory = controllers.split(',').any(|name| name == "memory");
        is_memory.then_some(path)
    });
    let old = least(
        &mounted.join("memory"),
        old.unwrap_or("/"),
        "memory.limit_in_bytes",
    );
    [unified, old].into_iter().flatten().min()
}

/// The least number in the files of that name, from a group up to the root of groups. In a container the group's path may be
/// that of the machine, which is not there.
fn least(mounted: &Path, group: &str, file: &str) -> Option<u64> {
    let group = Path::new(group.trim_start_matches('/'));
    let groups = group.ancestors();
    groups
        .filter_map(|group| fs::read_to_string(mounted.join(group).join(file)).ok())
        .filter_map(|text| text.trim().parse().ok())
        .min()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    /// A file system with these files.
    fn files(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn the_least_limit_of_the_groups_counts() {
        type Case<'a> = (&'a [(&'a str, &'a str)], Option<u64>);
        let cases: [Case<'_>; 6] = [
            (&[], None),
            // A container of version 2 sees its own group at the root.
            (
                &[
                    ("proc/self/cgroup", "0::/\n"),
                    ("sys/fs/cgroup/memory.max", "536870912\n"),
                ],
                Some(512 * MIB),
            ),
            (
                &[
                    ("proc/self/cgroup", "0::/\n"),
                    ("sys/fs/cgroup/memory.max", "max\n"),
                ],
                None,
            ),
            // A service: its slice has less than it.
            (
                &[
                    ("proc/self/cgroup", "0::/a.slice/b.service\n"),
                    ("sys/fs/cgroup/a.slice/memory.max", "104857600\n"),
                    ("sys/fs/cgroup/a.slice/b.service/memory.max", "209715200\n"),
                ],
                Some(100 * MIB),
            ),
            // Version 1, with the machine's path, which the container does not have.
            (
                &[
                    ("proc/self/cgroup", "7:cpu,memory:/docker/abc\n3:pids:/x\n"),
                    ("sys/fs/cgroup/memory/memory.limit_in_bytes", "268435456\n"),
                ],
                Some(256 * MIB),
            ),
            (&[("proc/self/cgroup", "nonsense")], None),
        ];
        for (tree, limit) in cases {
            assert_eq!(cgroup_limit(files(tree).path()), limit, "{tree:?}");
        }
    }

    #[test]
    fn the_default_is_a_gibibyte_or_two_fifths_of_a_small_container() {
        assert_eq!(limit_of(None), 1 << 30);
        assert_eq!(limit_of(Some(u64::MAX)), 1 << 30);
        assert_eq!(limit_of(Some(500 * MIB)), 200 << 20);
    }
}
