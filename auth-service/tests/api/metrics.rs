//! `oauth_token_requests_total`, by grant and outcome.

use devstack_testkit::Api;
use devstack_testkit::http::Call;
use serde_json::json;

use crate::auth::{OTHER_PASSWORD, PASSWORD};
use crate::cli::{Cli, Served, serve};
use crate::machine::registration;

fn token(api: &Api, form: &[(&str, &str)]) -> Call {
    api.post("/token").form(form)
}

/// Every series of the metric, sorted: `grant outcome count`.
async fn counted(ops: &Api) -> Vec<String> {
    let text = ops.get("/metrics").send().await.text();
    let lines = text.lines().filter_map(|line| line.strip_prefix("oauth_token_requests_total{"));
    let mut series: Vec<String> = lines
        .map(|line| {
            let mut parts = line.split('"');
            let mut next = || parts.next().unwrap().to_owned();
            let (name, grant, between, outcome, count) = (next(), next(), next(), next(), next());
            assert_eq!((&*name, &*between), ("grant_type=", ",outcome="), "{line}");
            format!("{grant} {outcome} {}", count.trim_start_matches("} "))
        })
        .collect();
    series.sort();
    series
}

#[tokio::test]
async fn token_requests_are_counted_by_grant_and_outcome() {
    let cli = Cli::new().await;
    let Served { api, ops, process: _process } = serve(cli.command(&[])).await;
    let client = registration();
    let body = json!({ "id": proto::UserId::generate(), "email": "ann@example.com",
        "password": PASSWORD });
    client.sign(api.post("/credentials")).json(&body).send().await.expect(201);

    let password = ("grant_type", "password");
    let ann = ("username", "ann@example.com");
    let right = [password, ann, ("password", PASSWORD)];
    let first = token(&api, &right).send().await.expect(200);
    api.post("/login").form(&right[1..]).send().await.expect(200);
    token(&api, &[password, ann, ("password", OTHER_PASSWORD)]).send().await.expect(400);
    token(&api, &[password, ann]).send().await.expect(400);
    client.sign(token(&api, &right)).send().await.expect(400);
    token(&api, &right).basic("shop-service", "wrong").send().await.expect(401);
    let first = first["refresh_token"].as_str().unwrap();
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", first)];
    token(&api, &refresh).send().await.expect(200);
    token(&api, &refresh).send().await.expect(200);
    let more = [&refresh[..], &[("scope", "auth:admin")]].concat();
    token(&api, &more).send().await.expect(400);
    let garbage = [("grant_type", "refresh_token"), ("refresh_token", "garbage")];
    token(&api, &garbage).send().await.expect(400);
    let machine = [("grant_type", "client_credentials")];
    client.sign(token(&api, &machine)).send().await.expect(200);
    token(&api, &machine).send().await.expect(401);
    let unknown = [("grant_type", "urn:ann@example.com")];
    token(&api, &unknown).send().await.expect(400);

    assert_eq!(
        counted(&ops).await,
        [
            "client_credentials invalid_client 1",
            "client_credentials success 1",
            "other unsupported_grant_type 1",
            "password invalid_client 1",
            "password invalid_grant 1",
            "password invalid_request 1",
            "password invalid_scope 1",
            "password success 2",
            "refresh_token invalid_grant 1",
            "refresh_token invalid_scope 1",
            "refresh_token success 2",
        ]
    );
}
