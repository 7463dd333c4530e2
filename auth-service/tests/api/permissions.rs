//! Every route, and every kind of caller.

use std::collections::BTreeSet;

use devstack_testkit::http::Call;
use reqwest::Method;
use serde_json::{Value, json};

use crate::auth::{Auth, Tokens, decoded};
use crate::machine::registration;
use crate::mint;

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";
pub(crate) const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

/// Nobody; a customer; a person who administers; a machine that may not, and may register; one that
/// administers, and may not register, each by its access token. Then the registration client and
/// the same two machines by Basic.
const CALLERS: [&str; 8] = [
    "nobody",
    "customer",
    "admin",
    "machine",
    "admin machine",
    "registration client by Basic",
    "machine by Basic",
    "admin machine by Basic",
];

/// A route, what it is sent, and what each of the callers hears. Who is let through hears of a user
/// or a client that does not exist, or of a body without its fields.
pub(crate) const ROUTES: [(&str, &str, &str, [u16; 8]); 18] = [
    // The client has to authenticate, and a bearer token is no way to.
    (
        "POST /token",
        FORM,
        "grant_type=client_credentials",
        [401, 401, 401, 401, 401, 200, 200, 200],
    ),
    (
        "POST /login",
        FORM,
        "username=nobody&password=none",
        [400, 401, 401, 401, 401, 400, 400, 400],
    ),
    ("POST /revoke", FORM, "token=none", [200, 401, 401, 401, 401, 200, 200, 200]),
    ("POST /introspect", FORM, "token=none", [401, 401, 401, 401, 401, 200, 200, 200]),
    ("GET /.well-known/oauth-authorization-server", "", "", [200; 8]),
    ("POST /credentials", JSON, "{}", [401, 401, 401, 401, 401, 422, 422, 403]),
    ("DELETE /credentials/{id}", "", "", [401, 401, 401, 401, 401, 204, 204, 403]),
    ("PUT /password", JSON, "{}", [401, 422, 422, 403, 403, 401, 401, 401]),
    ("GET /sessions", "", "", [401, 200, 200, 403, 403, 401, 401, 401]),
    ("DELETE /sessions/{id}", "", "", [401, 404, 404, 403, 403, 401, 401, 401]),
    ("DELETE /sessions", "", "", [401, 204, 204, 403, 403, 401, 401, 401]),
    ("GET /admin/users", "", "", [401, 403, 200, 403, 200, 401, 401, 401]),
    ("GET /admin/users/{id}", "", "", [401, 403, 404, 403, 404, 401, 401, 401]),
    ("PATCH /admin/users/{id}", JSON, "{}", [401, 403, 404, 403, 404, 401, 401, 401]),
    ("GET /admin/clients", "", "", [401, 403, 200, 403, 200, 401, 401, 401]),
    ("POST /admin/clients", JSON, "{}", [401, 403, 422, 403, 422, 401, 401, 401]),
    ("DELETE /admin/clients/{client_id}", "", "", [401, 403, 404, 403, 404, 401, 401, 401]),
    ("GET /admin/audit", "", "", [401, 403, 200, 403, 200, 401, 401, 401]),
];

