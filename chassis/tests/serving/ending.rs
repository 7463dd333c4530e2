//! What is served when the service ends.

use std::sync::Arc;
use std::time::Duration;

use chassis::config::{Origins, Proxies};
use chassis::edge::Edge;
use chassis::health::Health;
use chassis::serve::{HEADER_TIMEOUT, Limits, serve};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::stage::{DEADLINE, Running, Stage, read_answer, read_to_end, routes};

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
async fn a_request_on_its_way_is_answered_and_its_client_told_that_it_was_the_last() {
    let service = Running::serving().await;
    let mut kept = service.send("/quick").await;
    let first = read_answer(&mut kept).await;
    let mut coming = service.write("GET /quick HTTP/1.1\r\n").await;
    // It was accepted before the end, for it came before this one.
    read_answer(&mut service.send("/quick").await).await;

    service.shutdown.cancel();
    kept.write_all(b"GET /quick HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    coming.write_all(b"Host: localhost\r\n\r\n").await.unwrap();

    assert!(!first.contains("connection: close"), "{first}");
    for stream in [kept, coming] {
        let last = read_to_end(stream).await;
        assert!(last.starts_with("HTTP/1.1 200 ") && last.ends_with(r#"{"quick":true}"#), "{last}");
        assert!(last.contains("\r\nconnection: close\r\n"), "{last}");
    }
    assert!(service.serving.await.unwrap(), "all of it was finished");
}

#[tokio::test]
async fn a_client_that_asks_for_nothing_more_does_not_hold_up_the_end() {
    let service = Running::serving().await;
    let mut clients = [service.write("").await, service.send("/quick").await];
    read_answer(&mut clients[1]).await;

    service.shutdown.cancel();

    let ended = tokio::time::timeout(DEADLINE, service.serving).await;
    assert!(ended.expect("a silent connection held it up").unwrap());
}
