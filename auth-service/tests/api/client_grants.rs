//! Users' logins through a client: what both have, and for that client's hands alone.

use devstack_testkit::{Answer, eventually};
use serde_json::json;

use crate::auth::{Auth, Machine, Tokens, User, decoded};
use crate::machine::{expect_invalid_client, registration};

/// A user with two scopes, and a client with two, who have `shop` and `shop:admin` in common.
async fn start() -> (Auth, User, Machine) {
    let auth = Auth::start().await;
    let ann = auth.register("ann@example.com").await;
    auth.sql("UPDATE credentials SET scopes = '{shop,shop:admin,auth:register}'").await;
    let app = auth.client("shop-app", &["shop", "shop:admin", "auth:admin"]).await;
    (auth, ann, app)
}

async fn delete(auth: &Auth, client: &Machine) -> Answer {
    let admin = auth.admin().await;
    auth.api.delete(&format!("/admin/clients/{}", client.id)).bearer(&admin.access).send().await
}

#[tokio::test]
async fn a_login_through_a_client_gets_the_scopes_that_both_have() {
    let (auth, ann, app) = start().await;

    let answer = app.login(&auth, ann.email).await;

    let tokens = Tokens::of(&answer);
    assert_eq!(answer.expect(200)["scope"], "shop shop:admin");
    let (_, claims) = decoded(&tokens.access);
    assert_eq!(claims["scope"], "shop shop:admin");
    assert_eq!(claims["client_id"], "shop-app");
    assert_eq!(claims["sub"], ann.id);
    let form = [("username", ann.email), ("password", crate::auth::PASSWORD), ("scope", "shop")];
    let narrowed = app.sign(auth.api.post("/login").form(&form)).send().await;
    assert_eq!(narrowed.expect(200)["scope"], "shop");
}

#[tokio::test]
async fn its_refresh_token_works_for_that_client_alone_and_a_refusal_uses_nothing_up() {
    let (auth, ann, app) = start().await;
    let other = auth.client("other-app", &["shop", "shop:admin"]).await;
    let impostor = Machine { id: app.id.clone(), secret: other.secret.clone() };
    let tokens = Tokens::of(&app.login(&auth, ann.email).await);

    expect_invalid_client(&auth.refresh(&tokens.refresh).await);
    expect_invalid_client(&impostor.refresh(&auth, &tokens.refresh).await);
    other.refresh(&auth, &tokens.refresh).await.expect_oauth_error(400, "invalid_grant");
    registration().refresh(&auth, &tokens.refresh).await.expect_oauth_error(400, "invalid_grant");

    assert_eq!(auth.introspect(&tokens.refresh).await["active"], true);
    let second = Tokens::of(&app.refresh(&auth, &tokens.refresh).await);
    assert_eq!(second.session, tokens.session);
    let (_, claims) = decoded(&second.access);
    assert_eq!((&claims["client_id"], &claims["sub"]), (&json!("shop-app"), &json!(ann.id)));
    expect_invalid_client(&auth.refresh(&second.refresh).await);
    app.refresh(&auth, &second.refresh).await.expect(200);
}

#[tokio::test]
async fn the_public_clients_refresh_token_is_no_other_clients() {
    let (auth, ann, app) = start().await;
    let tokens = auth.tokens(&ann).await;

    app.refresh(&auth, &tokens.refresh).await.expect_oauth_error(400, "invalid_grant");

    assert_eq!(auth.introspect(&tokens.refresh).await["active"], true);
    auth.refresh(&tokens.refresh).await.expect(200);
}

#[tokio::test]
async fn a_stolen_token_that_the_wrong_client_presents_ends_nothing() {
    let (auth, ann, app) = start().await;
    let first = Tokens::of(&app.login(&auth, ann.email).await);
    let mut latest = first.clone();
    for _ in 0..3 {
        latest = Tokens::of(&app.refresh(&auth, &latest.refresh).await);
    }

    expect_invalid_client(&auth.refresh(&first.refresh).await);
    registration().refresh(&auth, &first.refresh).await.expect_oauth_error(400, "invalid_grant");

    app.refresh(&auth, &latest.refresh).await.expect(200);
    assert!(auth.audited("refresh_reuse").await.is_empty());
}

