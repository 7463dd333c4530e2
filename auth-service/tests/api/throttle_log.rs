//! What the throttle leaves: in the audit log, for administrators, for the command line.

use serde_json::{Value, json};

use crate::auth::{Auth, migrated};
use crate::cli::Cli;
use crate::guesses::{AWAY, HOME};

const EMAIL: &str = "ann@example.com";

#[tokio::test]
async fn a_failure_is_audited_with_who_and_from_where() {
    let auth = Auth::start().await;
    let user = auth.register(EMAIL).await;

    auth.fail(1, HOME, "Ann@Example.com").await;
    auth.fail(1, AWAY, "nobody@example.com").await;
    auth.fail(1, "2001:db8::7", "no e-mail").await;

    let entry = |user: Value, email: Value, address| {
        json!({ "user_id": user, "client_id": "public", "email": email, "address": address,
            "detail": null })
    };
    let expected = [
        entry(json!(user.id), json!(EMAIL), HOME),
        entry(Value::Null, json!("nobody@example.com"), AWAY),
        entry(Value::Null, Value::Null, "2001:db8::7"),
    ];
    assert_eq!(auth.audited("login_failed").await, expected);
}

#[tokio::test]
async fn a_waiting_period_leaves_one_entry() {
    let auth = Auth::start().await;
    let user = auth.register(EMAIL).await;
    auth.make_waits_long().await;
    auth.fail(5, HOME, EMAIL).await;
    let attempt = async || {
        for _ in 0..3 {
            auth.guess(HOME, EMAIL).await.expect_oauth_error(429, "too_many_requests");
        }
    };

    attempt().await;
    assert_eq!(auth.audited("throttled").await.len(), 1);
    auth.let_waits_pass().await;
    auth.fail(1, HOME, EMAIL).await;
    attempt().await;

    let audited = auth.audited("throttled").await;
    assert_eq!(audited.len(), 2);
    for (entry, failures) in audited.iter().zip([5, 6]) {
        assert_eq!(entry["user_id"], user.id);
        assert_eq!(entry["email"], EMAIL);
        assert_eq!(entry["address"], HOME);
        assert_eq!(entry["client_id"], "public");
        assert_eq!(entry["detail"]["by"], "pair");
        assert_eq!(entry["detail"]["failures"], failures);
    }
}

#[tokio::test]
async fn an_entry_says_what_the_wait_is_for() {
    let auth = Auth::start_with(|config| config.network_failures = 2).await;
    auth.make_waits_long().await;
    auth.set_count("email", EMAIL, "", 100).await;
    auth.fail(1, HOME, EMAIL).await;
    for number in 0..3 {
        auth.fail(1, AWAY, &format!("nobody{number}@example.com")).await;
    }

    for _ in 0..2 {
        auth.guess("192.0.2.1", EMAIL).await.expect_oauth_error(429, "too_many_requests");
        auth.guess(AWAY, "no e-mail").await.expect_oauth_error(429, "too_many_requests");
    }

    let audited = auth.audited("throttled").await;
    let said: Vec<_> = audited.iter().map(|it| (&it["detail"]["by"], &it["email"])).collect();
    assert_eq!(said, [(&json!("email"), &json!(EMAIL)), (&json!("network"), &Value::Null)]);
}

#[tokio::test]
async fn a_password_in_the_place_of_the_e_mail_is_kept_nowhere() {
    let auth = Auth::start().await;

    for username in ["Hunter2 is mine", "hunter2@", "@hunter2", "hunter2@a@b", "hunter2@a_b"] {
        auth.guess(HOME, username).await;
    }
    auth.guess(HOME, "hunter2").await.expect_oauth_error(429, "too_many_requests");

    let kept = "SELECT count(*) FROM
        (SELECT audit::text AS row FROM audit UNION ALL SELECT throttle::text FROM throttle) AS t
        WHERE row ILIKE '%hunter2%'";
    let rows = "SELECT (SELECT count(*) FROM audit), (SELECT count(*) FROM throttle)";
    let database = auth.database().await;
    assert_eq!(database.query_one(kept, &[]).await.unwrap().get::<_, i64>(0), 0);
    let rows = database.query_one(rows, &[]).await.unwrap();
    assert_eq!((rows.get::<_, i64>(0), rows.get::<_, i64>(1)), (6, 3));
}

#[tokio::test]
async fn administrators_see_until_when_a_user_is_locked() {
    let auth = Auth::start().await;
    let user = auth.register(EMAIL).await;
    let admin = auth.admin().await;
    let locked_until = async || {
        let get = async |path: &str| auth.api.get(path).bearer(&admin.access).send().await;
        let shown = get(&format!("/admin/users/{}", user.id)).await.expect(200);
        let listed = get(&format!("/admin/users?email={EMAIL}")).await.expect(200);
        assert_eq!(listed, json!([shown]));
        shown["locked_until"].clone()
    };

    auth.fail(4, HOME, EMAIL).await;
    assert_eq!(locked_until().await, Value::Null);
    auth.make_waits_long().await;
    auth.fail(1, HOME, EMAIL).await;
    auth.set_count("pair", EMAIL, "198.51.100.0/24", 9).await;
    auth.fail(1, AWAY, EMAIL).await;

    let latest = "SELECT to_char(max(waits_until) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS')
        FROM throttle";
    let latest: String = auth.database().await.query_one(latest, &[]).await.unwrap().get(0);
    let until = locked_until().await;
    assert!(until.as_str().unwrap().starts_with(&latest), "{until} {latest}");
    auth.let_waits_pass().await;
    assert_eq!(locked_until().await, Value::Null);
}

#[tokio::test]
async fn unlocking_forgets_every_failure_on_an_e_mail_and_no_other() {
    let database = migrated().await;
    let cli = Cli::at(database.url());
    let auth = Auth::start_on(database, |_| {}).await;
    auth.is_ready().await;
    for email in [EMAIL, "bob@example.com"] {
        auth.register(email).await;
    }
    auth.make_waits_long().await;
    for email in [EMAIL, "bob@example.com"] {
        auth.fail(5, HOME, email).await;
        auth.set_count("email", email, "", 100).await;
        auth.fail(1, AWAY, email).await;
    }

    let unlocked = cli.command(&["user", "unlock", "Ann@example.com"]).run().await;

    assert_eq!((unlocked.code, &*unlocked.stderr), (Some(0), ""), "{unlocked:?}");
    let user: Value = serde_json::from_str(&unlocked.stdout).unwrap();
    assert_eq!((&user["email"], &user["locked_until"]), (&json!(EMAIL), &Value::Null));
    for address in [HOME, AWAY, "192.0.2.1"] {
        auth.login_from(address, EMAIL).await.expect(200);
        let other = auth.login_from(address, "bob@example.com").await;
        other.expect_oauth_error(429, "too_many_requests");
    }
}
