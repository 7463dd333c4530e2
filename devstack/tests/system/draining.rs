//! SIGTERM under load: no request is lost, and everything ends in order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use devstack_postgres::testing::database;
use devstack_testkit::wait::DEADLINE;
use devstack_testkit::{database as behind, eventually};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use uuid::Uuid;

use crate::collector::Collector;
use crate::served::serve;
use crate::system::PASSWORD;
use crate::wire::Wire;

const REQUEST: &[u8] = b"GET /products/?q=nothing HTTP/1.1\r\nHost: shop\r\n\r\n";

/// What the clients of a load tell each other.
#[derive(Default)]
struct Load {
    answered: AtomicUsize,
    /// Set before the signal is sent.
    is_ending: AtomicBool,
}

/// Reads an answer with the body `[]`; `None` where the connection ends before it.
async fn answer(stream: &mut TcpStream) -> Option<String> {
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n[]") {
        let read = stream.read_buf(&mut answer).await.unwrap_or(0);
        if read == 0 {
            assert!(answer.is_empty(), "half an answer: {}", String::from_utf8_lossy(&answer));
            return None;
        }
    }
    Some(String::from_utf8(answer).unwrap())
}

impl Load {
    fn expect_answered(&self, answer: &str) {
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        self.answered.fetch_add(1, Ordering::Relaxed);
    }

    /// Asks on one connection, as fast as it is answered, until it is told that it was the last.
    async fn keep_asking(self: Arc<Self>, addr: SocketAddr) {
        let mut stream = TcpStream::connect(addr).await.unwrap();
        loop {
            stream.write_all(REQUEST).await.unwrap();
            let Some(answer) = answer(&mut stream).await else { panic!("a request was lost") };
            self.expect_answered(&answer);
            if answer.contains("\r\nconnection: close\r\n") {
                return;
            }
        }
    }

    /// Asks on a connection of its own each time, until nobody accepts any more.
    async fn come_again(self: Arc<Self>, addr: SocketAddr) {
        while let Ok(mut stream) = TcpStream::connect(addr).await {
            // It is in the listen queue; what comes after the signal may find it closed.
            let was_before = !self.is_ending.load(Ordering::SeqCst);
            let _ = stream.write_all(REQUEST).await;
            match answer(&mut stream).await {
                Some(answer) => self.expect_answered(&answer),
                None => assert!(!was_before, "a connection that was accepted got no answer"),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_under_load_loses_no_request() {
    let database = database().await;
    let shop = serve("shop-service", database.url(), &[("RUST_LOG", "info")]).await;
    let load = Arc::<Load>::default();
    let mut clients = JoinSet::new();
    for _ in 0..8 {
        clients.spawn(Arc::clone(&load).keep_asking(shop.api.addr()));
        clients.spawn(Arc::clone(&load).come_again(shop.api.addr()));
    }
    eventually("the load runs", async || {
        (load.answered.load(Ordering::Relaxed) > 500).then_some(())
    })
    .await;

    load.is_ending.store(true, Ordering::SeqCst);
    let ended = shop.process.terminate().await;

    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(!ended.stderr.contains("SHUTDOWN_GRACE is over"), "{}", ended.stderr);
    let finished = timeout(DEADLINE, clients.join_all()).await;
    assert!(finished.is_ok(), "a client still waits");
}

#[tokio::test]
async fn a_job_that_runs_at_sigterm_is_done_recorded_and_traced_before_the_process_ends() {
    let collector = Collector::start().await;
    let (auth_database, shop_database) = tokio::join!(database(), database());
    let hashing = [("ARGON2_MEMORY_KIB", "64")];
    let auth = serve("auth-service", auth_database.url(), &hashing).await;
    let wire = Wire::to(auth.api.addr()).await;
    let url = wire.url();
    let own = [
        ("AUTH_URL", &*url),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url()),
        ("OTEL_BSP_SCHEDULE_DELAY", "3600000"),
    ];
    let shop = serve("shop-service", shop_database.url(), &own).await;
    let email = format!("{}@example.com", Uuid::now_v7().simple());
    let body = json!({ "name": "Ann", "email": email, "password": PASSWORD });
    let user = shop.api.post("/user/").json(&body).send().await.expect(201);
    let form = [("username", &*email), ("password", PASSWORD)];
    let login = auth.api.post("/login").form(&form).send().await.expect(200);
    let mut held = wire.hold_answer();
    let path = format!("/user/{}", user["id"].as_str().unwrap());
    let token = login["access_token"].as_str().unwrap();
    shop.api.delete(&path).bearer(token).send().await.expect(204);
    held.arrived().await;

    shop.process.signal_to_terminate();
    shop.process.line("drained").await;
    shop.ops.get("/health/ready").send().await.expect_problem(503, "unavailable");
    assert_eq!(held.release().await, 204);
    let ended = shop.process.end().await;

    assert_eq!(ended.code, Some(0), "{ended:?}");
    let stored = behind::connect(shop_database.url()).await;
    let open = "SELECT FROM outbox WHERE done_at IS NULL";
    assert!(stored.query(open, &[]).await.unwrap().is_empty(), "the job was not recorded");
    let spans = collector.spans();
    let names: Vec<&str> = spans.iter().map(|span| &*span.name).collect();
    for name in ["unregister", "DELETE /credentials/{id}", "DELETE /user/{id}"] {
        assert!(names.contains(&name), "no {name}: {names:?}");
    }
}
