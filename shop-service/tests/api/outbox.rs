//! `/admin/outbox`: jobs that are not done, while the auth service is away.

use std::time::Duration;

use devstack_testkit::eventually;
use devstack_testkit::wait::DEADLINE;
use serde_json::{Value, json};
use shop_service::outbox::store;
use uuid::Uuid;

use crate::calls::{job, order};
use crate::mint;
use crate::shop::{Shop, config};

async fn jobs(shop: &Shop, query: &str) -> Vec<Value> {
    let call = shop.get(&format!("/admin/outbox{query}")).bearer(mint::machine("shop:admin"));
    call.send().await.expect(200).as_array().cloned().unwrap_or_default()
}

/// The only job there is, once it was tried so often and has failed.
async fn failed(shop: &Shop, attempts: i64) -> Value {
    eventually("the job has failed", async || {
        let job = jobs(shop, "").await.pop()?;
        let is_it = job["attempts"].as_i64()? >= attempts && job["state"] == "failing";
        is_it.then_some(job)
    })
    .await
}

async fn retry(shop: &Shop, id: impl std::fmt::Display) -> devstack_testkit::Answer {
    let path = format!("/admin/outbox/{id}/retry");
    shop.post(&path).bearer(mint::machine("shop:admin")).send().await
}

#[tokio::test]
async fn a_deletion_waits_there_and_is_tried_again_and_again() {
    let shop = Shop::start().await;
    let ann = shop.customer().await;

    let path = format!("/user/{}", ann.id);
    shop.delete(&path).bearer(&ann.token).send().await.expect(204);
    let first = failed(&shop, 1).await;
    let second = failed(&shop, 2).await;

    let expected = json!({
        "id": first["id"], "kind": "unregister", "state": "failing",
        "attempts": first["attempts"], "next_attempt_at": first["next_attempt_at"],
        "last_error": first["last_error"], "created_at": first["created_at"],
    });
    assert_eq!(first, expected);
    assert!(first["last_error"].as_str().unwrap().contains("auth service"), "{first}");
    assert_eq!(second["id"], first["id"]);
    assert!(second["next_attempt_at"].as_str() > first["next_attempt_at"].as_str());
    assert_eq!(shop.count("users WHERE state = 'deleting'").await, 1);
}

#[tokio::test]
async fn an_admin_has_a_job_tried_at_once() {
    let shop = Shop::start().await;
    let id = job(&shop).await;
    assert_eq!(jobs(&shop, "").await[0]["state"], "waiting");

    let retried = retry(&shop, id).await.expect(200);

    assert_eq!(retried["id"], json!(id));
    let created = retried["created_at"].as_str().unwrap();
    let due = retried["next_attempt_at"].as_str().unwrap();
    assert_eq!(created[..10], due[..10]);
    assert_eq!(failed(&shop, 1).await["id"], json!(id));
}

#[tokio::test]
async fn jobs_are_listed_the_oldest_first_by_their_state() {
    let shop = Shop::start().await;
    let [failing, waiting, done] = [job(&shop).await, job(&shop).await, job(&shop).await];
    let dead = job(&shop).await;
    let die = "UPDATE outbox SET attempts = 1, last_error = 'refused', dead_at = created_at
        WHERE id = $1";
    shop.sql(die, &[&dead]).await;
    let fail = "UPDATE outbox SET attempts = 3, last_error = 'no answer' WHERE id = $1";
    shop.sql(fail, &[&failing]).await;
    shop.sql("UPDATE outbox SET done_at = clock_timestamp() WHERE id = $1", &[&done]).await;

    let ids = async |query: &str| -> Vec<Value> {
        jobs(&shop, query).await.iter().map(|job| job["id"].clone()).collect()
    };

    assert_eq!(ids("").await, [json!(failing), json!(waiting), json!(dead)]);
    assert_eq!(ids("?state=dead").await, [json!(dead)]);
    assert_eq!(ids("?state=failing").await, [json!(failing)]);
    assert_eq!(ids("?state=waiting").await, [json!(waiting)]);
    let robot = mint::machine("shop:admin");
    let wrong = shop.get("/admin/outbox?state=lost").bearer(&robot).send().await;
    wrong.expect_problem(400, "invalid_request");
}