#[tokio::test]
async fn a_refresh_gets_what_user_and_client_still_hold() {
    let (auth, ann, app) = start().await;
    let first = Tokens::of(&app.login(&auth, ann.email).await);
    let refresh = async |tokens: &Tokens| {
        let answer = app.refresh(&auth, &tokens.refresh).await;
        (answer.expect(200)["scope"].clone(), Tokens::of(&answer))
    };

    auth.sql("UPDATE clients SET scopes = '{shop,auth:register}'").await;
    let (scope, second) = refresh(&first).await;
    assert_eq!(scope, "shop");

    // What the login was not granted is not in the family, whoever holds it today.
    auth.sql("UPDATE clients SET scopes = '{shop,shop:admin,auth:register}'").await;
    let (scope, third) = refresh(&second).await;
    assert_eq!(scope, "shop shop:admin");

    auth.sql("UPDATE credentials SET scopes = '{shop:admin}'").await;
    let (scope, fourth) = refresh(&third).await;
    assert_eq!(scope, "shop:admin");

    auth.sql("UPDATE clients SET scopes = '{shop}'").await;
    app.refresh(&auth, &fourth.refresh).await.expect_oauth_error(400, "invalid_scope");
    assert_eq!(auth.introspect(&fourth.refresh).await["active"], true);
}

#[tokio::test]
async fn a_deleted_clients_sessions_stay_ended_when_the_id_is_created_again() {
    let (auth, ann, app) = start().await;
    let tokens = Tokens::of(&app.login(&auth, ann.email).await);
    let own = auth.tokens(&ann).await;

    delete(&auth, &app).await.expect(204);
    expect_invalid_client(&app.refresh(&auth, &tokens.refresh).await);
    expect_invalid_client(&app.login(&auth, ann.email).await);

    let anew = auth.client("shop-app", &["shop", "shop:admin"]).await;
    expect_invalid_client(&app.refresh(&auth, &tokens.refresh).await);
    anew.refresh(&auth, &tokens.refresh).await.expect_oauth_error(400, "invalid_grant");
    for token in [&tokens.access, &tokens.refresh] {
        assert_eq!(auth.introspect(token).await, json!({ "active": false }));
    }
    let sessions = auth.api.get("/sessions").bearer(&tokens.access).send().await;
    sessions.expect_problem(401, "invalid_token");
    auth.refresh(&own.refresh).await.expect(200);
    let ended = auth.audited("session_ended").await;
    assert_eq!(ended.len(), 1, "{ended:?}");
    assert_eq!(ended[0]["detail"]["session"], tokens.session);
    assert_eq!(ended[0]["client_id"], "shop-app");
}

#[tokio::test]
async fn a_login_that_its_clients_deletion_overtakes_leaves_no_session() {
    let (auth, ann, app) = start().await;
    let mut database = auth.database().await;
    let held = database.transaction().await.unwrap();
    held.execute("SELECT FROM credentials WHERE id = $1::text::uuid FOR UPDATE", &[&ann.id])
        .await
        .unwrap();

    let watch = auth.database().await;
    let (login, ()) = tokio::join!(app.login(&auth, ann.email), async {
        eventually("the login waits", async || {
            let waiting = "SELECT count(*) > 0 FROM pg_stat_activity
                WHERE datname = current_database() AND wait_event_type = 'Lock'";
            watch.query_one(waiting, &[]).await.unwrap().get::<_, bool>(0).then_some(())
        })
        .await;
        let (deleted, committed) = tokio::join!(delete(&auth, &app), async {
            eventually("the client is deleted, or its deletion waits", async || {
                let gone = "SELECT NOT EXISTS (SELECT FROM clients) OR 1 < (
                    SELECT count(*) FROM pg_stat_activity
                    WHERE datname = current_database() AND wait_event_type = 'Lock')";
                watch.query_one(gone, &[]).await.unwrap().get::<_, bool>(0).then_some(())
            })
            .await;
            held.commit().await
        });
        deleted.expect(204);
        committed.unwrap();
    });

    let alive = "SELECT count(*) FROM sessions WHERE client_id = 'shop-app' AND ended_at IS NULL";
    let alive: i64 = auth.database().await.query_one(alive, &[]).await.unwrap().get(0);
    assert_eq!(alive, 0, "{login:?}");
}
