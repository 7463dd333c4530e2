//! `demo`, which fills two services that run.

use std::fs;
use std::path::Path;

use devstack_testkit::process::{Ended, Program};
use serde_json::Value;

use super::run::Shown;
use crate::machine::Machine;

async fn demo(machine: &Machine, folder: &Path) -> Ended {
    let database = folder.join("database");
    fs::write(&database, machine.postgres.url("auth")).unwrap();
    Program::new(env!("CARGO_BIN_EXE_devstack"))
        .args(&["demo"])
        .env("SHOP_URL", &format!("http://{}", machine.shop.api.addr()))
        .env("AUTH_URL", &format!("http://{}", machine.auth.api.addr()))
        .env("AUTH_DATABASE_URL_FILE", &database.display().to_string())
        .env("DEMO_FOLDER", &folder.display().to_string())
        .run()
        .await
}

/// Categories and products.
async fn on_sale(machine: &Machine) -> [Value; 2] {
    let shop = &machine.shop.api;
    let categories = shop.get("/products/category").send().await.expect(200);
    [categories, shop.get("/products/").send().await.expect(200)]
}

#[tokio::test]
async fn demo_fills_what_is_empty_and_shows_logins_that_work() {
    let machine = Machine::start().await;
    let folder = tempfile::tempdir().unwrap();

    let first = demo(&machine, folder.path()).await;
    assert_eq!(first.code, Some(0), "{first:?}");
    let filled = on_sale(&machine).await;
    let second = demo(&machine, folder.path()).await;

    assert_eq!((second.code, &second.stdout), (Some(0), &first.stdout), "{second:?}");
    assert_eq!(on_sale(&machine).await, filled);
    assert_eq!(filled.map(|list| list.as_array().unwrap().len()), [3, 6]);
    let mut scopes = Vec::new();
    for (email, password) in (Shown { text: first.stdout }).logins() {
        let form = [("username", &*email), ("password", &*password)];
        let token = machine.auth.api.post("/login").form(&form).send().await.expect(200);
        let me = machine.shop.api.get("/user/me").bearer(token["access_token"].as_str().unwrap());
        assert_eq!(me.send().await.expect(200)["email"], email);
        scopes.push(token["scope"].as_str().unwrap().to_owned());
    }
    assert_eq!(scopes, ["shop", "shop shop:admin auth:admin auth:register"]);
}

#[tokio::test]
async fn demo_goes_on_where_it_was_interrupted() {
    let machine = Machine::start().await;
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(demo(&machine, folder.path()).await.code, Some(0));
    let [categories, _] = on_sale(&machine).await;
    let interrupted = "DELETE FROM products; DELETE FROM categories WHERE name <> 'Keys'";
    machine.shop_db().await.batch_execute(interrupted).await.unwrap();

    let again = demo(&machine, folder.path()).await;

    assert_eq!(again.code, Some(0), "{again:?}");
    let [after, products] = on_sale(&machine).await;
    assert_eq!(after[0], categories[0]);
    assert_eq!([after, products].map(|list| list.as_array().unwrap().len()), [3, 6]);
}
