//! Every route, and every kind of caller.

use std::collections::BTreeSet;

use reqwest::Method;

use crate::auth::{Auth, Tokens};
use crate::machine::registration;

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";
const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

/// Nobody; a customer; a person who administers; a machine that may not; one that may, each by its
/// access token; the registration client by Basic.
const CALLERS: [&str; 6] =
    ["nobody", "customer", "admin", "machine", "admin machine", "registration client"];

/// A route, what it is sent, and what each of the callers hears. Who is let through hears of a user
/// or a client that does not exist, or of a body without its fields.
const ROUTES: [(&str, &str, &str, [u16; 6]); 18] = [
    // The client has to authenticate, and a bearer token is no way to.
    ("POST /token", FORM, "grant_type=client_credentials", [401, 401, 401, 401, 401, 200]),
    ("POST /login", FORM, "username=nobody&password=none", [400, 401, 401, 401, 401, 400]),
    ("POST /revoke", FORM, "token=none", [200, 401, 401, 401, 401, 200]),
    ("POST /introspect", FORM, "token=none", [401, 401, 401, 401, 401, 200]),
    ("GET /.well-known/oauth-authorization-server", "", "", [200; 6]),
    ("POST /credentials", JSON, "{}", [401, 401, 401, 401, 401, 422]),
    ("DELETE /credentials/{id}", "", "", [401, 401, 401, 401, 401, 204]),
    ("PUT /password", JSON, "{}", [401, 422, 422, 403, 403, 401]),
    ("GET /sessions", "", "", [401, 200, 200, 403, 403, 401]),
    ("DELETE /sessions/{id}", "", "", [401, 404, 404, 403, 403, 401]),
    ("DELETE /sessions", "", "", [401, 204, 204, 403, 403, 401]),
    ("GET /admin/users", "", "", [401, 403, 200, 403, 200, 401]),
    ("GET /admin/users/{id}", "", "", [401, 403, 404, 403, 404, 401]),
    ("PATCH /admin/users/{id}", JSON, "{}", [401, 403, 404, 403, 404, 401]),
    ("GET /admin/clients", "", "", [401, 403, 200, 403, 200, 401]),
    ("POST /admin/clients", JSON, "{}", [401, 403, 422, 403, 422, 401]),
    ("DELETE /admin/clients/{client_id}", "", "", [401, 403, 404, 403, 404, 401]),
    ("GET /admin/audit", "", "", [401, 403, 200, 403, 200, 401]),
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
        let (method, template) = route.split_once(' ').unwrap();
        let path = template.replace("{id}", ID).replace("{client_id}", "nobody");
        for (caller, expected) in CALLERS.iter().zip(expected) {
            let call = auth.api.call(method.parse::<Method>().unwrap(), &path);
            let call = if body.is_empty() { call } else { call.body(media_type, body) };
            // A session of its own each time, for some calls end it.
            let bearer = |tokens: Tokens| tokens.access;
            let call = match *caller {
                "nobody" => call,
                "customer" => call.bearer(bearer(auth.tokens(&ann).await)),
                "admin" => call.bearer(bearer(auth.admin().await)),
                "machine" => call.bearer(&machines[0]),
                "admin machine" => call.bearer(&machines[1]),
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
