//! Every error that the document lists, provoked over HTTP.

use devstack_testkit::http::raw;
use proto::UserId;
use serde_json::{Value, json};

use crate::auth::{Auth, CLIENT, CLIENT_SECRET, OTHER_PASSWORD, PASSWORD, encoded};
use crate::guesses::HOME;

const FORM: &str = "application/x-www-form-urlencoded";

/// What the document lists of a schema's property.
fn listed(schema: &str, property: &str) -> Vec<String> {
    let document = serde_json::to_value(auth_service::routes::openapi()).unwrap();
    let values = &document["components"]["schemas"][schema]["properties"][property]["enum"];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    values.as_array().unwrap().iter().map(text).collect()
}

/// A service that has never found its database.
async fn without_database() -> Auth {
    let database = crate::auth::migrated().await;
    let nowhere = "postgres://nobody@127.0.0.1:1/none";
    Auth::start_on(database, |config| config.database.postgres = nowhere.parse().unwrap()).await
}

/// A request whose body never comes.
async fn without_body(auth: &Auth, path: &str, media_type: &str) -> devstack_testkit::Answer {
    let basic = format!("{CLIENT}:{}", encoded(CLIENT_SECRET));
    let basic = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, basic);
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: auth\r\nAuthorization: Basic {basic}\r\n\
         Content-Type: {media_type}\r\nContent-Length: 10\r\n\r\n"
    );
    raw(auth.api.addr(), request).await.unwrap()
}

#[tokio::test]
async fn every_code_that_the_document_lists_is_answered() {
    let auth = Auth::start().await;
    let ann = auth.register("ann@example.com").await;
    let tokens = auth.tokens(&ann).await;
    let admin = auth.admin().await.access;
    auth.client("stock-robot", &["shop"]).await;
    let register = |id: &str, email: &str, attempt: u32| {
        let body = json!({ "id": id, "email": email, "password": PASSWORD, "attempt": attempt });
        auth.api.post("/credentials").basic(CLIENT, &encoded(CLIENT_SECRET)).json(&body).send()
    };
    let create = |id: &str| {
        let call = auth.api.post("/admin/clients").bearer(&admin);
        call.json(&json!({ "id": id, "scopes": ["shop"] })).send()
    };
    let (new, other) = (UserId::generate().to_string(), UserId::generate().to_string());

    for code in listed("Problem", "code") {
        let (status, answer) = match code.as_str() {
            "invalid_request" => {
                (400, auth.api.get("/sessions?limit=x").bearer(&tokens.access).send().await)
            }
            "unauthenticated" => (401, auth.api.get("/sessions").send().await),
            "invalid_token" => {
                (401, auth.api.get("/sessions").bearer("no.token.atall").send().await)
            }
            "insufficient_scope" => {
                (403, auth.api.get("/admin/users").bearer(&tokens.access).send().await)
            }
            "not_found" => (404, auth.api.get("/nothing").send().await),
            "method_not_allowed" => (405, auth.api.put("/sessions").send().await),
            "request_timeout" => {
                (408, without_body(&auth, "/credentials", "application/json").await)
            }
            "content_too_large" => {
                let call = auth.api.put("/password").bearer(&tokens.access);
                (413, call.body("application/json", "x".repeat(70_000)).send().await)
            }
            "unsupported_media_type" => {
                (415, auth.api.put("/password").bearer(&tokens.access).send().await)
            }
            "validation" => {
                let call = auth.api.put("/password").bearer(&tokens.access);
                (422, call.json(&json!({})).send().await)
            }
            "internal" => {
                let broken = Auth::start().await;
                let token = broken.admin().await.access;
                broken.sql("ALTER TABLE audit RENAME TO elsewhere").await;
                (500, broken.api.get("/admin/audit").bearer(token).send().await)
            }
            "unavailable" => (503, without_database().await.api.get("/sessions").send().await),
            "invalid_client" => (401, auth.api.post("/credentials").json(&json!({})).send().await),
            "email_taken" => (409, register(&new, ann.email, 1).await),
            "id_taken" => (409, register(&ann.id, "bob@example.com", 1).await),
            "attempt_superseded" => {
                register(&new, "new@example.com", 2).await.expect(201);
                (409, register(&new, "new@example.com", 1).await)
            }
            "already_registered" => (409, register(&ann.id, ann.email, 100).await),
            "unregistered" => {
                auth.unregister(&other).await.expect(204);
                (409, register(&other, "other@example.com", 1).await)
            }
            "client_taken" => (409, create("stock-robot").await),
            "client_reserved" => (409, create(CLIENT).await),
            "too_many_requests" => (429, change_password_in_vain(&auth).await),
            code => panic!("nothing provokes {code}"),
        };

        let problem = answer.expect_problem(status, &code);
        let retry = answer.header("retry-after").and_then(|seconds| seconds.parse::<u64>().ok());
        assert_eq!(retry.is_some(), [429, 503].contains(&status), "{answer:?}");
        assert_eq!(answer.header("www-authenticate").is_some(), [401, 403].contains(&status));
        assert_eq!(problem.get("errors").is_some(), status == 422, "{answer:?}");
    }
}

