//! `GET /sessions`, `DELETE /sessions/{id}`, `DELETE /sessions`.

use devstack_testkit::Answer;
use proto::UserId;
use serde_json::{Value, json};

use crate::auth::{Auth, CLIENT, CLIENT_SECRET, PASSWORD, Tokens, User, encoded};
use crate::guesses::{AWAY, HOME, login_from};

const EMAIL: &str = "ann@example.com";

/// `GET /sessions` with these parameters.
async fn list(auth: &Auth, access: &str, query: &str) -> Answer {
    auth.api.get(&format!("/sessions{query}")).bearer(access).send().await
}

/// The ids in a page of sessions.
#[track_caller]
fn ids(answer: &Answer) -> Vec<String> {
    let sessions = answer.expect(200);
    let id = |session: &Value| session["id"].as_str().unwrap().to_owned();
    sessions.as_array().unwrap().iter().map(id).collect()
}

/// `DELETE` of this path.
async fn delete(auth: &Auth, access: &str, path: &str) -> Answer {
    auth.api.delete(path).bearer(access).header("x-forwarded-for", AWAY).send().await
}

/// The tokens of as many logins, the first one first.
async fn logins(auth: &Auth, user: &User, count: usize) -> Vec<Tokens> {
    let mut tokens = Vec::new();
    for _ in 0..count {
        tokens.push(auth.tokens_from(HOME, user).await);
    }
    tokens
}

async fn expect_ended(auth: &Auth, tokens: &Tokens) {
    auth.refresh(&tokens.refresh).await.expect_oauth_error(400, "invalid_grant");
    list(auth, &tokens.access, "").await.expect_problem(401, "invalid_token");
    assert_eq!(auth.introspect(&tokens.access).await, json!({ "active": false }));
}

async fn expect_alive(auth: &Auth, tokens: &Tokens) {
    list(auth, &tokens.access, "").await.expect(200);
    auth.refresh(&tokens.refresh).await.expect(200);
}

#[tokio::test]
async fn a_session_is_shown_with_everything_that_tells_it_from_another() {
    let auth = Auth::start().await;
    let user = auth.register(EMAIL).await;
    let call = login_from(&auth.api, HOME, user.email, PASSWORD);
    let first = Tokens::of(&call.header("user-agent", "a phone").send().await);
    let second = auth.tokens(&user).await;
    let form = [("grant_type", "refresh_token"), ("refresh_token", &*first.refresh)];
    auth.token(&form).header("x-forwarded-for", AWAY).send().await.expect(200);

    let sessions = list(&auth, &first.access, "").await.expect(200);

    let times = "SELECT count(*) FROM sessions WHERE
        abs(extract(epoch FROM created_at - $1::text::timestamptz)) < 0.001
        AND abs(extract(epoch FROM last_used_at - $2::text::timestamptz)) < 0.001";
    let database = auth.database().await;
    for session in sessions.as_array().unwrap() {
        let time = |name: &str| session[name].as_str().unwrap().to_owned();
        let row = database.query_one(times, &[&time("created_at"), &time("last_used_at")]).await;
        assert_eq!(row.unwrap().get::<_, i64>(0), 1, "{session}");
    }
    let shown = |place: usize, agent: Value, address: &str, id: &str, current: bool| {
        let (created, used) = (&sessions[place]["created_at"], &sessions[place]["last_used_at"]);
        json!({ "id": id, "client_id": "public", "user_agent": agent, "address": address,
            "created_at": created, "last_used_at": used, "current": current })
    };
    let expected = json!([
        shown(0, Value::Null, "127.0.0.1", &second.session, false),
        shown(1, json!("a phone"), AWAY, &first.session, true),
    ]);
    assert_eq!(sessions, expected);
    assert!(sessions[1]["last_used_at"].as_str() > sessions[1]["created_at"].as_str());
}

#[tokio::test]
async fn exactly_the_callers_session_is_current() {
    let auth = Auth::start().await;
    let tokens = logins(&auth, &auth.register(EMAIL).await, 3).await;

    for caller in &tokens {
        let sessions = list(&auth, &caller.access, "").await.expect(200);

        for session in sessions.as_array().unwrap() {
            assert_eq!(session["current"], session["id"] == *caller.session, "{session}");
        }
    }
}

#[tokio::test]
async fn what_a_client_says_of_itself_is_cut() {
    let auth = Auth::start().await;
    let user = auth.register(EMAIL).await;
    let said = "Netscape ".repeat(40);
    let call = login_from(&auth.api, HOME, user.email, PASSWORD).header("user-agent", &said);
    let tokens = Tokens::of(&call.send().await);

    let sessions = list(&auth, &tokens.access, "").await.expect(200);

    assert_eq!(sessions[0]["user_agent"], said[..256]);
}

