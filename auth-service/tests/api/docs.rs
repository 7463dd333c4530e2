//! `GET /docs` and `GET /openapi.json`.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use crate::auth::{Auth, config, migrated};
use crate::cli::Cli;

#[tokio::test]
async fn the_page_and_its_files_come_from_the_binary() {
    let auth = Auth::start().await;

    let page = auth.api.get("/docs/").send().await;

    page.expect(200);
    assert!(page.header("content-type").unwrap().starts_with("text/html"), "{page:?}");
    let html = page.text();
    let links = html.split('"').filter(|part| part.ends_with(".js") || part.ends_with(".css"));
    let links: Vec<&str> = links.collect();
    assert!(links.len() >= 3, "{html}");
    for link in links {
        assert!(!link.contains("//"), "{link} is not ours");
        let file = auth.api.get(&format!("/docs/{}", link.trim_start_matches("./"))).send().await;
        file.expect(200);
        assert!(!file.body.is_empty(), "{link}");
    }
    let setup = auth.api.get("/docs/swagger-initializer.js").send().await;
    assert!(setup.text().contains("\"/openapi.json\""), "{setup:?}");
}

#[tokio::test]
async fn the_page_may_only_do_what_it_needs() {
    let auth = Auth::start().await;

    for file in ["", "index.css", "swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"] {
        let answer = auth.api.get(&format!("/docs/{file}")).send().await;

        assert_eq!(
            answer.header("content-security-policy"),
            Some(
                "default-src 'none'; script-src 'self'; \
                 style-src 'self' 'sha256-RL3ie0nH+Lzz2YNqQN83mnU0J1ot4QL7b99vMdIX99w='; \
                 img-src 'self' data:; \
                 connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
            ),
            "{file}"
        );
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{file}");
    }
    let setup = auth.api.get("/docs/swagger-initializer.js").send().await.text();
    assert!(setup.contains("\"validatorUrl\": \"none\""), "{setup}");
}

#[tokio::test]
async fn who_takes_gzip_gets_the_files_as_the_binary_has_them() {
    let auth = Auth::start().await;
    let file = || auth.api.get("/docs/swagger-ui.css");

    let plain = file().send().await;
    let packed = file().header("accept-encoding", "gzip, br").send().await;

    plain.expect(200);
    packed.expect(200);
    assert_eq!(plain.header("content-encoding"), None);
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    assert!(packed.body.starts_with(b"\x1f\x8b"), "no gzip (RFC 1952 §2.3.1)");
    assert!(packed.body.len() * 3 < plain.body.len());
    for answer in [plain, packed] {
        assert_eq!(answer.header("content-type"), Some("text/css"));
        // Or a cache would give either to everybody.
        let vary: Vec<_> = answer.headers.get_all("vary").into_iter().collect();
        assert_eq!(vary, ["accept-encoding", "Origin"]);
    }
}

#[tokio::test]
async fn the_page_stands_below_a_slash() {
    let auth = Auth::start().await;

    let moved = auth.api.get("/docs").send().await;

    moved.expect(308);
    assert_eq!(moved.header("location"), Some("/docs/"));
}

#[tokio::test]
async fn an_unknown_file_of_the_page_is_not_found() {
    let auth = Auth::start().await;

    for path in ["/docs/unknown.js", "/docs/..%2fCargo.toml", "/docs/a/b"] {
        auth.api.get(path).send().await.expect_problem(404, "not_found");
    }
}

#[tokio::test]
async fn the_page_logs_in_where_it_came_from_and_locks_what_is_protected() {
    let auth = Auth::start().await;

    let answer = auth.api.get("/openapi.json").send().await;

    let document = answer.expect(200);
    assert_eq!(document["openapi"], "3.1.0");
    let flow = &document["components"]["securitySchemes"]["password"]["flows"]["password"];
    assert_eq!(flow["tokenUrl"], "/login");
    let locks = |path: &str, method: &str| document["paths"][path][method]["security"].clone();
    assert_eq!(locks("/credentials", "post"), json!([{ "client": [] }]));
    assert_eq!(locks("/credentials/{id}", "delete"), json!([{ "client": [] }]));
    assert_eq!(locks("/login", "post"), Value::Null);
}

#[tokio::test]
async fn the_committed_document_is_what_the_code_says() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../proto/openapi/auth.json");
    let committed = std::fs::read_to_string(file).unwrap_or_default();

    let printed = Cli::without_database().command(&["openapi"]).run().await;

    assert_eq!(printed.code, Some(0), "{printed:?}");
    assert!(
        printed.stdout == committed,
        "the API has changed; if it was meant to:\n    \
         cargo run -q -p auth-service -- openapi > proto/openapi/auth.json"
    );
}

#[tokio::test]
async fn every_route_is_described_and_nothing_else() {
    let database = migrated().await;
    let service = auth_service::service(&config(database.url())).unwrap();
    let document = auth_service::routes::openapi();
    let document = serde_json::to_value(document).unwrap();

    let routes: BTreeSet<String> = service
        .route
        .endpoints()
        .iter()
        .filter(|endpoint| {
            !["/docs", "/docs/{file}", "/openapi.json"].contains(&endpoint.template())
        })
        .map(|endpoint| endpoint.0.to_owned())
        .collect();

    let mut described = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            described.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    assert_eq!(routes, described);
}

#[tokio::test]
async fn every_reference_in_the_document_leads_somewhere() {
    let document = serde_json::to_value(auth_service::routes::openapi()).unwrap();

    let mut found = Vec::new();
    references(&document, &mut found);

    assert!(found.len() > 5, "{found:?}");
    for reference in found {
        let target = document.pointer(reference.trim_start_matches('#'));
        assert!(target.is_some(), "{reference}");
    }
}

fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}
