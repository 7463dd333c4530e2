//! Metrics of both services, as Prometheus scrapes them.

use std::collections::BTreeSet;

use devstack_postgres::testing::database;
use devstack_testkit::{Api, eventually};
use serde_json::json;
use uuid::Uuid;

use crate::served::serve;
use crate::system::PASSWORD;
use crate::wire::Wire;

/// What every service tells, and what each tells beside.
const COMMON: [&str; 4] = [
    "db_client_connection_count",
    "db_client_connection_pending_requests",
    "http_server_active_requests",
    "http_server_request_duration_seconds",
];
const AUTH: [&str; 4] = [
    "oauth_token_requests_total",
    "password_hash_duration_seconds",
    "password_hash_queue_depth",
    "password_hash_shed_total",
];
const SHOP: [&str; 3] = ["outbox_dead", "outbox_depth", "outbox_oldest_age_seconds"];

/// None of them can have many values.
const LABELS: [&str; 9] = [
    "grant_type",
    "http_request_method",
    "http_response_status_code",
    "http_route",
    "kind",
    "le",
    "outcome",
    "purpose",
    "state",
];

async fn scrape(ops: &Api) -> String {
    let answer = ops.get("/metrics").send().await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.text().to_owned()
}

/// The value of a line without its labels' order mattering; `None` where there is no such line.
fn value(metrics: &str, name: &str, label: &str) -> Option<f64> {
    let is_it = |line: &&str| line.starts_with(name) && line.contains(label);
    metrics.lines().find(is_it)?.rsplit(' ').next()?.parse().ok()
}

fn expect_only(metrics: &str, names: &[&str]) {
    let types = metrics.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let told: BTreeSet<&str> = types.filter_map(|line| line.split(' ').next()).collect();
    for name in &told {
        assert!(names.contains(name), "{name} is not in the list");
    }
    for line in metrics.lines().filter(|line| !line.starts_with('#')) {
        let labels = line.split_once('{').and_then(|(_, rest)| rest.rsplit_once('}'));
        for label in labels.into_iter().flat_map(|(labels, _)| labels.split("\",")) {
            let name = label.split('=').next().unwrap();
            assert!(LABELS.contains(&name), "{name} in {line}");
        }
    }
}

#[tokio::test]
async fn every_metric_of_both_services_is_there_and_no_label_is_of_a_person() {
    let (auth_database, shop_database) = tokio::join!(database(), database());
    let hashing = [("ARGON2_MEMORY_KIB", "64"), ("HASH_QUEUE", "1"), ("HASH_CONCURRENCY", "1")];
    let auth = serve("auth-service", auth_database.url(), &hashing).await;
    let wire = Wire::to(auth.api.addr()).await;
    let url = wire.url();
    let own = [("AUTH_URL", &*url), ("AUTH_TIMEOUT", "25s")];
    let shop = serve("shop-service", shop_database.url(), &own).await;
    let email = format!("{}@example.com", Uuid::now_v7().simple());
    let body = json!({ "name": "Ann", "email": email, "password": PASSWORD });
    let registering = shop.api.post("/user/").json(&body);
    let mut held = wire.hold_answer();

    let registering = tokio::spawn(registering.send());
    held.arrived().await;
    let while_it_runs = scrape(&shop.ops).await;
    assert_eq!(held.release().await, 201);
    let user = registering.await.unwrap().expect(201);
    let form = [("username", &*email), ("password", PASSWORD)];
    auth.api.post("/login").form(&form).send().await.expect(200);
    shop.api.get(&format!("/user/{}", user["id"].as_str().unwrap())).send().await.expect(401);
    shop.api.get(&format!("/{email}")).send().await.expect(404);

    let active = |metrics: &str| {
        value(metrics, "http_server_active_requests{", "http_request_method=\"POST\"")
    };
    assert_eq!(active(&while_it_runs), Some(1.0), "{while_it_runs}");
    // The answer is sent before it is counted.
    eventually("nothing runs", async || {
        (active(&scrape(&shop.ops).await) == Some(0.0)).then_some(())
    })
    .await;
    for (ops, own) in [(&auth.ops, &AUTH[..]), (&shop.ops, &SHOP)] {
        let metrics = scrape(ops).await;
        expect_only(&metrics, &[&COMMON[..], own].concat());
        for name in COMMON.iter().chain(own).filter(|name| **name != "password_hash_shed_total") {
            assert!(metrics.contains(&format!("# TYPE {name} ")), "no {name}: {metrics}");
        }
        let id = user["id"].as_str().unwrap();
        assert!(!metrics.contains(&email) && !metrics.contains(id), "{metrics}");
    }
}

/// What Prometheus and Kubernetes add to every metric.
const OF_THE_SCRAPE: [&str; 3] = ["instance", "job", "namespace"];

/// PromQL's own words, as far as a query here needs them.
const WORDS: [&str; 11] = [
    "absent",
    "and",
    "by",
    "histogram_quantile",
    "increase",
    "max",
    "min",
    "min_over_time",
    "rate",
    "sum",
    "up",
];

/// The names in a PromQL query: without texts, durations and Grafana's variables.
fn names(query: &str) -> BTreeSet<String> {
    let outside_texts: String = query.split('"').step_by(2).collect::<Vec<_>>().join(" ");
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$';
    let words = outside_texts.split(|c| !is_of_name(c));
    words
        .filter(|word| word.starts_with(|c: char| c.is_ascii_alphabetic()))
        .map(str::to_owned)
        .collect()
}

/// Every `expr` of a chart's alerts and of its dashboard.
fn queries(chart: &str) -> Vec<String> {
    let folder = format!("{}/../helm/{chart}/monitoring", env!("CARGO_MANIFEST_DIR"));
    let read = |file: &str| std::fs::read_to_string(format!("{folder}/{file}")).unwrap();
    let mut found: Vec<String> = read("alerts.yaml")
        .split("expr:")
        .skip(1)
        .map(|rest| rest.split("\n        labels:").next().unwrap())
        .map(|rest| rest.split("\n        for:").next().unwrap().to_owned())
        .collect();
    fn of(value: &serde_json::Value, found: &mut Vec<String>) {
        match value {
            serde_json::Value::Object(members) => {
                for (name, member) in members {
                    match member.as_str() {
                        Some(query) if name == "expr" => found.push(query.to_owned()),
                        _ => of(member, found),
                    }
                }
            }
            serde_json::Value::Array(items) => items.iter().for_each(|item| of(item, found)),
            _ => {}
        }
    }
    of(&serde_json::from_str(&read("dashboard.json")).unwrap(), &mut found);
    found
}

/// An alert on a name that nothing measures is silent for ever.
#[test]
fn alerts_and_dashboards_ask_for_what_is_measured() {
    for (chart, own) in [("auth-service", &AUTH[..]), ("shop-service", &SHOP)] {
        let queries = queries(chart);
        assert!(queries.len() > 10, "{chart}: {queries:?}");
        for query in queries {
            for name in names(&query) {
                let series =
                    ["_bucket", "_count", "_sum"].iter().find_map(|end| name.strip_suffix(end));
                let is_measured = COMMON.iter().chain(own).any(|metric| {
                    *metric == name || series == Some(metric) && metric.ends_with("_seconds")
                });
                let is_known = [&LABELS[..], &OF_THE_SCRAPE, &WORDS].concat().contains(&&*name);
                assert!(is_measured || is_known, "{chart}: {name} in {query}");
            }
        }
    }
}
