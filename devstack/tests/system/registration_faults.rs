//! Registration while the wire or the auth service fails, at every step.

use devstack_testkit::Answer;
use serde_json::json;

use crate::system::{
    OTHER_PASSWORD, PASSWORD, Person, System, all_at_once, count, expect_later, id,
};

const ANN: &str = "ann@example.com";

/// That the second registration counts, and nothing of the first.
async fn expect_second(system: &System, second: &Answer) {
    assert_eq!(second.expect(201)["name"], "Second");
    let refused = system.auth.login(ANN, PASSWORD).await;
    refused.expect_oauth_error(400, "invalid_grant");
    let token = system.auth.token(ANN, OTHER_PASSWORD).await;
    let me = system.shop.api.get("/user/me").bearer(token).send().await.expect(200);
    assert_eq!((&me["name"], &me["id"]), (&json!("Second"), &second.json()["id"]));
    assert_eq!(count(&system.shop_db, "users").await, 1);
}

#[tokio::test]
async fn while_auth_is_down_it_is_a_503_and_can_be_tried_again() {
    let mut system = System::start().await;
    system.auth.stop().await;
    let auth_url = format!("--auth-url=http://{}", system.auth.addr());
    // Without the wire, so that the connection is really refused.
    let shop = system.another_shop(&[&auth_url]).await;

    let first = shop.registration("First", ANN, PASSWORD).send().await;
    system.auth.start_again(&[]).await;
    let second = shop.registration("Second", ANN, OTHER_PASSWORD).send().await;

    expect_later(&first);
    expect_second(&system, &second).await;
}

#[tokio::test]
async fn a_request_or_an_answer_that_is_lost_once_is_no_fault() {
    let system = System::start().await;

    system.wire.cut_requests(1);
    let request_lost = system.register("Ann", ANN, PASSWORD).await;
    system.wire.cut_answers(1);
    let answer_lost = system.register("Bob", "bob@example.com", PASSWORD).await;

    request_lost.expect(201);
    answer_lost.expect(201);
    system.auth.login(ANN, PASSWORD).await.expect(200);
    system.auth.login("bob@example.com", PASSWORD).await.expect(200);
    let bodies: Vec<String> = system
        .wire
        .seen("POST /credentials")
        .iter()
        .map(|request| request.rsplit_once("\r\n\r\n").unwrap().1.to_owned())
        .collect();
    assert_eq!(bodies.len(), 4);
    assert_eq!((&bodies[0], &bodies[2]), (&bodies[1], &bodies[3]));
}

#[tokio::test]
async fn a_request_that_never_arrives_leaves_the_email_free() {
    let system = System::start().await;

    system.wire.cut_requests(2);
    let first = system.register("First", ANN, PASSWORD).await;
    let second = system.register("Second", ANN, OTHER_PASSWORD).await;

    expect_later(&first);
    expect_second(&system, &second).await;
}

#[tokio::test]
async fn an_answer_that_never_arrives_leaves_the_email_to_the_next_registration() {
    let system = System::start().await;

    system.wire.cut_answers(2);
    let first = system.register("First", ANN, PASSWORD).await;
    let second = system.register("Second", ANN, OTHER_PASSWORD).await;

    expect_later(&first);
    expect_second(&system, &second).await;
}

#[tokio::test]
async fn auth_slower_than_the_timeout_is_a_503_and_the_next_registration_counts() {
    let system = System::start().await;
    let hasty = system.another_shop(&["--auth-timeout=1s"]).await;

    let slow = system.wire.hold_answer();
    let first = hasty.registration("First", ANN, PASSWORD).send().await;
    let second = system.register("Second", ANN, OTHER_PASSWORD).await;

    expect_later(&first);
    assert_eq!(slow.release().await, 201);
    expect_second(&system, &second).await;
}

