//! Deletion while the wire, the auth service or the shop fails, at every step.

use devstack_testkit::{Answer, eventually};
use serde_json::{Value, json};

use crate::system::{OTHER_PASSWORD, PASSWORD, Person, System, expect_later, id, until_wait};

/// The jobs that are not done, as an admin sees them.
async fn jobs(system: &System, admin: &Person, state: &str) -> Vec<Value> {
    let jobs = system.get(&format!("/admin/outbox{state}"), admin).send().await.expect(200);
    jobs.as_array().unwrap().clone()
}

/// `POST /admin/outbox/{id}/retry`.
async fn retry(system: &System, admin: &Person, job: &Value) -> Answer {
    system.post(&format!("/admin/outbox/{}/retry", id(job)), admin).send().await
}

/// That the e-mail has a new user, who is not the old one.
async fn expect_free(system: &System, old: &Person) {
    let new = system.register("New", &old.email, OTHER_PASSWORD).await.expect(201);
    assert_ne!(id(&new), old.id);
    system.auth.login(&old.email, OTHER_PASSWORD).await.expect(200);
    let refused = system.auth.login(&old.email, PASSWORD).await;
    refused.expect_oauth_error(400, "invalid_grant");
}

#[tokio::test]
async fn while_auth_is_down_the_job_is_tried_until_auth_is_back() {
    let mut system = System::start().await;
    let (ann, admin) = (system.customer().await, system.admin().await);
    system.auth.stop().await;

    system.delete(&ann, &ann).send().await.expect(204);
    let failing = async |attempts: i64| {
        eventually("the job has failed", async || {
            let jobs = jobs(&system, &admin, "?state=failing").await;
            jobs.into_iter().find(|job| job["attempts"].as_i64() >= Some(attempts))
        })
        .await
    };
    let first = failing(1).await;
    retry(&system, &admin, &first).await.expect(200);
    let second = failing(first["attempts"].as_i64().unwrap() + 1).await;
    let meanwhile = system.register("New", &ann.email, OTHER_PASSWORD).await;

    assert_eq!((&first["kind"], &first["id"]), (&json!("unregister"), &second["id"]));
    assert!(second["last_error"].is_string(), "{second}");
    expect_later(&meanwhile);
    system.get("/user/me", &ann).send().await.expect_problem(401, "invalid_token");

    system.auth.start_again(&[]).await;
    let retried = retry(&system, &admin, &second).await;
    system.until_auth_is_told().await;

    // It may have been done in the same moment.
    assert!([200, 404].contains(&retried.status), "{retried:?}");
    assert_eq!(jobs(&system, &admin, "").await, Vec::<Value>::new());
    expect_free(&system, &ann).await;
}

#[tokio::test]
async fn a_lost_request_or_answer_is_no_fault() {
    let system = System::start().await;
    let people = [system.customer().await, system.customer().await];

    for person in &people {
        system.wire.cut_requests(1);
        system.wire.cut_answers(1);
        system.delete(person, person).send().await.expect(204);
        system.until_auth_is_told().await;
    }

    for person in &people {
        expect_free(&system, person).await;
    }
}

#[tokio::test]
async fn a_shop_that_dies_before_auth_has_forgotten_leaves_the_job_to_another() {
    let mut system = System::start().await;
    let ann = system.customer().await;
    let mut held = system.wire.hold_request();

    system.delete(&ann, &ann).send().await.expect(204);
    held.arrived().await;
    drop(held);
    left_to_another(&mut system, &ann).await;

    expect_free(&system, &ann).await;
}

#[tokio::test]
async fn a_shop_that_dies_after_auth_has_forgotten_leaves_the_job_to_another() {
    let mut system = System::start().await;
    let ann = system.customer().await;
    let mut held = system.wire.hold_answer();

    system.delete(&ann, &ann).send().await.expect(204);
    held.arrived().await;
    left_to_another(&mut system, &ann).await;

    assert_eq!(system.wire.seen("DELETE ").len(), 2);
    expect_free(&system, &ann).await;
}

