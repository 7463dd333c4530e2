//! Traces: one from the client through the shop to auth, exported over OTLP.

use devstack_postgres::testing::{TestDatabase, database};
use devstack_testkit::http::Call;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use serde_json::json;
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::collector::{Collector, Span};
use crate::served::{Served, serve};
use crate::system::PASSWORD;
use crate::wire::Wire;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CLIENT_SPAN: &str = "00f067aa0ba902b7";

/// Both services, exporting to a collector, and the wire between them.
struct Traced {
    collector: Collector,
    wire: Wire,
    auth: Served,
    shop: Served,
    _databases: [TestDatabase; 2],
}

impl Traced {
    async fn start() -> Self {
        let collector = Collector::start().await;
        let (auth_database, shop_database) = tokio::join!(database(), database());
        let export = exporting_to(collector.url());
        let hashing = ("ARGON2_MEMORY_KIB", "64");
        let auth =
            serve("auth-service", auth_database.url(), &[&export[..], &[hashing]].concat()).await;
        let wire = Wire::to(auth.api.addr()).await;
        let url = wire.url();
        let own = [&export[..], &[("AUTH_URL", &*url)]].concat();
        let shop = serve("shop-service", shop_database.url(), &own).await;
        Self { collector, wire, auth, shop, _databases: [auth_database, shop_database] }
    }

    fn registration(&self) -> Call {
        let email = format!("{}@example.com", Uuid::now_v7().simple());
        let body = json!({ "name": "Ann", "email": email, "password": PASSWORD });
        let traceparent = format!("00-{TRACE}-{CLIENT_SPAN}-01");
        self.shop.api.post("/user/").header("traceparent", &traceparent).json(&body)
    }
}

/// At once, not every five seconds.
fn exporting_to(url: &str) -> [(&str, &str); 2] {
    [("OTEL_EXPORTER_OTLP_ENDPOINT", url), ("OTEL_BSP_SCHEDULE_DELAY", "50")]
}

#[track_caller]
fn expect(span: &Span, service: &str, kind: SpanKind, parent: &str) {
    assert_eq!((&*span.service, span.kind, &*span.parent), (service, kind, parent), "{span:?}");
}

fn named<'a>(spans: &'a [Span], service: &str, name: &str) -> Vec<&'a Span> {
    spans.iter().filter(|span| span.service == service && span.name == name).collect()
}

#[tokio::test]
async fn a_registration_is_one_trace_from_the_client_through_the_shop_to_auth() {
    let system = Traced::start().await;

    system.registration().send().await.expect(201);

    let spans = system.collector.trace(TRACE, 3).await;
    let request = named(&spans, "shop-service", "POST /user/")[0];
    let call = named(&spans, "shop-service", "POST /credentials")[0];
    let served = named(&spans, "auth-service", "POST /credentials")[0];
    expect(request, "shop-service", SpanKind::Server, CLIENT_SPAN);
    expect(call, "shop-service", SpanKind::Client, &request.id);
    expect(served, "auth-service", SpanKind::Server, &call.id);
    assert_eq!(spans.len(), 3, "{spans:?}");
    for span in &spans {
        assert_eq!(span.attribute("http.request.method"), "POST", "{span:?}");
        assert_eq!(span.attribute("http.response.status_code"), "201", "{span:?}");
        assert!(!span.is_error, "{span:?}");
    }
    assert_eq!(request.attribute("http.route"), "/user/");
    assert_eq!(request.attribute("client.address"), "127.0.0.1");
    assert_eq!(call.attribute("server.address"), "127.0.0.1");
    assert!(system.wire.url().ends_with(call.attribute("server.port")), "{call:?}");
}

#[tokio::test]
async fn each_try_of_a_call_is_a_span_and_one_that_broke_is_an_error() {
    let system = Traced::start().await;
    system.wire.cut_answers(1);

    system.registration().send().await.expect(201);

    let spans = system.collector.trace(TRACE, 5).await;
    let tries = named(&spans, "shop-service", "POST /credentials");
    let [broken, answered] = tries[..] else { panic!("{spans:?}") };
    assert_eq!((broken.is_error, broken.attribute("error.type")), (true, "no_answer"));
    assert_eq!(answered.attribute("http.response.status_code"), "201");
    let parents = named(&spans, "auth-service", "POST /credentials");
    let parents: Vec<&str> = parents.iter().map(|span| &*span.parent).collect();
    assert_eq!(parents, [&*broken.id, &*answered.id]);
}

#[tokio::test]
async fn a_call_that_is_not_waited_for_any_more_is_an_error() {
    let system = Traced::start().await;
    let held = system.wire.hold_answer();

    system.registration().send().await.expect(503);

    let call = system.collector.span("shop-service", "POST /credentials").await;
    drop(held);
    assert_eq!((call.is_error, call.attribute("error.type")), (true, "abandoned"), "{call:?}");
}

