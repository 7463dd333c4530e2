//! How one sends a token, or a client's secret: in the `Authorization` header, once (RFC 6750 §2.1,
//! RFC 6749 §2.3.1).

use devstack_testkit::Answer;
use devstack_testkit::http::raw;
use serde_json::json;

use crate::auth::{Auth, CLIENT, OLD_CLIENT_SECRET, OTHER_PASSWORD, PASSWORD, Tokens};
use crate::machine::expect_invalid_client;

async fn start() -> (Auth, Tokens) {
    let auth = Auth::start().await;
    let tokens = auth.tokens(&auth.register("ann@example.com").await).await;
    (auth, tokens)
}

/// `GET /sessions` with this header, whose bytes are no text perhaps.
async fn sessions(auth: &Auth, authorization: &[u8]) -> Answer {
    let first = b"GET /sessions HTTP/1.1\r\nHost: auth\r\nAuthorization: ";
    raw(auth.api.addr(), [first, authorization, b"\r\n\r\n"].concat()).await.unwrap()
}

#[tokio::test]
async fn the_scheme_has_no_case_and_is_followed_by_spaces() {
    let (auth, Tokens { access, .. }) = start().await;

    for scheme in ["Bearer ", "bearer ", "BEARER ", "bEARER    "] {
        sessions(&auth, format!("{scheme}{access}").as_bytes()).await.expect(200);
    }
}

#[tokio::test]
async fn another_scheme_or_none_is_no_token() {
    let (auth, Tokens { access, .. }) = start().await;

    for scheme in ["", "Token ", "Basic ", "Digest ", "JWT ", "Bearer", "Bearer: ", "Bearer="] {
        let answer = sessions(&auth, format!("{scheme}{access}").as_bytes()).await;
        answer.expect_problem(401, "unauthenticated");
    }
    for empty in ["", "Bearer", "Bearer ", " "] {
        sessions(&auth, empty.as_bytes()).await.expect_problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn bytes_that_are_no_text_and_a_long_header_are_no_token_either() {
    let (auth, Tokens { access, .. }) = start().await;
    let long = "A".repeat(60 * 1024);

    for token in [
        &b"\xff\xfe"[..],
        "é".as_bytes(),
        &[access.as_bytes(), b"\xa0"].concat(),
        access.replacen('.', "\u{ff0e}", 1).as_bytes(),
        long.as_bytes(),
        format!("{access}.{long}").as_bytes(),
        format!("{access} {access}").as_bytes(),
        format!("{access}, Bearer {access}").as_bytes(),
    ] {
        let answer = sessions(&auth, &[b"Bearer ", token].concat()).await;
        answer.expect_problem(401, "invalid_token");
    }
    for scheme in [&b"B\xe9arer x"[..], b"\xff", b"Bearer\xa0x"] {
        sessions(&auth, scheme).await.expect_problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn a_clients_header_may_be_anything_too() {
    let auth = Auth::start().await;
    let token = async |authorization: &[u8]| {
        let first = b"POST /token HTTP/1.1\r\nHost: auth\r\nContent-Length: 29\r\n\
            Content-Type: application/x-www-form-urlencoded\r\nAuthorization: ";
        let body = b"\r\n\r\ngrant_type=client_credentials";
        raw(auth.api.addr(), [first, authorization, body].concat()).await.unwrap()
    };

    for header in [
        &b"Basic \xff\xfe"[..],
        b"Basic",
        b"Basic ====",
        // `\xff:\xff`, and an id with a NUL.
        b"Basic /zr/",
        b"Basic YSUwMGI6eA==",
        b"\xff",
        b"Bearer x",
        format!("Basic {}", "A".repeat(60 * 1024)).as_bytes(),
    ] {
        expect_invalid_client(&token(header).await);
    }
}

#[tokio::test]
async fn a_token_is_sent_once() {
    let (auth, Tokens { access, .. }) = start().await;
    let token = format!("Bearer {access}");

    for second in [&*token, "Bearer x", "Basic Og==", "Basic", ""] {
        for [one, other] in [[&*token, second], [second, &*token]] {
            let call = auth.api.get("/sessions").header("authorization", one);
            let answer = call.header("Authorization", other).send().await;
            answer.expect_problem(400, "invalid_request");
        }
    }
}

/// RFC 6750 §2.2 and §2.3 are not for us: addresses end up in logs, and forms are of another site.
#[tokio::test]
async fn a_token_counts_in_the_header_only() {
    let (auth, Tokens { access, .. }) = start().await;
    let in_query = format!("/sessions?access_token={access}");
    let change = json!({ "current_password": PASSWORD, "new_password": OTHER_PASSWORD,
        "access_token": access });

    for call in [
        auth.api.get(&in_query),
        auth.api.delete(&in_query),
        auth.api.delete("/sessions").form(&[("access_token", &access)]),
        auth.api.put("/password").form(&[("access_token", &access)]),
        auth.api.put("/password").json(&change),
        auth.api.get("/sessions").header("cookie", &format!("access_token={access}")),
        auth.api.get("/sessions").header("x-access-token", &access),
        auth.api.get("/sessions").header("proxy-authorization", &format!("Bearer {access}")),
    ] {
        call.send().await.expect_problem(401, "unauthenticated");
    }
    // What stands in the query says nothing against the header either.
    auth.api.get("/sessions?access_token=x").bearer(&access).send().await.expect(200);
}

/// RFC 6749 §2.3.1: never in the address.
#[tokio::test]
async fn no_parameter_of_a_form_is_read_from_the_query() {
    let (auth, Tokens { access, .. }) = start().await;
    let client = format!("client_id={CLIENT}&client_secret={OLD_CLIENT_SECRET}");
    let grant = [("grant_type", "client_credentials")];
    let login = "/login?username=ann%40example.com&password=correct+horse+battery+staple";

    expect_invalid_client(&auth.api.post(&format!("/token?{client}")).form(&grant).send().await);
    let ask = auth.api.post(&format!("/introspect?{client}")).form(&[("token", &*access)]);
    expect_invalid_client(&ask.send().await);
    for call in [
        auth.api.post("/token?grant_type=client_credentials").form(&[("scope", "shop")]),
        auth.api.post(login).form(&[("scope", "shop")]),
        auth.api.post(&format!("/revoke?token={access}")).form(&[("x", "y")]),
    ] {
        call.send().await.expect_oauth_error(400, "invalid_request");
    }
    auth.api.get("/sessions").bearer(&access).send().await.expect(200);
}