#[tokio::test]
async fn what_is_done_or_unknown_cannot_be_tried() {
    let shop = Shop::start().await;
    let done = job(&shop).await;
    shop.sql("UPDATE outbox SET done_at = clock_timestamp()", &[]).await;

    for id in [done.to_string(), Uuid::now_v7().to_string(), "7".to_owned()] {
        retry(&shop, id).await.expect_problem(404, "not_found");
    }
}

#[tokio::test]
async fn a_job_of_a_kind_that_a_newer_version_left_is_left_to_it() {
    let shop = Shop::start().await;
    let (id, ann) = (Uuid::now_v7(), shop.customer().await);

    let insert = "INSERT INTO outbox (id, kind, payload) VALUES ($1, 'fireworks', '{}')";
    shop.sql(insert, &[&id]).await;
    shop.delete(&format!("/user/{}", ann.id)).bearer(&ann.token).send().await.expect(204);
    let own = eventually("the own job has failed", async || {
        let job = jobs(&shop, "?state=failing").await.pop()?;
        (job["attempts"].as_i64() >= Some(2)).then_some(job)
    })
    .await;

    assert_eq!(own["kind"], "unregister");
    let waiting = jobs(&shop, "?state=waiting").await;
    assert_eq!(waiting.len(), 1);
    assert_eq!((&waiting[0]["kind"], &waiting[0]["attempts"]), (&json!("fireworks"), &json!(0)));
}

#[tokio::test]
async fn a_worker_that_has_lost_its_job_says_nothing_about_it() {
    let shop = Shop::start().await;
    let id = job(&shop).await;
    let db =
        chassis::Db::new(&config(shop.database.url(), &[]).database, chassis::Plans::Once).unwrap();
    let db = db.get().await.unwrap();
    let taken = || async {
        shop.sql("UPDATE outbox SET kind = 'slow', next_attempt_at = clock_timestamp()", &[]).await;
        store::take(&db, "slow", 1).await.unwrap().remove(0)
    };

    let lost = taken().await;
    retry(&shop, id).await.expect(200);
    store::postpone(&db, &lost, "no answer", Duration::from_secs(60)).await.unwrap();
    store::give_up(&db, &lost, "refused").await.unwrap();
    assert_eq!(jobs(&shop, "").await[0]["last_error"], Value::Null);

    let own = taken().await;
    store::give_up(&db, &own, "refused").await.unwrap();
    assert_eq!(jobs(&shop, "?state=dead").await[0]["last_error"], "refused");
}

/// A job that failed once and whose time was over an hour ago, due now.
async fn expired(shop: &Shop) -> Uuid {
    let id = job(shop).await;
    let expire = "UPDATE outbox SET next_attempt_at = clock_timestamp(),
        expires_at = clock_timestamp() - interval '1 hour', last_error = 'no answer' WHERE id = $1";
    shop.sql(expire, &[&id]).await;
    id
}

/// A job, once it was given up.
async fn dead(shop: &Shop, id: Uuid) -> Value {
    eventually("the job is given up", async || {
        jobs(shop, "?state=dead").await.into_iter().find(|job| job["id"] == json!(id))
    })
    .await
}

#[tokio::test]
async fn a_job_whose_time_is_over_is_given_up_until_an_admin_retries_it() {
    let shop = Shop::start().await;
    let id = expired(&shop).await;
    shop.db.batch_execute("NOTIFY outbox").await.unwrap();

    let given_up = dead(&shop, id).await;
    let retried = retry(&shop, id).await.expect(200);
    let tried = failed(&shop, 2).await;

    assert_eq!(
        (&given_up["last_error"], &given_up["attempts"]),
        (&json!("its time is over; before: no answer"), &json!(1))
    );
    assert_eq!((&retried["state"], &retried["attempts"]), (&json!("failing"), &json!(0)));
    assert_eq!(tried["id"], json!(id));
    assert!(tried["last_error"].as_str().unwrap().contains("auth service"), "{tried}");
    let in_three_days = "outbox WHERE expires_at - clock_timestamp()
        BETWEEN interval '2 days 23 hours' AND interval '3 days'";
    assert_eq!(shop.count(in_three_days).await, 1);
}

#[tokio::test]
async fn a_replica_hears_at_once_of_jobs_that_others_leave() {
    let shop = Shop::start().await;

    // Looking by itself only, it would take longer than the deadline.
    let rounds = async {
        for _ in 0..6 {
            let id = expired(&shop).await;
            shop.db.batch_execute("NOTIFY outbox").await.unwrap();
            dead(&shop, id).await;
        }
    };

    tokio::time::timeout(DEADLINE, rounds).await.unwrap();
}

