//! `POST /token` by the refresh grant: rotation, repeats, theft.

use serde_json::Value;
use tokio::task::JoinSet;

use crate::auth::{Auth, Tokens};

/// Lets so many seconds pass since the last rotation of every session.
async fn pass(auth: &Auth, seconds: u32) {
    let sql = format!("UPDATE sessions SET rotated_at = rotated_at - interval '{seconds} seconds'");
    auth.sql(&sql).await;
}

fn refresh_token(body: &Value) -> String {
    body["refresh_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_refresh_gives_another_pair_of_the_same_session() {
    let auth = Auth::start().await;
    let first = auth.tokens(&auth.register("ann@example.com").await).await;

    let second = Tokens::of(&auth.refresh(&first.refresh).await);

    assert_ne!(second.refresh, first.refresh);
    assert_ne!(second.access, first.access);
    assert_eq!(second.session, first.session);
    assert_eq!(auth.introspect(&first.access).await["active"], true);
}

#[tokio::test]
async fn a_repeated_refresh_gets_the_same_successor_however_late() {
    let auth = Auth::start().await;
    let first = auth.tokens(&auth.register("ann@example.com").await).await;
    let second = Tokens::of(&auth.refresh(&first.refresh).await);

    pass(&auth, 86_400).await;
    let again = Tokens::of(&auth.refresh(&first.refresh).await);

    assert_eq!(again.refresh, second.refresh);
    auth.refresh(&second.refresh).await.expect(200);
}

#[tokio::test]
async fn one_whose_successor_was_used_is_refused_within_the_grace_and_nothing_is_harmed() {
    let auth = Auth::start().await;
    let first = auth.tokens(&auth.register("ann@example.com").await).await;
    let second = Tokens::of(&auth.refresh(&first.refresh).await);
    let third = Tokens::of(&auth.refresh(&second.refresh).await);

    auth.refresh(&first.refresh).await.expect_oauth_error(400, "invalid_grant");

    auth.refresh(&third.refresh).await.expect(200);
    assert!(auth.audited("refresh_reuse").await.is_empty());
}

#[tokio::test]
async fn one_whose_successor_was_used_is_theft_after_the_grace() {
    let auth = Auth::start().await;
    let user = auth.register("ann@example.com").await;
    let first = auth.tokens(&user).await;
    let second = Tokens::of(&auth.refresh(&first.refresh).await);
    let third = Tokens::of(&auth.refresh(&second.refresh).await);

    pass(&auth, 11).await;
    auth.refresh(&first.refresh).await.expect_oauth_error(400, "invalid_grant");

    auth.refresh(&third.refresh).await.expect_oauth_error(400, "invalid_grant");
    let audited = auth.audited("refresh_reuse").await;
    assert_eq!(audited.len(), 1);
    assert_eq!(audited[0]["user_id"], user.id);
    assert_eq!(audited[0]["detail"]["session"], first.session);
    assert_eq!(audited[0]["detail"]["ended"], true);
}

#[tokio::test]
async fn an_older_one_is_theft_at_once() {
    let auth = Auth::start().await;
    let first = auth.tokens(&auth.register("ann@example.com").await).await;
    let mut latest = first.clone();
    for _ in 0..3 {
        latest = Tokens::of(&auth.refresh(&latest.refresh).await);
    }

    auth.refresh(&first.refresh).await.expect_oauth_error(400, "invalid_grant");

    auth.refresh(&latest.refresh).await.expect_oauth_error(400, "invalid_grant");
    assert_eq!(auth.audited("refresh_reuse").await.len(), 1);
}

#[tokio::test]
async fn fifty_parallel_refreshes_of_one_token_on_two_replicas_all_get_the_same_successor() {
    let mut auth = Auth::start().await;
    let other = auth.another(|_| {}).await;
    let first = auth.tokens(&auth.register("ann@example.com").await).await;

    let form = [("grant_type", "refresh_token"), ("refresh_token", &*first.refresh)];
    let mut refreshes = JoinSet::new();
    for number in 0..50 {
        let api = if number % 2 == 0 { &auth.api } else { &other };
        refreshes.spawn(api.post("/token").form(&form).send());
    }
    let answers = refreshes.join_all().await;

    let successors: Vec<String> =
        answers.iter().map(|answer| refresh_token(&answer.expect(200))).collect();
    assert!(successors.iter().all(|successor| *successor == successors[0]));
    assert_ne!(successors[0], first.refresh);
    auth.refresh(&successors[0]).await.expect(200);
}

#[tokio::test]
async fn parallel_refreshes_of_a_whole_family_never_fail_on_our_side() {
    let mut auth = Auth::start().await;
    let other = auth.another(|_| {}).await;
    let mut latest = auth.tokens(&auth.register("ann@example.com").await).await;
    let mut family = vec![latest.refresh.clone()];
    for _ in 0..2 {
        latest = Tokens::of(&auth.refresh(&latest.refresh).await);
        family.push(latest.refresh.clone());
    }

    let mut refreshes = JoinSet::new();
    for number in 0..60 {
        let api = if number % 2 == 0 { &auth.api } else { &other };
        let form = [("grant_type", "refresh_token"), ("refresh_token", &*family[number % 3])];
        refreshes.spawn(api.post("/token").form(&form).send());
    }

    for answer in refreshes.join_all().await {
        assert!(matches!(answer.status, 200 | 400), "{answer:?}");
    }
}

#[tokio::test]
async fn a_forged_token_that_names_a_session_changes_nothing() {
    use base64::Engine;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;

    let auth = Auth::start().await;
    let first = auth.tokens(&auth.register("ann@example.com").await).await;
    let second = Tokens::of(&auth.refresh(&first.refresh).await);
    let third = Tokens::of(&auth.refresh(&second.refresh).await);
    pass(&auth, 100).await;
    let genuine = BASE64_URL_SAFE_NO_PAD.decode(&first.refresh).unwrap();

    for place in 16..genuine.len() {
        let mut forged = genuine.clone();
        forged[place] ^= 0x40;
        let forged = BASE64_URL_SAFE_NO_PAD.encode(forged);
        auth.refresh(&forged).await.expect_oauth_error(400, "invalid_grant");
    }

    auth.refresh(&third.refresh).await.expect(200);
    assert!(auth.audited("refresh_reuse").await.is_empty());
}

#[tokio::test]
async fn what_is_no_refresh_token_is_an_invalid_grant() {
    let auth = Auth::start().await;
    let tokens = auth.tokens(&auth.register("ann@example.com").await).await;
    let long = "A".repeat(10_000);

    for wrong in ["x", "null", &tokens.access, &long, &tokens.refresh[1..]] {
        auth.refresh(wrong).await.expect_oauth_error(400, "invalid_grant");
    }
}

#[tokio::test]
async fn a_session_lasts_from_the_login_on_and_is_not_extended() {
    let auth = Auth::start().await;
    let first = auth.tokens(&auth.register("ann@example.com").await).await;
    let second = Tokens::of(&auth.refresh(&first.refresh).await);

    auth.sql("UPDATE sessions SET expires_at = clock_timestamp() - interval '1 second'").await;

    auth.refresh(&second.refresh).await.expect_oauth_error(400, "invalid_grant");
    let database = auth.database().await;
    let sql = "SELECT max(expires_at - created_at) <= interval '1 hour' FROM sessions";
    assert!(database.query_one(sql, &[]).await.unwrap().get::<_, bool>(0));
}

#[tokio::test]
async fn a_scope_outside_the_familys_is_refused_and_uses_nothing_up() {
    let auth = Auth::start().await;
    let user = auth.register("ann@example.com").await;
    auth.sql("UPDATE credentials SET scopes = '{shop,shop:admin,auth:admin}'").await;
    let form = [
        ("grant_type", "password"),
        ("username", user.email),
        ("password", crate::auth::PASSWORD),
        ("scope", "shop shop:admin"),
    ];
    let first = Tokens::of(&auth.token(&form).send().await);
    let refresh = async |scope: &str| {
        let form =
            [("grant_type", "refresh_token"), ("refresh_token", &*first.refresh), ("scope", scope)];
        auth.token(&form).send().await
    };

    for outside in ["auth:admin", "shop auth:admin", "openid"] {
        refresh(outside).await.expect_oauth_error(400, "invalid_scope");
    }

    let database = auth.database().await;
    let generation = "SELECT generation FROM sessions";
    assert_eq!(database.query_one(generation, &[]).await.unwrap().get::<_, i32>(0), 1);
    assert_eq!(refresh("shop").await.expect(200)["scope"], "shop");
    assert_eq!(auth.refresh(&first.refresh).await.expect(200)["scope"], "shop shop:admin");
}

#[tokio::test]
async fn a_new_token_has_the_familys_scopes_as_far_as_the_user_still_holds_them() {
    let auth = Auth::start().await;
    let user = auth.register("ann@example.com").await;
    auth.sql("UPDATE credentials SET scopes = '{shop,shop:admin}'").await;
    let tokens = auth.tokens(&user).await;

    auth.sql("UPDATE credentials SET scopes = '{shop,auth:admin}'").await;
    let body = auth.refresh(&tokens.refresh).await.expect(200);
    auth.sql("UPDATE credentials SET scopes = '{auth:admin}'").await;

    assert_eq!(body["scope"], "shop");
    let answer = auth.refresh(&refresh_token(&body)).await;
    answer.expect_oauth_error(400, "invalid_scope");
}

#[tokio::test]
async fn a_repeat_from_another_network_is_audited_once_and_harms_nothing() {
    let auth = Auth::start().await;
    let first = auth.tokens(&auth.register("ann@example.com").await).await;
    let second = Tokens::of(&auth.refresh(&first.refresh).await);
    let form = [("grant_type", "refresh_token"), ("refresh_token", &*first.refresh)];

    for _ in 0..3 {
        let call = auth.token(&form).header("x-forwarded-for", "203.0.113.7");
        call.send().await.expect(200);
    }

    let audited = auth.audited("refresh_reuse").await;
    assert_eq!(audited.len(), 1);
    assert_eq!(audited[0]["address"], "203.0.113.7");
    assert_eq!(audited[0]["detail"]["ended"], false);
    auth.refresh(&second.refresh).await.expect(200);
}

#[tokio::test]
async fn a_repeat_survives_a_rotation_of_the_secrets_and_another_replica() {
    let mut auth = Auth::start().await;
    let first = auth.tokens(&auth.register("ann@example.com").await).await;
    let second = Tokens::of(&auth.refresh(&first.refresh).await);
    let secret = "a third secret of which the first replica has never heard";
    let rotated = auth.another(|config| config.token.secrets = secret.parse().unwrap()).await;

    let form = [("grant_type", "refresh_token"), ("refresh_token", &*first.refresh)];
    let again = Tokens::of(&rotated.post("/token").form(&form).send().await);

    assert_eq!(again.refresh, second.refresh);
}

#[tokio::test]
async fn the_database_holds_no_token() {
    let auth = Auth::start().await;
    let first = auth.tokens(&auth.register("ann@example.com").await).await;
    let second = Tokens::of(&auth.refresh(&first.refresh).await);

    let database = auth.database().await;
    let row: String =
        database.query_one("SELECT sessions::text FROM sessions", &[]).await.unwrap().get(0);

    for token in [&first.refresh, &second.refresh] {
        let bytes = base64_url(token);
        let secret: String = bytes[20..52].iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(!row.contains(token.as_str()) && !row.contains(&secret), "{row}");
    }
}

fn base64_url(text: &str) -> Vec<u8> {
    use base64::Engine;

    base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(text).unwrap()
}
