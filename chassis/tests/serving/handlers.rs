//! A handler that panics, a client that hangs up, a service that has not started.

use std::sync::Arc;
use std::time::Duration;

use chassis::health::Health;
use reqwest::StatusCode;
use serde_json::Value;

use crate::stage::Running;

#[tokio::test]
async fn a_panic_is_a_500_for_its_own_client_only() {
    let service = Running::serving().await;

    let answer = service.get("/panic").await;

    assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(answer.headers().contains_key("x-request-id"));
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["code"], "internal");
    assert!(!problem.to_string().contains("as this test wants it"));
    assert_eq!(service.get("/quick").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_handler_runs_to_its_end_though_its_client_hangs_up() {
    let service = Running::serving().await;
    let client = service.send("/slow").await;
    service.stage.have_begun(1).await;

    drop(client);
    // The service has noticed once it answers somebody who came later.
    service.get("/quick").await;
    service.stage.end(1);

    service.stage.has_ended().await;
}

#[tokio::test]
async fn before_the_start_every_request_gets_a_503() {
    let service = Running::start(Arc::new(Health::default()), Duration::from_secs(1)).await;

    let answer = service.get("/quick").await;

    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers().contains_key("retry-after"));
}
