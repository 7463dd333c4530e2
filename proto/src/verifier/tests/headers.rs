//! The header: how a token says it was signed, and by whom.

use super::*;

/// A public key, which anybody may have and none of our services does.
const PUBLIC_KEY: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEVs/o5+uQbTjL3chynL4wXgUg2R9
q9UU8I5mEovUf86QZ7kOBIjJwqnzD1omageEHWwHdBO6B+dFabmdT9POxg==
-----END PUBLIC KEY-----
";

/// The header with and without a `kid`: without one, every secret is tried.
fn each_way(name: &str, value: Value) -> [Value; 2] {
    let header = with(header(), name, value);
    [without(header.clone(), "kid"), header]
}

#[test]
fn none_is_no_algorithm_however_it_is_spelled() {
    for alg in ["none", "None", "NONE", "nOnE", "none ", "none\0", "null", ""] {
        for header in each_way("alg", json!(alg)) {
            let token = sign(SECRET, &header, person());
            let (message, _) = token.rsplit_once('.').unwrap();

            expect_refused(message, &header);
            expect_refused(&format!("{message}."), &header);
            expect_refused(&token, &header);
        }
    }
}

#[test]
fn an_algorithm_is_named_and_is_a_string() {
    for alg in [json!(null), json!(256), json!(true), json!(["HS256"]), json!({ "alg": "HS256" })] {
        for header in each_way("alg", alg) {
            expect_refused(&sign(SECRET, &header, person()), header);
        }
    }
    expect_refused(&sign(SECRET, without(header(), "alg"), person()), "no alg");
}

