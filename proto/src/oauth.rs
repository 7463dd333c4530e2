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
    /// What the access token lets its bearer do.
    #[schema(value_type = String, example = "shop")]
    pub scope: Scopes,
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
    /// Every scope there is.
    pub scopes_supported: Vec<String>,
    /// The grants of the token endpoint.
    pub grant_types_supported: Vec<String>,
    /// How a client authenticates at the token endpoint; `none` for public clients.
    pub token_endpoint_auth_methods_supported: Vec<String>,
    /// Where people read how to use it.
    pub service_documentation: String,
}
