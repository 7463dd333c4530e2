//! HTTP of administration, for holders of `auth:admin`.

use std::sync::Arc;

use chassis::edge::guard::{json, query};
use chassis::edge::query::{FromQuery, Query};
use chassis::edge::{Named, Page, Refusal, Route, any_of, reply, with};
use proto::fields::{Field, Fields, FromFields, Message};
use proto::{ClientId, Email, UserId};
use serde_json::value::RawValue;
use utoipa::OpenApi;
use warp::reply::Response;
use warp::{Filter, delete, get, patch, path, post};

use super::change_user::change_user;
use super::{CreatedClient, NewClient, UserChange, clients, store};
use crate::access::{By, admin};
use crate::audit::{self, Event, Record};
use crate::clients::ClientRecord;
use crate::credentials::Credential;
use crate::error::Error;
use crate::source::{Source, source};
use crate::state::Auth;

/// All routes of administration.
pub fn routes(auth: &Arc<Auth>) -> Route {
    any_of([
        path!("admin" / "users")
            .and(get())
            .and(admin(auth))
            .and(query())
            .and(with(auth))
            .then(list_users)
            .named("GET /admin/users"),
        path!("admin" / "users" / UserId)
            .and(get())
            .and(admin(auth))
            .and(with(auth))
            .then(show_user)
            .named("GET /admin/users/{id}"),
        path!("admin" / "users" / UserId)
            .and(patch())
            .and(admin(auth))
            .and(json())
            .and(source())
            .and(with(auth))
            .then(update_user)
            .named("PATCH /admin/users/{id}"),
        path!("admin" / "clients")
            .and(get())
            .and(admin(auth))
            .and(query())
            .and(with(auth))
            .then(list_clients)
            .named("GET /admin/clients"),
        path!("admin" / "clients")
            .and(post())
            .and(admin(auth))
            .and(json())
            .and(source())
            .and(with(auth))
            .then(create_client)
            .named("POST /admin/clients"),
        path!("admin" / "clients" / ClientId)
            .and(delete())
            .and(admin(auth))
            .and(source())
            .and(with(auth))
            .then(delete_client)
            .named("DELETE /admin/clients/{client_id}"),
        path!("admin" / "audit")
            .and(get())
            .and(admin(auth))
            .and(query())
            .and(with(auth))
            .then(list_audit)
            .named("GET /admin/audit"),
    ])
    .under("admin")
}

/// Their description.
#[derive(OpenApi)]
#[openapi(paths(
    list_users,
    show_user,
    update_user,
    list_clients,
    create_client,
    delete_client,
    list_audit
))]
pub struct Api;

/// Which users are asked for.
struct Users {
    page: Page,
    email: Option<String>,
}

impl FromQuery for Users {
    fn from_query(query: &Query) -> Result<Self, Refusal> {
        Ok(Self { page: Page::from_query(query)?, email: query.value("email")? })
    }
}

/// Which entries of the audit log are asked for.
struct Entries {
    page: Page,
    user: Option<UserId>,
    event: Option<Event>,
}

impl FromQuery for Entries {
    fn from_query(query: &Query) -> Result<Self, Refusal> {
        let (user, event) = (query.value("user")?, query.value("event")?);
        Ok(Self { page: Page::from_query(query)?, user, event })
    }
}

impl FromFields for UserChange {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let scopes = fields.optional("scopes");
        let disabled = fields.optional("disabled");
        Some(Self { scopes: scopes?, disabled: disabled?.map(|Flag(flag)| flag) })
    }
}

struct Flag(bool);

impl Field for Flag {
    fn from_json(json: &RawValue) -> Result<Self, Message> {
        serde_json::from_str(json.get()).map(Self).map_err(|_| "must be true or false".into())
    }
}

impl FromFields for NewClient {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let id = fields.required("id");
        let scopes = fields.required("scopes");
        Some(Self { id: id?, scopes: scopes? })
    }
}

/// List users
///
/// The oldest first; with `email`, the one that has it.
#[utoipa::path(
    get, path = "/admin/users", tag = "admin",
    params(
        ("email" = Option<String>, Query, description = "Only the user with this e-mail."),
        Page,
    ),
    responses((status = 200, description = "A page of users.", body = Vec<Credential>)),
    security(("password" = ["auth:admin"])),
)]
async fn list_users(_: By, wanted: Users, auth: Arc<Auth>) -> Result<Response, Error> {
    let Users { page, email } = wanted;
    let users = match email.map(|email| email.parse::<Email>()) {
        // Nobody has what is no address.
        Some(Err(_)) => Vec::new(),
        Some(Ok(email)) => {
            let db = auth.db.get().await?;
            store::list(&db, page.above(), page.rows(), Some(&email)).await?
        }
        None => store::list(&auth.db.get().await?, page.above(), page.rows(), None).await?,
    };
    Ok(page.reply(users, |user: &Credential| user.id.0))
}

