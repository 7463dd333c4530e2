//! A table of tokens, most of them to be refused.

use aws_lc_rs::hmac;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::*;

const SECRET: &str = "a secret of more than thirty-two bytes for tests";
const OLD: &str = "an older of more than thirty-two bytes for tests";

fn verifier() -> Verifier {
    let secrets = format!("{SECRET},{OLD}").parse().unwrap();
    Verifier::new(&secrets, "https://auth.example", "shop")
}

fn now() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "the library under test asks the clock too")]
    OffsetDateTime::now_utc().unix_timestamp()
}

fn header() -> Value {
    json!({ "alg": "HS256", "typ": "at+jwt", "kid": claims::kid(SECRET.as_bytes()) })
}

fn claims() -> Value {
    json!({
        "iss": "https://auth.example", "aud": "shop", "sub": UserId::generate(),
        "client_id": "public", "iat": now(), "exp": now() + 60, "scope": "shop",
    })
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
fn sign(secret: &str, header: &str, claims: &str) -> String {
    let encode = |part: &str| BASE64_URL_SAFE_NO_PAD.encode(part);
    let message = format!("{}.{}", encode(header), encode(claims));
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, message.as_bytes());
    format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(tag))
}

fn verdict(header: &Value, claims: &Value) -> Result<Caller, InvalidToken> {
    verifier().verify(&sign(SECRET, &header.to_string(), &claims.to_string()))
}

#[test]
fn a_persons_token_names_the_person_and_its_scopes() {
    let id = UserId::generate();
    let claims = with(claims(), "sub", json!(id));

    let caller = verdict(&header(), &with(claims, "scope", json!("shop shop:admin"))).unwrap();

    assert_eq!(caller.user(), Some(id));
    assert!(caller.may(Scope::ShopAdmin) && !caller.may(Scope::AuthAdmin));
}

#[test]
fn a_machines_token_names_its_client() {
    let claims = with(with(claims(), "sub", json!("reports")), "client_id", json!("reports"));

    let caller = verdict(&header(), &claims).unwrap();

    assert_eq!(caller.subject, Subject::Client("reports".into()));
}

#[test]
fn every_secret_of_the_list_verifies_with_and_without_kid() {
    let old = with(header(), "kid", json!(claims::kid(OLD.as_bytes())));
    for header in [old, without(header(), "kid")] {
        let token = sign(OLD, &header.to_string(), &claims().to_string());
        assert!(verifier().verify(&token).is_ok(), "{header}");
    }
}

#[test]
fn clocks_may_differ_by_five_seconds() {
    assert!(verdict(&header(), &with(claims(), "exp", json!(now() - 3))).is_ok());
    assert!(verdict(&header(), &with(claims(), "exp", json!(now() - 8))).is_err());
    assert!(verdict(&header(), &with(claims(), "nbf", json!(now() + 3))).is_ok());
    assert!(verdict(&header(), &with(claims(), "nbf", json!(now() + 8))).is_err());
}

#[test]
fn headers_of_another_kind_are_refused() {
    for (name, value) in [
        ("alg", json!("none")),
        ("alg", json!("HS512")),
        ("alg", json!("RS256")),
        ("typ", json!("JWT")),
        ("typ", json!(null)),
        ("kid", json!("AAAAAAAAAAA")),
        ("kid", json!(claims::kid(OLD.as_bytes()))),
        ("crit", json!(["exp"])),
        ("crit", json!(null)),
    ] {
        let header = with(header(), name, value);
        assert_eq!(verdict(&header, &claims()), Err(InvalidToken), "{header}");
    }
    assert!(verdict(&without(header(), "typ"), &claims()).is_err());
    assert!(verdict(&with(header(), "typ", json!("application/at+jwt")), &claims()).is_ok());
}

#[test]
fn claims_that_are_missing_or_wrong_are_refused() {
    for name in ["iss", "aud", "sub", "exp"] {
        assert_eq!(verdict(&header(), &without(claims(), name)), Err(InvalidToken), "{name}");
    }
    for (name, value) in [
        ("iss", json!("https://other.example")),
        ("iss", json!(["https://auth.example"])),
        ("aud", json!("bank")),
        ("sub", json!("somebody")),
        ("sub", json!(7)),
        ("exp", json!("tomorrow")),
        ("nbf", json!("yesterday")),
        ("scope", json!(["shop"])),
    ] {
        let claims = with(claims(), name, value);
        assert_eq!(verdict(&header(), &claims), Err(InvalidToken), "{claims}");
    }
    assert!(verdict(&header(), &with(claims(), "aud", json!(["bank", "shop"]))).is_ok());
}

#[test]
fn a_claim_given_twice_is_refused() {
    let twice = claims().to_string().replacen('{', r#"{"sub":"a",""#, 1).replacen("\"\"", "\"", 1);

    assert!(verifier().verify(&sign(SECRET, &header().to_string(), &twice)).is_err());
}

#[test]
fn a_token_that_was_changed_is_refused() {
    let token = sign(SECRET, &header().to_string(), &claims().to_string());
    let (message, tag) = token.rsplit_once('.').unwrap();

    for wrong in [
        String::new(),
        message.to_owned(),
        format!("{message}."),
        format!("{token}="),
        format!("{token}.{tag}"),
        format!("{message}.{}", &tag[1..]),
        token.replacen('.', "..", 1),
        format!("{token}{}", "A".repeat(MAX_BYTES)),
        sign(OLD, &header().to_string(), &claims().to_string()),
    ] {
        assert_eq!(verifier().verify(&wrong), Err(InvalidToken), "{wrong}");
    }
    assert!(verifier().verify(&token).is_ok());
}
