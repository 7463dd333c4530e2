//! A token is trusted for who, never for what.

use devstack_testkit::Answer;
use devstack_testkit::http::Call;
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use crate::auth::{Auth, PASSWORD, Tokens, decoded};
use crate::machine::registration;
use crate::mint;

/// What an administrator can be asked for, harmless where it is let through.
const ADMIN: [(Method, &str, &str); 7] = [
    (Method::GET, "/admin/users", ""),
    (Method::GET, "/admin/users/01890a5d-ac96-774b-bcce-b302099a8057", ""),
    (Method::PATCH, "/admin/users/01890a5d-ac96-774b-bcce-b302099a8057", "{}"),
    (Method::GET, "/admin/clients", ""),
    (Method::POST, "/admin/clients", "{}"),
    (Method::DELETE, "/admin/clients/nobody", ""),
    (Method::GET, "/admin/audit", ""),
];

/// What a person can be asked for.
const PERSON: [(Method, &str, &str); 4] = [
    (Method::PUT, "/password", "{}"),
    (Method::GET, "/sessions", ""),
    (Method::DELETE, "/sessions/01890a5d-ac96-774b-bcce-b302099a8057", ""),
    (Method::DELETE, "/sessions", ""),
];

fn call(auth: &Auth, (method, path, body): &(Method, &str, &str)) -> Call {
    let call = auth.api.call(method.clone(), path);
    if body.is_empty() { call } else { call.body("application/json", *body) }
}

#[track_caller]
fn expect_invalid_token(answer: &Answer) {
    answer.expect_problem(401, "invalid_token");
    let challenge = "Bearer realm=\"auth-service\", error=\"invalid_token\"";
    assert_eq!(answer.header("www-authenticate"), Some(challenge), "{answer:?}");
}

#[track_caller]
fn expect_insufficient_scope(answer: &Answer, scope: &str) {
    answer.expect_problem(403, "insufficient_scope");
    let error = format!("error=\"insufficient_scope\", scope=\"{scope}\"");
    let challenge = format!("Bearer realm=\"auth-service\", {error}");
    assert_eq!(answer.header("www-authenticate"), Some(&*challenge), "{answer:?}");
}

/// That none of these calls believes the token.
async fn expect_unbelieved(auth: &Auth, token: &str) {
    for asked in ADMIN.iter().chain(&PERSON) {
        expect_invalid_token(&call(auth, asked).bearer(token).send().await);
    }
}

/// That the token is believed about who, but does not administer.
async fn expect_no_admin(auth: &Auth, token: &str) {
    for asked in &ADMIN {
        let answer = call(auth, asked).bearer(token).send().await;
        expect_insufficient_scope(&answer, "auth:admin");
    }
}

/// That the token administers.
async fn expect_admin(auth: &Auth, token: &str) {
    for asked in &ADMIN {
        let answer = call(auth, asked).bearer(token).send().await;
        assert!([200, 404, 422].contains(&answer.status), "{asked:?}: {answer:?}");
    }
}

