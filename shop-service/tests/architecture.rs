//! The sources keep to the rules of the house.

use std::path::Path;

use devstack_testkit::architecture::{House, forbids, not_additive};

const ORDER: [&str; 17] = [
    "config",
    "money",
    "error",
    "mailer",
    "outbox",
    "registrar",
    "state",
    "access",
    "users",
    "categories",
    "products",
    "cart",
    "orders",
    "delivery",
    "routes",
    "check",
    "command",
];

/// Migrations of the first release, which has none before it. The number moves until that release,
/// and never after it.
const FIRST_RELEASE: usize = 4;

#[test]
fn a_file_uses_only_what_stands_before_it_and_sql_stands_in_stores() {
    let house = House {
        src: Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        order: &ORDER,
        features: &["users", "categories", "products", "cart", "orders"],
    };

    assert_eq!(house.violations(), Vec::<String>::new());
}

#[test]
fn the_shop_knows_the_auth_service_by_the_contract_only() {
    let found = forbids(env!("CARGO_MANIFEST_DIR"), &["auth-service", "argon2"]);

    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn the_release_before_can_live_with_each_migration() {
    let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");

    assert_eq!(not_additive(migrations, FIRST_RELEASE), Vec::<String>::new());
}
