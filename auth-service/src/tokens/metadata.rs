//! The authorization server's metadata (RFC 8414).

use proto::Scope;
use proto::oauth::Metadata;

/// What the server at `issuer` can do. `response_types_supported` is left out: there is no
/// authorization endpoint, and an empty array is not allowed (§3.2).
pub(super) fn metadata(issuer: &str) -> Metadata {
    let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    Metadata {
        issuer: issuer.to_owned(),
        token_endpoint: format!("{issuer}/token"),
        scopes_supported: Scope::ALL.map(|scope| scope.to_string()).to_vec(),
        grant_types_supported: owned(&["password"]),
        token_endpoint_auth_methods_supported: owned(&[
            "client_secret_basic",
            "client_secret_post",
            "none",
        ]),
        service_documentation: format!("{issuer}/docs/"),
    }
}