#[test]
fn the_right_secret_counts_for_hs256_alone() {
    let others = [
        ("HS384", hmac::HMAC_SHA384),
        ("HS512", hmac::HMAC_SHA512),
        // What the header says and what was done are two things.
        ("HS256", hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
        ("HS256", hmac::HMAC_SHA384),
        ("HS256", hmac::HMAC_SHA512),
        ("HS384", hmac::HMAC_SHA256),
        ("HS512", hmac::HMAC_SHA256),
        // An algorithm has one spelling (RFC 7515 §4.1.1).
        ("hs256", hmac::HMAC_SHA256),
        ("HS256 ", hmac::HMAC_SHA256),
        ("HMAC", hmac::HMAC_SHA256),
    ];

    for (alg, done) in others {
        for header in each_way("alg", json!(alg)) {
            expect_refused(&sign_by(done, SECRET, &header, person()), (header, done));
        }
    }
}

#[test]
fn the_secret_is_no_key_of_another_kind_and_none_stands_for_it() {
    for alg in ["RS256", "RS384", "RS512", "PS256", "ES256", "ES256K", "EdDSA", "Ed25519", "dir"] {
        for header in each_way("alg", json!(alg)) {
            expect_refused(&sign(SECRET, &header, person()), &header);
            expect_refused(&sign(PUBLIC_KEY, &header, person()), header);
        }
    }
    for key in [PUBLIC_KEY, PUBLIC_KEY.trim(), "", "\0"] {
        for header in each_way("kid", json!(kid(SECRET))) {
            expect_refused(&sign(key, &header, person()), (key, header));
        }
        expect_refused(&sign(key, with(header(), "kid", json!(kid(key))), person()), key);
    }
}

#[test]
fn a_kid_names_one_of_our_secrets_and_that_one_signed() {
    let ours = kid(SECRET);
    let long = "A".repeat(4096);
    let wrong = [
        json!("AAAAAAAAAAA"),
        json!(kid(OLD)),
        json!(kid(THEIRS)),
        json!(""),
        json!(ours.to_lowercase()),
        json!(format!("{ours}=")),
        json!(format!(" {ours}")),
        json!(format!("{ours}\0")),
        json!(ours[1..]),
        json!("../../../../../../dev/null"),
        json!("/proc/sys/kernel/randomize_va_space"),
        json!("' UNION SELECT 'secret"),
        json!("|| sleep 9"),
        json!(long),
        json!(null),
        json!(0),
        json!(true),
        json!([ours]),
        json!({ "kid": ours }),
    ];

    for kid in wrong {
        // What a look-up of nothing might give as a key, too.
        for secret in [SECRET, OLD, THEIRS, "", "0", "secret"] {
            if json!(super::kid(secret)) != kid || secret == THEIRS {
                let header = with(header(), "kid", kid.clone());
                expect_refused(&sign(secret, &header, person()), (secret, header));
            }
        }
    }
}

#[test]
fn a_key_that_a_token_brings_along_or_names_is_never_used() {
    let jwk = json!({
        "kty": "oct", "k": BASE64_URL_SAFE_NO_PAD.encode(THEIRS), "alg": "HS256",
        "kid": kid(THEIRS),
    });

    for (name, value) in [
        ("jwk", jwk.clone()),
        ("jku", json!("https://thief.example/jwks.json")),
        ("jku", json!("file:///etc/hostname")),
        ("x5u", json!("https://thief.example/chain.pem")),
        ("x5c", json!([base64::prelude::BASE64_STANDARD.encode(THEIRS)])),
        ("x5t", json!(kid(THEIRS))),
        ("keys", json!([jwk])),
        ("url", json!("https://thief.example/")),
    ] {
        let header = with(header(), name, value);
        let as_theirs = with(header.clone(), "kid", json!(kid(THEIRS)));

        expect_accepted(&sign(SECRET, &header, person()));
        expect_refused(&sign(THEIRS, &header, person()), &header);
        expect_refused(&sign(THEIRS, without(header, "kid"), person()), name);
        expect_refused(&sign(THEIRS, as_theirs, person()), name);
    }
}

#[test]
fn whatever_is_critical_is_not_understood() {
    for crit in [
        json!(["exp"]),
        json!(["b64"]),
        json!(["alg", "typ"]),
        json!(["x"]),
        json!([]),
        json!(null),
        json!("exp"),
        json!(false),
        json!({}),
    ] {
        for header in each_way("crit", crit) {
            let header = with(header, "x", json!(1));
            expect_refused(&sign(SECRET, &header, person()), header);
        }
    }
}

/// RFC 9068 §4 knows two spellings; RFC 7515 §5.3 compares media types without case.
#[test]
fn a_type_is_that_of_an_access_token_in_any_case() {
    for typ in ["at+jwt", "AT+JWT", "At+Jwt", "application/at+jwt", "Application/AT+jwt"] {
        expect_accepted(&sign(SECRET, with(header(), "typ", json!(typ)), person()));
    }

    for typ in [
        "JWT",
        "jwt",
        "JOSE",
        "id+jwt",
        "rt+jwt",
        "logout+jwt",
        "application/jwt",
        "text/at+jwt",
        "application/application/at+jwt",
        "at+jwt; charset=utf-8",
        " at+jwt",
        "at+jwt ",
        "at+jwt\0",
        "at jwt",
        "at+jwtx",
        "\u{ff41}t+jwt",
        "",
    ] {
        expect_refused(&sign(SECRET, with(header(), "typ", json!(typ)), person()), typ);
    }
    for typ in [json!(null), json!(7), json!(["at+jwt"]), json!({ "at+jwt": true })] {
        expect_refused(&sign(SECRET, with(header(), "typ", typ.clone()), person()), typ);
    }
    expect_refused(&sign(SECRET, without(header(), "typ"), person()), "no typ");
}

#[test]
fn a_member_that_decides_is_given_once() {
    let header = header();

    for name in ["alg", "typ", "kid"] {
        let spelled_otherwise = format!(r"\u{:04x}{}", name.as_bytes()[0], &name[1..]);
        for name_again in [name, &spelled_otherwise] {
            for value in [header[name].clone(), json!("none"), json!(null)] {
                let header = doubled(&header, name_again, &value);
                expect_refused(&sign(SECRET, &header, person()), header);
            }
        }
    }
    // Another member, so that it is the doubling that was refused.
    expect_accepted(&sign(SECRET, doubled(&header, "x", &json!(1)), person()));
}
