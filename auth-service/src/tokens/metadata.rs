//! The authorization server's metadata (RFC 8414).

use proto::Scope;
use proto::oauth::Metadata;

/// How a client authenticates, by the names of RFC 7591 §2.
const BASIC: &str = "client_secret_basic";
const POST: &str = "client_secret_post";

/// What the server at `issuer` can do. `response_types_supported` is left out: there is no
/// authorization endpoint, and an empty array is not allowed (§3.2).
pub(super) fn metadata(issuer: &str) -> Metadata {
    let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    Metadata {
        issuer: issuer.to_owned(),
        token_endpoint: format!("{issuer}/token"),
        revocation_endpoint: format!("{issuer}/revoke"),
        introspection_endpoint: format!("{issuer}/introspect"),
        scopes_supported: Scope::ALL.map(|scope| scope.to_string()).to_vec(),
        grant_types_supported: owned(&["password", "refresh_token", "client_credentials"]),
        token_endpoint_auth_methods_supported: owned(&[BASIC, POST, "none"]),
        revocation_endpoint_auth_methods_supported: owned(&[BASIC, POST, "none"]),
        introspection_endpoint_auth_methods_supported: owned(&[BASIC, POST]),
        service_documentation: format!("{issuer}/docs/"),
    }
}
