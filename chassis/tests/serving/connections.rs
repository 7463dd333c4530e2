//! Connections that are slow or idle, and more of them than there may be.

use std::sync::Arc;
use std::time::Duration;

use chassis::health::Health;
use chassis::serve::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::stage::{CONNECTIONS, DEADLINE, Running, read_answer};

const REQUEST: &str = "GET /quick HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// Waits until the service has closed a connection.
async fn closed(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    // Closed with something unread, it is a reset.
    let _ = timeout(DEADLINE, stream.read_to_end(&mut rest)).await.unwrap();
}

/// That a connection is still served.
async fn expect_served(stream: &mut TcpStream) {
    stream.write_all(REQUEST.as_bytes()).await.unwrap();
    let answer = timeout(DEADLINE, read_answer(stream)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

/// As many connections as there may be, each of which has sent this.
async fn full_of(service: &Running, text: &str) -> Vec<TcpStream> {
    let mut streams = Vec::new();
    for _ in 0..CONNECTIONS {
        streams.push(service.write(text).await);
    }
    streams
}

async fn with_headers_in(headers: Duration) -> Running {
    let health = Arc::new(Health::default());
    health.started();
    let grace = Duration::from_secs(5);
    Running::within(health, Limits { connections: CONNECTIONS, headers, grace }).await
}

#[tokio::test]
async fn headers_that_do_not_come_in_time_end_the_connection_and_a_pause_does_not() {
    let service = with_headers_in(Duration::from_millis(300)).await;
    let mut idle = service.write("").await;
    let mut used = service.send("/quick").await;
    read_answer(&mut used).await;

    let mut silent = service.write("GET /quick HTTP/1.1\r\n").await;
    let mut second = service.send("/quick").await;
    read_answer(&mut second).await;
    second.write_all(b"G").await.unwrap();
    for late in [&mut silent, &mut second] {
        closed(late).await;
    }

    expect_served(&mut idle).await;
    expect_served(&mut used).await;
}

#[tokio::test]
async fn headers_that_drip_end_the_connection() {
    let service = with_headers_in(Duration::from_millis(300)).await;
    let (mut reader, mut writer) = service.write("GET /quick HTTP/1.1\r\n").await.into_split();

    let dripping = tokio::spawn(async move {
        while writer.write_all(b"X: y\r\n").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });

    let mut rest = Vec::new();
    let _ = timeout(DEADLINE, reader.read_to_end(&mut rest)).await.unwrap();
    timeout(DEADLINE, dripping).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_handler_that_takes_its_time_is_not_ended_with_the_headers() {
    let service = with_headers_in(Duration::from_millis(100)).await;
    let mut slow = service.send("/slow").await;
    service.stage.have_begun(1).await;
    let mut late = service.write("G").await;
    closed(&mut late).await;

    service.stage.end(1);

    assert!(read_answer(&mut slow).await.ends_with(r#"{"slow":true}"#));
}

#[tokio::test]
async fn the_connection_that_is_idle_longest_makes_room_for_a_new_one() {
    let service = Running::serving().await;
    let mut streams = full_of(&service, "").await;
    for stream in &mut streams {
        expect_served(stream).await;
    }
    // The first is not the one that is idle longest any more.
    expect_served(&mut streams[0]).await;

    let mut new = service.write("").await;
    expect_served(&mut new).await;

    closed(&mut streams[1]).await;
    streams.remove(1);
    for stream in &mut streams {
        expect_served(stream).await;
    }
}

#[tokio::test]
async fn slow_connections_make_room_too() {
    let body = "POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
        Content-Length: 2\r\n\r\n{";
    for slow in ["", "GET /quick HT", body] {
        let service = Running::serving().await;
        let mut streams = full_of(&service, slow).await;

        for _ in 0..2 * CONNECTIONS {
            streams.push(service.write(slow).await);
        }
        let mut new = service.write("").await;

        expect_served(&mut new).await;
        closed(&mut streams[0]).await;
    }
}

#[tokio::test]
async fn a_body_that_is_complete_is_answered_however_many_others_come() {
    let service = Running::serving().await;
    let begin = "POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
        Content-Length: 2\r\n\r\n{";
    let mut stream = service.write(begin).await;

    stream.write_all(b"}").await.unwrap();

    assert!(read_answer(&mut stream).await.ends_with(r#"{"body":true}"#));
    expect_served(&mut stream).await;
}

#[tokio::test]
async fn connections_at_work_make_no_room_and_a_new_one_waits_for_the_first_that_is_done() {
    let service = Running::serving().await;
    let mut working = full_of(&service, "GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    service.stage.have_begun(16).await;
    let mut new = service.write(REQUEST).await;
    let waiting = timeout(Duration::from_millis(200), read_answer(&mut new)).await;
    assert!(waiting.is_err(), "it was served beside them");

    service.stage.end(1);

    assert!(timeout(DEADLINE, read_answer(&mut new)).await.unwrap().starts_with("HTTP/1.1 200 "));
    service.stage.end(CONNECTIONS - 1);
    for stream in &mut working {
        let answer = timeout(DEADLINE, read_answer(stream)).await.unwrap();
        assert!(answer.ends_with(r#"{"slow":true}"#));
    }
}
