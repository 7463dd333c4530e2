//! The memory that the kernel lets a container have.

use std::fs;
use std::path::{Path, PathBuf};

/// Where cgroups are mounted.
const ROOT: &str = "/sys/fs/cgroup";

/// Version 1's way to say that there is no limit: as many pages as a signed number holds.
const NO_LIMIT: u64 = 1 << 60;

/// The lowest limit of this process's cgroup and those above it; `None` where there is none, or
/// no Linux.
pub(super) fn memory_limit() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    files(&groups).iter().filter_map(|file| limit(&fs::read_to_string(file).ok()?)).min()
}

/// The files that may hold a limit. A container sees its own cgroup as `/`, at the root of the
/// mount; outside of one, those of all cgroups above count as well.
fn files(groups: &str) -> Vec<PathBuf> {
    let of_line = |line: &str| {
        // `0::/path` is version 2's only line; version 1 has one for each set of controllers.
        let mut fields = line.splitn(3, ':');
        let (_, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
        let (root, file) = match controllers {
            "" => (Path::new(ROOT).to_owned(), "memory.max"),
            _ if controllers.split(',').any(|name| name == "memory") => {
                (Path::new(ROOT).join("memory"), "memory.limit_in_bytes")
            }
            _ => return None,
        };
        let paths = Path::new(path).ancestors().map(|path| {
            let inside = path.strip_prefix("/").unwrap_or(path);
            root.join(inside).join(file)
        });
        Some(paths.collect::<Vec<_>>())
    };
    groups.lines().filter_map(of_line).flatten().collect()
}

/// Bytes; `None` for `max`.
fn limit(content: &str) -> Option<u64> {
    content.trim().parse().ok().filter(|bytes| *bytes < NO_LIMIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(groups: &str) -> Vec<String> {
        files(groups).iter().map(|file| file.display().to_string()).collect()
    }

    #[test]
    fn a_container_s_limit_stands_at_the_root() {
        assert_eq!(named("0::/\n"), ["/sys/fs/cgroup/memory.max"]);
    }

    #[test]
    fn the_limits_of_all_above_count() {
        assert_eq!(
            named("0::/system.slice/auth.service\n"),
            [
                "/sys/fs/cgroup/system.slice/auth.service/memory.max",
                "/sys/fs/cgroup/system.slice/memory.max",
                "/sys/fs/cgroup/memory.max",
            ]
        );
    }

    #[test]
    fn version_1_has_a_folder_for_memory() {
        let groups = "11:cpu,cpuacct:/docker/1\n7:memory:/docker/1\n1:name=systemd:/docker/1\n";

        assert_eq!(
            named(groups),
            [
                "/sys/fs/cgroup/memory/docker/1/memory.limit_in_bytes",
                "/sys/fs/cgroup/memory/docker/memory.limit_in_bytes",
                "/sys/fs/cgroup/memory/memory.limit_in_bytes",
            ]
        );
    }

    #[test]
    fn no_limit_is_none_in_both_versions() {
        assert_eq!(limit("536870912\n"), Some(512 << 20));
        assert_eq!(limit("max\n"), None);
        assert_eq!(limit("9223372036854771712\n"), None);
    }
}
