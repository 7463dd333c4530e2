//! The claims: whose token it is, for whom, and when.

use super::*;

#[track_caller]
fn accepted(claims: &Value) -> Caller {
    expect_accepted(&sign(SECRET, header(), claims))
}

#[track_caller]
fn refused(claims: &Value) {
    expect_refused(&sign(SECRET, header(), claims), claims);
}

/// What no claim is, whatever its type.
fn of_no_use() -> [Value; 5] {
    [json!(true), json!([]), json!({}), json!([["shop"]]), json!({ "shop": "shop" })]
}

#[test]
fn claims_that_decide_must_be_there_and_be_something() {
    for name in ["iss", "aud", "sub", "exp"] {
        refused(&without(person(), name));
        refused(&with(person(), name, json!(null)));
        refused(&with(person(), name, json!("")));
    }
}

#[test]
fn the_others_may_be_absent_and_are_then_nothing() {
    let claims = ["client_id", "iat", "jti", "scope", "sid"]
        .iter()
        .fold(person(), |claims, name| without(claims, name));

    let caller = accepted(&claims);

    assert!(caller.scopes.is_empty());
    assert_eq!(
        (caller.client_id, caller.session, caller.jti, caller.iat),
        (None, None, None, None)
    );
}

#[test]
fn a_claim_of_another_type_is_refused() {
    for name in ["iss", "aud", "sub", "exp", "nbf", "iat", "jti", "client_id", "sid", "scope"] {
        for value in of_no_use() {
            refused(&with(person(), name, value));
        }
    }
    for name in ["iss", "aud", "sub", "jti", "client_id", "sid", "scope"] {
        refused(&with(person(), name, json!(7)));
    }
    for name in ["exp", "nbf", "iat"] {
        refused(&with(person(), name, json!("tomorrow")));
        refused(&with(person(), name, json!((now() + 30).to_string())));
    }
}

#[test]
fn an_issuer_is_the_same_text() {
    for iss in [
        json!("https://auth.example/"),
        json!("https://AUTH.example"),
        json!("HTTPS://auth.example"),
        json!("http://auth.example"),
        json!("https://auth.example:443"),
        json!("https://auth.example.thief.example"),
        json!("https://auth.exampl"),
        json!("auth.example"),
        json!(" https://auth.example"),
        json!("https://auth.example\0"),
        json!("https://auth.ex\u{430}mple"),
        json!(["https://auth.example"]),
    ] {
        refused(&with(person(), "iss", iss));
    }
}

#[test]
fn an_audience_is_or_contains_ours() {
    for aud in [json!("shop"), json!(["shop"]), json!(["bank", "shop"]), json!(["shop", "shop"])] {
        accepted(&with(person(), "aud", aud));
    }

    for aud in [
        json!("bank"),
        json!("Shop"),
        json!("shop "),
        json!("shop bank"),
        json!("shop,bank"),
        json!("shop\0"),
        json!(["bank"]),
        json!(["shop", 7]),
        json!(["shop", null]),
        json!(["shop", ["shop"]]),
        json!(["shopping", "workshop"]),
        json!(7),
    ] {
        refused(&with(person(), "aud", aud));
    }
}

#[test]
fn a_subject_is_a_person_or_a_machine_and_never_both() {
    let user = UserId::generate().to_string();
    assert!(matches!(accepted(&with(person(), "sub", json!(user))).subject, Subject::User(_)));
    for id in ["reports", "shop-service", "a.b_c-1"] {
        assert_eq!(accepted(&machine(id)).subject, Subject::Client(id.to_owned()));
    }

    // Who would it be?
    refused(&machine(&user));
    // Nobody was named where `public` is.
    refused(&machine("public"));
    for id in
        ["", " ", "ab", "Reports", "reports ", "re ports", "reports\0", "7up", &"a".repeat(65)]
    {
        refused(&machine(id));
    }
    for sub in ["somebody", "public", "reports", "ann@example.com", "0", &"a".repeat(6000)] {
        refused(&with(person(), "sub", json!(sub)));
    }
    refused(&with(without(person(), "client_id"), "sub", json!("reports")));
    refused(&with(machine("reports"), "client_id", json!(null)));
}

