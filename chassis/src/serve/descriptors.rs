//! File descriptors: a connection takes one, and many systems give a process 1024 of them unless
//! it asks for more.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Asks for as many as this process may have; says how many that are, `None`: without a limit.
pub fn raise_limit() -> Option<u64> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    match setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        Ok(()) => maximum,
        // macOS takes no more than it has, and says no limit.
        Err(_) => current,
    }
}