#[tokio::test]
async fn the_newest_come_first_in_pages() {
    let auth = Auth::start().await;
    let mut tokens = logins(&auth, &auth.register(EMAIL).await, 5).await;
    let access = tokens[0].access.clone();
    tokens.reverse();
    let newest_first: Vec<String> = tokens.into_iter().map(|it| it.session).collect();

    assert_eq!(ids(&list(&auth, &access, "").await), newest_first);
    let (mut paged, mut query) = (Vec::new(), "?limit=2".to_owned());
    loop {
        let page = list(&auth, &access, &query).await;
        paged.push(ids(&page));
        let Some(link) = page.header("link") else { break };
        let next = link.strip_prefix("</sessions").unwrap();
        query = next.strip_suffix(">; rel=\"next\"").unwrap().to_owned();
    }

    assert_eq!(paged.concat(), newest_first);
    assert_eq!(paged.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1]);
    list(&auth, &access, "?limit=x").await.expect_problem(400, "invalid_request");
    list(&auth, &access, "?after=x").await.expect_problem(400, "invalid_request");
}

#[tokio::test]
async fn only_ones_own_that_are_alive_are_shown() {
    let auth = Auth::start().await;
    let tokens = logins(&auth, &auth.register(EMAIL).await, 3).await;
    logins(&auth, &auth.register("bob@example.com").await, 1).await;

    let end = |column: &str, id: &str| {
        format!("UPDATE sessions SET {column} = clock_timestamp() WHERE id = '{id}'")
    };
    auth.sql(&end("ended_at", &tokens[1].session)).await;
    auth.sql(&end("expires_at", &tokens[2].session)).await;

    let shown = ids(&list(&auth, &tokens[0].access, "").await);
    assert_eq!(shown, [tokens[0].session.clone()]);
}

#[tokio::test]
async fn sessions_are_for_people_with_a_token() {
    let auth = Auth::start().await;
    let call = auth.api.post("/token").basic(CLIENT, &encoded(CLIENT_SECRET));
    let token = call.form(&[("grant_type", "client_credentials")]).send().await.expect(200);
    let machine = token["access_token"].as_str().unwrap();

    list(&auth, machine, "").await.expect_problem(403, "insufficient_scope");
    delete(&auth, machine, "/sessions").await.expect_problem(403, "insufficient_scope");
    list(&auth, "wrong", "").await.expect_problem(401, "invalid_token");
    auth.api.get("/sessions").send().await.expect_problem(401, "unauthenticated");
    auth.api.delete("/sessions").send().await.expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn one_session_is_ended() {
    let auth = Auth::start().await;
    let user = auth.register(EMAIL).await;
    let tokens = logins(&auth, &user, 2).await;
    let path = format!("/sessions/{}", tokens[1].session);

    let answer = delete(&auth, &tokens[0].access, &path).await;

    answer.expect(204);
    assert!(answer.body.is_empty(), "{answer:?}");
    expect_ended(&auth, &tokens[1]).await;
    expect_alive(&auth, &tokens[0]).await;
    let entry = json!({ "user_id": user.id, "client_id": "public", "email": EMAIL,
        "address": AWAY, "detail": { "session": tokens[1].session, "by": "the user" } });
    assert_eq!(auth.audited("session_ended").await, [entry]);
    delete(&auth, &tokens[0].access, &path).await.expect_problem(404, "not_found");
    assert_eq!(auth.audited("session_ended").await.len(), 1);
}

#[tokio::test]
async fn ones_own_session_is_ended_by_its_own_token() {
    let auth = Auth::start().await;
    let tokens = logins(&auth, &auth.register(EMAIL).await, 1).await.remove(0);

    delete(&auth, &tokens.access, &format!("/sessions/{}", tokens.session)).await.expect(204);

    expect_ended(&auth, &tokens).await;
}

#[tokio::test]
async fn a_session_that_is_anothers_or_nobodys_is_not_found() {
    let auth = Auth::start().await;
    let own = logins(&auth, &auth.register(EMAIL).await, 1).await.remove(0);
    let others = logins(&auth, &auth.register("bob@example.com").await, 1).await.remove(0);

    for id in [&*others.session, &UserId::generate().to_string(), "x", "%00"] {
        let answer = delete(&auth, &own.access, &format!("/sessions/{id}")).await;
        answer.expect_problem(404, "not_found");
    }

    expect_alive(&auth, &others).await;
    assert!(auth.audited("session_ended").await.is_empty());
}

#[tokio::test]
async fn all_sessions_end_the_callers_too() {
    let auth = Auth::start().await;
    let tokens = logins(&auth, &auth.register(EMAIL).await, 3).await;
    let others = logins(&auth, &auth.register("bob@example.com").await, 1).await.remove(0);

    delete(&auth, &tokens[1].access, "/sessions").await.expect(204);

    for ended in &tokens {
        expect_ended(&auth, ended).await;
    }
    expect_alive(&auth, &others).await;
    let audited = auth.audited("session_ended").await;
    let mut audited: Vec<_> = audited.iter().map(|it| it["detail"]["session"].clone()).collect();
    audited.sort_by_key(ToString::to_string);
    assert_eq!(json!(audited), json!(tokens.iter().map(|it| &it.session).collect::<Vec<_>>()));
}
