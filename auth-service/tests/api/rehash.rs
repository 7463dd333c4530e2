//! Passwords whose hash is not what it would be today.

use devstack_testkit::process::Program;
use devstack_testkit::{Answer, Api, database};
use proto::UserId;
use serde_json::json;

use crate::auth::{CLIENT, OLD_CLIENT_SECRET, PASSWORD};
use crate::cli::{Cli, Served, serve};

const PEPPER: &str = "a pepper of more than thirty-two bytes for tests";
const NEW_PEPPER: &str = "another pepper of more than thirty-two bytes";

async fn register(api: &Api) {
    let id = UserId::generate();
    let body = json!({ "id": id, "email": "ann@example.com", "password": PASSWORD });
    let call = api.post("/credentials").basic(CLIENT, OLD_CLIENT_SECRET).json(&body);
    call.send().await.expect(201);
}

async fn login(api: &Api) -> Answer {
    api.post("/login").form(&[("username", "ann@example.com"), ("password", PASSWORD)]).send().await
}

async fn stored(cli: &Cli) -> String {
    let db = database::connect(cli.url()).await;
    db.query_one("SELECT password_hash FROM credentials", &[]).await.unwrap().get(0)
}

/// A login at a service that is started for it; gives what it logged.
async fn login_at(program: Program, status: u16) -> String {
    let Served { api, process, .. } = serve(program).await;
    login(&api).await.expect(status);
    process.terminate().await.stderr
}

#[tokio::test]
async fn a_login_stores_a_hash_of_todays_parameters_and_pepper() {
    let cli = Cli::new().await;
    let Served { api, process, .. } = serve(cli.command(&[])).await;
    register(&api).await;
    process.terminate().await;
    assert!(stored(&cli).await.starts_with("$argon2id$v=19$m=64,t=1,p=1$"));
    let today = || cli.command(&[]).env("ARGON2_ITERATIONS", "2").env("PASSWORD_PEPPER", PEPPER);

    login_at(today(), 200).await;

    let first = stored(&cli).await;
    assert!(first.starts_with("$argon2id$v=19$m=64,t=2,p=1,keyid="), "{first}");
    login_at(today(), 200).await;
    assert_eq!(stored(&cli).await, first);
}

#[tokio::test]
async fn a_pepper_that_is_dropped_too_early_is_a_no_and_a_line_in_the_log() {
    let cli = Cli::new().await;
    let with = |pepper: &str| cli.command(&[]).env("PASSWORD_PEPPER", pepper);
    let Served { api, process, .. } = serve(with(PEPPER)).await;
    register(&api).await;
    process.terminate().await;

    let dropped = login_at(with(NEW_PEPPER), 400).await;
    login_at(with(&format!("{NEW_PEPPER},{PEPPER}")), 200).await;
    login_at(with(NEW_PEPPER), 200).await;

    let fault = dropped.lines().find(|line| line.contains("ERROR")).unwrap_or_default();
    assert!(fault.contains("PASSWORD_PEPPER") && fault.contains("keyid="), "{dropped}");
    for secret in [PEPPER, NEW_PEPPER, PASSWORD] {
        assert!(!dropped.contains(secret), "{dropped}");
    }
}