#[tokio::test]
async fn a_replica_tells_the_others_of_a_job_it_was_left() {
    let shop = Shop::start().await;
    let (client, mut connection) =
        tokio_postgres::connect(shop.database.url(), tokio_postgres::NoTls).await.unwrap();
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(Ok(message)) = std::future::poll_fn(|cx| connection.poll_message(cx)).await {
            if matches!(message, tokio_postgres::AsyncMessage::Notification(_)) {
                tell.send(()).unwrap();
            }
        }
    });
    client.batch_execute("LISTEN outbox").await.unwrap();

    let ann = shop.customer().await;
    shop.delete(&format!("/user/{}", ann.id)).bearer(&ann.token).send().await.expect(204);

    tokio::time::timeout(DEADLINE, told.recv()).await.unwrap().unwrap();
}

#[tokio::test]
async fn what_is_past_its_time_is_purged() {
    let shop = Shop::start().await;
    let [old, recent, open] = [job(&shop).await, job(&shop).await, job(&shop).await];
    for (id, days) in [(old, 7.1), (recent, 6.9)] {
        let finish = "UPDATE outbox
            SET done_at = clock_timestamp() - make_interval(secs => 86400 * $2::float8)
            WHERE id = $1";
        shop.sql(finish, &[&id, &days]).await;
    }
    let [forgotten, dead] = [job(&shop).await, job(&shop).await];
    for (id, days) in [(forgotten, 90.1), (dead, 89.9)] {
        let die = "UPDATE outbox
            SET dead_at = clock_timestamp() - make_interval(secs => 86400 * $2::float8)
            WHERE id = $1";
        shop.sql(die, &[&id, &days]).await;
    }
    let ann = shop.customer().await;
    let order = order(&shop, Some(ann.id)).await;
    for (key, hours) in [("old", 24.1), ("recent", 23.9)] {
        let insert = "INSERT INTO idempotency_keys VALUES
            ($1, $2, '', $3, clock_timestamp() - make_interval(secs => 3600 * $4::float8))";
        shop.sql(insert, &[&ann.id, &key, &order, &hours]).await;
    }

    let replica = shop.another().await;
    eventually("it is purged", async || (shop.count("outbox").await == 3).then_some(())).await;
    eventually("it is purged", async || (shop.count("idempotency_keys").await == 1).then_some(()))
        .await;

    let left = shop.sql("SELECT id FROM outbox ORDER BY id", &[]).await;
    assert_eq!(left.iter().map(|row| row.get(0)).collect::<Vec<Uuid>>(), [recent, open, dead]);
    assert_eq!(shop.count("idempotency_keys WHERE key = 'recent'").await, 1);
    drop(replica);
}

#[tokio::test]
async fn the_metrics_say_how_much_waits_and_how_much_is_dead() {
    let shop = Shop::start().await;
    for _ in 0..3 {
        job(&shop).await;
    }
    let age = "UPDATE outbox SET created_at = clock_timestamp() - interval '100 seconds'";
    shop.sql(age, &[]).await;
    let die = "UPDATE outbox SET dead_at = clock_timestamp(),
        created_at = clock_timestamp() - interval '1000 seconds'
        WHERE id = (SELECT id FROM outbox LIMIT 1)";
    shop.sql(die, &[]).await;

    // All shops of this process share their metrics: another test may scrape at this moment.
    eventually("the metrics are those of this shop", async || {
        let metrics = shop.ops.get("/metrics").send().await;
        let metrics = String::from_utf8(metrics.body).unwrap();
        let value = |name: &str, kind: &str| -> f64 {
            let line = format!("{name}{{kind=\"{kind}\"}} ");
            metrics.lines().find_map(|text| text.strip_prefix(&line)).unwrap().parse().unwrap()
        };
        let depths = ["unregister", "order_mail"].map(|kind| value("outbox_depth", kind));
        let age = value("outbox_oldest_age_seconds", "unregister");
        let is_right = depths == [2.0, 0.0]
            && value("outbox_dead", "unregister") == 1.0
            && (100.0..900.0).contains(&age);
        is_right.then_some(())
    })
    .await;
}
