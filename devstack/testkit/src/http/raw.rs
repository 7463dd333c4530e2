//! Requests that no HTTP client would send.

use std::net::SocketAddr;

use reqwest::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Answer;
use crate::wait::DEADLINE;

/// Writes `request` as it stands and reads one answer. `None` where the service closed the
/// connection without one.
///
/// # Panics
/// When nobody listens, or neither an answer nor an end comes.
pub async fn raw(addr: SocketAddr, request: impl AsRef<[u8]>) -> Option<Answer> {
    let request = request.as_ref();
    let mut stream = match TcpStream::connect(addr).await {
        Ok(stream) => stream,
        Err(error) => panic!("nobody listens at {addr}: {error}"),
    };
    // A service may answer, and close, before it has read everything.
    let _ = stream.write_all(request).await;
    let has_body = !request.starts_with(b"HEAD ");
    match timeout(DEADLINE, read(&mut stream, has_body)).await {
        Ok(answer) => answer,
        Err(_) => panic!("neither an answer nor an end within {DEADLINE:?}"),
    }
}

async fn read(stream: &mut TcpStream, has_body: bool) -> Option<Answer> {
    let mut received = Vec::new();
    let head = loop {
        if let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut received).await.unwrap_or(0) == 0 {
            assert!(received.is_empty(), "half an answer: {}", String::from_utf8_lossy(&received));
            return None;
        }
    };
    let (status, headers) = parse(&String::from_utf8_lossy(&received[..head]));
    let mut body = received.split_off(head + 4);
    let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let length = announced.and_then(|length| length.parse().ok()).filter(|_| has_body);
    while body.len() < length.unwrap_or(0) {
        if stream.read_buf(&mut body).await.unwrap_or(0) == 0 {
            panic!("half a body: {}", String::from_utf8_lossy(&body));
        }
    }
    Some(Answer { status, headers, body })
}

fn parse(head: &str) -> (u16, HeaderMap) {
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.parse::<HeaderName>().ok()?, value.trim().parse::<HeaderValue>().ok()?))
    };
    let mut headers = HeaderMap::new();
    for line in lines {
        match header(line) {
            Some((name, value)) => headers.append(name, value),
            None => panic!("no header: {line}"),
        };
    }
    match status {
        Some(status) => (status, headers),
        None => panic!("no status line: {head}"),
    }
}