/// Show a user
#[utoipa::path(
    get, path = "/admin/users/{id}", tag = "admin",
    params(("id" = UserId, Path, description = "The user's id.")),
    responses((status = 200, description = "The user.", body = Credential)),
    security(("password" = ["auth:admin"])),
)]
async fn show_user(id: UserId, _: By, auth: Arc<Auth>) -> Result<Response, Error> {
    let user = store::find(&auth.db.get().await?, id).await?;
    Ok(reply::json(&user.ok_or(Error::UserNotFound)?))
}

/// Change a user
///
/// What the user is granted, and whether the user may log in. A disabled user's sessions end.
#[utoipa::path(
    patch, path = "/admin/users/{id}", tag = "admin",
    params(("id" = UserId, Path, description = "The user's id.")),
    request_body = UserChange,
    responses((status = 200, description = "The user as it is now.", body = Credential)),
    security(("password" = ["auth:admin"])),
)]
async fn update_user(
    id: UserId,
    by: By,
    change: UserChange,
    source: Source,
    auth: Arc<Auth>,
) -> Result<Response, Error> {
    let mut db = auth.db.get().await?;
    Ok(reply::json(&change_user(&mut db, id, |_| change, &by, Some(&source)).await?))
}

/// List clients
///
/// First the one that exists by configuration, then the oldest.
#[utoipa::path(
    get, path = "/admin/clients", tag = "admin",
    params(Page),
    responses((status = 200, description = "A page of clients.", body = Vec<ClientRecord>)),
    security(("password" = ["auth:admin"])),
)]
async fn list_clients(_: By, page: Page, auth: Arc<Auth>) -> Result<Response, Error> {
    let db = auth.db.get().await?;
    let mut found = crate::clients::store::list(&db, page.above(), page.rows()).await?;
    if page.above().is_nil() {
        found.insert(0, auth.clients.registration());
    }
    Ok(page.reply(found, |client: &ClientRecord| client.key))
}

/// Create a client
///
/// The secret is shown this once.
#[utoipa::path(
    post, path = "/admin/clients", tag = "admin",
    request_body = NewClient,
    responses(
        (status = 201, description = "The client, with its secret.", body = CreatedClient),
        (status = 409, description = "Code `client_taken` or `client_reserved`.",
            body = proto::Problem, content_type = "application/problem+json"),
    ),
    security(("password" = ["auth:admin"])),
)]
async fn create_client(
    by: By,
    wanted: NewClient,
    source: Source,
    auth: Arc<Auth>,
) -> Result<Response, Error> {
    if auth.clients.is_reserved(wanted.id.as_str()) {
        return Err(Error::ClientReserved);
    }
    let mut db = auth.db.get().await?;
    let created = clients::create(&mut db, &wanted, &by, Some(&source)).await?;
    Ok(reply::created(&created))
}

/// Delete a client
///
/// The sessions that were begun through it end.
#[utoipa::path(
    delete, path = "/admin/clients/{client_id}", tag = "admin",
    params(("client_id" = ClientId, Path, description = "The client's id.")),
    responses(
        (status = 204, description = "Deleted."),
        (status = 404, description = "There is no such client: code `not_found`.",
            body = proto::Problem, content_type = "application/problem+json"),
        (status = 409, description = "Code `client_reserved`.",
            body = proto::Problem, content_type = "application/problem+json"),
    ),
    security(("password" = ["auth:admin"])),
)]
async fn delete_client(
    id: ClientId,
    by: By,
    source: Source,
    auth: Arc<Auth>,
) -> Result<Response, Error> {
    if auth.clients.is_reserved(id.as_str()) {
        return Err(Error::ClientReserved);
    }
    let mut db = auth.db.get().await?;
    clients::delete(&mut db, &id, &by, Some(&source)).await?;
    Ok(reply::no_content())
}

/// Read the audit log
///
/// The newest first.
#[utoipa::path(
    get, path = "/admin/audit", tag = "admin",
    params(
        ("user" = Option<UserId>, Query, description = "Only what happened to this user."),
        ("event" = Option<Event>, Query, description = "Only these events."),
        Page,
    ),
    responses((status = 200, description = "A page of the log.", body = Vec<Record>)),
    security(("password" = ["auth:admin"])),
)]
async fn list_audit(_: By, wanted: Entries, auth: Arc<Auth>) -> Result<Response, Error> {
    let Entries { page, user, event } = wanted;
    let db = auth.db.get().await?;
    let records = audit::store::list(&db, page.below(), page.rows(), user, event).await?;
    Ok(page.reply(records, |record: &Record| record.id))
}
