//! `/admin/users`.

use proto::UserId;
use serde_json::{Value, json};

use crate::admin::Admin;
use crate::auth::{OTHER_PASSWORD, PASSWORD, Tokens, User};
use crate::machine::members;

fn path(user: &User) -> String {
    format!("/admin/users/{}", user.id)
}

fn emails(users: &[Value]) -> Vec<&str> {
    users.iter().map(|user| user["email"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_user_is_shown_with_exactly_what_the_contract_names() {
    let admin = Admin::start().await;
    let ann = admin.auth.register("ann@example.com").await;

    let shown = admin.get(&path(&ann)).await.expect(200);

    let names =
        ["created_at", "disabled", "email", "id", "last_login_at", "locked_until", "scopes"];
    assert_eq!(members(&shown), names);
    assert_eq!((&shown["id"], &shown["email"]), (&json!(ann.id), &json!("ann@example.com")));
    assert_eq!((&shown["scopes"], &shown["disabled"]), (&json!(["shop"]), &json!(false)));
    assert_eq!((&shown["last_login_at"], &shown["locked_until"]), (&Value::Null, &Value::Null));
    assert!(shown["created_at"].as_str().unwrap().ends_with('Z'), "{shown}");
    let listed = admin.get("/admin/users?email=ann@example.com").await.expect(200);
    assert_eq!(listed, json!([shown]));
}

#[tokio::test]
async fn logins_and_failures_are_seen() {
    let admin = Admin::start().await;
    let ann = admin.auth.register("ann@example.com").await;
    admin.auth.tokens(&ann).await;
    for _ in 0..5 {
        admin.auth.login(ann.email, OTHER_PASSWORD).await.expect(400);
    }
    admin.auth.sql("UPDATE throttle SET waits_until = '2100-01-01Z' WHERE kind = 'pair'").await;

    let shown = admin.get(&path(&ann)).await.expect(200);

    assert!(shown["last_login_at"].as_str().unwrap().ends_with('Z'), "{shown}");
    assert_eq!(shown["locked_until"], "2100-01-01T00:00:00Z");
    admin.auth.sql("UPDATE throttle SET waits_until = '2000-01-01Z'").await;
    assert_eq!(admin.get(&path(&ann)).await.expect(200)["locked_until"], Value::Null);
}

#[tokio::test]
async fn users_are_listed_in_pages_the_oldest_first() {
    let admin = Admin::start().await;
    for email in ["ann@example.com", "bob@example.com", "cid@example.com", "dan@example.com"] {
        admin.auth.register(email).await;
    }
    let gone = admin.auth.register("eve@example.com").await;
    admin.auth.unregister(&gone.id).await.expect(204);

    let pages = admin.pages("/admin/users?limit=2").await;

    let sizes: Vec<usize> = pages.iter().map(Vec::len).collect();
    assert_eq!(sizes, [2, 2, 1]);
    let users = pages.concat();
    let expected = ["ann@example.com", "bob@example.com", "cid@example.com", "dan@example.com"];
    assert_eq!(emails(&users)[1..], expected);
    assert!(emails(&users)[0].starts_with("admin-"), "{users:?}");
    assert_eq!(admin.pages("/admin/users").await.concat(), users);
    assert_eq!(admin.pages("/admin/users?limit=5").await.len(), 1);
    assert_eq!(admin.pages("/admin/users?limit=100000").await.len(), 1);
}

#[tokio::test]
async fn a_page_that_cannot_be_read_is_refused() {
    let admin = Admin::start().await;

    for query in
        ["limit=abc", "limit=0", "limit=-1", "after=x", "limit=1&limit=2", "email=a&email=b"]
    {
        let answer = admin.get(&format!("/admin/users?{query}")).await;
        answer.expect_problem(400, "invalid_request");
    }
}

#[tokio::test]
async fn a_user_is_found_by_email_as_everywhere() {
    let admin = Admin::start().await;
    admin.auth.register("ann@example.com").await;
    let found = async |email: &str| {
        let answer = admin.get(&format!("/admin/users?email={email}")).await;
        emails(answer.expect(200).as_array().unwrap()).join(" ")
    };

    for email in
        ["ann@example.com", "ANN@Example.com", "%20ann%40example.com%20", "+ann@example.com"]
    {
        assert_eq!(found(email).await, "ann@example.com", "{email}");
    }
    for email in ["bob@example.com", "no-address", "ann@", "ann@exampl_.com", "%25@example.com"] {
        assert_eq!(found(email).await, "", "{email}");
    }
}

#[tokio::test]
async fn a_user_whom_nobody_knows_is_not_found() {
    let admin = Admin::start().await;
    let gone = admin.auth.register("eve@example.com").await;
    admin.auth.unregister(&gone.id).await.expect(204);
    let unknown = UserId::generate().to_string();

    for id in [&*gone.id, &unknown, "no-id", "0"] {
        let path = format!("/admin/users/{id}");
        admin.get(&path).await.expect_problem(404, "not_found");
        let change = json!({ "disabled": true, "scopes": ["shop"] });
        admin.patch(&path, &change).await.expect_problem(404, "not_found");
    }
    assert!(admin.auth.audited("disabled").await.is_empty());
}

#[tokio::test]
async fn a_change_that_cannot_be_read_changes_nothing() {
    let admin = Admin::start().await;
    let ann = admin.auth.register("ann@example.com").await;
    let before = admin.get(&path(&ann)).await.expect(200);

    for (change, fields) in [
        (json!({ "scopes": ["root"] }), &["scopes"][..]),
        (json!({ "scopes": ["shop", "Shop"], "disabled": true }), &["scopes"]),
        (json!({ "scopes": "shop" }), &["scopes"]),
        (json!({ "scopes": [1] }), &["scopes"]),
        (json!({ "scopes": [], "disabled": "yes" }), &["disabled"]),
        (json!({ "disabled": 1 }), &["disabled"]),
        (json!({ "disabled": "true", "scopes": {} }), &["disabled", "scopes"]),
    ] {
        admin.patch(&path(&ann), &change).await.expect_invalid(fields);
    }
    for body in ["", "[]", "{", "null"] {
        let call = admin.auth.api.patch(&path(&ann)).body("application/json", body);
        let answer = call.bearer(&admin.tokens.access).send().await;
        answer.expect_problem(400, "invalid_request");
    }
    assert_eq!(admin.get(&path(&ann)).await.expect(200), before);
}

#[tokio::test]
async fn scopes_are_what_the_next_refresh_gives() {
    let admin = Admin::start().await;
    let ann = admin.auth.register("ann@example.com").await;
    let grant = async |scopes: Value| {
        let changed = admin.patch(&path(&ann), &json!({ "scopes": scopes })).await.expect(200);
        assert_eq!(changed, admin.get(&path(&ann)).await.expect(200));
        changed["scopes"].clone()
    };

    assert_eq!(grant(json!(["shop:admin", "shop", "shop"])).await, json!(["shop", "shop:admin"]));
    let login = admin.auth.login(ann.email, PASSWORD).await;
    assert_eq!(login.expect(200)["scope"], "shop shop:admin");

    grant(json!(["shop"])).await;
    let refreshed = admin.auth.refresh(&Tokens::of(&login).refresh).await;
    assert_eq!(refreshed.expect(200)["scope"], "shop");

    // Given back, but what the login was not granted stays outside of the session.
    grant(json!(["shop", "shop:admin", "auth:admin"])).await;
    let refreshed = admin.auth.refresh(&Tokens::of(&refreshed).refresh).await;
    assert_eq!(refreshed.expect(200)["scope"], "shop shop:admin");

    assert_eq!(grant(json!([])).await, json!([]));
    let refreshed = admin.auth.refresh(&Tokens::of(&refreshed).refresh).await;
    refreshed.expect_oauth_error(400, "invalid_scope");
}

#[tokio::test]
async fn a_change_of_scopes_is_audited_with_who_what_and_from_where() {
    let admin = Admin::start().await;
    let ann = admin.auth.register("ann@example.com").await;

    for change in [json!({ "scopes": ["shop", "shop:admin"] }), json!({ "scopes": ["shop:admin"] })]
    {
        admin.patch(&path(&ann), &change).await.expect(200);
        admin.patch(&path(&ann), &change).await.expect(200);
        admin.patch(&path(&ann), &json!({})).await.expect(200);
        admin.patch(&path(&ann), &json!({ "scopes": null, "disabled": false })).await.expect(200);
    }

    let entry = |from: Value, to: Value| {
        json!({
            "user_id": ann.id, "client_id": null, "email": ann.email, "address": "203.0.113.9",
            "detail": { "by": admin.by(), "from": from, "to": to },
        })
    };
    let expected = [
        entry(json!(["shop"]), json!(["shop", "shop:admin"])),
        entry(json!(["shop", "shop:admin"]), json!(["shop:admin"])),
    ];
    assert_eq!(admin.auth.audited("scopes_changed").await, expected);
    assert!(admin.auth.audited("enabled").await.is_empty());
}

#[tokio::test]
async fn a_disabled_users_sessions_end_and_login_is_as_with_a_wrong_password() {
    let admin = Admin::start().await;
    let ann = admin.auth.register("ann@example.com").await;
    let tokens = admin.auth.tokens(&ann).await;
    let wrong = admin.auth.login("nobody@example.com", PASSWORD).await;

    let changed = admin.patch(&path(&ann), &json!({ "disabled": true })).await.expect(200);

    assert_eq!((&changed["disabled"], &changed["scopes"]), (&json!(true), &json!(["shop"])));
    let login = admin.auth.login(ann.email, PASSWORD).await;
    login.expect_oauth_error(400, "invalid_grant");
    assert_eq!(login.json(), wrong.json());
    admin.auth.refresh(&tokens.refresh).await.expect_oauth_error(400, "invalid_grant");
    let sessions = admin.auth.api.get("/sessions").bearer(&tokens.access).send().await;
    sessions.expect_problem(401, "invalid_token");
    let ended = admin.auth.audited("session_ended").await;
    assert_eq!(ended.len(), 1, "{ended:?}");
    assert_eq!(ended[0]["detail"], json!({ "by": admin.by(), "session": tokens.session }));
}

#[tokio::test]
async fn a_user_who_is_enabled_logs_in_again_and_the_old_sessions_stay_ended() {
    let admin = Admin::start().await;
    let ann = admin.auth.register("ann@example.com").await;
    let tokens = admin.auth.tokens(&ann).await;
    for disabled in [true, true, false, false] {
        let change = json!({ "disabled": disabled });
        let changed = admin.patch(&path(&ann), &change).await.expect(200);
        assert_eq!(changed["disabled"], disabled);
    }

    admin.auth.login(ann.email, PASSWORD).await.expect(200);

    admin.auth.refresh(&tokens.refresh).await.expect_oauth_error(400, "invalid_grant");
    for event in ["disabled", "enabled"] {
        let audited = admin.auth.audited(event).await;
        assert_eq!(audited.len(), 1, "{audited:?}");
        assert_eq!(audited[0]["user_id"], ann.id);
        assert_eq!(audited[0]["address"], "203.0.113.9");
        assert_eq!(audited[0]["detail"], json!({ "by": admin.by() }));
    }
}
