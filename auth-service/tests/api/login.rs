//! `POST /login`.

use serde_json::json;

use crate::auth::{Auth, OTHER_PASSWORD, PASSWORD, decoded};

#[tokio::test]
async fn a_user_logs_in_as_the_tutorials_clients_do() {
    let auth = Auth::start().await;
    auth.register("ann@example.com").await;

    let answer = auth.login("ann@example.com", PASSWORD).await;

    let body = answer.expect(200);
    answer.expect_uncached();
    assert_eq!(body["token_type"], "bearer");
    assert_eq!(body["expires_in"], 90);
    assert_eq!(body["scope"], "shop");
    assert_eq!(decoded(body["access_token"].as_str().unwrap()).1["email"], "ann@example.com");
}

#[tokio::test]
async fn an_e_mail_is_the_same_however_it_is_written() {
    let auth = Auth::start().await;
    auth.register("Ann@Example.COM").await;

    for email in ["ann@example.com", "ANN@EXAMPLE.COM", "  ann@example.com "] {
        auth.login(email, PASSWORD).await.expect(200);
    }
}

#[tokio::test]
async fn a_password_is_the_same_from_every_keyboard() {
    let auth = Auth::start().await;
    let user = auth.register("ann@example.com").await;
    let composed = "caf\u{e9} au lait 19";
    let body = json!({ "id": user.id, "email": user.email, "password": composed });
    auth.credentials(&body).await.expect(201);

    auth.login(user.email, "cafe\u{301} au lait 19").await.expect(200);
    auth.login(user.email, "cafe au lait 19").await.expect_oauth_error(400, "invalid_grant");
}

#[tokio::test]
async fn grant_type_is_absent_or_password() {
    let auth = Auth::start().await;
    let user = auth.register("ann@example.com").await;

    for (grant_type, status) in [("password", 200), ("", 200), ("client_credentials", 400)] {
        let form = [("grant_type", grant_type), ("username", user.email), ("password", PASSWORD)];
        let answer = auth.api.post("/login").form(&form).send().await;
        if status == 200 {
            answer.expect(200);
        } else {
            answer.expect_oauth_error(400, "unsupported_grant_type");
        }
    }
}

#[tokio::test]
async fn nobody_learns_why_a_login_failed() {
    let auth = Auth::start().await;
    auth.register("ann@example.com").await;
    auth.register("bob@example.com").await;
    auth.sql("UPDATE credentials SET disabled = true WHERE email = 'bob@example.com'").await;

    let wrong = auth.login("ann@example.com", OTHER_PASSWORD).await;
    let disabled = auth.login("bob@example.com", PASSWORD).await;
    let unknown = auth.login("nobody@example.com", PASSWORD).await;
    let no_email = auth.login("nobody", PASSWORD).await;
    let too_long = auth.login("ann@example.com", &"x".repeat(4000)).await;

    wrong.expect_oauth_error(400, "invalid_grant");
    for other in [disabled, unknown, no_email, too_long] {
        assert_eq!(other.status, wrong.status);
        assert_eq!(other.text(), wrong.text());
        for (name, value) in &wrong.headers {
            if name != "date" && name != "x-request-id" {
                assert_eq!(other.headers.get(name), Some(value), "{other:?}");
            }
        }
        assert_eq!(other.headers.len(), wrong.headers.len(), "{other:?}");
    }
}

#[tokio::test]
async fn who_was_enabled_again_can_log_in() {
    let auth = Auth::start().await;
    let user = auth.register("ann@example.com").await;
    auth.sql("UPDATE credentials SET disabled = true").await;
    auth.login(user.email, PASSWORD).await.expect_oauth_error(400, "invalid_grant");

    auth.sql("UPDATE credentials SET disabled = false").await;

    auth.login(user.email, PASSWORD).await.expect(200);
}

#[tokio::test]
async fn a_missing_or_empty_parameter_is_named() {
    let auth = Auth::start().await;

    for (form, missing) in [
        (vec![("password", PASSWORD)], "username"),
        (vec![("username", ""), ("password", PASSWORD)], "username"),
        (vec![("username", "ann@example.com")], "password"),
        (vec![("username", "ann@example.com"), ("password", "")], "password"),
    ] {
        let answer = auth.api.post("/login").form(&form).send().await;
        let error = answer.expect_oauth_error(400, "invalid_request");
        assert!(error["error_description"].as_str().unwrap().contains(missing), "{error}");
    }
}