#[tokio::test]
async fn without_a_clients_trace_a_request_begins_one_and_a_broken_traceparent_is_none() {
    let system = Traced::start().await;
    let unknown = |traceparent: &str| {
        system.auth.api.get("/unknown").header("traceparent", traceparent).send()
    };

    for broken in ["", "00", "00-0-0-01", &format!("ff-{TRACE}-{CLIENT_SPAN}-01"), "\u{e9}"] {
        unknown(broken).await.expect(404);
    }

    let wrong = format!("00-{TRACE}-0000000000000000-01");
    unknown(&wrong).await.expect(404);
    let spans = devstack_testkit::eventually("all are exported", async || {
        let spans = system.collector.spans();
        (spans.len() >= 6).then_some(spans)
    })
    .await;
    let mut traces: Vec<&str> = spans.iter().map(|span| &*span.trace).collect();
    traces.sort_unstable();
    traces.dedup();
    assert_eq!((spans.len(), traces.len()), (6, 6), "{spans:?}");
    for span in &spans {
        assert_eq!((&*span.name, &*span.parent), ("GET", ""), "{span:?}");
        assert_ne!(span.trace, TRACE);
    }
}

#[tokio::test]
async fn what_the_client_does_not_want_sampled_is_not_exported() {
    let system = Traced::start().await;
    let unsampled = format!("00-{TRACE}-{CLIENT_SPAN}-00");

    let call = system.shop.api.get("/products/").header("traceparent", &unsampled);
    call.send().await.expect(200);
    system.shop.api.get("/products/category").send().await.expect(200);

    system.collector.span("shop-service", "GET /products/category").await;
    assert_eq!(system.collector.spans().len(), 1, "{:?}", system.collector.spans());
}

#[tokio::test]
async fn a_job_is_a_trace_of_its_own_that_leads_to_auth() {
    let system = Traced::start().await;
    let email = format!("{}@example.com", Uuid::now_v7().simple());
    let body = json!({ "name": "Ann", "email": email, "password": PASSWORD });
    let user = system.shop.api.post("/user/").json(&body).send().await.expect(201);
    let form = [("username", &*email), ("password", PASSWORD)];
    let login = system.auth.api.post("/login").form(&form).send().await.expect(200);
    let path = format!("/user/{}", user["id"].as_str().unwrap());

    let token = login["access_token"].as_str().unwrap();
    system.shop.api.delete(&path).bearer(token).send().await.expect(204);

    let job = system.collector.span("shop-service", "unregister").await;
    let spans = system.collector.trace(&job.trace, 3).await;
    let call = named(&spans, "shop-service", "DELETE /credentials/{id}")[0];
    let served = named(&spans, "auth-service", "DELETE /credentials/{id}")[0];
    expect(&job, "shop-service", SpanKind::Internal, "");
    expect(call, "shop-service", SpanKind::Client, &job.id);
    expect(served, "auth-service", SpanKind::Server, &call.id);
}

#[tokio::test]
async fn the_last_spans_are_exported_before_the_process_ends() {
    let collector = Collector::start().await;
    let database = database().await;
    let never = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url()),
        ("OTEL_BSP_SCHEDULE_DELAY", "3600000"),
        ("OTEL_SERVICE_NAME", "our-shop"),
    ];
    let shop = serve("shop-service", database.url(), &never).await;
    shop.api.get("/products/").send().await.expect(200);
    assert_eq!(collector.spans().len(), 0);

    let ended = shop.process.terminate().await;

    assert_eq!(ended.code, Some(0), "{ended:?}");
    let spans = collector.spans();
    assert_eq!(spans.len(), 1, "{spans:?}");
    expect(&spans[0], "our-shop", SpanKind::Server, "");
}

#[tokio::test]
async fn a_collector_that_is_away_or_never_answers_holds_up_nobody() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let urls = [&silent, &closed].map(|it| format!("http://{}", it.local_addr().unwrap()));
    drop(closed);

    for url in urls {
        let database = database().await;
        let shop = serve("shop-service", database.url(), &exporting_to(&url)).await;
        for _ in 0..3 {
            shop.api.get("/products/").send().await.expect(200);
        }

        let ended = shop.process.terminate().await;

        assert_eq!(ended.code, Some(0), "{ended:?}");
        // The last batch was on its way, or had failed before.
        let said = ["the collector did not take", "telemetry data will be lost"];
        assert!(said.iter().any(|said| ended.stderr.contains(said)), "{}", ended.stderr);
    }
}
