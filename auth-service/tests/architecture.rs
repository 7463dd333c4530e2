//! The rules of the house, read off the sources.

use std::path::Path;

use devstack_testkit::architecture::House;

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

#[test]
fn the_house_is_in_order() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let house =
        House { src, order: &ORDER, features: &["sessions", "credentials", "tokens", "admin"] };

    assert_eq!(house.violations(), [""; 0]);
}
