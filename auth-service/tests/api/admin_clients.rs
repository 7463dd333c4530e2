//! `/admin/clients`.

use serde_json::{Value, json};

use crate::admin::Admin;
use crate::auth::{CLIENT, Machine};
use crate::machine::{expect_invalid_client, members};

fn ids(clients: &[Value]) -> Vec<&str> {
    clients.iter().map(|client| client["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_created_client_is_shown_with_its_secret_this_once() {
    let admin = Admin::start().await;
    let wanted = json!({ "id": "stock-robot", "scopes": ["shop:admin", "shop"], "secret": "mine" });

    let answer = admin.post("/admin/clients", &wanted).await;

    let created = answer.expect(201);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(members(&created), ["id", "scopes", "secret"]);
    assert_eq!(created["id"], "stock-robot");
    assert_eq!(created["scopes"], json!(["shop", "shop:admin"]));
    let secret = created["secret"].as_str().unwrap().to_owned();
    assert!(secret.len() >= 32, "{secret}");
    Machine { id: "stock-robot".to_owned(), secret }.grant(&admin.auth).await.expect(200);
}

#[tokio::test]
async fn a_secret_is_kept_as_its_sha_256_alone() {
    let admin = Admin::start().await;
    let (first, second) =
        (admin.auth.client("robot-1", &[]).await, admin.auth.client("robot-2", &[]).await);

    let database = admin.auth.database().await;
    let hashed = "SELECT count(*) FROM clients
        WHERE secret_hash = sha256(convert_to($1, 'UTF8')) AND id = $2";
    for robot in [&first, &second] {
        let found = database.query_one(hashed, &[&robot.secret, &robot.id]).await.unwrap();
        assert_eq!(found.get::<_, i64>(0), 1);
        let anywhere = "SELECT count(*) FROM (
                SELECT to_json(c)::text FROM clients c UNION ALL SELECT to_json(a)::text FROM audit a
            ) AS stored (text) WHERE strpos(text, $1) > 0";
        let found = database.query_one(anywhere, &[&robot.secret]).await.unwrap();
        assert_eq!(found.get::<_, i64>(0), 0);
    }
    assert_ne!(first.secret, second.secret);
}

#[tokio::test]
async fn clients_are_listed_without_secrets_the_registration_client_first() {
    let admin = Admin::start().await;
    // Their ids are not in the order of their creation.
    let zed = admin.auth.client("zed-robot", &["shop"]).await;
    let ann = admin.auth.client("ann-robot", &[]).await;

    let answer = admin.get("/admin/clients").await;

    let clients = answer.expect(200).as_array().unwrap().clone();
    assert_eq!(ids(&clients), [CLIENT, "zed-robot", "ann-robot"]);
    for client in &clients {
        assert_eq!(members(client), ["created_at", "id", "scopes"]);
    }
    assert_eq!(clients[0]["scopes"], json!(["auth:register"]));
    assert_eq!(clients[0]["created_at"], Value::Null);
    assert_eq!(clients[1]["scopes"], json!(["shop"]));
    assert!(clients[1]["created_at"].as_str().unwrap().ends_with('Z'), "{clients:?}");
    for robot in [&zed, &ann] {
        assert!(!answer.text().contains(&robot.secret), "{answer:?}");
    }
}

#[tokio::test]
async fn clients_are_listed_in_pages_each_once() {
    let admin = Admin::start().await;
    for id in ["robot-c", "robot-a", "robot-b"] {
        admin.auth.client(id, &[]).await;
    }

    for (limit, sizes) in [(1, &[1, 1, 1, 1][..]), (2, &[2, 2]), (3, &[3, 1]), (4, &[4])] {
        let pages = admin.pages(&format!("/admin/clients?limit={limit}")).await;
        assert_eq!(ids(&pages.concat()), [CLIENT, "robot-c", "robot-a", "robot-b"], "{limit}");
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), sizes);
    }
    for query in ["limit=x", "limit=0", "after=x"] {
        let answer = admin.get(&format!("/admin/clients?{query}")).await;
        answer.expect_problem(400, "invalid_request");
    }
}

