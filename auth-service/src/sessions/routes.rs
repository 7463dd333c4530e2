//! HTTP of sessions: one's own, to be seen and ended.

use std::sync::Arc;

use chassis::edge::guard::query;
use chassis::edge::{Named, Page, Route, any_of, reply, with};
use utoipa::OpenApi;
use uuid::Uuid;
use warp::reply::Response;
use warp::{Filter, delete, get, path};

use super::store::{self, Ending};
use super::{Session, SessionId};
use crate::access::{Person, person};
use crate::error::Error;
use crate::source::{Source, source};
use crate::state::Auth;

/// All routes of sessions.
pub fn routes(auth: &Arc<Auth>) -> Route {
    any_of([
        path!("sessions")
            .and(get())
            .and(person(auth))
            .and(query())
            .and(with(auth))
            .then(list)
            .named("GET /sessions"),
        path!("sessions" / SessionId)
            .and(delete())
            .and(person(auth))
            .and(source())
            .and(with(auth))
            .then(end)
            .named("DELETE /sessions/{id}"),
        path!("sessions")
            .and(delete())
            .and(person(auth))
            .and(source())
            .and(with(auth))
            .then(end_all)
            .named("DELETE /sessions"),
    ])
    .under("sessions")
}

/// Their description.
#[derive(OpenApi)]
#[openapi(paths(list, end, end_all))]
pub struct Api;

/// List one's sessions
///
/// Those that are alive, the newest first.
#[utoipa::path(
    get, path = "/sessions", tag = "sessions",
    params(Page),
    responses((status = 200, description = "A page of sessions.", body = Vec<Session>)),
    security(("password" = [])),
)]
async fn list(caller: Person, page: Page, auth: Arc<Auth>) -> Result<Response, Error> {
    let db = auth.db.get().await?;
    let (user, current) = (caller.user, caller.session);
    let sessions = store::list(&db, user, current, page.below(), page.rows()).await?;
    Ok(page.reply(sessions, |session: &Session| -> Uuid { session.id.0 }))
}

/// End one of one's sessions
///
/// Its refresh token is of no use any more; an access token lives to its end in other services.
#[utoipa::path(
    delete, path = "/sessions/{id}", tag = "sessions",
    params(("id" = SessionId, Path, description = "The session's id.")),
    responses((status = 204, description = "Ended.")),
    security(("password" = [])),
)]
async fn end(
    id: SessionId,
    caller: Person,
    source: Source,
    auth: Arc<Auth>,
) -> Result<Response, Error> {
    let db = auth.db.get().await?;
    let ending = Ending::One(caller.user, id.0);
    match store::end(&db, ending, Some(&source), "the user").await? {
        0 => Err(Error::SessionNotFound),
        _ => Ok(reply::no_content()),
    }
}

/// End all of one's sessions
///
/// The caller's own too.
#[utoipa::path(
    delete, path = "/sessions", tag = "sessions",
    responses((status = 204, description = "Ended.")),
    security(("password" = [])),
)]
async fn end_all(caller: Person, source: Source, auth: Arc<Auth>) -> Result<Response, Error> {
    let db = auth.db.get().await?;
    store::end(&db, Ending::All(caller.user), Some(&source), "the user").await?;
    Ok(reply::no_content())
}
