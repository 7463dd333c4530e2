//! HTTP of credentials: registering and unregistering users, for clients that may; and changing
//! one's own password.

use std::sync::Arc;

use chassis::edge::guard::{Authorization, admit, json, slow_json};
use chassis::edge::{Named, Route, any_of, reply, with};
use proto::fields::{Field, Fields, FromFields, Message, string};
use proto::registration::{RegisterCredentials, Registered};
use proto::{Password, Scope, UserId};
use serde_json::value::RawValue;
use utoipa::{OpenApi, ToSchema};
use warp::filters::BoxedFilter;
use warp::reply::Response;
use warp::{Filter, delete, path, post, put};

use super::change_password::{PasswordChange, change_password};
use super::{register, unregister};
use crate::access::{Person, person};
use crate::clients::{Client, Presented};
use crate::error::Error;
use crate::source::{Source, source};
use crate::state::Auth;

/// All routes of credentials.
pub fn routes(auth: &Arc<Auth>) -> Route {
    any_of([
        path!("credentials")
            .and(post())
            .and(registrar(auth))
            .and(slow_json())
            .and(source())
            .and(with(auth))
            .then(create)
            .named("POST /credentials"),
        path!("credentials" / UserId)
            .and(delete())
            .and(registrar(auth))
            .and(source())
            .and(with(auth))
            .then(remove)
            .named("DELETE /credentials/{id}"),
        path!("password")
            .and(put())
            .and(person(auth))
            .and(json())
            .and(source())
            .and(with(auth))
            .then(change)
            .named("PUT /password"),
    ])
}

/// Their description.
#[derive(OpenApi)]
#[openapi(paths(create, remove, change))]
pub struct Api;

/// Passes a client that may register users.
fn registrar(auth: &Arc<Auth>) -> BoxedFilter<(Client,)> {
    admit(auth, |auth, sent| async move { judge(&auth, sent.as_ref()).await })
}

async fn judge(auth: &Auth, sent: Option<&Authorization>) -> Result<Client, Error> {
    let presented = sent.map(Presented::basic).transpose()?.flatten();
    let client = auth.clients.authenticate(presented.ok_or(Error::InvalidClient)?).await?;
    if client.scopes.contains(Scope::AuthRegister) { Ok(client) } else { Err(Error::NotARegistrar) }
}

/// Where the user is: the registration client says for whom it calls.
fn whence(auth: &Auth, client: &Client, source: Source) -> Source {
    if auth.clients.is_registration(client) { source.as_told() } else { source }
}

/// The body of `PUT /password`.
#[derive(ToSchema)]
#[schema(example = json!({
    "current_password": "seven blue lamps", "new_password": "eight green doors",
}))]
#[expect(dead_code, reason = "describes the body")]
struct ChangePassword {
    /// The password of the moment.
    #[schema(format = Password, pattern = "^[^\\u0000]*$")]
    current_password: String,
    /// 8 to 128 characters, not easy to guess.
    #[schema(format = Password, min_length = 8, max_length = 128, pattern = "^[^\\u0000]*$")]
    new_password: String,
}

impl FromFields for PasswordChange {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let current = fields.required("current_password");
        let new = fields.required("new_password");
        let (Typed(current), Typed(new)) = (current?, new?);
        Some(Self { current: Password::presented(&current), new })
    }
}

struct Typed(String);

impl Field for Typed {
    fn from_json(json: &RawValue) -> Result<Self, Message> {
        string(json).map(Self)
    }
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
    client: Client,
    wanted: RegisterCredentials,
    source: Source,
    auth: Arc<Auth>,
) -> Result<Response, Error> {
    let source = whence(&auth, &client, source);
    let registered = register::register(&auth, wanted, &client, &source).await?;
    Ok(reply::created(&registered))
}

/// Unregister a user
///
/// The user's sessions end. The id can never be registered again; nothing happens to one that
/// nobody has.
#[utoipa::path(
    delete, path = "/credentials/{id}", tag = "credentials",
    params(("id" = UserId, Path, description = "The user's id.")),
    responses((status = 204, description = "The user cannot log in any more.")),
    security(("client" = [])),
)]
async fn remove(
    id: UserId,
    client: Client,
    source: Source,
    auth: Arc<Auth>,
) -> Result<Response, Error> {
    let source = whence(&auth, &client, source);
    unregister::unregister(&auth, id, &client, &source).await?;
    Ok(reply::no_content())
}

/// Change one's password
///
/// All other sessions end. A wrong `current_password` counts as a failed login.
#[utoipa::path(
    put, path = "/password", tag = "credentials",
    request_body = ChangePassword,
    responses(
        (status = 204, description = "Changed."),
        (status = 429, description = "Too many wrong passwords: code `too_many_requests`, with \
            `Retry-After`.",
            body = proto::Problem, content_type = "application/problem+json"),
    ),
    security(("password" = [])),
)]
async fn change(
    caller: Person,
    wanted: PasswordChange,
    source: Source,
    auth: Arc<Auth>,
) -> Result<Response, Error> {
    change_password(&auth, caller, wanted, &source).await?;
    Ok(reply::no_content())
}
