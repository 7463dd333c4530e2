//! HTTP of tokens: the token endpoint, the tutorial's `/login`, revocation, introspection, and the
//! server's metadata.

use std::sync::Arc;

use bytes::Bytes;
use chassis::edge::guard::{Authorization, authorization, body};
use chassis::edge::{Named, Refusal, Route, any_of, reply, with};
use proto::oauth::{ErrorResponse, Introspection, Metadata, TokenResponse};
use utoipa::{IntoResponses, OpenApi, ToSchema};
use warp::filters::BoxedFilter;
use warp::reply::Response;
use warp::{Filter, get, path, post};

use super::error::{Error, uncached};
use super::form::Form;
use super::{
    Request, client, client_credentials, introspect, metadata, password, refresh_token, revoke,
};
use crate::source::{Source, source};
use crate::state::Auth;

/// `oauth_token_requests_total`, by `grant_type` and `outcome`.
const REQUESTS: &str = "oauth_token_requests_total";

const FORM: &str = "application/x-www-form-urlencoded";

/// All routes of tokens.
pub fn routes(auth: &Arc<Auth>) -> Route {
    any_of([
        path!("token").and(post()).and(asked(auth)).then(token).named("POST /token"),
        path!("introspect")
            .and(post())
            .and(asked(auth))
            .then(introspection)
            .named("POST /introspect"),
        path!("login").and(post()).and(asked(auth)).then(login).named("POST /login"),
        path!("revoke").and(post()).and(asked(auth)).then(revocation).named("POST /revoke"),
        path!(".well-known" / "oauth-authorization-server")
            .and(get())
            .and(with(auth))
            .then(describe)
            .named("GET /.well-known/oauth-authorization-server"),
    ])
}

/// What every OAuth endpoint is asked with. A body that is no form is told in the words of
/// RFC 6749, not in those of a guard.
fn asked(auth: &Arc<Auth>) -> BoxedFilter<(Asked,)> {
    authorization()
        .and(body(FORM))
        .and(source())
        .and(with(auth))
        .map(|header, body, source, auth| Asked { header, body, source, auth })
        .boxed()
}

struct Asked {
    header: Option<Authorization>,
    body: Result<Bytes, Refusal>,
    source: Source,
    auth: Arc<Auth>,
}

impl Asked {
    fn form(&mut self) -> Result<Form, Refusal> {
        Form::parse(std::mem::replace(&mut self.body, Ok(Bytes::new())))
    }

    async fn request(self, form: Form) -> Result<(Request, Arc<Auth>), Error> {
        let Self { header, source, auth, .. } = self;
        let request = Request::read(&auth, header.as_ref(), form, source).await?;
        Ok((request, auth))
    }
}

/// Their description.
#[derive(OpenApi)]
#[openapi(
    paths(login, token, revocation, introspection, describe),
    components(schemas(TokenResponse, ErrorResponse))
)]
pub struct Api;

/// The form of `POST /login`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the form")]
struct LoginForm {
    /// `password`, where it is given.
    #[schema(example = "password", nullable = false)]
    grant_type: Option<String>,
    /// The user's e-mail.
    #[schema(min_length = 1)]
    username: String,
    /// The user's password.
    #[schema(format = Password, min_length = 1)]
    password: String,
    /// Narrows what the token grants: scopes, space-separated.
    #[schema(example = "shop", nullable = false)]
    scope: Option<String>,
    /// The client, where it does not authenticate by Basic.
    #[schema(nullable = false)]
    client_id: Option<String>,
    /// The client's secret.
    #[schema(format = Password, nullable = false)]
    client_secret: Option<String>,
}

/// The form of `POST /token`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the form")]
struct TokenForm {
    /// The grant: `password`, `refresh_token` or `client_credentials`.
    #[schema(example = "password", min_length = 1)]
    grant_type: String,
    /// For `password`: the user's e-mail.
    #[schema(nullable = false)]
    username: Option<String>,
    /// For `password`: the user's password.
    #[schema(format = Password, nullable = false)]
    password: Option<String>,
    /// For `refresh_token`: the latest one.
    #[schema(format = Password, nullable = false)]
    refresh_token: Option<String>,
    /// Narrows what the token grants: scopes, space-separated.
    #[schema(example = "shop", nullable = false)]
    scope: Option<String>,
    /// The client, where it does not authenticate by Basic.
    #[schema(nullable = false)]
    client_id: Option<String>,
    /// The client's secret.
    #[schema(format = Password, nullable = false)]
    client_secret: Option<String>,
}

/// The form of `POST /revoke` and `POST /introspect`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the form")]
struct TokenToJudge {
    /// A refresh token or an access token.
    #[schema(format = Password, min_length = 1)]
    token: String,
    /// `refresh_token` or `access_token`; not needed.
    #[schema(nullable = false)]
    token_type_hint: Option<String>,
    /// The client, where it does not authenticate by Basic.
    #[schema(nullable = false)]
    client_id: Option<String>,
    /// The client's secret.
    #[schema(format = Password, nullable = false)]
    client_secret: Option<String>,
}

