//! `GET /.well-known/oauth-authorization-server`.

use serde_json::json;

use crate::auth::{Auth, ISSUER};

#[tokio::test]
async fn the_metadata_is_what_rfc_8414_asks_for() {
    let auth = Auth::start().await;

    let answer = auth.api.get("/.well-known/oauth-authorization-server").send().await;

    let metadata = answer.expect(200);
    assert_eq!(metadata["issuer"], ISSUER);
    assert_eq!(metadata["token_endpoint"], format!("{ISSUER}/token"));
    assert_eq!(metadata["revocation_endpoint"], format!("{ISSUER}/revoke"));
    assert_eq!(metadata["introspection_endpoint"], format!("{ISSUER}/introspect"));
    assert_eq!(
        metadata["grant_types_supported"],
        json!(["password", "refresh_token", "client_credentials"])
    );
    assert_eq!(
        metadata["token_endpoint_auth_methods_supported"],
        json!(["client_secret_basic", "client_secret_post", "none"])
    );
    assert_eq!(
        metadata["introspection_endpoint_auth_methods_supported"],
        json!(["client_secret_basic", "client_secret_post"])
    );
    assert_eq!(
        metadata["scopes_supported"],
        json!(["shop", "shop:admin", "auth:admin", "auth:register"])
    );
}

#[tokio::test]
async fn an_empty_array_stands_nowhere_in_it() {
    let auth = Auth::start().await;

    let metadata = auth.api.get("/.well-known/oauth-authorization-server").send().await.expect(200);

    assert!(metadata.get("response_types_supported").is_none());
    for (name, value) in metadata.as_object().unwrap() {
        assert_ne!(*value, json!([]), "{name}");
    }
}
