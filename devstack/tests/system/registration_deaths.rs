//! Registration while the shop or the auth service dies between two of its steps.

use crate::system::{OTHER_PASSWORD, PASSWORD, System, count, expect_later, until_wait};

const ANN: &str = "ann@example.com";

#[tokio::test]
async fn a_shop_that_dies_before_auth_has_heard_leaves_the_email_free() {
    let mut system = System::start().await;
    let mut held = system.wire.hold_request();
    let first = tokio::spawn(system.shop.registration("First", ANN, PASSWORD).try_send());
    held.arrived().await;

    system.shop.die().await;
    drop(held);
    system.shop = system.another_shop(&[]).await;
    let second = system.register("Second", ANN, OTHER_PASSWORD).await;

    assert!(first.await.unwrap().is_err());
    assert_eq!(second.expect(201)["name"], "Second");
    system.auth.login(ANN, OTHER_PASSWORD).await.expect(200);
    system.auth.login(ANN, PASSWORD).await.expect_oauth_error(400, "invalid_grant");
}

#[tokio::test]
async fn a_dead_shops_request_that_arrives_late_changes_nothing() {
    let mut system = System::start().await;
    let mut held = system.wire.hold_request();
    let first = tokio::spawn(system.shop.registration("First", ANN, PASSWORD).try_send());
    held.arrived().await;

    system.shop.die().await;
    system.shop = system.another_shop(&[]).await;
    let second = system.register("Second", ANN, OTHER_PASSWORD).await;
    let late = held.release().await;

    assert!(first.await.unwrap().is_err());
    assert_eq!(late, 409);
    second.expect(201);
    system.auth.login(ANN, OTHER_PASSWORD).await.expect(200);
    system.auth.login(ANN, PASSWORD).await.expect_oauth_error(400, "invalid_grant");
}

/// A shop that died after auth had stored Ann's credentials, and one that took its place.
async fn after_a_death_behind_auth() -> System {
    let mut system = System::start().await;
    let mut held = system.wire.hold_answer();
    let first = tokio::spawn(system.shop.registration("First", ANN, PASSWORD).try_send());
    held.arrived().await;
    system.shop.die().await;
    assert!(first.await.unwrap().is_err());
    assert_eq!(count(&system.shop_db, "users WHERE state = 'pending'").await, 1);
    system.shop = system.another_shop(&[]).await;
    system
}

#[tokio::test]
async fn a_shop_that_dies_after_auth_has_stored_leaves_a_user_who_can_log_in() {
    let system = after_a_death_behind_auth().await;

    let token = system.auth.token(ANN, PASSWORD).await;
    let me = system.shop.api.get("/user/me").bearer(token).send().await;
    let again = system.register("Second", ANN, OTHER_PASSWORD).await;

    assert_eq!(me.expect(200)["name"], "First");
    again.expect_problem(409, "email_taken");
    system.auth.login(ANN, PASSWORD).await.expect(200);
}

#[tokio::test]
async fn a_shop_that_dies_after_auth_has_stored_leaves_an_email_that_can_be_registered() {
    let system = after_a_death_behind_auth().await;

    let again = system.register("Second", ANN, OTHER_PASSWORD).await;

    assert_eq!(again.expect(201)["name"], "Second");
    system.auth.login(ANN, PASSWORD).await.expect_oauth_error(400, "invalid_grant");
    let token = system.auth.token(ANN, OTHER_PASSWORD).await;
    let me = system.shop.api.get("/user/me").bearer(token).send().await;
    assert_eq!(me.expect(200)["name"], "Second");
}

#[tokio::test]
async fn a_shop_that_is_told_to_end_finishes_the_registration_first() {
    let mut system = System::start().await;
    let mut held = system.wire.hold_answer();
    let registering = tokio::spawn(system.shop.registration("Ann", ANN, PASSWORD).send());
    held.arrived().await;

    let (_, at_auth) = tokio::join!(system.shop.stop(), held.release());

    assert_eq!(at_auth, 201);
    registering.await.unwrap().expect(201);
    assert_eq!(count(&system.shop_db, "users WHERE state = 'active'").await, 1);
}

#[tokio::test]
async fn a_shop_that_dies_while_it_ends_the_registration_leaves_a_user_who_can_log_in() {
    let mut system = System::start().await;
    let mut held = system.wire.hold_answer();
    let first = tokio::spawn(system.shop.registration("First", ANN, PASSWORD).try_send());
    held.arrived().await;
    system.shop_db.batch_execute("BEGIN; SELECT FROM users FOR UPDATE").await.unwrap();
    held.release().await;
    until_wait(&system.shop_db, 1).await;

    system.shop.die().await;
    system.shop_db.batch_execute("COMMIT").await.unwrap();
    system.shop = system.another_shop(&[]).await;
    let token = system.auth.token(ANN, PASSWORD).await;
    let me = system.shop.api.get("/user/me").bearer(token).send().await;

    assert!(first.await.unwrap().is_err());
    assert_eq!(me.expect(200)["name"], "First");
    let again = system.register("Second", ANN, OTHER_PASSWORD).await;
    again.expect_problem(409, "email_taken");
}

#[tokio::test]
async fn an_auth_service_that_dies_while_it_stores_leaves_the_email_to_the_next_registration() {
    let mut system = System::start().await;
    system.auth.db.batch_execute("BEGIN; LOCK credentials IN SHARE MODE").await.unwrap();
    let first = tokio::spawn(system.shop.registration("First", ANN, PASSWORD).send());
    until_wait(&system.auth.db, 1).await;

    system.auth.die().await;
    let first = first.await.unwrap();
    system.auth.db.batch_execute("COMMIT").await.unwrap();
    system.auth.start_again(&[]).await;
    let second = system.register("Second", ANN, OTHER_PASSWORD).await;

    expect_later(&first);
    assert_eq!(second.expect(201)["name"], "Second");
    system.auth.login(ANN, OTHER_PASSWORD).await.expect(200);
    system.auth.login(ANN, PASSWORD).await.expect_oauth_error(400, "invalid_grant");
}
