//! `POST /credentials` and `DELETE /credentials/{id}`.

use proto::UserId;
use serde_json::{Value, json};

use crate::auth::{
    Auth, CLIENT, CLIENT_SECRET, OLD_CLIENT_SECRET, OTHER_PASSWORD, PASSWORD, encoded,
};

fn body(id: &str, email: &str, password: &str, attempt: impl Into<Value>) -> Value {
    json!({ "id": id, "email": email, "password": password, "attempt": attempt.into() })
}

fn new_id() -> String {
    UserId::generate().to_string()
}

#[tokio::test]
async fn a_registered_user_can_log_in() {
    let auth = Auth::start().await;
    let id = new_id();

    let answer = auth.credentials(&body(&id, " Ann@Example.com", PASSWORD, 1)).await;

    assert_eq!(answer.expect(201), json!({ "id": id, "email": "ann@example.com" }));
    auth.login("ann@example.com", PASSWORD).await.expect(200);
}

#[tokio::test]
async fn the_same_attempt_again_changes_nothing() {
    let auth = Auth::start().await;
    let id = new_id();
    auth.credentials(&body(&id, "ann@example.com", PASSWORD, 3)).await.expect(201);

    auth.credentials(&body(&id, "ann@example.com", OTHER_PASSWORD, 3)).await.expect(201);

    auth.login("ann@example.com", OTHER_PASSWORD).await.expect_oauth_error(400, "invalid_grant");
    auth.login("ann@example.com", PASSWORD).await.expect(200);
    auth.credentials(&body(&id, "ann@example.com", OTHER_PASSWORD, 3)).await.expect(201);
    auth.login("ann@example.com", PASSWORD).await.expect(200);
}

#[tokio::test]
async fn a_higher_attempt_replaces_the_password_until_the_first_login() {
    let auth = Auth::start().await;
    let id = new_id();
    auth.credentials(&body(&id, "ann@example.com", PASSWORD, 1)).await.expect(201);

    auth.credentials(&body(&id, "ann@example.com", OTHER_PASSWORD, 5)).await.expect(201);

    auth.login("ann@example.com", PASSWORD).await.expect_oauth_error(400, "invalid_grant");
    auth.login("ann@example.com", OTHER_PASSWORD).await.expect(200);
    let late = auth.credentials(&body(&id, "ann@example.com", PASSWORD, 6)).await;
    late.expect_problem(409, "already_registered");
    auth.login("ann@example.com", OTHER_PASSWORD).await.expect(200);
}

#[tokio::test]
async fn a_lower_attempt_comes_too_late() {
    let auth = Auth::start().await;
    let id = new_id();
    auth.credentials(&body(&id, "ann@example.com", PASSWORD, 3)).await.expect(201);

    let late = auth.credentials(&body(&id, "ann@example.com", OTHER_PASSWORD, 2)).await;

    late.expect_problem(409, "attempt_superseded");
    auth.login("ann@example.com", PASSWORD).await.expect(200);
}

#[tokio::test]
async fn an_absent_attempt_counts_as_the_next() {
    let auth = Auth::start().await;
    let id = new_id();
    auth.credentials(&body(&id, "ann@example.com", PASSWORD, 3)).await.expect(201);

    auth.credentials(&body(&id, "ann@example.com", OTHER_PASSWORD, Value::Null)).await.expect(201);

    // It was the fourth.
    auth.credentials(&body(&id, "ann@example.com", PASSWORD, 4)).await.expect(201);
    auth.login("ann@example.com", OTHER_PASSWORD).await.expect(200);
}

#[tokio::test]
async fn an_e_mail_belongs_to_one_id() {
    let auth = Auth::start().await;
    auth.register("ann@example.com").await;

    let answer = auth.credentials(&body(&new_id(), "ANN@example.com", OTHER_PASSWORD, 9)).await;

    answer.expect_problem(409, "email_taken");
    auth.login("ann@example.com", PASSWORD).await.expect(200);
}

#[tokio::test]
async fn an_id_has_one_e_mail() {
    let auth = Auth::start().await;
    let ann = auth.register("ann@example.com").await;
    auth.register("bob@example.com").await;

    for email in ["cleo@example.com", "bob@example.com"] {
        let answer = auth.credentials(&body(&ann.id, email, OTHER_PASSWORD, 9)).await;
        answer.expect_problem(409, "id_taken");
    }
    auth.login("ann@example.com", PASSWORD).await.expect(200);
    auth.login("bob@example.com", PASSWORD).await.expect(200);
}

