//! `GET /admin/audit`: who did what, when, from where.

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::admin::Admin;
use crate::auth::{OTHER_PASSWORD, PASSWORD, Tokens, User};
use crate::machine::{members, registration};

fn events(entries: &[Value]) -> Vec<&str> {
    entries.iter().map(|entry| entry["event"].as_str().unwrap()).collect()
}

async fn list(admin: &Admin, query: &str) -> Vec<Value> {
    admin.get(&format!("/admin/audit?{query}")).await.expect(200).as_array().unwrap().clone()
}

/// Everything that can happen to a user, in this order.
async fn live(admin: &Admin) -> User {
    let auth = &admin.auth;
    let ann = auth.register("ann@example.com").await;
    let path = format!("/admin/users/{}", ann.id);
    auth.login(ann.email, OTHER_PASSWORD).await.expect(400);
    let tokens = auth.tokens(&ann).await;
    let passwords = json!({ "current_password": PASSWORD, "new_password": OTHER_PASSWORD });
    let change = auth.api.put("/password").bearer(&tokens.access).json(&passwords);
    change.send().await.expect(204);
    auth.api.post("/revoke").form(&[("token", &tokens.refresh)]).send().await.expect(200);
    for change in [
        json!({ "scopes": ["shop", "shop:admin"] }),
        json!({ "disabled": true }),
        json!({ "disabled": false }),
    ] {
        admin.patch(&path, &change).await.expect(200);
    }
    auth.unregister(&ann.id).await.expect(204);
    ann
}

const LIFE: [&str; 9] = [
    "unregistered",
    "enabled",
    "disabled",
    "scopes_changed",
    "session_ended",
    "password_changed",
    "login",
    "login_failed",
    "registered",
];

#[tokio::test]
async fn a_users_life_is_told_the_newest_first() {
    let admin = Admin::start().await;

    let ann = live(&admin).await;

    let entries = list(&admin, &format!("user={}", ann.id)).await;
    assert_eq!(events(&entries), LIFE);
    let names = ["address", "at", "client_id", "detail", "email", "event", "id", "user_id"];
    let mut before = None;
    for entry in &entries {
        assert_eq!(members(entry), names);
        assert_eq!(entry["user_id"], ann.id);
        assert!(entry["address"].is_string(), "{entry}");
        let at = entry["at"].as_str().unwrap();
        let id: uuid::Uuid = entry["id"].as_str().unwrap().parse().unwrap();
        assert!(at.ends_with('Z'), "{entry}");
        assert!(before.is_none_or(|before| id < before), "{entries:?}");
        before = Some(id);
        let at = OffsetDateTime::parse(at, &Rfc3339).unwrap().unix_timestamp();
        let (made, _) = id.get_timestamp().unwrap().to_unix();
        assert_eq!((id.get_version_num(), id.get_variant()), (7, uuid::Variant::RFC4122), "{id}");
        assert!(at.abs_diff(made.cast_signed()) <= 1, "{id} of {at}");
    }
}

#[tokio::test]
async fn what_others_did_says_who() {
    let admin = Admin::start().await;

    live(&admin).await;

    for (event, by) in [
        ("scopes_changed", admin.by()),
        ("disabled", admin.by()),
        ("enabled", admin.by()),
        ("session_ended", "revocation".to_owned()),
    ] {
        let entries = list(&admin, &format!("event={event}")).await;
        assert_eq!(entries.len(), 1, "{event}");
        assert_eq!(entries[0]["detail"]["by"], by, "{event}");
    }
    for event in ["scopes_changed", "disabled", "enabled"] {
        let entries = list(&admin, &format!("event={event}")).await;
        assert_eq!(entries[0]["address"], "203.0.113.9", "{event}");
    }
    for event in ["registered", "unregistered"] {
        for entry in list(&admin, &format!("event={event}")).await {
            assert_eq!(entry["client_id"], registration().id, "{event}");
        }
    }
}

#[tokio::test]
async fn entries_are_filtered_by_user_and_event() {
    let admin = Admin::start().await;
    let ann = live(&admin).await;
    let bob = admin.auth.register("bob@example.com").await;
    admin.auth.tokens(&bob).await;

    let logins = list(&admin, "event=login").await;
    assert_eq!(logins.len(), 3);
    assert!(events(&logins).iter().all(|event| *event == "login"));
    let bobs = list(&admin, &format!("user={}", bob.id)).await;
    assert_eq!(events(&bobs), ["login", "registered"]);
    let anns = list(&admin, &format!("user={}&event=login", ann.id)).await;
    assert_eq!(anns.len(), 1);
    assert_eq!((&anns[0]["user_id"], &anns[0]["client_id"]), (&json!(ann.id), &json!("public")));
    assert!(list(&admin, &format!("user={}&event=enabled", bob.id)).await.is_empty());
    assert!(list(&admin, &format!("user={}", uuid::Uuid::now_v7())).await.is_empty());
    assert!(list(&admin, "event=throttled").await.is_empty());
}