fn user_of(tokens: &Tokens) -> String {
    decoded(&tokens.access).1["sub"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_leaked_secret_alone_does_not_administer() {
    let auth = Auth::start().await;
    let (admin, other) = (auth.admin().await, auth.admin().await);
    let user = user_of(&admin);
    let minted = |session: Option<&str>| mint::sign(&mint::person(&user, session, "auth:admin"));

    expect_unbelieved(&auth, &minted(None)).await;
    expect_unbelieved(&auth, &minted(Some(&Uuid::now_v7().to_string()))).await;
    expect_unbelieved(&auth, &minted(Some(&other.session))).await;
    let stranger = Uuid::now_v7().to_string();
    let stranger = mint::person(&stranger, Some(&admin.session), "auth:admin");
    expect_unbelieved(&auth, &mint::sign(&stranger)).await;

    // The one thing it lacked.
    expect_admin(&auth, &minted(Some(&admin.session))).await;
}

#[tokio::test]
async fn a_minted_machine_that_is_no_client_is_nobody() {
    let auth = Auth::start().await;

    for id in ["no-client", "public", "shop-servic"] {
        expect_unbelieved(&auth, &mint::sign(&mint::machine(id, "auth:admin"))).await;
    }
    // A client that exists is believed to be itself, with no more than it was granted.
    expect_no_admin(&auth, &mint::sign(&mint::machine("shop-service", "auth:admin"))).await;
}

#[tokio::test]
async fn a_logout_holds_at_once() {
    let mut auth = Auth::start().await;
    let replica = auth.another(|_| {}).await;
    let admin = auth.admin().await;
    expect_admin(&auth, &admin.access).await;
    replica.get("/admin/users").bearer(&admin.access).send().await.expect(200);

    auth.api.post("/revoke").form(&[("token", &admin.refresh)]).send().await.expect(200);

    expect_unbelieved(&auth, &admin.access).await;
    expect_invalid_token(&replica.get("/admin/users").bearer(&admin.access).send().await);
}

#[tokio::test]
async fn an_expired_session_and_a_disabled_user_are_nobody() {
    let auth = Auth::start().await;
    let (ann, bob) = (auth.admin().await, auth.admin().await);
    let (session, user) = (&ann.session, user_of(&bob));

    let expire = "UPDATE sessions SET expires_at = clock_timestamp()";
    auth.sql(&format!("{expire} WHERE id = '{session}'")).await;
    auth.sql(&format!("UPDATE credentials SET disabled = true WHERE id = '{user}'")).await;

    expect_unbelieved(&auth, &ann.access).await;
    expect_unbelieved(&auth, &bob.access).await;
}

#[tokio::test]
async fn a_scope_that_was_taken_away_is_gone_at_once() {
    let auth = Auth::start().await;
    let (admin, other) = (auth.admin().await, auth.admin().await);
    let path = format!("/admin/users/{}", user_of(&admin));
    let scopes = async |scopes: &[&str]| {
        let change = auth.api.patch(&path).bearer(&other.access).json(&json!({ "scopes": scopes }));
        change.send().await.expect(200);
    };

    scopes(&["shop", "shop:admin", "auth:register"]).await;
    expect_no_admin(&auth, &admin.access).await;
    auth.api.get("/sessions").bearer(&admin.access).send().await.expect(200);

    scopes(&["auth:admin"]).await;
    expect_admin(&auth, &admin.access).await;
}

#[tokio::test]
async fn a_login_that_was_narrowed_does_not_administer_whatever_its_token_claims() {
    let auth = Auth::start().await;
    let user = user_of(&auth.admin().await);
    let email = format!("admin-{user}@example.com");
    let form = [("username", &*email), ("password", PASSWORD), ("scope", "shop shop:admin")];
    let narrowed = Tokens::of(&auth.api.post("/login").form(&form).send().await);

    expect_no_admin(&auth, &narrowed.access).await;
    let claiming = mint::person(&user, Some(&narrowed.session), "shop auth:admin");
    expect_no_admin(&auth, &mint::sign(&claiming)).await;
}

#[tokio::test]
async fn a_refresh_that_was_narrowed_does_not_administer() {
    let auth = Auth::start().await;
    let admin = auth.admin().await;
    let form = [("grant_type", "refresh_token"), ("refresh_token", &*admin.refresh)];
    let narrow = [&form[..], &[("scope", "shop")]].concat();
    let narrowed = Tokens::of(&auth.token(&narrow).send().await);

    expect_no_admin(&auth, &narrowed.access).await;
    expect_admin(&auth, &admin.access).await;
}

#[tokio::test]
async fn a_machine_administers_as_long_as_it_exists_and_is_granted_to() {
    let auth = Auth::start().await;
    let robot = auth.client("admin-robot", &["auth:admin"]).await;
    let access = robot.access(&auth).await;
    expect_admin(&auth, &access).await;

    auth.sql("UPDATE clients SET scopes = '{shop}'").await;
    expect_no_admin(&auth, &access).await;
    auth.sql("UPDATE clients SET scopes = '{auth:admin}'").await;
    expect_admin(&auth, &access).await;
    let admin = auth.admin().await;
    auth.api.delete("/admin/clients/admin-robot").bearer(&admin.access).send().await.expect(204);
    expect_unbelieved(&auth, &access).await;
}

#[tokio::test]
async fn what_a_machine_administers_is_audited_with_the_machine() {
    let auth = Auth::start().await;
    let ann = auth.register("ann@example.com").await;
    let access = auth.client("admin-robot", &["auth:admin"]).await.access(&auth).await;

    let path = format!("/admin/users/{}", ann.id);
    let change = auth.api.patch(&path).bearer(&access).json(&json!({ "disabled": true }));
    change.send().await.expect(200);

    assert_eq!(auth.audited("disabled").await[0]["detail"]["by"], "client admin-robot");
}

#[tokio::test]
async fn a_machine_without_the_scope_does_not_administer_and_has_no_sessions() {
    let auth = Auth::start().await;
    let robot = auth.client("stock-robot", &["shop", "shop:admin", "auth:register"]).await;

    for access in [robot.access(&auth).await, registration().access(&auth).await] {
        expect_no_admin(&auth, &access).await;
        for asked in &PERSON {
            let answer = call(&auth, asked).bearer(&access).send().await;
            expect_insufficient_scope(&answer, "shop");
        }
    }
}

#[tokio::test]
async fn a_person_through_a_client_administers_as_far_as_the_client_may() {
    let auth = Auth::start().await;
    let email = format!("admin-{}@example.com", user_of(&auth.admin().await));
    let app = auth.client("admin-app", &["shop", "auth:admin"]).await;
    let tokens = Tokens::of(&app.login(&auth, &email).await);
    expect_admin(&auth, &tokens.access).await;

    auth.sql("UPDATE clients SET scopes = '{shop}'").await;

    expect_no_admin(&auth, &tokens.access).await;
    auth.sql("DELETE FROM clients").await;
    expect_unbelieved(&auth, &tokens.access).await;
}

#[tokio::test]
async fn without_a_token_the_challenge_names_no_error() {
    let auth = Auth::start().await;

    for asked in ADMIN.iter().chain(&PERSON) {
        for call in [call(&auth, asked), registration().sign(call(&auth, asked))] {
            let answer = call.send().await;
            answer.expect_problem(401, "unauthenticated");
            let challenge = "Bearer realm=\"auth-service\"";
            assert_eq!(answer.header("www-authenticate"), Some(challenge), "{answer:?}");
        }
    }
}
