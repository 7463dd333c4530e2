//! HTTP of delivery: which jobs wait, and trying one at once.

use std::sync::Arc;

use chassis::edge::guard::query;
use chassis::edge::query::{FromQuery, Query};
use chassis::edge::{Named, Page, Refusal, Route, any_of, reply, with};
use futures_util::try_join;
use utoipa::OpenApi;
use warp::reply::Response;
use warp::{Filter, get, path, post};

use crate::access::{Admin, admin};
use crate::error::Error;
use crate::outbox::{JobId, JobView, State, store};
use crate::state::Shop;
use crate::users;

/// All routes of delivery.
pub fn routes(shop: &Arc<Shop>) -> Route {
    any_of([
        path!("admin" / "outbox")
            .and(get())
            .and(admin(shop))
            .and(query())
            .and(with(shop))
            .then(list)
            .named("GET /admin/outbox"),
        path!("admin" / "outbox" / JobId / "retry")
            .and(post())
            .and(admin(shop))
            .and(with(shop))
            .then(retry)
            .named("POST /admin/outbox/{id}/retry"),
    ])
    .under("admin")
}

/// Their description.
#[derive(OpenApi)]
#[openapi(paths(list, retry))]
pub struct Api;

/// Which jobs are asked for.
struct Wanted {
    page: Page,
    state: Option<State>,
}

impl FromQuery for Wanted {
    fn from_query(query: &Query) -> Result<Self, Refusal> {
        Ok(Self { page: Page::from_query(query)?, state: query.value("state")? })
    }
}

/// List jobs that are not done
///
/// The oldest first.
#[utoipa::path(
    get, path = "/admin/outbox", tag = "admin",
    params(
        ("state" = Option<State>, Query, description = "Only those."),
        Page,
    ),
    responses((status = 200, description = "A page of jobs.", body = Vec<JobView>)),
    security(("password" = ["shop:admin"])),
)]
async fn list(caller: Admin, wanted: Wanted, shop: Arc<Shop>) -> Result<Response, Error> {
    let Wanted { page, state } = wanted;
    let db = shop.db.get().await?;
    let (admit, above, rows) = (users::admit(&db, caller.user), page.above(), page.rows());
    let ((), jobs) = match state {
        Some(state) => try_join!(admit, store::list_of_state(&db, above, rows, state))?,
        None => try_join!(admit, store::list(&db, above, rows))?,
    };
    Ok(page.reply(jobs, |job| job.id.0))
}

/// Try a job at once
///
/// One that was given up begins anew.
#[utoipa::path(
    post, path = "/admin/outbox/{id}/retry", tag = "admin",
    params(("id" = JobId, Path, description = "The job's id.")),
    responses((status = 200, description = "The job, due now.", body = JobView)),
    security(("password" = ["shop:admin"])),
)]
async fn retry(id: JobId, caller: Admin, shop: Arc<Shop>) -> Result<Response, Error> {
    let mut db = shop.db.get().await?;
    let tx = db.transaction().await?;
    users::hold(&tx, caller.user).await?;
    let job = store::retry(&tx, id).await?.ok_or(Error::JobNotFound)?;
    tx.commit().await?;
    shop.outbox.job_left();
    Ok(reply::json(&job))
}
