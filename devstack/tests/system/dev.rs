//! `cargo dev` itself: the real binary, with everything it starts.

mod demo;
mod family;
mod run;

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use devstack_testkit::eventually;
use rustix::process::Signal;
use serde_json::json;

use crate::config::free_port;
use crate::system::OTHER_PASSWORD;
use family::{Process, named};
use run::{Folder, Run};

/// Waits until none of these processes runs, nor any other that has to do with this folder.
async fn until_gone(family: &[Process], folder: &Path) {
    eventually("nothing is left running", async || {
        let is_over = family.iter().all(|process| !process.is_running());
        (is_over && named(folder).is_empty()).then_some(())
    })
    .await;
}

/// The mail that Ann gets for an order.
async fn ordered(run: &Run, folder: &Path) -> String {
    let login = run.login("ann@example.com", OTHER_PASSWORD).await.expect(200);
    let token = login["access_token"].as_str().unwrap();
    let products = run.shop.get("/products/").send().await.expect(200);
    let item = json!({ "product_id": products[0]["id"] });
    run.shop.post("/cart/items").bearer(token).json(&item).send().await.expect(201);
    let order = json!({ "shipping_address": "1 Lock Lane" });
    let order = run.shop.post("/orders/").bearer(token).json(&order).send().await.expect(201);
    let file = folder.join(format!("mail/{}.eml", order["id"].as_str().unwrap()));
    eventually("the mail is there", async || fs::read_to_string(&file).ok()).await
}

#[tokio::test]
async fn what_it_shows_works_and_the_next_start_keeps_it() {
    let folder = Folder::new(0o755);

    let mut run = Run::start(&folder, &[]);
    let first = run.up().await;
    for address in [run.shop.addr(), run.auth.addr()] {
        assert!(first.text.contains(&format!("http://localhost:{}", address.port())));
    }
    let curl: Vec<&str> = first.text.lines().filter(|line| line.contains("curl -s ")).collect();
    assert_eq!(curl.len(), 3, "{}", first.text);
    assert_eq!(first.scopes(&run, "customer@example.com").await, "shop");
    let all = "shop shop:admin auth:admin auth:register";
    assert_eq!(first.scopes(&run, "admin@example.com").await, all);
    let ann = json!({ "name": "Ann", "email": "ann@example.com", "password": OTHER_PASSWORD });
    run.shop.post("/user/").json(&ann).send().await.expect(201);
    let mail = ordered(&run, folder.path()).await;
    assert!(mail.contains("To: ann@example.com\r\n"), "{mail}");
    assert!(first.text.contains(&folder.path().join("mail").display().to_string()));
    let products = run.shop.get("/products/").send().await.expect(200);
    assert!(!products.as_array().unwrap().is_empty());

    let family = run.family();
    run.signal(Signal::INT);
    assert_eq!(run.end().await, Some(0), "{}", run.text());
    until_gone(&family, folder.path()).await;
    // Itself, both services, PostgreSQL and its processes.
    assert!(family.len() > 4, "{family:?}");

    let mut run = Run::start(&folder, &[]);
    let second = run.up().await;
    assert_eq!(second.logins(), first.logins());
    assert_eq!(second.scopes(&run, "customer@example.com").await, "shop");
    run.login("ann@example.com", OTHER_PASSWORD).await.expect(200);
    assert_eq!(run.shop.get("/products/").send().await.expect(200), products);

    let family = run.family();
    run.signal(Signal::TERM);
    assert_eq!(run.end().await, Some(0), "{}", run.text());
    until_gone(&family, folder.path()).await;
}

#[tokio::test]
async fn fresh_begins_anew_and_being_killed_leaves_nothing_running() {
    let folder = Folder::new(0o755);
    let mut run = Run::start(&folder, &[]);
    let first = run.up().await;
    let ann = json!({ "name": "Ann", "email": "ann@example.com", "password": OTHER_PASSWORD });
    run.shop.post("/user/").json(&ann).send().await.expect(201);

    fs::create_dir(folder.path().join("mail")).unwrap();

    let family = run.family();
    run.signal(Signal::KILL);
    run.end().await;
    until_gone(&family, folder.path()).await;

    let mut run = Run::start(&folder, &["--fresh"]);
    let fresh = run.up().await;
    assert_ne!(fresh.logins(), first.logins());
    assert!(!folder.path().join("mail").exists());
    assert_eq!(fresh.scopes(&run, "customer@example.com").await, "shop");
    let login = run.login("ann@example.com", OTHER_PASSWORD).await;
    login.expect_oauth_error(400, "invalid_grant");

    run.signal(Signal::TERM);
    assert_eq!(run.end().await, Some(0), "{}", run.text());
}

#[tokio::test]
async fn below_a_folder_of_roots_alone_an_interrupted_start_and_a_dead_service_end_all() {
    let private = Folder::new(0o700);
    let folder = private.below("checkout/.dev");

    let mut run = Run::start(&folder, &[]);
    run.shows("PostgreSQL").await;
    run.signal(Signal::INT);
    assert_eq!(run.end().await, Some(0), "{}", run.text());
    until_gone(&[], folder.path()).await;

    let mut run = Run::start(&folder, &[]);
    run.up().await;
    let family = run.family();
    let auth = family.iter().find(|process| process.command.contains("auth-service")).unwrap();
    auth.kill();
    assert_eq!(run.end().await, Some(1), "{}", run.text());
    assert!(run.text().contains("\nauth-service has ended by itself: "), "{}", run.text());
    until_gone(&family, folder.path()).await;
}

#[tokio::test]
async fn a_port_in_use_is_said_by_number_before_anything_is_started() {
    let folder = Folder::new(0o755);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();

    for flag in
        ["--auth-port", "--auth-ops-port", "--shop-port", "--shop-ops-port", "--postgres-port"]
    {
        let mut run = Run::start(&folder, &[flag, &port]);

        assert_eq!(run.end().await, Some(1));
        let text = run.text();
        assert!(text.contains(&format!("Port {port} cannot be used")), "{text}");
        assert!(text.contains(&format!("cargo dev {flag} ")), "{text}");
    }

    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    assert!(named(folder.path()).is_empty());
}

#[tokio::test]
async fn one_port_for_two_services_is_a_port_in_use() {
    let folder = Folder::new(0o755);
    let port = free_port().to_string();

    let mut run = Run::start(&folder, &["--auth-port", &port, "--shop-port", &port]);

    assert_eq!(run.end().await, Some(1));
    let text = run.text();
    assert!(text.contains(&format!("Port {port} cannot be used")), "{text}");
    assert!(text.contains("cargo dev --shop-port "), "{text}");
}
