//! HTTP of credentials: registering and unregistering users, for the shop alone.

use std::sync::Arc;

use chassis::edge::guard::{Authorization, admit, slow_json};
use chassis::edge::service::ClientGone;
use chassis::edge::{Named, Route, any_of, reply, with};
use proto::registration::{RegisterCredentials, Registered};
use proto::{Scope, UserId};
use utoipa::OpenApi;
use warp::filters::BoxedFilter;
use warp::reply::Response;
use warp::{Filter, delete, path, post};

use super::{register, store};
use crate::clients::{self, Presented};
use crate::error::Error;
use crate::state::Auth;

/// All routes of credentials.
pub fn routes(auth: &Arc<Auth>) -> Route {
    any_of([
        path!("credentials")
            .and(post())
            .and(registrar(auth))
            .and(slow_json())
            .and(warp::ext::get())
            .and(with(auth))
            .then(create)
            .named("POST /credentials"),
        path!("credentials" / UserId)
            .and(delete())
            .and(registrar(auth))
            .and(with(auth))
            .then(remove)
            .named("DELETE /credentials/{id}"),
    ])
    .under("credentials")
}

/// Their description.
#[derive(OpenApi)]
#[openapi(paths(create, remove))]
pub struct Api;

/// Passes a client that may register users.
fn registrar(auth: &Arc<Auth>) -> BoxedFilter<()> {
    admit(auth, |auth, sent| async move { judge(&auth, sent.as_ref()) }).untuple_one().boxed()
}

fn judge(auth: &Auth, sent: Option<&Authorization>) -> Result<(), Error> {
    let presented = sent.map(Presented::basic).transpose().ok().flatten().flatten();
    let client = presented
        .and_then(|presented| clients::authenticate(&presented, &auth.registration_client).ok())
        .ok_or(Error::InvalidClient)?;
    if client.scopes.contains(Scope::AuthRegister) { Ok(()) } else { Err(Error::NotARegistrar) }
}

/// Register a user's credentials
///
/// For the same id and e-mail a higher attempt replaces the password as long as nobody has logged
/// in with it; the same attempt again changes nothing.
#[utoipa::path(
    post, path = "/credentials", tag = "credentials",
    request_body = RegisterCredentials,
    responses(
        (status = 201, description = "The user may log in.", body = Registered),
        (status = 409, description = "Code `email_taken`, `id_taken`, `attempt_superseded`, \
            `already_registered` or `unregistered`.",
            body = proto::Problem, content_type = "application/problem+json"),
    ),
    security(("client" = [])),
)]
async fn create(
    wanted: RegisterCredentials,
    ClientGone(gone): ClientGone,
    auth: Arc<Auth>,
) -> Result<Response, Error> {
    let registered = register::register(&auth, wanted, gone).await?;
    Ok(reply::created(&registered))
}

/// Unregister a user
///
/// The id can never be registered again. Nothing happens to one that nobody has.
#[utoipa::path(
    delete, path = "/credentials/{id}", tag = "credentials",
    params(("id" = UserId, Path, description = "The user's id.")),
    responses((status = 204, description = "The user cannot log in any more.")),
    security(("client" = [])),
)]
async fn remove(id: UserId, auth: Arc<Auth>) -> Result<Response, Error> {
    let db = auth.db.get().await?;
    store::unregister(&db, id).await?;
    Ok(reply::no_content())
}