/// Until the next attempt has to wait.
async fn change_password_in_vain(auth: &Auth) -> devstack_testkit::Answer {
    auth.make_waits_long().await;
    let bob = auth.register("bob@example.com").await;
    let token = auth.tokens(&bob).await.access;
    let body = json!({ "current_password": OTHER_PASSWORD, "new_password": PASSWORD });
    let change = || auth.api.put("/password").bearer(&token).json(&body).send();
    for _ in 0..5 {
        change().await.expect_problem(422, "validation");
    }
    change().await
}

#[tokio::test]
async fn every_error_of_the_oauth_endpoints_that_the_document_lists_is_answered() {
    let auth = Auth::start().await;
    let ann = auth.register("ann@example.com").await;
    let robot = auth.client("stock-robot", &["shop"]).await;
    let token = |form: &[(&str, &str)]| auth.token(form).send();

    for error in listed("ErrorResponse", "error") {
        let (status, answer) = match error.as_str() {
            "invalid_request" => (400, token(&[]).await),
            "invalid_client" => (401, token(&[("grant_type", "client_credentials")]).await),
            "invalid_grant" => (400, auth.password_grant(ann.email, OTHER_PASSWORD).await),
            "unsupported_grant_type" => (400, token(&[("grant_type", "implicit")]).await),
            "invalid_scope" => {
                let who = [("username", ann.email), ("password", PASSWORD)];
                let what = [("grant_type", "password"), ("scope", "auth:admin")];
                (400, token(&[who, what].concat()).await)
            }
            "unsupported_token_type" => {
                let form = [("token", &*robot.access(&auth).await)];
                let call = auth.api.post("/revoke").form(&form);
                (400, call.basic(&robot.id, &robot.secret).send().await)
            }
            "too_many_requests" => {
                auth.make_waits_long().await;
                auth.fail(5, HOME, "bob@example.com").await;
                (429, auth.guess(HOME, "bob@example.com").await)
            }
            "temporarily_unavailable" => {
                let form = [("grant_type", "password")];
                (503, without_database().await.token(&form).send().await)
            }
            "server_error" => {
                let broken = Auth::start().await;
                broken.sql("ALTER TABLE credentials RENAME TO elsewhere").await;
                (500, broken.login(ann.email, PASSWORD).await)
            }
            error => panic!("nothing provokes {error}"),
        };

        answer.expect_oauth_error(status, &error);
        assert_eq!(answer.header("retry-after").is_some(), [429, 503].contains(&status));
        assert_eq!(answer.header("www-authenticate").is_some(), status == 401, "{answer:?}");
    }
    let late = without_body(&auth, "/token", FORM).await;
    late.expect_oauth_error(408, "invalid_request");
}
