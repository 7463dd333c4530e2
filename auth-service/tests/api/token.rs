//! `POST /token`: the password grant, and what its tokens say.

use proto::{Scope, Subject, Verifier};

use crate::auth::{Auth, ISSUER, OLD_SECRET, OTHER_PASSWORD, PASSWORD, SECRET, decoded, verifier};

#[tokio::test]
async fn the_password_grant_gives_a_token() {
    let auth = Auth::start().await;
    let user = auth.register("ann@example.com").await;

    let answer = auth.password_grant(user.email, PASSWORD).await;

    let body = answer.expect(200);
    answer.expect_uncached();
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(body["token_type"], "bearer");
    assert_eq!(body["expires_in"], 90);
    assert_eq!(body["scope"], "shop");
    assert!(body["access_token"].is_string());
}

#[tokio::test]
async fn a_wrong_password_gives_none() {
    let auth = Auth::start().await;
    let user = auth.register("ann@example.com").await;

    let answer = auth.password_grant(user.email, OTHER_PASSWORD).await;

    answer.expect_oauth_error(400, "invalid_grant");
}

#[tokio::test]
async fn a_token_says_what_rfc_9068_asks_for_and_nothing_else() {
    let auth = Auth::start().await;
    let user = auth.register("ann@example.com").await;
    let before = chassis::clock::now().unix_timestamp();

    let body = auth.password_grant(user.email, PASSWORD).await.expect(200);

    let after = chassis::clock::now().unix_timestamp();
    let (header, claims) = decoded(body["access_token"].as_str().unwrap());
    assert_eq!(header["alg"], "HS256");
    assert_eq!(header["typ"], "at+jwt");
    assert_eq!(header["kid"], proto::claims::kid(SECRET.as_bytes()));
    assert_eq!(header.as_object().unwrap().len(), 3, "{header}");
    assert_eq!(claims["iss"], ISSUER);
    assert_eq!(claims["aud"], "shop");
    assert_eq!(claims["sub"], user.id);
    assert_eq!(claims["client_id"], "public");
    assert_eq!(claims["scope"], "shop");
    assert_eq!(claims["email"], user.email);
    let (iat, exp) = (claims["iat"].as_i64().unwrap(), claims["exp"].as_i64().unwrap());
    assert!((before..=after).contains(&iat), "{claims}");
    assert_eq!(exp - iat, 90);
    assert!(proto::id::parse(claims["jti"].as_str().unwrap()).is_ok());
    assert!(proto::id::parse(claims["sid"].as_str().unwrap()).is_ok());
    assert_eq!(claims.as_object().unwrap().len(), 10, "{claims}");
}

#[tokio::test]
async fn every_token_has_an_id_of_its_own() {
    let auth = Auth::start().await;
    let user = auth.register("ann@example.com").await;

    let first = auth.password_grant(user.email, PASSWORD).await.expect(200);
    let second = auth.password_grant(user.email, PASSWORD).await.expect(200);

    let id = |body: &serde_json::Value| decoded(body["access_token"].as_str().unwrap()).1;
    assert_ne!(id(&first)["jti"], id(&second)["jti"]);
}

#[tokio::test]
async fn a_resource_server_takes_the_token() {
    let auth = Auth::start().await;
    let user = auth.register("ann@example.com").await;
    let body = auth.password_grant(user.email, PASSWORD).await.expect(200);

    let caller = verifier().verify(body["access_token"].as_str().unwrap()).unwrap();

    assert_eq!(caller.subject, Subject::User(user.id.parse().unwrap()));
    assert!(caller.may(Scope::Shop) && !caller.may(Scope::ShopAdmin));
}

#[tokio::test]
async fn the_first_secret_signs_wherever_it_stands_in_the_verifiers_list() {
    let auth = Auth::start().await;
    let user = auth.register("ann@example.com").await;
    let body = auth.password_grant(user.email, PASSWORD).await.expect(200);
    let token = body["access_token"].as_str().unwrap();
    let verifies = |secrets: &str| {
        Verifier::new(&secrets.parse().unwrap(), ISSUER, "shop").verify(token).is_ok()
    };

    assert!(verifies(&format!("{OLD_SECRET},{SECRET}")));
    assert!(!verifies(OLD_SECRET));
}

#[tokio::test]
async fn a_rotated_secret_verifies_what_it_signed_before() {
    let before = Auth::start_with(|config| {
        config.token.secrets = OLD_SECRET.parse().unwrap();
    })
    .await;
    let user = before.register("ann@example.com").await;
    let body = before.password_grant(user.email, PASSWORD).await.expect(200);

    let both = format!("{SECRET},{OLD_SECRET}").parse().unwrap();
    let verifier = Verifier::new(&both, ISSUER, "shop");

    assert!(verifier.verify(body["access_token"].as_str().unwrap()).is_ok());
}

#[tokio::test]
async fn a_token_grants_everything_that_was_granted() {
    let auth = Auth::start().await;
    let user = auth.register("ann@example.com").await;
    auth.sql("UPDATE credentials SET scopes = '{shop:admin,shop,of-a-newer-version}'").await;

    let body = auth.password_grant(user.email, PASSWORD).await.expect(200);

    assert_eq!(body["scope"], "shop shop:admin");
}

#[tokio::test]
async fn a_token_is_narrowed_to_the_scopes_asked_for() {
    let auth = Auth::start().await;
    let user = auth.register("ann@example.com").await;
    auth.sql("UPDATE credentials SET scopes = '{shop,shop:admin}'").await;
    let ask = async |scope| {
        let form = [
            ("grant_type", "password"),
            ("username", user.email),
            ("password", PASSWORD),
            ("scope", scope),
        ];
        auth.token(&form).send().await
    };

    for (asked, granted) in [
        ("shop", "shop"),
        ("shop:admin shop", "shop shop:admin"),
        ("shop auth:admin openid", "shop"),
        ("", "shop shop:admin"),
    ] {
        let body = ask(asked).await.expect(200);
        assert_eq!(body["scope"], granted, "{asked}");
        let (_, claims) = decoded(body["access_token"].as_str().unwrap());
        assert_eq!(claims["scope"], granted, "{asked}");
    }
    for never_granted in ["auth:admin", "openid", "SHOP"] {
        ask(never_granted).await.expect_oauth_error(400, "invalid_scope");
    }
}
