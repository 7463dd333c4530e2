//! HTTP of tokens: the token endpoint, the tutorial's `/login`, and the server's metadata.

use std::sync::Arc;

use bytes::Bytes;
use chassis::edge::guard::{Authorization, authorization, body};
use chassis::edge::service::ClientGone;
use chassis::edge::{Named, Refusal, Route, any_of, reply, with};
use proto::oauth::{ErrorResponse, Metadata, TokenResponse};
use tokio_util::sync::CancellationToken;
use utoipa::{IntoResponses, OpenApi, ToSchema};
use warp::reply::Response;
use warp::{Filter, get, path, post};

use super::error::{Error, uncached};
use super::form::Form;
use super::{client, metadata, password};
use crate::state::Auth;

/// `oauth_token_requests_total`, by `grant_type` and `outcome`.
const REQUESTS: &str = "oauth_token_requests_total";

const FORM: &str = "application/x-www-form-urlencoded";

/// All routes of tokens.
pub fn routes(auth: &Arc<Auth>) -> Route {
    any_of([
        path!("login")
            .and(post())
            .and(authorization())
            .and(body(FORM))
            .and(warp::ext::get())
            .and(with(auth))
            .then(login)
            .named("POST /login"),
        path!("token")
            .and(post())
            .and(authorization())
            .and(body(FORM))
            .and(warp::ext::get())
            .and(with(auth))
            .then(token)
            .named("POST /token"),
        path!(".well-known" / "oauth-authorization-server")
            .and(get())
            .and(with(auth))
            .then(describe)
            .named("GET /.well-known/oauth-authorization-server"),
    ])
}

/// Their description.
#[derive(OpenApi)]
#[openapi(paths(login, token, describe), components(schemas(TokenResponse, ErrorResponse)))]
pub struct Api;

/// The form of `POST /login`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the form")]
struct LoginForm {
    /// `password`, where it is given.
    #[schema(example = "password")]
    grant_type: Option<String>,
    /// The user's e-mail.
    username: String,
    /// The user's password.
    #[schema(format = Password)]
    password: String,
    /// Narrows what the token grants: scopes, space-separated.
    #[schema(example = "shop")]
    scope: Option<String>,
    /// The client, where it does not authenticate by Basic.
    client_id: Option<String>,
    /// The client's secret.
    #[schema(format = Password)]
    client_secret: Option<String>,
}

/// The form of `POST /token`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the form")]
struct TokenForm {
    /// The grant: `password`.
    #[schema(example = "password")]
    grant_type: String,
    /// The user's e-mail.
    username: Option<String>,
    /// The user's password.
    #[schema(format = Password)]
    password: Option<String>,
    /// Narrows what the token grants: scopes, space-separated.
    #[schema(example = "shop")]
    scope: Option<String>,
    /// The client, where it does not authenticate by Basic.
    client_id: Option<String>,
    /// The client's secret.
    #[schema(format = Password)]
    client_secret: Option<String>,
}

/// The answers of both, in the words of RFC 6749 §5.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes the answers")]
enum Answers {
    /// An access token.
    #[response(status = 200)]
    Token(TokenResponse),
    /// `invalid_request`, `invalid_grant`, `invalid_scope`, `unsupported_grant_type`.
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
    responses(Answers),
)]
async fn login(
    header: Option<Authorization>,
    body: Result<Bytes, Refusal>,
    ClientGone(gone): ClientGone,
    auth: Arc<Auth>,
) -> Result<Response, Refusal> {
    let form = Form::parse(body)?;
    let grant_type = form.get("grant_type").unwrap_or("password");
    if grant_type != "password" {
        return Err(Error::UnsupportedGrantType.into());
    }
    answer(&auth, header.as_ref(), &form, grant_type, gone).await
}

/// Ask for a token
///
/// RFC 6749 §3.2.
#[utoipa::path(
    post, path = "/token", tag = "tokens",
    request_body(content = TokenForm, content_type = "application/x-www-form-urlencoded"),
    responses(Answers),
)]
async fn token(
    header: Option<Authorization>,
    body: Result<Bytes, Refusal>,
    ClientGone(gone): ClientGone,
    auth: Arc<Auth>,
) -> Result<Response, Refusal> {
    let form = Form::parse(body)?;
    let grant_type = form.require("grant_type")?;
    answer(&auth, header.as_ref(), &form, grant_type, gone).await
}

/// Answers by the grant, a file each.
async fn answer(
    auth: &Auth,
    header: Option<&Authorization>,
    form: &Form,
    grant_type: &str,
    gone: CancellationToken,
) -> Result<Response, Refusal> {
    let client = client(auth, header, form)?;
    let (grant_type, result) = match grant_type {
        "password" => ("password", password::grant(auth, form, client, gone).await),
        _ => ("other", Err(Error::UnsupportedGrantType)),
    };
    let outcome = result.as_ref().map_or_else(Error::outcome, |_| "success");
    metrics::counter!(REQUESTS, "grant_type" => grant_type, "outcome" => outcome).increment(1);
    Ok(uncached(reply::json(&result?)))
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
