//! Serving, seen from outside: what a client meets when a handler panics, when it hangs up, and
//! when the service ends.

#![expect(clippy::unwrap_used, reason = "a test has nothing better to do than to panic")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chassis::config::{Origins, Proxies};
use chassis::edge::{Edge, Named, Refusal, Route, any_of, reply, with};
use chassis::health::Health;
use chassis::serve::{Limits, serve};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use warp::{Filter, get, path};

/// What the handlers wait for and tell.
#[derive(Default)]
struct Stage {
    /// A handler of `/slow` has begun.
    begun: Notify,
    /// It may end.
    go_on: Notify,
    ended: AtomicUsize,
    has_ended: Notify,
}

struct Running {
    addr: SocketAddr,
    stage: Arc<Stage>,
    shutdown: CancellationToken,
    serving: JoinHandle<bool>,
}

fn routes(stage: &Arc<Stage>) -> Route {
    any_of([
        path!("quick")
            .and(get())
            .then(|| async { Ok::<_, Refusal>(reply::json(&json!({ "quick": true }))) })
            .named("GET /quick"),
        path!("panic").and(get()).then(panic).named("GET /panic"),
        path!("slow").and(get()).and(with(stage)).then(slow).named("GET /slow"),
    ])
}

async fn panic() -> Result<warp::reply::Response, Refusal> {
    panic!("a handler panics, as this test wants it");
}

async fn slow(stage: Arc<Stage>) -> Result<warp::reply::Response, Refusal> {
    stage.begun.notify_one();
    stage.go_on.notified().await;
    stage.ended.fetch_add(1, Ordering::SeqCst);
    stage.has_ended.notify_one();
    Ok(reply::json(&json!({ "slow": true })))
}

impl Running {
    async fn start(health: Arc<Health>, grace: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let stage = Arc::new(Stage::default());
        let edge =
            Edge::new(routes(&stage), |_, _| None, Origins::default(), Proxies::default(), health);
        let shutdown = CancellationToken::new();
        let limits = Limits { connections: 16, grace };
        let serving = tokio::spawn(serve(listener, edge, limits, shutdown.clone()));
        Self { addr, stage, shutdown, serving }
    }

    async fn serving() -> Self {
        let health = Arc::new(Health::default());
        health.started();
        Self::start(health, Duration::from_secs(10)).await
    }

    async fn get(&self, path: &str) -> reqwest::Response {
        reqwest::get(format!("http://{}{path}", self.addr)).await.unwrap()
    }

    /// Sends a request and leaves its connection open.
    async fn send(&self, path: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.addr).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }
}

async fn read_to_end(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_panic_is_a_500_for_its_own_client_only() {
    let service = Running::serving().await;

    let answer = service.get("/panic").await;

    assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(answer.headers().contains_key("x-request-id"));
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["code"], "internal");
    assert!(!problem.to_string().contains("as this test wants it"));
    assert_eq!(service.get("/quick").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_handler_runs_to_its_end_though_its_client_hangs_up() {
    let service = Running::serving().await;
    let client = service.send("/slow").await;
    service.stage.begun.notified().await;

    drop(client);
    // The service has noticed once it answers somebody who came later.
    service.get("/quick").await;
    service.stage.go_on.notify_one();

    let ended = tokio::time::timeout(Duration::from_secs(5), service.stage.has_ended.notified());
    ended.await.expect("the handler was dropped with its client");
    assert_eq!(service.stage.ended.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn before_the_start_every_request_gets_a_503() {
    let service = Running::start(Arc::new(Health::default()), Duration::from_secs(1)).await;

    let answer = service.get("/quick").await;

    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers().contains_key("retry-after"));
}

#[tokio::test]
async fn what_runs_at_the_end_is_finished() {
    let service = Running::serving().await;
    let client = service.send("/slow").await;
    service.stage.begun.notified().await;

    service.shutdown.cancel();
    service.stage.go_on.notify_one();

    assert!(read_to_end(client).await.ends_with(r#"{"slow":true}"#));
    assert!(service.serving.await.unwrap(), "all of it was finished");
}

#[tokio::test]
async fn what_runs_longer_than_the_grace_is_not_waited_for() {
    let health = Arc::new(Health::default());
    health.started();
    let service = Running::start(health, Duration::from_millis(50)).await;
    let _client = service.send("/slow").await;
    service.stage.begun.notified().await;

    service.shutdown.cancel();

    assert!(!service.serving.await.unwrap(), "not all of it was finished");
}

#[tokio::test]
async fn connections_in_the_listen_queue_are_still_served_at_the_end() {
    let health = Arc::new(Health::default());
    health.started();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let stage = Arc::new(Stage::default());
    let edge =
        Edge::new(routes(&stage), |_, _| None, Origins::default(), Proxies::default(), health);
    let shutdown = CancellationToken::new();
    // They wait in the queue, for nobody serves yet; and when somebody does, it is the end.
    let mut clients = Vec::new();
    for _ in 0..5 {
        let mut client = TcpStream::connect(addr).await.unwrap();
        client.write_all(b"GET /quick HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        clients.push(client);
    }
    shutdown.cancel();

    let limits = Limits { connections: 0, grace: Duration::from_secs(5) };
    let is_drained = serve(listener, edge, limits, shutdown).await;

    for client in clients {
        assert!(read_to_end(client).await.ends_with(r#"{"quick":true}"#));
    }
    assert!(is_drained);
}

#[tokio::test]
async fn an_idle_connection_does_not_hold_up_the_end() {
    let service = Running::serving().await;
    let mut idle = service.send("/quick").await;
    let mut first_byte = [0];
    idle.read_exact(&mut first_byte).await.unwrap();

    service.shutdown.cancel();

    let ended = tokio::time::timeout(Duration::from_secs(5), service.serving);
    assert!(ended.await.expect("the idle connection held it up").unwrap());
}
