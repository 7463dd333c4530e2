//! `/admin/outbox`: jobs that are not done, while the auth service is away.

use devstack_testkit::eventually;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::calls::job;
use crate::mint;
use crate::shop::Shop;

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
    let fail = "UPDATE outbox SET attempts = 3, last_error = 'no answer' WHERE id = $1";
    shop.sql(fail, &[&failing]).await;
    shop.sql("UPDATE outbox SET done_at = clock_timestamp() WHERE id = $1", &[&done]).await;

    let ids = async |query: &str| -> Vec<Value> {
        jobs(&shop, query).await.iter().map(|job| job["id"].clone()).collect()
    };

    assert_eq!(ids("").await, [json!(failing), json!(waiting)]);
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