#[tokio::test]
async fn an_unregistered_user_cannot_log_in() {
    let auth = Auth::start().await;
    let user = auth.register("ann@example.com").await;

    let answer = auth.unregister(&user.id).await;

    assert_eq!((answer.status, answer.body.len()), (204, 0), "{answer:?}");
    auth.login("ann@example.com", PASSWORD).await.expect_oauth_error(400, "invalid_grant");
}

#[tokio::test]
async fn unregistering_may_be_repeated() {
    let auth = Auth::start().await;
    let user = auth.register("ann@example.com").await;
    auth.unregister(&user.id).await.expect(204);
    auth.register("ann@example.com").await;

    auth.unregister(&user.id).await.expect(204);

    auth.login("ann@example.com", PASSWORD).await.expect(200);
}

#[tokio::test]
async fn an_unregistered_id_stays_so_for_ever() {
    let auth = Auth::start().await;
    let user = auth.register("ann@example.com").await;
    auth.unregister(&user.id).await.expect(204);

    for attempt in [json!(1), json!(1_000_000), Value::Null] {
        let late = auth.credentials(&body(&user.id, "ann@example.com", PASSWORD, attempt)).await;
        late.expect_problem(409, "unregistered");
    }
    auth.login("ann@example.com", PASSWORD).await.expect_oauth_error(400, "invalid_grant");
}

#[tokio::test]
async fn an_id_that_was_unregistered_before_it_was_registered_stays_so_too() {
    let auth = Auth::start().await;
    let id = new_id();
    auth.unregister(&id).await.expect(204);

    let late = auth.credentials(&body(&id, "ann@example.com", PASSWORD, 1)).await;

    late.expect_problem(409, "unregistered");
}

#[tokio::test]
async fn the_e_mail_of_a_disabled_user_stays_refused() {
    let auth = Auth::start().await;
    let user = auth.register("ann@example.com").await;
    auth.sql("UPDATE credentials SET disabled = true").await;

    auth.unregister(&user.id).await.expect(204);

    let again = auth.credentials(&body(&new_id(), "ann@example.com", PASSWORD, 1)).await;
    again.expect_problem(409, "email_taken");
    auth.unregister(&user.id).await.expect(204);
    let again = auth.credentials(&body(&new_id(), "ann@example.com", PASSWORD, 1)).await;
    again.expect_problem(409, "email_taken");
}

#[tokio::test]
async fn a_disabled_users_password_is_not_replaced() {
    let auth = Auth::start().await;
    let user = auth.register("ann@example.com").await;
    auth.sql("UPDATE credentials SET disabled = true").await;

    let answer = auth.credentials(&body(&user.id, "ann@example.com", OTHER_PASSWORD, 9)).await;

    answer.expect_problem(409, "already_registered");
}

#[tokio::test]
async fn only_the_registration_client_registers_and_unregisters() {
    let auth = Auth::start().await;
    let user = auth.register("ann@example.com").await;
    let body = body(&user.id, "ann@example.com", OTHER_PASSWORD, 9);
    let calls = || {
        let path = format!("/credentials/{}", user.id);
        [auth.api.post("/credentials").json(&body), auth.api.delete(&path)]
    };
    let refused = async |answer: devstack_testkit::Answer| {
        answer.expect_problem(401, "invalid_client");
        let challenge = "Basic realm=\"auth-service\", charset=\"UTF-8\"";
        assert_eq!(answer.header("www-authenticate"), Some(challenge));
    };

    for call in calls() {
        refused(call.send().await).await;
    }
    for (id, secret) in [
        (CLIENT, "wrong"),
        (CLIENT, ""),
        ("", ""),
        ("public", ""),
        ("another-client", &*encoded(CLIENT_SECRET)),
    ] {
        for call in calls() {
            refused(call.basic(id, secret).send().await).await;
        }
    }
    for call in calls() {
        refused(call.bearer(CLIENT_SECRET).send().await).await;
    }
    auth.login("ann@example.com", PASSWORD).await.expect(200);
}

#[tokio::test]
async fn every_secret_of_the_registration_client_is_taken() {
    let auth = Auth::start().await;
    let body = body(&new_id(), "ann@example.com", PASSWORD, 1);

    let call = auth.api.post("/credentials").json(&body).basic(CLIENT, OLD_CLIENT_SECRET);

    call.send().await.expect(201);
}
