//! What is accepted, and a table of everything that is not: [`headers`], [`claims`], [`shape`].

use aws_lc_rs::hmac;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::*;

mod claims;
mod headers;
mod mutations;
mod shape;

const SECRET: &str = "a secret of more than thirty-two bytes for tests";
const OLD: &str = "an older of more than thirty-two bytes for tests";
/// Anybody's but ours.
const THEIRS: &str = "a secret of more than thirty-two bytes for thieves";

fn verifier() -> Verifier {
    let secrets = format!("{SECRET},{OLD}").parse().unwrap();
    Verifier::new(&secrets, "https://auth.example", "shop")
}

fn now() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "the library under test asks the clock too")]
    OffsetDateTime::now_utc().unix_timestamp()
}

fn kid(secret: &str) -> String {
    crate::claims::kid(secret.as_bytes())
}

fn header() -> Value {
    json!({ "alg": "HS256", "typ": "at+jwt", "kid": kid(SECRET) })
}

fn person() -> Value {
    json!({
        "iss": "https://auth.example", "aud": "shop", "sub": UserId::generate(),
        "client_id": "public", "iat": now(), "exp": now() + 60, "scope": "shop",
        "jti": Uuid::now_v7(), "sid": Uuid::now_v7(),
    })
}

fn machine(id: &str) -> Value {
    with(with(person(), "sub", json!(id)), "client_id", json!(id))
}

fn with(mut base: Value, name: &str, value: Value) -> Value {
    base[name] = value;
    base
}

fn without(mut base: Value, name: &str) -> Value {
    base.as_object_mut().unwrap().remove(name);
    base
}

/// Signed by hand, so that headers and claims can be what no library would write.
fn sign(secret: &str, header: impl ToString, claims: impl ToString) -> String {
    sign_by(hmac::HMAC_SHA256, secret, header, claims)
}

#[expect(clippy::needless_pass_by_value, reason = "so that a table need not be full of `&`")]
fn sign_by(
    algorithm: hmac::Algorithm,
    secret: &str,
    header: impl ToString,
    claims: impl ToString,
) -> String {
    let encode = |part: String| BASE64_URL_SAFE_NO_PAD.encode(part);
    let message = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
    let tag = tag(algorithm, secret, &message);
    format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(tag))
}

fn tag(algorithm: hmac::Algorithm, secret: &str, message: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(algorithm, secret.as_bytes()), message.as_bytes())
}

/// The object with this member written once more, and first.
fn doubled(object: &Value, name: &str, value: &Value) -> String {
    object.to_string().replacen('{', &format!(r#"{{"{name}":{value},"#), 1)
}

#[track_caller]
fn expect_accepted(token: &str) -> Caller {
    verifier().verify(token).unwrap_or_else(|_| panic!("refused: {token}"))
}

#[track_caller]
fn expect_refused(token: &str, why: impl fmt::Debug) {
    assert_eq!(verifier().verify(token), Err(InvalidToken), "{why:?}");
}

#[test]
fn a_persons_token_names_the_person_and_its_scopes() {
    let id = UserId::generate();
    let claims = with(person(), "sub", json!(id));

    let token = sign(SECRET, header(), with(claims, "scope", json!("shop shop:admin")));
    let caller = expect_accepted(&token);

    assert_eq!(caller.user(), Some(id));
    assert!(caller.may(Scope::ShopAdmin) && !caller.may(Scope::AuthAdmin));
}

#[test]
fn a_machines_token_names_its_client() {
    let caller = expect_accepted(&sign(SECRET, header(), machine("reports")));

    assert_eq!(caller.subject, Subject::Client("reports".into()));
}

#[test]
fn every_secret_of_the_list_verifies_with_and_without_kid() {
    for secret in [SECRET, OLD] {
        expect_accepted(&sign(secret, with(header(), "kid", json!(kid(secret))), person()));
        expect_accepted(&sign(secret, without(header(), "kid"), person()));
    }
}

#[test]
fn clocks_may_differ_by_five_seconds() {
    for (name, near, far) in [("exp", -3, -8), ("nbf", 3, 8)] {
        expect_accepted(&sign(SECRET, header(), with(person(), name, json!(now() + near))));
        let late = sign(SECRET, header(), with(person(), name, json!(now() + far)));
        expect_refused(&late, name);
    }
}