#[tokio::test]
async fn each_caller_may_what_the_contract_says_and_nothing_else() {
    let auth = Auth::start().await;
    let ann = auth.register("ann@example.com").await;
    let machine = auth.client("stock-robot", &["shop", "shop:admin", "auth:register"]).await;
    let admin_machine = auth.client("admin-robot", &["auth:admin"]).await;
    let machines = [machine.access(&auth).await, admin_machine.access(&auth).await];

    let mut wrong = Vec::new();
    for (route, media_type, body, expected) in ROUTES {
        for (caller, expected) in CALLERS.iter().zip(expected) {
            let call = call(&auth, route, media_type, body);
            // A session of its own each time, for some calls end it.
            let bearer = |tokens: Tokens| tokens.access;
            let call = match *caller {
                "nobody" => call,
                "customer" => call.bearer(bearer(auth.tokens(&ann).await)),
                "admin" => call.bearer(bearer(auth.admin().await)),
                "machine" => call.bearer(&machines[0]),
                "admin machine" => call.bearer(&machines[1]),
                "machine by Basic" => machine.sign(call),
                "admin machine by Basic" => admin_machine.sign(call),
                _ => registration().sign(call),
            };
            let answer = call.send().await;
            if answer.status != expected {
                wrong.push(format!("{route} by {caller}: {} is not {expected}", answer.status));
            }
        }
    }

    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn call(auth: &Auth, route: &str, media_type: &str, body: &str) -> Call {
    let (method, template) = route.split_once(' ').unwrap();
    let path = template.replace("{id}", ID).replace("{client_id}", "nobody");
    let call = auth.api.call(method.parse::<Method>().unwrap(), &path);
    if body.is_empty() { call } else { call.body(media_type, body) }
}

/// An administrator, each time another, whose access token is good no longer or never was.
async fn not_good(auth: &Auth) -> Vec<(&'static str, String)> {
    let admin = auth.admin().await;
    let user = user_of(&admin);
    let right = mint::person(&user, Some(&admin.session), "shop auth:admin");
    let with = |name: &str, value: Value| {
        let mut claims = right.clone();
        claims[name] = value;
        mint::sign(&claims)
    };
    let ended = auth.admin().await;
    auth.api.post("/revoke").form(&[("token", &ended.refresh)]).send().await.expect(200);
    let disabled = auth.admin().await;
    let path = format!("/admin/users/{}", user_of(&disabled));
    let disable = auth.api.patch(&path).bearer(&admin.access).json(&json!({ "disabled": true }));
    disable.send().await.expect(200);
    let gone = auth.admin().await;
    auth.unregister(&user_of(&gone)).await.expect(204);
    let former = auth.client("former-robot", &["auth:admin", "auth:register"]).await;
    let formers = former.access(auth).await;
    let path = format!("/admin/clients/{}", former.id);
    auth.api.delete(&path).bearer(&admin.access).send().await.expect(204);
    // It is not this that is refused.
    auth.api.get("/admin/users").bearer(mint::sign(&right)).send().await.expect(200);

    vec![
        ("expired", with("exp", json!(right["iat"].as_i64().unwrap() - 60))),
        ("not yet valid", with("nbf", json!(right["exp"]))),
        ("another issuer's", with("iss", json!("https://auth.example/"))),
        ("for another audience", with("aud", json!("bank"))),
        ("under a foreign secret", mint::sign_with("a secret of somebody else's, long", &right)),
        ("a refresh token", admin.refresh),
        ("of a session that ended", ended.access),
        ("of a disabled user", disabled.access),
        ("of an unregistered user", gone.access),
        ("of a deleted client", formers),
        ("a deleted client's secret", former.secret),
    ]
}

fn user_of(tokens: &Tokens) -> String {
    decoded(&tokens.access).1["sub"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_token_that_is_not_good_opens_nothing_that_is_closed() {
    let auth = Auth::start().await;
    let tokens = not_good(&auth).await;

    for (route, media_type, body, expected) in ROUTES {
        for (kind, token) in &tokens {
            let answer = call(&auth, route, media_type, body).bearer(token).send().await;

            // What a client may call by Basic knows no bearer tokens, good or not.
            let is_basic = expected[5] != 401;
            match route {
                "GET /.well-known/oauth-authorization-server" => drop(answer.expect(200)),
                _ if !is_basic => drop(answer.expect_problem(401, "invalid_token")),
                "POST /credentials" | "DELETE /credentials/{id}" => {
                    answer.expect_problem(401, "invalid_client");
                }
                _ => drop(answer.expect_oauth_error(401, "invalid_client")),
            }
            let scheme = answer.header("www-authenticate").and_then(|it| it.split(' ').next());
            let right = if is_basic { "Basic" } else { "Bearer" };
            assert!(answer.status == 200 || scheme == Some(right), "{route}, {kind}: {answer:?}");
        }
    }
}

#[test]
fn the_table_has_every_route() {
    let document = serde_json::to_value(auth_service::routes::openapi()).unwrap();
    let mut described = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            described.insert(format!("{} {path}", method.to_uppercase()));
        }
    }

    let table: BTreeSet<String> = ROUTES.iter().map(|(route, ..)| (*route).to_owned()).collect();

    assert_eq!(table, described);
}

#[test]
fn what_needs_a_caller_says_so_in_the_document() {
    let document = serde_json::to_value(auth_service::routes::openapi()).unwrap();

    for (route, .., expected) in ROUTES {
        let (method, path) = route.split_once(' ').unwrap();
        let operation = &document["paths"][path][method.to_lowercase()];
        // `/token` needs none for two of its grants.
        let needs_one = expected[0] == 401 && route != "POST /token";
        assert_eq!(!operation["security"].is_null(), needs_one, "{route}");
    }
}
