//! `POST /user/`: registration, while the auth service is away.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::shop::{Shop, all_at_once, tally};

const PASSWORD: &str = "seven blue lamps";

fn wanted(name: &str, email: &str, password: &str) -> Value {
    json!({ "name": name, "email": email, "password": password })
}

#[tokio::test]
async fn while_auth_is_away_it_is_a_503_and_can_be_tried_again() {
    let shop = Shop::start().await;

    let first = wanted("Ann", " Ann@Example.com ", PASSWORD);
    let first = shop.post("/user/").json(&first).send().await;
    let find = "SELECT id, attempt, state, email, name FROM users";
    let id: Uuid = shop.one(find, &[]).await.get("id");
    let second = wanted("Anna", "ann@example.COM", PASSWORD);
    let second = shop.post("/user/").json(&second).send().await;

    for answer in [first, second] {
        answer.expect_problem(503, "unavailable");
        assert!(answer.header("retry-after").unwrap().parse::<u32>().unwrap() > 0);
        assert!(!answer.text().contains("127.0.0.1"), "{answer:?}");
    }
    let row = shop.one(find, &[]).await;
    assert_eq!(row.get::<_, Uuid>("id"), id);
    assert_eq!(row.get::<_, i64>("attempt"), 2);
    assert_eq!(row.get::<_, &str>("state"), "pending");
    assert_eq!(row.get::<_, &str>("email"), "ann@example.com");
    // Until a try has won.
    assert_eq!(row.get::<_, &str>("name"), "Ann");
}

#[tokio::test]
async fn many_at_once_count_as_as_many_attempts_of_one_profile() {
    let shop = Shop::start().await;

    let wanted = wanted("Ann", "ann@example.com", PASSWORD);
    let answers = all_at_once((0..20).map(|_| shop.post("/user/").json(&wanted))).await;

    assert_eq!(tally(&answers, [503]), [20]);
    let attempt: i64 = shop.one("SELECT attempt FROM users", &[]).await.get(0);
    assert_eq!(attempt, 20);
}

#[tokio::test]
async fn a_registered_email_is_taken_however_it_is_written() {
    let shop = Shop::start().await;
    let ann = shop.customer().await;
    let before = shop.stored().await;

    for email in [ann.email.clone(), ann.email.to_uppercase(), format!(" {} ", ann.email)] {
        let answer = shop.post("/user/").json(&wanted("Eve", &email, PASSWORD)).send().await;
        answer.expect_problem(409, "email_taken");
    }

    assert_eq!(shop.stored().await, before);
}

#[tokio::test]
async fn everything_that_is_wrong_is_said_at_once_and_nothing_is_stored() {
    let shop = Shop::start().await;

    let nothing = shop.post("/user/").json(&json!({})).send().await;
    let all_wrong = wanted("A", "nobody", "short");
    let all_wrong = shop.post("/user/").json(&all_wrong).send().await;
    let two_wrong = wanted("A", "ann@example.com", "short");
    let two_wrong = shop.post("/user/").json(&two_wrong).send().await;

    nothing.expect_invalid(&["name", "email", "password"]);
    all_wrong.expect_invalid(&["name", "email", "password"]);
    two_wrong.expect_invalid(&["name", "password"]);
    assert_eq!(shop.count("users").await, 0);
}

#[tokio::test]
async fn a_weak_password_is_refused_before_anything_is_stored() {
    let shop = Shop::start().await;

    for password in [
        "password1",
        "12345678",
        "qwertyuiop",
        "seven b",
        "ann.lee@example.com",
        "ann.lee1",
        &"x".repeat(129),
    ] {
        let wanted = wanted("Ann", "ann.lee@example.com", password);
        let answer = shop.post("/user/").json(&wanted).send().await;

        let errors = answer.expect_invalid(&["password"]);
        assert!(!errors.to_string().contains(password), "{errors}");
    }

    assert_eq!(shop.count("users").await, 0);
}

#[tokio::test]
async fn a_password_may_be_as_short_as_eight_and_as_long_as_128_characters() {
    let shop = Shop::start().await;

    for (i, password) in
        ["xK9#mQ2v".to_owned(), "жук и ёж ".repeat(15)[..].chars().take(128).collect()]
            .into_iter()
            .enumerate()
    {
        let wanted = wanted("Ann", &format!("ann{i}@example.com"), &password);
        let answer = shop.post("/user/").json(&wanted).send().await;
        answer.expect_problem(503, "unavailable");
    }

    assert_eq!(shop.count("users").await, 2);
}

#[tokio::test]
async fn what_is_no_email_is_refused() {
    let shop = Shop::start().await;

    for email in ["", "ann", "ann@", "@example.com", "a@b@c", "a b@c.de", "ann@exämple.com"]
        .map(str::to_owned)
        .into_iter()
        .chain([format!("{}@example.com", "a".repeat(243)), "ann@x.de\r\nBcc: b@x.de".to_owned()])
    {
        let answer = shop.post("/user/").json(&wanted("Ann", &email, PASSWORD)).send().await;
        answer.expect_invalid(&["email"]);
    }

    assert_eq!(shop.count("users").await, 0);
}
