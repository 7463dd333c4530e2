//! What is served when the service ends.

use std::sync::Arc;
use std::time::Duration;

use chassis::config::{Origins, Proxies};
use chassis::edge::Edge;
use chassis::health::Health;
use chassis::serve::{HEADER_TIMEOUT, Limits, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::stage::{Running, Stage, read_to_end, routes};

#[tokio::test]
async fn what_runs_at_the_end_is_finished() {
    let service = Running::serving().await;
    let client = service.send("/slow").await;
    service.stage.have_begun(1).await;

    service.shutdown.cancel();
    service.stage.end(1);

    assert!(read_to_end(client).await.ends_with(r#"{"slow":true}"#));
    assert!(service.serving.await.unwrap(), "all of it was finished");
}

#[tokio::test]
async fn what_runs_longer_than_the_grace_is_not_waited_for() {
    let health = Arc::new(Health::default());
    health.started();
    let service = Running::start(health, Duration::from_millis(50)).await;
    let _client = service.send("/slow").await;
    service.stage.have_begun(1).await;

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

    let limits = Limits { connections: 0, headers: HEADER_TIMEOUT, grace: Duration::from_secs(5) };
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