#[tokio::test]
async fn an_id_that_is_taken_or_reserved_is_a_conflict() {
    let admin = Admin::start().await;
    let robot = admin.auth.client("stock-robot", &["shop"]).await;
    let create = async |id| {
        admin.post("/admin/clients", &json!({ "id": id, "scopes": ["auth:admin"] })).await
    };

    create("stock-robot").await.expect_problem(409, "client_taken");
    for reserved in ["public", CLIENT] {
        create(reserved).await.expect_problem(409, "client_reserved");
        let path = format!("/admin/clients/{reserved}");
        admin.delete(&path).await.expect_problem(409, "client_reserved");
    }

    // Whoever has the id keeps it, with its secret and scopes.
    assert_eq!(robot.grant(&admin.auth).await.expect(200)["scope"], "shop");
    assert_eq!(admin.auth.audited("client_created").await.len(), 1);
    assert!(admin.auth.audited("client_deleted").await.is_empty());
}

#[tokio::test]
async fn of_many_who_create_a_client_at_once_one_does() {
    let admin = Admin::start().await;
    let wanted = json!({ "id": "stock-robot", "scopes": ["shop"] });

    let mut tries = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let call = admin.auth.api.post("/admin/clients").bearer(&admin.tokens.access);
        tries.spawn(call.json(&wanted).send());
    }
    let answers = tries.join_all().await;

    let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 201);
    assert_eq!((won.len(), lost.len()), (1, 9));
    for answer in lost {
        answer.expect_problem(409, "client_taken");
    }
    let secret = won[0].json()["secret"].as_str().unwrap().to_owned();
    Machine { id: "stock-robot".to_owned(), secret }.grant(&admin.auth).await.expect(200);
}

#[tokio::test]
async fn a_client_that_cannot_be_is_told_every_field() {
    let admin = Admin::start().await;
    let uuid = "a0000000-0000-4000-8000-000000000000";
    let long = "a".repeat(65);

    for id in ["", "ab", "Robot", "1robot", "-robot", "ro bot", "röbot", "robot\u{0}", uuid, &long]
    {
        let wanted = json!({ "id": id, "scopes": ["shop"] });
        admin.post("/admin/clients", &wanted).await.expect_invalid(&["id"]);
    }
    for (wanted, fields) in [
        (json!({}), &["id", "scopes"][..]),
        (json!({ "id": 1, "scopes": "shop" }), &["id", "scopes"]),
        (json!({ "id": null, "scopes": null }), &["id", "scopes"]),
        (json!({ "id": "stock-robot", "scopes": ["shop", "root"] }), &["scopes"]),
        (json!({ "id": "stock-robot" }), &["scopes"]),
        (json!({ "id": "Public", "scopes": [[]] }), &["id", "scopes"]),
    ] {
        admin.post("/admin/clients", &wanted).await.expect_invalid(fields);
    }
    let count = admin.get("/admin/clients").await.expect(200);
    assert_eq!(ids(count.as_array().unwrap()), [CLIENT]);
    for id in ["abc", &"a".repeat(64), "a.b_c-9"] {
        let wanted = json!({ "id": id, "scopes": [] });
        admin.post("/admin/clients", &wanted).await.expect(201);
    }
}

#[tokio::test]
async fn a_deleted_client_is_gone() {
    let admin = Admin::start().await;
    let robot = admin.auth.client("stock-robot", &["shop"]).await;

    let answer = admin.delete("/admin/clients/stock-robot").await;

    answer.expect(204);
    assert!(answer.body.is_empty(), "{answer:?}");
    expect_invalid_client(&robot.grant(&admin.auth).await);
    let left = admin.get("/admin/clients").await.expect(200);
    assert_eq!(ids(left.as_array().unwrap()), [CLIENT]);
    for id in ["stock-robot", "never-robot", "No-Id", "ab"] {
        let path = format!("/admin/clients/{id}");
        admin.delete(&path).await.expect_problem(404, "not_found");
    }
}

#[tokio::test]
async fn clients_are_audited_with_who_made_and_deleted_them() {
    let admin = Admin::start().await;
    let wanted = json!({ "id": "stock-robot", "scopes": ["shop"] });

    admin.post("/admin/clients", &wanted).await.expect(201);
    admin.delete("/admin/clients/stock-robot").await.expect(204);

    let entry = |detail: Value| {
        json!({
            "user_id": null, "client_id": "stock-robot", "email": null, "address": "127.0.0.1",
            "detail": detail,
        })
    };
    let created = entry(json!({ "by": admin.by(), "scopes": ["shop"] }));
    assert_eq!(admin.auth.audited("client_created").await, [created]);
    let deleted = entry(json!({ "by": admin.by() }));
    assert_eq!(admin.auth.audited("client_deleted").await, [deleted]);
}
