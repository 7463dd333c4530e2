//! `POST /token`: requests that cannot be read, on `/login` alike.

use devstack_testkit::http::raw;

use crate::auth::{Auth, PASSWORD};

const FORM: &str = "application/x-www-form-urlencoded";
const ENDPOINTS: [&str; 2] = ["/token", "/login"];

/// A right request, of which each test breaks one thing.
const RIGHT: &str = "grant_type=password&username=ann%40example.com\
    &password=correct+horse+battery+staple";

#[tokio::test]
async fn the_request_that_these_tests_break_is_right() {
    let auth = Auth::start().await;
    let user = auth.register("ann@example.com").await;
    assert!(RIGHT.contains(&PASSWORD.replace(' ', "+")) && user.email == "ann@example.com");

    for endpoint in ENDPOINTS {
        auth.api.post(endpoint).body(FORM, RIGHT).send().await.expect(200);
        let typed = format!("{}; charset=UTF-8", FORM.to_uppercase());
        auth.api.post(endpoint).body(&typed, RIGHT).send().await.expect(200);
    }
}

#[tokio::test]
async fn a_repeated_parameter_is_refused_even_where_nobody_knows_it() {
    let auth = Auth::start().await;
    auth.register("ann@example.com").await;

    for endpoint in ENDPOINTS {
        for more in ["password=x", "password=", "grant_type=password", "x=1&x=2", "x=&x="] {
            let body = format!("{RIGHT}&{more}");
            let answer = auth.api.post(endpoint).body(FORM, body).send().await;
            answer.expect_oauth_error(400, "invalid_request");
        }
    }
}

#[tokio::test]
async fn nul_is_refused_in_names_and_values() {
    let auth = Auth::start().await;
    auth.register("ann@example.com").await;

    for endpoint in ENDPOINTS {
        for more in ["x=a%00b", "x%00=a", "scope=shop%00"] {
            let body = format!("{RIGHT}&{more}");
            let answer = auth.api.post(endpoint).body(FORM, body).send().await;
            answer.expect_oauth_error(400, "invalid_request");
        }
    }
}

#[tokio::test]
async fn what_is_not_sent_as_a_form_is_refused() {
    let auth = Auth::start().await;
    auth.register("ann@example.com").await;

    for endpoint in ENDPOINTS {
        for media_type in ["application/json", "multipart/form-data; boundary=x", "text/plain"] {
            let answer = auth.api.post(endpoint).body(media_type, RIGHT).send().await;
            answer.expect_oauth_error(400, "invalid_request");
        }
        auth.api.post(endpoint).send().await.expect_oauth_error(400, "invalid_request");
        let answer = auth.api.post(endpoint).body(FORM, "{\"grant_type\":1}").send().await;
        answer.expect_oauth_error(400, "invalid_request");
        let request = format!(
            "POST {endpoint} HTTP/1.1\r\nHost: auth\r\nContent-Type: \u{e9}\r\n\
             Content-Length: 0\r\n\r\n"
        );
        let answer = raw(auth.api.addr(), request).await.unwrap();
        answer.expect_oauth_error(400, "invalid_request");
    }
}

#[tokio::test]
async fn a_grant_that_nobody_knows_is_not_supported() {
    let auth = Auth::start().await;

    for grant_type in ["Password", "authorization_code", "implicit", "urn:x:y"] {
        let answer = auth.token(&[("grant_type", grant_type)]).send().await;
        answer.expect_oauth_error(400, "unsupported_grant_type");
    }
    for form in [&[][..], &[("grant_type", "")]] {
        auth.token(form).send().await.expect_oauth_error(400, "invalid_request");
    }
}

#[tokio::test]
async fn a_body_may_have_64_kib_and_no_more() {
    let auth = Auth::start().await;
    auth.register("ann@example.com").await;
    let of = |length: usize| format!("{RIGHT}&x={}", "x".repeat(length - RIGHT.len() - 3));

    for endpoint in ENDPOINTS {
        auth.api.post(endpoint).body(FORM, of(65_536)).send().await.expect(200);
        let answer = auth.api.post(endpoint).body(FORM, of(65_537)).send().await;
        answer.expect_oauth_error(413, "invalid_request");
    }
}

#[tokio::test]
async fn a_chunked_body_may_have_no_more_either() {
    let auth = Auth::start().await;
    auth.register("ann@example.com").await;
    let send = async |endpoint: &str, body: &str| {
        let (first, second) = body.split_at(body.len() / 2);
        let request = format!(
            "POST {endpoint} HTTP/1.1\r\nHost: auth\r\nContent-Type: {FORM}\r\n\
             Transfer-Encoding: chunked\r\n\r\n\
             {:x}\r\n{first}\r\n{:x}\r\n{second}\r\n0\r\n\r\n",
            first.len(),
            second.len(),
        );
        raw(auth.api.addr(), request).await.unwrap()
    };

    for endpoint in ENDPOINTS {
        send(endpoint, RIGHT).await.expect(200);
        let answer = send(endpoint, &format!("{RIGHT}&x={}", "x".repeat(65_536))).await;
        answer.expect_oauth_error(413, "invalid_request");
    }
}

#[tokio::test]
async fn another_method_is_refused_in_the_same_shape() {
    let auth = Auth::start().await;

    for endpoint in ENDPOINTS {
        for call in [auth.api.get(endpoint), auth.api.put(endpoint), auth.api.delete(endpoint)] {
            let answer = call.send().await;
            answer.expect_oauth_error(405, "invalid_request");
            assert_eq!(answer.header("allow"), Some("POST"));
        }
    }
}