/// The shop dies with a job in hand, and another one does it.
async fn left_to_another(system: &mut System, gone: &Person) {
    system.shop.die().await;
    system.shop = system.another_shop(&[]).await;
    let while_leased = system.register("New", &gone.email, OTHER_PASSWORD).await;
    expect_later(&while_leased);
    let is_leased = "SELECT next_attempt_at > clock_timestamp() + interval '1 second'
        FROM outbox WHERE done_at IS NULL";
    assert!(system.shop_db.query_one(is_leased, &[]).await.unwrap().get::<_, bool>(0));
    // The lease of the dead one, as if a minute had passed.
    let end_lease = "UPDATE outbox SET next_attempt_at = clock_timestamp()";
    system.shop_db.execute(end_lease, &[]).await.unwrap();
    system.shop_db.batch_execute("NOTIFY outbox").await.unwrap();
    system.until_auth_is_told().await;
}

#[tokio::test]
async fn a_shop_that_is_told_to_end_finishes_its_job_first() {
    let mut system = System::start().await;
    let ann = system.customer().await;
    let mut held = system.wire.hold_answer();
    system.delete(&ann, &ann).send().await.expect(204);
    held.arrived().await;

    let (_, at_auth) = tokio::join!(system.shop.stop(), held.release());

    assert_eq!(at_auth, 204);
    system.shop = system.another_shop(&[]).await;
    expect_free(&system, &ann).await;
    assert_eq!(system.wire.seen("DELETE ").len(), 1);
}

#[tokio::test]
async fn an_auth_service_that_dies_while_it_forgets_is_told_again() {
    let mut system = System::start().await;
    let ann = system.customer().await;
    system.auth.db.batch_execute("BEGIN; LOCK credentials IN SHARE MODE").await.unwrap();

    system.delete(&ann, &ann).send().await.expect(204);
    until_wait(&system.auth.db, 1).await;
    system.auth.die().await;
    system.auth.db.batch_execute("COMMIT").await.unwrap();
    system.auth.start_again(&[]).await;
    system.until_auth_is_told().await;

    assert!(system.wire.seen("DELETE ").len() > 1);
    expect_free(&system, &ann).await;
}

#[tokio::test]
async fn of_two_replicas_one_does_a_job() {
    let system = System::start().await;
    let other_shop = system.another_shop(&[]).await;
    let mut people = Vec::new();
    for _ in 0..12 {
        people.push(system.customer().await);
    }

    for (number, person) in people.iter().enumerate() {
        let shop = if number % 2 == 0 { &system.shop } else { &other_shop };
        let delete = shop.api.delete(&format!("/user/{}", person.id)).bearer(&person.token);
        delete.send().await.expect(204);
    }
    system.until_auth_is_told().await;

    for person in &people {
        let told = system.wire.seen(&format!("DELETE /credentials/{} ", person.id));
        assert_eq!(told.len(), 1);
    }
}

#[tokio::test]
async fn a_late_registration_cannot_bring_a_deleted_user_back() {
    let system = System::start().await;
    let hasty = system.another_shop(&["--auth-timeout=1s"]).await;
    let email = "ann@example.com";
    let late = system.wire.hold_request();
    expect_later(&hasty.registration("Ann", email, PASSWORD).send().await);
    let user = system.register("Ann", email, PASSWORD).await.expect(201);
    let token = system.auth.token(email, PASSWORD).await;
    let ann = Person { id: id(&user), email: email.to_owned(), token };

    system.delete(&ann, &ann).send().await.expect(204);
    system.until_auth_is_told().await;
    let at_auth = late.release().await;

    assert_eq!(at_auth, 409);
    system.auth.login(email, PASSWORD).await.expect_oauth_error(400, "invalid_grant");
    expect_free(&system, &ann).await;
}

/// Ends the deletion at the end of the statement that has found the e-mail in use: between that
/// and the look at who uses it.
const END_IN_BETWEEN: &str = "
    CREATE FUNCTION end_deletion() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN DELETE FROM users WHERE state = 'deleting'; RETURN NULL; END $$;
    CREATE TRIGGER in_between AFTER INSERT ON users
        FOR EACH STATEMENT EXECUTE FUNCTION end_deletion()";

#[tokio::test]
async fn an_email_that_becomes_free_while_it_is_registered_is_not_called_taken() {
    let mut system = System::start().await;
    let ann = system.customer().await;
    system.auth.stop().await;
    system.delete(&ann, &ann).send().await.expect(204);
    system.shop_db.batch_execute(END_IN_BETWEEN).await.unwrap();

    let answer = system.register("New", &ann.email, OTHER_PASSWORD).await;

    expect_later(&answer);
}
