//! Requests as bytes, ready to be sent.

use form_urlencoded::Serializer;

use crate::systems::site::{Dialect, MACHINE, Site};

/// Makes requests.
pub(crate) struct Request;

impl Request {
    pub(crate) fn get(path: &str, token: &str) -> Vec<u8> {
        let token = bearer(token);
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{token}\r\n").into_bytes()
    }

    pub(crate) fn post_json(path: &str, token: &str, body: &str) -> Vec<u8> {
        post(path, "application/json", &bearer(token), body)
    }

    fn post_form(path: &str, fields: &[(&str, &str)]) -> Vec<u8> {
        let body = Serializer::new(String::new()).extend_pairs(fields).finish();
        post(path, "application/x-www-form-urlencoded", "", &body)
    }

    pub(crate) fn login(username: &str, password: &str) -> Vec<u8> {
        Self::post_form("/login", &[("username", username), ("password", password)])
    }

    /// What anybody may see, and needs the database.
    pub(crate) fn products() -> Vec<u8> {
        Self::get("/products/?limit=20", "")
    }

    pub(crate) fn machine_token(site: &Site) -> Vec<u8> {
        let [id, secret] = machine(site);
        Self::post_form(
            "/token",
            &[("grant_type", "client_credentials"), ("scope", "shop"), id, secret],
        )
    }

    pub(crate) fn refresh(token: &str) -> Vec<u8> {
        Self::post_form("/token", &[("grant_type", "refresh_token"), ("refresh_token", token)])
    }

    pub(crate) fn introspect(site: &Site, token: &str) -> Vec<u8> {
        let [id, secret] = machine(site);
        Self::post_form("/introspect", &[("token", token), id, secret])
    }

    pub(crate) fn add_item(site: &Site, user: u64, product: u64) -> Vec<u8> {
        let body = format!("{{\"product_id\":{},\"quantity\":1}}", site.product_json(product));
        Self::post_json("/cart/items", site.token(user), &body)
    }

    pub(crate) fn order(site: &Site, user: u64) -> Vec<u8> {
        let body = r#"{"shipping_address":"1 Market Square, Springfield"}"#;
        Self::post_json(site.orders(), site.token(user), body)
    }
}

fn machine(site: &Site) -> [(&'static str, &str); 2] {
    debug_assert_ne!(site.dialect, Dialect::FastApi, "it has no machines");
    [("client_id", MACHINE), ("client_secret", &site.machine_secret)]
}

fn bearer(token: &str) -> String {
    if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") }
}

fn post(path: &str, content_type: &str, more: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let head =
        format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {content_type}\r\n");
    format!("{head}{more}Content-Length: {length}\r\n\r\n{body}").into_bytes()
}
