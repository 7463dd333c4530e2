//! How the services of a test are configured: by flags, as anybody does it.

use std::sync::atomic::{AtomicU16, Ordering};

use chassis::config::Faults;
use clap::builder::Resettable;
use clap::{Args, Command};

/// The secret that signs.
pub(crate) const SECRET: &str = "the shared secret of the tests of both services";
/// The shop's secret at the auth service, with what Basic must encode.
pub(crate) const CLIENT_SECRET: &str = "the shop's own secret: 100% & more";

/// The same, as Basic carries it.
pub(crate) const CLIENT_SECRET_ENCODED: &str =
    "the%20shop%27s%20own%20secret%3A%20100%25%20%26%20more";

/// The auth service's configuration, on this database and with these flags.
pub(crate) fn auth_config(database_url: &str, flags: &[&str]) -> auth_service::config::Config {
    let mut faults = Faults::default();
    let settings: auth_service::config::Settings = settings(database_url, flags);
    let config = settings.read(&mut faults);
    faults.or(config).unwrap()
}

/// The shop's.
pub(crate) fn shop_config(database_url: &str, flags: &[&str]) -> shop_service::config::Config {
    let mut faults = Faults::default();
    let settings: shop_service::config::Settings = settings(database_url, flags);
    let config = settings.read(&mut faults);
    faults.or(config).unwrap()
}

/// The settings as these flags give them, whatever the environment of the tests holds.
fn settings<S: Args>(database_url: &str, flags: &[&str]) -> S {
    let database_url = format!("--database-url={database_url}");
    let secret = format!("--token-secrets={SECRET}");
    let client_secret = format!("--registration-client-secret={CLIENT_SECRET}");
    let ours = [
        "service",
        "--ops-addr=127.0.0.1:0",
        "--migrate-on-start=false",
        "--database-pool-size=8",
        "--shutdown-grace=5s",
        &database_url,
        &secret,
        &client_secret,
    ];
    let command = S::augment_args(Command::new("service"))
        .args_override_self(true)
        .mut_args(|flag| flag.env(Resettable::Reset));
    S::from_arg_matches(&command.get_matches_from(ours.iter().chain(flags))).unwrap()
}

/// A database's URL under which a service that a test holds does not give up, however slow the
/// machine is.
pub(crate) fn patient(database_url: &str) -> String {
    let options = "options=-c%20lock_timeout%3D60s%20-c%20statement_timeout%3D60s";
    format!("{database_url}?{options}&tcp_user_timeout=61")
}

/// A port below those that the system gives to outgoing connections: one of them could take it
/// while its service is stopped.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Far from those of a process that was started at the same time.
    let first = 16_384 + u16::try_from(std::process::id() % 160 * 97).unwrap();
    loop {
        let port = first + NEXT.fetch_add(1, Ordering::Relaxed);
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
