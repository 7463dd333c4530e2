//! Registration while nothing fails: one e-mail is one user, and many at once have one winner.

use serde_json::{Value, json};

use crate::system::{OTHER_PASSWORD, PASSWORD, System, all_at_once, count};

const ANN: &str = "ann@example.com";

#[tokio::test]
async fn of_many_registrations_at_once_one_wins_with_its_own_name_and_password() {
    let system = System::start().await;
    let other_shop = system.another_shop(&[]).await;
    for round in 0..3 {
        let email = format!("ann{round}@example.com");
        let (name, password) =
            (|number| format!("Ann {number}"), |number| format!("{PASSWORD} {number}"));
        let calls = (0..20).map(|number| {
            let shop = if number % 2 == 0 { &system.shop } else { &other_shop };
            shop.registration(&name(number), &email, &password(number))
        });

        let answers = all_at_once(calls).await;

        let winners: Vec<usize> = (0..20).filter(|number| answers[*number].status == 201).collect();
        let [winner] = winners[..] else { panic!("winners {winners:?}: {answers:?}") };
        for loser in answers.iter().filter(|answer| answer.status != 201) {
            loser.expect_problem(409, "email_taken");
        }
        let loser = (winner + 1) % 20;
        let refused = system.auth.login(&email, &password(loser)).await;
        refused.expect_oauth_error(400, "invalid_grant");
        let token = system.auth.token(&email, &password(winner)).await;
        let me = system.shop.api.get("/user/me").bearer(token).send().await.expect(200);
        assert_eq!(me["name"], name(winner));
    }
}

#[tokio::test]
async fn an_email_is_one_user_however_it_is_written() {
    let system = System::start().await;
    let spellings = [" Ann@Example.com ", "ANN@EXAMPLE.COM", "ann@example.com\t"];

    let answers =
        all_at_once(spellings.iter().map(|email| system.shop.registration("Ann", email, PASSWORD)))
            .await;

    let mut statuses = answers.iter().map(|answer| answer.status).collect::<Vec<_>>();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409]);
    for spelling in spellings {
        system.auth.login(spelling, PASSWORD).await.expect(200);
        let again = system.register("Ann", spelling, PASSWORD).await;
        again.expect_problem(409, "email_taken");
    }
    assert_eq!(count(&system.shop_db, "users WHERE email = 'ann@example.com'").await, 1);
    assert_eq!(count(&system.auth.db, "credentials WHERE email = 'ann@example.com'").await, 1);
}

#[tokio::test]
async fn a_registered_email_keeps_its_name_and_password() {
    let system = System::start().await;
    let ann = system.customer().await;

    let again = system.register("Eve", &ann.email, OTHER_PASSWORD).await;

    again.expect_problem(409, "email_taken");
    let refused = system.auth.login(&ann.email, OTHER_PASSWORD).await;
    refused.expect_oauth_error(400, "invalid_grant");
    let me = system.get("/user/me", &ann).send().await.expect(200);
    assert_eq!(me, json!({ "id": ann.id, "name": "Ann", "email": ann.email }));
}

#[tokio::test]
async fn a_weak_password_leaves_nothing_in_either_database() {
    let system = System::start().await;

    for password in ["password1", "short", "ann@example.com", "qwertyuiop"] {
        let answer = system.register("Ann", ANN, password).await;
        answer.expect_invalid(&["password"]);
    }

    assert_eq!(count(&system.shop_db, "users").await, 0);
    assert_eq!(count(&system.auth.db, "credentials").await, 0);
    assert_eq!(system.wire.seen("").len(), 0);
}

#[tokio::test]
async fn the_password_is_never_in_the_shops_database() {
    let system = System::start().await;
    let registered = system.register("Ann", ANN, PASSWORD).await;
    system.wire.cut_answers(2);
    let failed = system.register("Bob", "bob@example.com", OTHER_PASSWORD).await;

    let tables = "SELECT table_name::text FROM information_schema.tables
        WHERE table_schema = 'public'";
    let mut stored = String::new();
    for table in system.shop_db.query(tables, &[]).await.unwrap() {
        let rows = "SELECT coalesce(string_agg(t::text, ';'), '') FROM";
        let rows = format!("{rows} \"{}\" t", table.get::<_, String>(0));
        stored += system.shop_db.query_one(&rows, &[]).await.unwrap().get(0);
    }

    assert_eq!((registered.status, failed.status), (201, 503));
    for (email, password) in [(ANN, PASSWORD), ("bob@example.com", OTHER_PASSWORD)] {
        assert!(stored.contains(email), "{stored}");
        assert!(!stored.contains(password), "{stored}");
        let hash = format!("SELECT password_hash FROM credentials WHERE email = '{email}'");
        let hash: String = system.auth.db.query_one(&hash, &[]).await.unwrap().get(0);
        assert!(hash.starts_with("$argon2id$"), "{hash}");
        assert!(!stored.contains(&hash), "{stored}");
    }
}

#[tokio::test]
async fn both_services_know_a_user_by_the_same_id() {
    let system = System::start().await;

    let registered = system.register("Ann", ANN, PASSWORD).await.expect(201);

    let id: uuid::Uuid =
        system.auth.db.query_one("SELECT id FROM credentials", &[]).await.unwrap().get(0);
    assert_eq!(registered["id"], Value::String(id.to_string()));
}
