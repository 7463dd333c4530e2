//! The rules of the house, read off the sources.

use std::path::Path;

use devstack_testkit::architecture::{House, not_additive};

/// As `lib.rs` lists them.
const ORDER: [&str; 21] = [
    "config",
    "error",
    "stored",
    "batch",
    "source",
    "keys",
    "clients",
    "standing",
    "hashing",
    "throttle",
    "state",
    "access",
    "audit",
    "sessions",
    "credentials",
    "tokens",
    "admin",
    "purge",
    "routes",
    "check",
    "command",
];

/// Migrations of the first release, which has none before it. The number moves until that release,
/// and never after it.
const FIRST_RELEASE: usize = 5;

#[test]
fn the_house_is_in_order() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let house =
        House { src, order: &ORDER, features: &["sessions", "credentials", "tokens", "admin"] };

    assert_eq!(house.violations(), [""; 0]);
}

#[test]
fn the_release_before_can_live_with_each_migration() {
    let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");

    assert_eq!(not_additive(migrations, FIRST_RELEASE), [""; 0]);
}