#[tokio::test]
async fn every_event_of_the_contract_can_be_asked_for_and_no_other() {
    let admin = Admin::start().await;
    let contract = [&LIFE[..], &["throttled", "refresh_reuse", "client_created", "client_deleted"]];

    for event in contract.concat() {
        admin.get(&format!("/admin/audit?event={event}")).await.expect(200);
    }
    for query in [
        "event=logout",
        "event=Login",
        "event=login&event=login",
        "user=ann",
        "user=ann@example.com",
        "limit=abc",
        "after=x",
    ] {
        let answer = admin.get(&format!("/admin/audit?{query}")).await;
        answer.expect_problem(400, "invalid_request");
    }
}

#[tokio::test]
async fn pages_keep_the_filters() {
    let admin = Admin::start().await;
    let ann = live(&admin).await;
    admin.auth.register("bob@example.com").await;

    let pages = admin.pages(&format!("/admin/audit?user={}&limit=4", ann.id)).await;

    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [4, 4, 1]);
    assert_eq!(events(&pages.concat()), LIFE);
    let all = admin.pages("/admin/audit?limit=3").await.concat();
    assert_eq!(all, list(&admin, "").await);
    assert_eq!(events(&all)[0], "registered");
}

#[tokio::test]
async fn theft_clients_and_waits_are_told() {
    let admin = Admin::start().await;
    let ann = admin.auth.register("ann@example.com").await;
    let mut latest = admin.auth.tokens(&ann).await;
    let first = latest.clone();
    for _ in 0..3 {
        latest = Tokens::of(&admin.auth.refresh(&latest.refresh).await);
    }
    admin.auth.refresh(&first.refresh).await.expect(400);
    admin.auth.client("stock-robot", &["shop"]).await;
    admin.delete("/admin/clients/stock-robot").await.expect(204);
    for _ in 0..5 {
        admin.auth.login(ann.email, OTHER_PASSWORD).await.expect(400);
    }
    admin.auth.sql("UPDATE throttle SET waits_until = '2100-01-01Z' WHERE kind = 'pair'").await;
    admin.auth.login(ann.email, PASSWORD).await.expect(429);
    admin.auth.login(ann.email, PASSWORD).await.expect(429);

    for (event, user, client) in [
        ("refresh_reuse", json!(ann.id), json!("public")),
        ("client_created", Value::Null, json!("stock-robot")),
        ("client_deleted", Value::Null, json!("stock-robot")),
        ("throttled", json!(ann.id), json!("public")),
    ] {
        let entries = list(&admin, &format!("event={event}")).await;
        assert_eq!(entries.len(), 1, "{event}: {entries:?}");
        assert_eq!((&entries[0]["user_id"], &entries[0]["client_id"]), (&user, &client), "{event}");
    }
}

#[tokio::test]
async fn what_was_typed_for_an_email_is_kept_only_where_it_is_one() {
    let admin = Admin::start().await;

    for typed in ["nobody@example.com", "correct horse battery staple", "hunter2@"] {
        admin.auth.login(typed, OTHER_PASSWORD).await.expect(400);
    }

    let entries = list(&admin, "event=login_failed").await;
    let emails: Vec<&Value> = entries.iter().map(|entry| &entry["email"]).collect();
    assert_eq!(emails, [&Value::Null, &Value::Null, &json!("nobody@example.com")]);
    assert!(entries.iter().all(|entry| entry["user_id"].is_null()), "{entries:?}");
}

#[tokio::test]
async fn grants_of_machines_refreshes_and_introspections_are_not_audited() {
    let admin = Admin::start().await;
    let robot = admin.auth.client("stock-robot", &["shop"]).await;
    let before = list(&admin, "").await;

    let access = robot.access(&admin.auth).await;
    admin.auth.introspect(&access).await;
    admin.auth.refresh(&admin.tokens.refresh).await.expect(200);

    assert_eq!(list(&admin, "").await, before);
}
