//! The ops port: liveness, readiness, metrics. For kubelet and Prometheus, not for the public.

use std::sync::Arc;
use std::time::Duration;

use http::header::{CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use serde_json::json;
use warp::reply::Response;
use warp::{Filter, get, path};

use crate::db::{Db, DbError};
use crate::edge::{Named, Refusal, Route, any_of, reply, with};
use crate::health::Health;
use crate::metrics;
use crate::server::Observe;

/// How long an answer waits for the database; a probe's own timeout is longer.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the ops port tells about.
pub(crate) struct Ops {
    pub(crate) health: Arc<Health>,
    pub(crate) db: Db,
    pub(crate) observe: Option<Observe>,
}

pub(crate) fn routes(ops: &Arc<Ops>) -> Route {
    any_of([live(), ready(ops), scrape(ops)])
}

fn live() -> Route {
    path!("health" / "live")
        .and(get())
        .then(|| async { Ok::<_, Refusal>(reply::json(&json!({ "status": "live" }))) })
        .named("GET /health/live")
}

fn ready(ops: &Arc<Ops>) -> Route {
    path!("health" / "ready").and(get()).and(with(ops)).then(readiness).named("GET /health/ready")
}

fn scrape(ops: &Arc<Ops>) -> Route {
    path!("metrics").and(get()).and(with(ops)).then(exposition).named("GET /metrics")
}

async fn readiness(ops: Arc<Ops>) -> Result<Response, Refusal> {
    if !ops.health.has_started() {
        return Err(Refusal::unavailable(2, "The schema is not up to date yet."));
    }
    if !ops.health.is_serving() {
        return Err(Refusal::unavailable(30, "The service is shutting down."));
    }
    match tokio::time::timeout(PATIENCE, answers(&ops.db)).await {
        Ok(Ok(())) => Ok(reply::json(&json!({ "status": "ready" }))),
        Ok(Err(error)) => Err(Refusal::database(&error)),
        Err(_) => Err(Refusal::unavailable(1, "The database does not answer in time.")),
    }
}

async fn answers(db: &Db) -> Result<(), DbError> {
    db.get().await?.simple_query("").await?;
    Ok(())
}

async fn exposition(ops: Arc<Ops>) -> Result<Response, Refusal> {
    ops.db.observe();
    if let Some(observe) = &ops.observe {
        // Where it takes longer, the figures of the last scrape stand. In a task of its own, which
        // ends: given up, its query would still run on the connection that somebody gets next.
        let _ = tokio::time::timeout(PATIENCE, tokio::spawn(observe())).await;
    }
    let mut response = Response::new(metrics::render().into());
    let text = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, text);
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(response)
}
