//! The bodies of the token endpoint (RFC 6749) and of its metadata (RFC 8414).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::scope::Scopes;

/// A successful answer (RFC 6749 §5.1).
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct TokenResponse {
    /// The access token, for the `Authorization: Bearer` header.
    pub access_token: String,
    /// Always `bearer`.
    #[schema(example = "bearer")]
    pub token_type: String,
    /// For how many seconds the access token is valid.
    #[schema(example = 1800)]
    pub expires_in: u64,
    /// For the next access token; each use gives another one. A machine gets none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// What the access token lets its bearer do.
    #[schema(value_type = String, example = "shop")]
    pub scope: Scopes,
}

/// What a token is worth now (RFC 7662 §2.2). Of one that is not valid, nothing but that.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Introspection {
    /// Whether the token is valid now.
    pub active: bool,
    /// What it lets its bearer do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "shop")]
    pub scope: Option<Scopes>,
    /// The client that it was given to, or `public`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// A user's id, or a machine's client id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    /// For whom it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aud: Option<String>,
    /// Who issued it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iss: Option<String>,
    /// When it was issued, in seconds since 1970; of a refresh token, when its session began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iat: Option<i64>,
    /// When it expires, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exp: Option<i64>,
    /// Its own id; of a refresh token, its session's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
    /// `Bearer` or `refresh_token`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_type: Option<String>,
}

impl Introspection {
    /// Of a token that is not valid.
    pub fn inactive() -> Self {
        Self {
            active: false,
            scope: None,
            client_id: None,
            sub: None,
            aud: None,
            iss: None,
            iat: None,
            exp: None,
            jti: None,
            token_type: None,
        }
    }
}

/// An error answer (RFC 6749 §5.2).
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ErrorResponse {
    /// The error code.
    #[schema(example = "invalid_grant")]
    pub error: String,
    /// What is wrong, for the client's developer.
    pub error_description: String,
}

/// The authorization server's metadata (RFC 8414 §2).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Metadata {
    /// The issuer, `iss` of every token.
    #[schema(example = "http://localhost:9000")]
    pub issuer: String,
    /// Where tokens are asked for.
    #[schema(example = "http://localhost:9000/token")]
    pub token_endpoint: String,
    /// Where tokens are revoked (RFC 7009).
    pub revocation_endpoint: String,
    /// Where resource servers ask what a token is worth (RFC 7662).
    pub introspection_endpoint: String,
    /// Every scope there is.
    pub scopes_supported: Vec<String>,
    /// The grants of the token endpoint.
    pub grant_types_supported: Vec<String>,
    /// How a client authenticates at the token endpoint; `none` for public clients.
    pub token_endpoint_auth_methods_supported: Vec<String>,
    /// The same at the revocation endpoint.
    pub revocation_endpoint_auth_methods_supported: Vec<String>,
    /// The same at the introspection endpoint, where every client authenticates.
    pub introspection_endpoint_auth_methods_supported: Vec<String>,
    /// Where people read how to use it.
    pub service_documentation: String,
}
