//! `POST /credentials`: many at once.

use devstack_testkit::{Answer, eventually};
use proto::UserId;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::auth::{Auth, CLIENT, CLIENT_SECRET, PASSWORD, encoded};

/// `POST /credentials` with each of these bodies at once; the answers in their order.
async fn all_at_once(auth: &Auth, bodies: &[Value]) -> Vec<Answer> {
    let mut calls = JoinSet::new();
    for (place, body) in bodies.iter().enumerate() {
        let call = auth.api.post("/credentials").basic(CLIENT, &encoded(CLIENT_SECRET)).json(body);
        calls.spawn(async move { (place, call.send().await) });
    }
    let mut answers = calls.join_all().await;
    answers.sort_unstable_by_key(|(place, _)| *place);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

fn password(number: usize) -> String {
    format!("{PASSWORD} {number}")
}

#[tokio::test]
async fn of_many_attempts_at_once_the_highest_wins() {
    let auth = Auth::start().await;
    for round in 0..5 {
        let (id, email) = (UserId::generate(), format!("ann{round}@example.com"));
        let attempt = |attempt: usize| {
            let password = password(attempt);
            json!({ "id": id, "email": email, "password": password, "attempt": attempt })
        };
        let bodies: Vec<Value> = (1..=20).map(attempt).collect();

        let answers = all_at_once(&auth, &bodies).await;

        answers[19].expect(201);
        for answer in answers.iter().filter(|answer| answer.status != 201) {
            answer.expect_problem(409, "attempt_superseded");
        }
        auth.login(&email, &password(20)).await.expect(200);
    }
}

/// Makes every insert pause between its look for the id and its entry into the unique indexes, as
/// long as somebody holds the advisory lock: an index's function is called there, in the order in
/// which the indexes were made.
const PAUSE: &str = "
    CREATE FUNCTION pause(id uuid) RETURNS uuid IMMUTABLE LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN id; END $$;
    ALTER TABLE credentials DROP CONSTRAINT credentials_pkey CASCADE;
    ALTER TABLE credentials DROP CONSTRAINT credentials_email_key;
    CREATE INDEX credentials_pause ON credentials (pause(id));
    ALTER TABLE credentials ADD CONSTRAINT credentials_pkey PRIMARY KEY (id);
    ALTER TABLE credentials ADD CONSTRAINT credentials_email_key UNIQUE (email);
    SELECT pg_advisory_lock(1)";

#[tokio::test]
async fn two_attempts_that_both_find_the_id_free_do_not_take_each_others_e_mail() {
    let auth = Auth::start().await;
    let database = auth.database().await;
    database.batch_execute(PAUSE).await.unwrap();
    let id = UserId::generate();
    let attempt = |attempt: usize| {
        let password = password(attempt);
        json!({ "id": id, "email": "ann@example.com", "password": password, "attempt": attempt })
    };
    let bodies = [attempt(1), attempt(2)];

    let (answers, ()) = tokio::join!(all_at_once(&auth, &bodies), async {
        eventually("both have looked for the id", async || {
            let paused = "SELECT count(*) = 2 FROM pg_stat_activity
                WHERE datname = current_database() AND wait_event = 'advisory'";
            let both: bool = database.query_one(paused, &[]).await.unwrap().get(0);
            both.then_some(())
        })
        .await;
        database.batch_execute("SELECT pg_advisory_unlock(1)").await.unwrap();
    });

    answers[1].expect(201);
    if answers[0].status != 201 {
        answers[0].expect_problem(409, "attempt_superseded");
    }
    auth.login("ann@example.com", &password(2)).await.expect(200);
}

#[tokio::test]
async fn of_many_ids_with_one_e_mail_exactly_one_is_registered() {
    let auth = Auth::start().await;
    for round in 0..5 {
        let email = format!("ann{round}@example.com");
        let body = |number| {
            let password = password(number);
            json!({ "id": UserId::generate(), "email": email, "password": password })
        };
        let bodies: Vec<Value> = (0..20).map(body).collect();

        let answers = all_at_once(&auth, &bodies).await;

        let winners: Vec<usize> = (0..20).filter(|number| answers[*number].status == 201).collect();
        assert_eq!(winners.len(), 1, "{answers:?}");
        for answer in answers.iter().filter(|answer| answer.status != 201) {
            answer.expect_problem(409, "email_taken");
        }
        auth.login(&email, &password(winners[0])).await.expect(200);
    }
}

#[tokio::test]
async fn registering_and_unregistering_at_once_leaves_nobody_behind() {
    let auth = Auth::start().await;
    for round in 0..20 {
        let (id, email) = (UserId::generate().to_string(), format!("ann{round}@example.com"));
        let body = json!({ "id": id, "email": email, "password": PASSWORD, "attempt": 1 });

        let (registered, unregistered) =
            tokio::join!(auth.credentials(&body), auth.unregister(&id));

        unregistered.expect(204);
        assert!([201, 409].contains(&registered.status), "{registered:?}");
        auth.login(&email, PASSWORD).await.expect_oauth_error(400, "invalid_grant");
        auth.credentials(&body).await.expect_problem(409, "unregistered");
    }
}
