//! What should change before production, as far as only this service has it.

mod container;

use std::time::Duration;

use argon2::Params;
use chassis::check::{Finding, Judged, http};

use crate::config::{Config, HashingConfig, cores};

/// RFC 6750 §5.3: "one hour or less".
const TTL_MAX: Duration = Duration::from_secs(60 * 60);

/// A session of which nobody has heard for a quarter of a year is nobody's.
const SESSION_MAX: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// Longer than any request that is still on its way.
const GRACE_MAX: Duration = Duration::from_secs(60);

/// Memory in KiB and passes, as OWASP's Password Storage Cheat Sheet pairs them.
const OWASP: [(u32, u32); 5] = [(47104, 1), (19456, 2), (12288, 3), (9216, 4), (7168, 5)];

/// What a hash of the default parameters takes on a core of today, about.
const HASH: Duration = Duration::from_millis(20);

/// How long a request may take in all.
const REQUEST: Duration = Duration::from_secs(30);

/// What the service runs on.
#[derive(Debug, Clone, Copy)]
pub struct Machine {
    /// Threads that run at once.
    pub cores: usize,
    /// Bytes beyond which the kernel ends the container, where there is such a limit.
    pub memory_limit: Option<u64>,
}

impl Machine {
    /// This one.
    fn this() -> Self {
        Self { cores: cores(), memory_limit: container::memory_limit() }
    }
}

/// This service, judged.
pub fn judged(config: Config) -> Judged {
    let own = findings(&config, Machine::this());
    Judged { http: config.http, database: config.database, token: config.token, own }
}

fn findings(config: &Config, machine: Machine) -> Vec<Finding> {
    let found = [
        // Behind whatever it stands: the shop calls for its users, with their addresses.
        http::no_proxies(&config.http),
        long_lived(config),
        long_session(config),
        long_grace(config),
        open_to_spraying(config),
        cheap(&config.hashing),
        more_than_cores(&config.hashing, machine),
        more_than_memory(&config.hashing, machine),
        long_queue(&config.hashing),
    ];
    found.into_iter().flatten().collect()
}

fn long_lived(config: &Config) -> Option<Finding> {
    (config.access_token_ttl > TTL_MAX).then(|| {
        Finding::new(
            "ACCESS_TOKEN_TTL",
            "is longer than an hour, and so is a stolen token of use (RFC 6750 §5.3)",
            "ACCESS_TOKEN_TTL=30m",
        )
    })
}

fn long_session(config: &Config) -> Option<Finding> {
    (config.refresh_token_ttl > SESSION_MAX).then(|| {
        Finding::new(
            "REFRESH_TOKEN_TTL",
            "is longer than 90 days, and so is a stolen session that its user does not see (RFC \
             9700 §4.14.2)",
            "REFRESH_TOKEN_TTL=30d",
        )
    })
}

fn long_grace(config: &Config) -> Option<Finding> {
    (config.refresh_grace > GRACE_MAX).then(|| {
        Finding::new(
            "REFRESH_GRACE",
            "is longer than a minute: for as long a stolen refresh token is taken for a late one \
             (RFC 9700 §4.14.2)",
            "REFRESH_GRACE=10s",
        )
    })
}

fn open_to_spraying(config: &Config) -> Option<Finding> {
    (config.network_failures == 0).then(|| {
        Finding::new(
            "NETWORK_FAILURES",
            "is 0: one network may try a password on every user without end (OWASP Credential \
             Stuffing Prevention Cheat Sheet)",
            "NETWORK_FAILURES=1000",
        )
    })
}

fn cheap(HashingConfig { params, .. }: &HashingConfig) -> Option<Finding> {
    let suffices =
        |&(memory, passes): &(u32, u32)| params.m_cost() >= memory && params.t_cost() >= passes;
    (!OWASP.iter().any(suffices)).then(|| {
        Finding::new(
            "ARGON2_MEMORY_KIB",
            format!(
                "of {} with {} passes makes it too cheap to guess passwords of stolen hashes \
                 (OWASP Password Storage Cheat Sheet)",
                params.m_cost(),
                params.t_cost()
            ),
            "ARGON2_MEMORY_KIB=19456 ARGON2_ITERATIONS=2 ARGON2_PARALLELISM=1",
        )
    })
}

fn more_than_cores(hashing: &HashingConfig, machine: Machine) -> Option<Finding> {
    (hashing.concurrency > machine.cores).then(|| {
        Finding::new(
            "HASH_CONCURRENCY",
            format!(
                "is more than the {} cores: no hash is done sooner, and each holds its memory for \
                 longer (OWASP Denial of Service Cheat Sheet)",
                machine.cores
            ),
            format!("HASH_CONCURRENCY={}", machine.cores),
        )
    })
}

fn more_than_memory(hashing: &HashingConfig, machine: Machine) -> Option<Finding> {
    const MIB: u64 = 1024 * 1024;
    let limit = machine.memory_limit?;
    let each = u64::from(hashing.params.m_cost()) * 1024;
    let concurrency = u64::try_from(hashing.concurrency).unwrap_or(u64::MAX);
    let all = each.saturating_mul(concurrency);
    (all > limit / 2).then(|| {
        let line = match limit / 2 / each {
            0 => format!("a memory limit of {} MiB", (2 * all).div_ceil(MIB)),
            fitting => format!("HASH_CONCURRENCY={fitting}"),
        };
        Finding::new(
            "HASH_CONCURRENCY",
            format!(
                "takes {} MiB for hashes, more than half of the container's {} MiB: a storm of \
                 logins ends with the kernel's out-of-memory kill (Linux, cgroup v2, memory.max)",
                all / MIB,
                limit / MIB
            ),
            line,
        )
    })
}

fn long_queue(hashing: &HashingConfig) -> Option<Finding> {
    let work = |params: &Params| f64::from(params.m_cost()) * f64::from(params.t_cost());
    let each = HASH.mul_f64(work(&hashing.params) / work(&Params::default()));
    let at_once = u32::try_from(hashing.concurrency).unwrap_or(u32::MAX);
    let all = each.saturating_mul(u32::try_from(hashing.queue).unwrap_or(u32::MAX)) / at_once;
    (all > REQUEST).then(|| {
        let fitting = (REQUEST * at_once).div_duration_f64(each).floor().max(1.0);
        Finding::new(
            "HASH_QUEUE",
            format!(
                "lets the last login wait for about {} s, and it is given up after {} s: a 503 \
                 at once is kinder (OWASP Denial of Service Cheat Sheet)",
                all.as_secs(),
                REQUEST.as_secs()
            ),
            format!("HASH_QUEUE={fitting}"),
        )
    })
}

#[cfg(test)]
mod tests;
