use super::*;

const ORDER: [&str; 3] = ["config", "users", "orders"];

/// A crate's `src`, of these files and those that every crate here needs.
fn violations(files: &[(&str, &str)]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let clean = [
        ("lib.rs", "pub mod users; pub use orders::place;"),
        ("config.rs", "pub struct Config;"),
        ("users/mod.rs", "use crate::config::Config;"),
        ("users/routes.rs", "use super::store;"),
        ("users/store.rs", r#"const FIND: &str = "SELECT id FROM users WHERE id = $1";"#),
        ("orders/mod.rs", "use crate::users::{self, store::find};"),
        ("orders/routes.rs", "fn list() {}"),
        ("orders/store.rs", ""),
    ];
    for (name, text) in clean.iter().chain(files) {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let src = folder.path().to_owned();
    House { src, order: &ORDER, features: &["users", "orders"] }.violations()
}

/// What is wrong when only this stands in `users/mod.rs`.
fn in_users(text: &str) -> Vec<String> {
    violations(&[("users/mod.rs", text)])
}

#[test]
fn a_house_in_order_has_no_violations() {
    assert_eq!(violations(&[]), [""; 0]);
}

#[test]
fn an_import_against_the_order_is_found_however_it_is_written() {
    for text in [
        "use crate::orders::Order;",
        "use crate::{config::Config, orders};",
        "use crate::{\n    config::{Config, Other},\n    orders::{Order},\n};",
        "fn total() { let order = crate::orders::find(); }",
        "use super::orders;",
        "use super::{config, orders::Order};",
        "mod tests { use super::super::orders; }",
        "fn f<'a>(q: &'a char) { g('\"'); crate::orders::h('\\'') }",
    ] {
        let found = in_users(text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(found[0].contains("users uses orders, which stands after it"), "{found:?}");
    }
    let deeper = violations(&[("users/store.rs", "\nuse super::super::orders;")]);
    assert_eq!(deeper, ["users/store.rs:2: users uses orders, which stands after it"]);
}

#[test]
fn an_import_of_what_has_no_place_is_found() {
    let found = in_users("use crate::Error;");
    assert_eq!(found, ["users/mod.rs:1: crate::Error is none of the modules in the order"]);
    let found = violations(&[("mail.rs", "")]);
    assert_eq!(found, ["mail.rs: mail has no place in the order"]);
}

#[test]
fn what_only_looks_like_an_import_is_none() {
    for text in [
        "use crate::config::{orders, Config};",
        "// see crate::orders\n/* crate::orders /* */ crate::orders */",
        "/// [`crate::orders`]\nconst TEXT: &str = \"crate::orders \\\" crate::orders\";",
        "const RAW: &str = r#\"crate::orders \" crate::orders\"#;",
        "mod inner { use super::orders; }",
        "use self::orders;",
    ] {
        assert_eq!(in_users(text), [""; 0], "{text}");
    }
}

#[test]
fn sql_outside_of_a_store_is_found_however_it_is_quoted() {
    for text in [
        "const A: &str = \"SELECT 1\";",
        "const A: &str = \"\n    INSERT INTO users (id)\n    VALUES ($1)\";",
        "const A: &str = r\"UPDATE users SET name = $1\";",
        "const A: &str = r##\"DELETE FROM users\"##;",
        "const A: &str = \"WITH gone AS (DELETE FROM users RETURNING id) TABLE gone\";",
        "const A: &str = \"select * from users\";",
        "const A: &str = \"update users set name = $1\";",
        "#[cfg(test)]\nmod tests { fn f() {} }\nconst A: &str = \"TRUNCATE users\";",
    ] {
        let found = in_users(text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(found[0].ends_with("SQL outside of store.rs"), "{found:?}");
    }
}

#[test]
fn english_and_tests_are_no_sql() {
    for text in [
        "/// SELECT id FROM users\nfn f() {}",
        "const A: &str = \"Select a product from the list.\";",
        "const A: &str = \"Delete one from the cart; it is gone then.\";",
        "const A: &str = \"update the set of scopes\";",
        "const A: &str = \"with\";",
        "const A: &str = \"DELETE\";",
        "#[cfg(test)]\nmod tests {\n    const A: &str = \"SELECT 1 FROM users\";\n}",
    ] {
        assert_eq!(in_users(text), [""; 0], "{text}");
    }
    assert_eq!(violations(&[("users/tests.rs", "const A: &str = \"SELECT 1\";")]), [""; 0]);
}

#[test]
fn drawers_are_found_by_their_names() {
    let found = violations(&[("users/helpers.rs", ""), ("orders/Common/mod.rs", "")]);

    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found.iter().any(|it| it.contains("helpers is a drawer's name")), "{found:?}");
    assert!(found.iter().any(|it| it.contains("Common is a drawer's name")), "{found:?}");
}

#[test]
fn a_feature_without_its_three_files_is_found() {
    let src = tempfile::tempdir().unwrap();
    std::fs::create_dir(src.path().join("users")).unwrap();
    std::fs::write(src.path().join("users/mod.rs"), "").unwrap();

    let house =
        House { src: src.path().to_owned(), order: &["keys", "users"], features: &["users"] };

    assert_eq!(
        house.violations(),
        [
            "keys: in the order, but there is no such module",
            "users: a feature, but it has no routes.rs",
            "users: a feature, but it has no store.rs",
        ]
    );
}

#[test]
fn a_long_file_is_found() {
    let long = "// a line\n".repeat(LINES_MAX + 1);

    assert_eq!(in_users(&long), ["users/mod.rs: 321 lines, more than 320"]);
    assert_eq!(in_users(&long["// a line\n".len()..]), [""; 0]);
}

#[test]
fn a_forbidden_dependency_is_found_in_every_table() {
    for manifest in [
        "[dependencies]\nwarp.workspace = true",
        "[dependencies]\nserde = \"1\"\nwarp = { version = \"0.4\" }",
        "[dev-dependencies]\nwarp=\"0.4\"",
        "[target.'cfg(unix)'.dependencies]\nwarp = \"0.4\"",
        "[build-dependencies.warp]\nversion = \"0.4\"",
        "[dependencies]\nweb = { package = \"warp\", version = \"0.4\" }",
    ] {
        assert_eq!(forbidden_in(manifest, &["warp"]).len(), 1, "{manifest}");
    }
    assert_eq!(
        forbidden_in("[dependencies]\ntokio_postgres = \"0\"", &["tokio-postgres"]).len(),
        1
    );
}

#[test]
fn an_allowed_dependency_is_none_of_the_forbidden() {
    let manifest = "[package]\nname = \"warp\"\n[dependencies]\n# warp = \"0\"\nwarper = \"1\"";

    assert_eq!(forbidden_in(manifest, &["warp"]), [""; 0]);
}

fn forbidden_in(manifest: &str, names: &[&str]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("Cargo.toml"), manifest).unwrap();
    forbids(folder.path(), names)
}