/// The errors of all, in the words of RFC 6749 §5.2.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes the answers")]
enum Refusals {
    /// `invalid_request`, `invalid_grant`, `invalid_scope`, `unsupported_grant_type`,
    /// `unsupported_token_type`.
    #[response(status = 400)]
    Refused(ErrorResponse),
    /// `invalid_client`.
    #[response(status = 401)]
    UnknownClient(ErrorResponse),
    /// The body took too long.
    #[response(status = 408)]
    TooSlow(ErrorResponse),
    /// The body is too long.
    #[response(status = 413)]
    TooLong(ErrorResponse),
    /// `server_error`.
    #[response(status = 500)]
    Failed(ErrorResponse),
    /// `temporarily_unavailable`, with `Retry-After`.
    #[response(status = 503)]
    Busy(ErrorResponse),
}

/// Log in
///
/// The token endpoint for clients that know the password flow only.
#[utoipa::path(
    post, path = "/login", tag = "tokens",
    request_body(content = LoginForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "Tokens.", body = TokenResponse),
        (status = 429, description = "`too_many_requests`, with `Retry-After`.",
            body = ErrorResponse),
        Refusals,
    ),
)]
async fn login(mut asked: Asked) -> Result<Response, Refusal> {
    let form = asked.form()?;
    let grant_type = form.get("grant_type").unwrap_or("password").to_owned();
    if grant_type != "password" {
        return Err(Error::UnsupportedGrantType.into());
    }
    answer(asked, form, &grant_type).await
}

/// Ask for a token
///
/// RFC 6749 §3.2.
#[utoipa::path(
    post, path = "/token", tag = "tokens",
    request_body(content = TokenForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "Tokens.", body = TokenResponse),
        (status = 429, description = "`too_many_requests`, with `Retry-After`.",
            body = ErrorResponse),
        Refusals,
    ),
)]
async fn token(mut asked: Asked) -> Result<Response, Refusal> {
    let form = asked.form()?;
    let grant_type = form.require("grant_type")?.to_owned();
    answer(asked, form, &grant_type).await
}

/// Answers by the grant, a file each.
async fn answer(asked: Asked, form: Form, grant_type: &str) -> Result<Response, Refusal> {
    let known = ["password", "refresh_token", "client_credentials"];
    // Never what a client sends.
    let label = known.into_iter().find(|known| *known == grant_type).unwrap_or("other");
    let result = grant(asked, form, grant_type).await;
    let outcome = result.as_ref().map_or_else(Error::outcome, |_| "success");
    metrics::counter!(REQUESTS, "grant_type" => label, "outcome" => outcome).increment(1);
    Ok(uncached(reply::json(&result?)))
}

async fn grant(asked: Asked, form: Form, grant_type: &str) -> Result<TokenResponse, Error> {
    let (request, auth) = asked.request(form).await?;
    match grant_type {
        "password" => password::grant(&auth, &request).await,
        "refresh_token" => refresh_token::grant(&auth, &request).await,
        "client_credentials" => client_credentials::grant(&auth, &request),
        _ => Err(Error::UnsupportedGrantType),
    }
}

/// Revoke a token
///
/// RFC 7009. Whoever holds a token of a session ends it; a confidential client's takes its
/// authentication. A token that is not valid is as good as revoked.
#[utoipa::path(
    post, path = "/revoke", tag = "tokens",
    request_body(content = TokenToJudge, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "Revoked, or never valid."), Refusals),
)]
async fn revocation(mut asked: Asked) -> Result<Response, Refusal> {
    let form = asked.form()?;
    let (request, auth) = asked.request(form).await?;
    revoke::revoke(&auth, &request).await?;
    Ok(uncached(Response::default()))
}

/// Ask what a token is worth
///
/// RFC 7662, for clients that authenticate: in the form, or by Basic.
#[utoipa::path(
    post, path = "/introspect", tag = "tokens",
    request_body(content = TokenToJudge, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "`active`, and what is known of it.", body = Introspection),
        Refusals,
    ),
    security(("client" = [])),
)]
async fn introspection(mut asked: Asked) -> Result<Response, Refusal> {
    let form = asked.form()?;
    let Asked { header, auth, .. } = asked;
    // Both ask the database: together they take one round trip.
    let (client, worth) =
        tokio::join!(client(&auth, header.as_ref(), &form), introspect::introspect(&auth, &form));
    if client?.is_none() {
        return Err(Error::InvalidClient.into());
    }
    Ok(uncached(reply::json(&worth?)))
}

/// Describe the server
///
/// RFC 8414.
#[utoipa::path(
    get, path = "/.well-known/oauth-authorization-server", tag = "tokens",
    responses((status = 200, description = "The server's metadata.", body = Metadata)),
)]
async fn describe(auth: Arc<Auth>) -> Result<Response, Refusal> {
    Ok(reply::json(&metadata::metadata(&auth.issuer)))
}
