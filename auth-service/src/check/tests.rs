use chassis::config::Faults;
use clap::Parser;

use super::*;
use crate::config::Settings;

#[derive(Parser)]
#[command(args_override_self = true)]
struct Given {
    #[command(flatten)]
    settings: Settings,
}

const MACHINE: Machine = Machine { cores: 4, memory_limit: Some(1 << 30) };

/// A configuration that is fit for [`MACHINE`].
const FIT: [&str; 6] = [
    "auth-service",
    "--database-url=postgres://u@localhost/auth",
    "--token-secrets=wFfJ0aQ3v1mXhN8bTtYkR5sLzGd2eCi7uPqVo4nW6xE",
    "--registration-client-secret=9hK2pZrUe0XyQjB4cVtMw7sNfAo5iLdG1bRqT8uJxvY",
    "--trusted-proxies=10.0.0.0/8",
    "--hash-concurrency=4",
];

/// What is found on `machine` with these flags instead of those that are fit.
fn lines_on(machine: Machine, flags: &[&str]) -> Vec<String> {
    let mut faults = Faults::default();
    let config = Given::parse_from(FIT.iter().chain(flags)).settings.read(&mut faults);
    findings(&faults.or(config).unwrap(), machine).iter().map(ToString::to_string).collect()
}

#[track_caller]
fn expect_on(machine: Machine, flags: &[&str], line: &str) {
    let lines = lines_on(machine, flags);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].ends_with(&format!(" → {line}")), "{lines:?}");
}

#[track_caller]
fn expect_fit(flags: &[&str]) {
    assert_eq!(lines_on(MACHINE, flags), [""; 0]);
}

#[test]
fn the_defaults_are_fit() {
    expect_fit(&[]);
}

#[test]
fn no_trusted_proxies_are_found_on_every_address() {
    for address in ["127.0.0.1:9000", "0.0.0.0:9000"] {
        let flags = ["--trusted-proxies=", "--listen-addr", address];
        expect_on(MACHINE, &flags, "TRUSTED_PROXIES=10.0.0.0/8");
    }
}

#[test]
fn sessions_and_graces_without_end_are_found() {
    expect_on(MACHINE, &["--refresh-token-ttl=91d"], "REFRESH_TOKEN_TTL=30d");
    expect_on(MACHINE, &["--refresh-grace=61s"], "REFRESH_GRACE=10s");
    expect_fit(&["--refresh-token-ttl=90d", "--refresh-grace=60s"]);
}

#[test]
fn a_network_that_may_spray_without_end_is_found() {
    expect_on(MACHINE, &["--network-failures=0"], "NETWORK_FAILURES=1000");
}

#[test]
fn a_token_of_more_than_an_hour_is_found() {
    expect_on(MACHINE, &["--access-token-ttl=61m"], "ACCESS_TOKEN_TTL=30m");
    expect_fit(&["--access-token-ttl=1h"]);
}

#[test]
fn a_hash_below_each_of_owasp_s_pairs_is_found() {
    let flags = |memory: u32, passes: u32| {
        [format!("--argon2-memory-kib={memory}"), format!("--argon2-iterations={passes}")]
    };
    for (memory, passes) in OWASP {
        let [fit_memory, fit_passes] = flags(memory, passes);
        let [low_memory, _] = flags(memory - 1, passes);

        expect_fit(&[&fit_memory, &fit_passes]);
        expect_on(
            MACHINE,
            &[&low_memory, &fit_passes],
            "ARGON2_MEMORY_KIB=19456 ARGON2_ITERATIONS=2 ARGON2_PARALLELISM=1",
        );
    }
}

#[test]
fn more_hashes_than_cores_are_found() {
    let machine = Machine { cores: 3, ..MACHINE };

    expect_on(machine, &[], "HASH_CONCURRENCY=3");
}

#[test]
fn hashes_that_take_more_than_half_of_the_memory_are_found() {
    let of_kib = |kib: u64| Machine { memory_limit: Some(kib * 1024), ..MACHINE };

    assert_eq!(lines_on(of_kib(8 * 19456), &[]), [""; 0]);
    assert_eq!(lines_on(Machine { memory_limit: None, ..MACHINE }, &[]), [""; 0]);
    expect_on(of_kib(8 * 19456 - 1), &[], "HASH_CONCURRENCY=3");
    expect_on(of_kib(19456), &[], "a memory limit of 152 MiB");
}

#[test]
fn a_queue_longer_than_a_request_lasts_is_found() {
    // 20 ms a hash, four at once: 6000 in 30 s; a hash of twice the passes takes twice as long.
    expect_fit(&["--hash-queue=6000"]);
    expect_on(MACHINE, &["--hash-queue=6100"], "HASH_QUEUE=6000");
    let flags = ["--hash-queue=3100", "--argon2-iterations=4"];
    expect_on(MACHINE, &flags, "HASH_QUEUE=3000");
}
