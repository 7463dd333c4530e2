//! A service to be called: a route that answers at once, one that waits to be told, one that
//! panics, one that takes a body, and one whose answer is large.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chassis::config::{Origins, Proxies};
use chassis::edge::guard::json as json_body;
use chassis::edge::{Edge, Named, Refusal, Route, any_of, reply, with};
use chassis::health::Health;
use chassis::serve::{HEADER_TIMEOUT, Limits, serve};
use proto::fields::{Fields, FromFields};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use warp::{Filter, get, path, post};

/// The bytes of an answer that no buffer between holds.
pub(crate) const LARGE: usize = 32 * 1024 * 1024;

/// What the handlers wait for and tell.
pub(crate) struct Stage {
    /// A permit for each handler of `/slow` that has begun.
    begun: Semaphore,
    /// A permit for each that may end.
    may_end: Semaphore,
    /// A permit for each that has ended.
    ended: Semaphore,
}

impl Default for Stage {
    fn default() -> Self {
        let none = || Semaphore::new(0);
        Self { begun: none(), may_end: none(), ended: none() }
    }
}

impl Stage {
    /// Waits until as many handlers of `/slow` have begun.
    pub(crate) async fn have_begun(&self, handlers: u32) {
        timeout(DEADLINE, self.begun.acquire_many(handlers)).await.unwrap().unwrap().forget();
    }

    /// Lets as many of them end.
    pub(crate) fn end(&self, handlers: usize) {
        self.may_end.add_permits(handlers);
    }

    /// Waits until one has ended.
    pub(crate) async fn has_ended(&self) {
        timeout(DEADLINE, self.ended.acquire()).await.unwrap().unwrap().forget();
    }
}

/// Longer than anything takes that happens at all.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) struct Running {
    pub(crate) addr: SocketAddr,
    pub(crate) stage: Arc<Stage>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) serving: JoinHandle<bool>,
}

pub(crate) fn routes(stage: &Arc<Stage>) -> Route {
    any_of([
        path!("quick")
            .and(get())
            .then(|| async { Ok::<_, Refusal>(reply::json(&json!({ "quick": true }))) })
            .named("GET /quick"),
        path!("panic").and(get()).then(panic).named("GET /panic"),
        path!("slow").and(get()).and(with(stage)).then(slow).named("GET /slow"),
        path!("large")
            .and(get())
            .then(|| async { Ok::<_, Refusal>(warp::reply::Response::new(vec![0; LARGE].into())) })
            .named("GET /large"),
        path!("body").and(post()).and(json_body()).then(body).named("POST /body"),
    ])
}

async fn panic() -> Result<warp::reply::Response, Refusal> {
    panic!("a handler panics, as this test wants it");
}

async fn slow(stage: Arc<Stage>) -> Result<warp::reply::Response, Refusal> {
    stage.begun.add_permits(1);
    stage.may_end.acquire().await.unwrap().forget();
    stage.ended.add_permits(1);
    Ok(reply::json(&json!({ "slow": true })))
}

/// A body of which nothing is wanted.
struct Anything;

impl FromFields for Anything {
    fn from_fields(_: &mut Fields) -> Option<Self> {
        Some(Self)
    }
}

async fn body(_: Anything) -> Result<warp::reply::Response, Refusal> {
    Ok(reply::json(&json!({ "body": true })))
}

/// As many connections as there may be.
pub(crate) const CONNECTIONS: usize = 16;

impl Running {
    pub(crate) async fn start(health: Arc<Health>, grace: Duration) -> Self {
        Self::within(health, Limits { connections: CONNECTIONS, headers: HEADER_TIMEOUT, grace })
            .await
    }

    pub(crate) async fn within(health: Arc<Health>, limits: Limits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let stage = Arc::new(Stage::default());
        let edge =
            Edge::new(routes(&stage), |_, _| None, Origins::default(), Proxies::default(), health);
        let shutdown = CancellationToken::new();
        let serving = tokio::spawn(serve(listener, edge, limits, shutdown.clone()));
        Self { addr, stage, shutdown, serving }
    }

    pub(crate) async fn serving() -> Self {
        let health = Arc::new(Health::default());
        health.started();
        Self::start(health, Duration::from_secs(10)).await
    }

    pub(crate) async fn get(&self, path: &str) -> reqwest::Response {
        reqwest::get(format!("http://{}{path}", self.addr)).await.unwrap()
    }

    /// Sends a request and leaves its connection open.
    pub(crate) async fn send(&self, path: &str) -> TcpStream {
        self.write(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")).await
    }

    /// Sends this on a connection of its own, and leaves it open.
    pub(crate) async fn write(&self, text: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.addr).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        stream
    }
}

/// Reads one answer of JSON, as far as its body's closing brace.
pub(crate) async fn read_answer(stream: &mut TcpStream) -> String {
    let mut answer = String::new();
    while !answer.ends_with('}') {
        answer.push(char::from(stream.read_u8().await.unwrap()));
    }
    answer
}

pub(crate) async fn read_to_end(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}