#[tokio::test]
async fn a_late_request_never_replaces_an_acknowledged_password() {
    let system = System::start().await;
    let hasty = system.another_shop(&["--auth-timeout=1s"]).await;

    let mut late = Vec::new();
    for _ in 0..2 {
        late.push(system.wire.hold_request());
        expect_later(&hasty.registration("First", ANN, PASSWORD).send().await);
    }
    let second = system.register("Second", ANN, OTHER_PASSWORD).await;
    let before_a_login = late.remove(0).release().await;
    expect_second(&system, &second).await;
    let after_a_login = late.remove(0).release().await;

    assert_eq!((before_a_login, after_a_login), (409, 409));
    expect_second(&system, &second).await;
}

#[tokio::test]
async fn a_registration_that_was_overtaken_is_a_409_though_auth_took_it() {
    let system = System::start().await;

    let mut held = system.wire.hold_answer();
    let first = tokio::spawn(system.shop.registration("First", ANN, PASSWORD).send());
    held.arrived().await;
    let second = system.register("Second", ANN, OTHER_PASSWORD).await;
    let first_at_auth = held.release().await;

    assert_eq!(first_at_auth, 201);
    first.await.unwrap().expect_problem(409, "email_taken");
    expect_second(&system, &second).await;
}

#[tokio::test]
async fn a_login_ends_a_registration_wherever_its_token_is_shown() {
    let system = System::start().await;
    let admin = system.admin().await;
    let product = system.product(&admin, 10).await;

    for call in ["GET /user/me", "GET /cart/", "POST /cart/items", "GET /orders/", "PATCH /user/me"]
    {
        let email = format!("{}@example.com", call.to_lowercase().replace(['/', ' '], "-"));
        system.wire.cut_answers(2);
        expect_later(&system.register("Ann", &email, PASSWORD).await);
        let token = system.auth.token(&email, PASSWORD).await;

        let (method, path) = call.split_once(' ').unwrap();
        let body = json!({ "product_id": product["id"], "name": "Ann" });
        let call = system.shop.api.call(method.parse().unwrap(), path).bearer(token);
        let answer = call.json(&body).send().await;

        assert!([200, 201].contains(&answer.status), "{path}: {answer:?}");
        let active = format!("users WHERE email = '{email}' AND state = 'active'");
        assert_eq!(count(&system.shop_db, &active).await, 1, "{path}");
        let again = system.register("Eve", &email, OTHER_PASSWORD).await;
        again.expect_problem(409, "email_taken");
        system.auth.login(&email, OTHER_PASSWORD).await.expect_oauth_error(400, "invalid_grant");
    }
}

#[tokio::test]
async fn who_has_logged_in_keeps_password_and_name_though_the_shop_does_not_know() {
    let system = System::start().await;
    system.wire.cut_answers(2);
    expect_later(&system.register("Ann", ANN, PASSWORD).await);
    let token = system.auth.token(ANN, PASSWORD).await;

    let other = system.register("Eve", ANN, OTHER_PASSWORD).await;

    other.expect_problem(409, "email_taken");
    system.auth.login(ANN, PASSWORD).await.expect(200);
    system.auth.login(ANN, OTHER_PASSWORD).await.expect_oauth_error(400, "invalid_grant");
    let me = system.shop.api.get("/user/me").bearer(token).send().await.expect(200);
    assert_eq!(me["name"], "Ann");
}

#[tokio::test]
async fn who_logs_in_before_the_registration_ends_keeps_the_password() {
    let system = System::start().await;

    let mut held = system.wire.hold_answer();
    let registering = tokio::spawn(system.shop.registration("Ann", ANN, PASSWORD).send());
    held.arrived().await;
    let token = system.auth.token(ANN, PASSWORD).await;
    let me = system.shop.api.get("/user/me").bearer(&token).send().await.expect(200);
    let calls = (0..5).map(|_| system.shop.registration("Eve", ANN, OTHER_PASSWORD));
    let others = all_at_once(calls).await;
    held.release().await;

    let registered = registering.await.unwrap().expect(201);
    assert_eq!(registered, me);
    for other in others {
        other.expect_problem(409, "email_taken");
    }
    let ann = Person { id: id(&me), email: ANN.to_owned(), token };
    assert_eq!(system.get("/user/me", &ann).send().await.expect(200)["name"], "Ann");
    system.auth.login(ANN, PASSWORD).await.expect(200);
}
