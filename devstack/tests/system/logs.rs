//! What the log says of a request, in both services.

use devstack_postgres::testing::database;
use devstack_testkit::database::connect;
use devstack_testkit::{Api, eventually};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::config::free_port;
use crate::served::{program, serve};
use crate::system::PASSWORD;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// The events of a log in JSON, with the fields of the span they are in.
fn events(log: &str) -> Vec<Value> {
    log.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The line about a request that was answered.
#[track_caller]
fn answered<'a>(events: &'a [Value], method: &str, route: &str) -> &'a Value {
    let is_it = |event: &&Value| event["method"] == method && event["route"] == route;
    events.iter().find(is_it).unwrap_or_else(|| panic!("no {method} {route}: {events:?}"))
}

#[tokio::test]
async fn a_line_names_the_request_its_trace_its_user_and_what_came_of_it() {
    let (auth_database, shop_database) = tokio::join!(database(), database());
    let log = [("LOG_FORMAT", "json"), ("RUST_LOG", "info"), ("ARGON2_MEMORY_KIB", "64")];
    let auth = serve("auth-service", auth_database.url(), &log).await;
    let url = format!("http://{}", auth.api.addr());
    let own = [&log[..2], &[("AUTH_URL", &*url)]].concat();
    let shop = serve("shop-service", shop_database.url(), &own).await;
    let traceparent = format!("00-{TRACE}-00f067aa0ba902b7-01");
    let email = format!("{}@example.com", Uuid::now_v7().simple());

    let body = json!({ "name": "Ann", "email": email, "password": PASSWORD });
    let call = shop.api.post("/user/").json(&body).header("traceparent", &traceparent);
    let user = call.header("x-request-id", "registering").send().await.expect(201);
    let form = [("username", &*email), ("password", PASSWORD)];
    let login = auth.api.post("/login").form(&form).send().await.expect(200);
    let token = login["access_token"].as_str().unwrap();
    shop.api.get("/user/me").bearer(token).send().await.expect(200);
    shop.api.get("/unknown").send().await.expect(404);

    let (shop, auth) = tokio::join!(shop.process.terminate(), auth.process.terminate());
    let (shop, auth) = (events(&shop.stderr), events(&auth.stderr));
    for registered in [answered(&shop, "POST", "/user/"), answered(&auth, "POST", "/credentials")] {
        assert_eq!(registered["status"], 201, "{registered}");
        assert!(registered["duration_ms"].as_f64().unwrap() > 0.0, "{registered}");
        assert_eq!(registered["span"]["request_id"], "registering", "{registered}");
        assert_eq!(registered["span"]["trace_id"], TRACE, "{registered}");
    }
    assert_eq!(answered(&auth, "POST", "/credentials")["span"]["client_id"], "shop-service");
    assert_eq!(answered(&auth, "POST", "/login")["span"]["user_id"], user["id"]);
    let own = answered(&shop, "GET", "/user/me");
    assert_eq!(own["span"]["user_id"], user["id"], "{own}");
    // Nobody named a trace; it has an id all the same.
    assert_eq!(own["span"]["trace_id"].as_str().map(str::len), Some(32), "{own}");
    let nobody = answered(&shop, "GET", "none");
    assert_eq!((&nobody["status"], &nobody["span"]["user_id"]), (&json!(404), &Value::Null));
}

#[tokio::test]
async fn a_warning_says_of_which_request_it_is_whatever_is_logged() {
    for filter in ["warn", "off,shop_service=info,chassis::edge::observation=warn"] {
        let database = database().await;
        let [addr, ops_addr] = [free_port(), free_port()].map(|port| format!("127.0.0.1:{port}"));
        let variables = [
            ("RUST_LOG", filter),
            ("LOG_FORMAT", "json"),
            ("LISTEN_ADDR", &addr),
            ("OPS_ADDR", &ops_addr),
            // Nobody listens there.
            ("AUTH_URL", "http://127.0.0.1:1"),
        ];
        let process = program("shop-service", database.url(), &variables).start();
        let [shop, ops] = [addr, ops_addr].map(|addr| Api::at(addr.parse().unwrap()));
        eventually("the shop is ready", async || {
            let answer = ops.get("/health/ready").try_send().await.ok()?;
            (answer.status == 200).then_some(())
        })
        .await;
        let body = json!({ "name": "Ann", "email": "ann@example.com", "password": PASSWORD });

        let call = shop.post("/user/").json(&body);
        call.header("x-request-id", "refused-one").send().await.expect(503);

        let refused = events(&process.terminate().await.stderr);
        assert_eq!(answered(&refused, "POST", "/user/")["span"]["request_id"], "refused-one");
    }
}

#[tokio::test]
async fn a_migration_that_is_not_the_binarys_is_no_schema_to_serve() {
    let database = database().await;
    let log = [("RUST_LOG", "info")];
    serve("auth-service", database.url(), &log).await.process.terminate().await;
    let other = "UPDATE refinery_schema_history SET checksum = '1' WHERE version = 2";
    connect(database.url()).await.batch_execute(other).await.unwrap();

    let refuses = program("auth-service", database.url(), &log).start();

    refuses.line("applied migration V2__sessions is different").await;
    refuses.terminate().await;
}

/// Whoever takes a release back must not be told of errors.
#[tokio::test]
async fn a_schema_of_a_newer_release_is_said_and_no_error() {
    let database = database().await;
    let log = [("RUST_LOG", "info")];
    serve("auth-service", database.url(), &log).await.process.terminate().await;
    let newer = "INSERT INTO refinery_schema_history (version, name, applied_on, checksum)
        VALUES (9999, 'of_tomorrow', '2030-01-01T00:00:00Z', '1')";
    connect(database.url()).await.batch_execute(newer).await.unwrap();

    let old = serve("auth-service", database.url(), &log).await.process.terminate().await;

    assert!(old.stderr.contains("a newer release has migrated the database"), "{}", old.stderr);
    assert!(!old.stderr.contains("ERROR"), "{}", old.stderr);
}