#[test]
fn a_person_has_one_spelling() {
    let user = UserId::generate().to_string();

    for sub in [
        format!("{{{user}}}"),
        format!("urn:uuid:{user}"),
        user.replace('-', ""),
        format!(" {user}"),
        format!("{user}\n"),
        format!("{user}\0"),
        user[1..].to_owned(),
        format!("{user}0"),
        user.replace('-', "\u{2010}"),
    ] {
        refused(&with(person(), "sub", json!(sub)));
    }
}

#[test]
fn a_token_ends_at_a_time_that_can_be_told() {
    // NumericDates may have a fraction (RFC 7519 §2).
    for exp in
        [json!(now() + 60), json!(4_102_444_800_i64), json!(4_102_444_800.5), json!(i64::MAX)]
    {
        accepted(&with(person(), "exp", exp));
    }

    for exp in [
        json!(now() - 60),
        json!(0),
        json!(1),
        json!(-1),
        json!(-0.0),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(1u64 << 63),
        json!(1e18),
        json!(1e308),
        json!(-1e308),
    ] {
        refused(&with(person(), "exp", exp));
    }
    for literal in
        ["18446744073709551616", "1e400", "-1e400", "NaN", "Infinity", "0x7fffffff", "+1", "١"]
    {
        let claims = with(person(), "exp", json!("HERE")).to_string();
        let claims = claims.replace("\"HERE\"", literal);
        expect_refused(&sign(SECRET, header(), &claims), claims);
    }
}

#[test]
fn a_token_that_begins_later_is_refused() {
    for nbf in [json!(now()), json!(0), json!(1.5)] {
        accepted(&with(person(), "nbf", nbf));
    }

    for nbf in
        [json!(now() + 60), json!(i64::MAX), json!(u64::MAX), json!(1e308), json!(null), json!(-1)]
    {
        refused(&with(person(), "nbf", nbf));
    }
}

/// Neither the contract nor RFC 9068 §4 lists `iat`: a clock that is ahead is `exp`'s and `nbf`'s
/// matter.
#[test]
fn when_it_was_issued_decides_nothing() {
    let later = now() + 1_000_000;
    assert_eq!(accepted(&with(person(), "iat", json!(later))).iat, Some(later));

    for iat in [json!(0), json!(-1), json!(1.5), json!(u64::MAX), json!(1e308), json!(null)] {
        accepted(&with(person(), "iat", iat));
    }
}

#[test]
fn scopes_are_separated_by_spaces_and_have_one_spelling() {
    for scope in
        ["", "SHOP", "shop:Admin", "shop\tshop:admin", "shop,shop:admin", "shop\0", "sho p"]
    {
        assert!(accepted(&with(person(), "scope", json!(scope))).scopes.is_empty(), "{scope}");
    }
    refused(&with(person(), "scope", json!(null)));
}

#[test]
fn a_claim_that_decides_is_given_once() {
    let claims = with(person(), "nbf", json!(now()));

    for name in ["iss", "aud", "sub", "exp", "nbf", "iat", "jti", "client_id", "sid", "scope"] {
        let spelled_otherwise = format!(r"\u{:04x}{}", name.as_bytes()[0], &name[1..]);
        for name_again in [name, &spelled_otherwise] {
            for value in [claims[name].clone(), json!("shop:admin"), json!(null)] {
                let claims = doubled(&claims, name_again, &value);
                expect_refused(&sign(SECRET, header(), &claims), claims);
            }
        }
    }
    // Another member, so that it is the doubling that was refused.
    expect_accepted(&sign(SECRET, header(), doubled(&claims, "email", &json!("ann@example.com"))));
}
