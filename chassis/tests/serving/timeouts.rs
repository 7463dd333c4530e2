//! How long everything may take, by the limits that hold in production. The clock stands still but
//! for jumping to the next timer when nothing else is to be done, so no test waits.

use std::ops::Range;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, pause, resume, sleep, sleep_until, timeout};

use crate::stage::{DEADLINE, LARGE, Running, read_answer};

const BODY: &str = "POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
    Content-Length: 100\r\n\r\n{";

/// What comes until the service closes the connection, and how many seconds after `begun` it does.
async fn end(stream: &mut TcpStream, begun: Instant) -> (String, u64) {
    let mut bytes = Vec::new();
    // Closed with something unread, it is a reset.
    let _ = stream.read_to_end(&mut bytes).await;
    (String::from_utf8_lossy(&bytes).into_owned(), begun.elapsed().as_secs())
}

/// What comes, while a byte is written every second.
async fn end_of_dripping(stream: TcpStream, drip: &'static [u8], begun: Instant) -> (String, u64) {
    let (mut reader, mut writer) = stream.into_split();
    let dripping = tokio::spawn(async move {
        while writer.write_all(drip).await.is_ok() {
            sleep(Duration::from_secs(1)).await;
        }
    });
    let mut bytes = Vec::new();
    let _ = reader.read_to_end(&mut bytes).await;
    dripping.abort();
    (String::from_utf8_lossy(&bytes).into_owned(), begun.elapsed().as_secs())
}

#[track_caller]
fn expect(seconds: u64, range: Range<u64>) {
    assert!(range.contains(&seconds), "after {seconds} s");
}

#[tokio::test]
async fn a_connection_may_be_idle_for_75_seconds_before_its_first_request_and_after() {
    let service = Running::serving().await;
    let mut new = service.write("").await;
    let mut used = service.send("/quick").await;
    read_answer(&mut used).await;

    pause();
    let begun = Instant::now();
    let (mut ends, mut seconds) = (Vec::new(), Vec::new());
    for stream in [&mut new, &mut used] {
        let (text, second) = end(stream, begun).await;
        ends.push(text);
        seconds.push(second);
    }

    assert_eq!(ends, ["", ""]);
    for second in seconds {
        expect(second, 74..77);
    }
}

#[tokio::test]
async fn headers_have_10_seconds_from_their_first_byte() {
    let service = Running::serving().await;
    let mut silent = service.write("GET /quick HTTP/1.1\r\n").await;
    let dripping = service.write("GET /quick HTTP/1.1\r\n").await;

    pause();
    let begun = Instant::now();
    let (silent_end, dripping_end) =
        tokio::join!(end(&mut silent, begun), end_of_dripping(dripping, b"X: y\r\n", begun));

    for (text, second) in [silent_end, dripping_end] {
        assert_eq!(text, "");
        expect(second, 9..12);
    }
}

#[tokio::test]
async fn a_body_has_20_seconds_and_then_the_answer_says_so() {
    let service = Running::serving().await;
    let mut silent = service.write(BODY).await;
    let dripping = service.write(BODY).await;

    pause();
    let begun = Instant::now();
    let (silent_end, dripping_end) =
        tokio::join!(end(&mut silent, begun), end_of_dripping(dripping, b" ", begun));

    for (text, second) in [silent_end, dripping_end] {
        assert!(text.starts_with("HTTP/1.1 408 "), "{text}");
        assert!(text.contains(r#""code":"request_timeout""#), "{text}");
        expect(second, 19..22);
    }
}

#[tokio::test]
async fn a_request_has_30_seconds_from_its_first_byte_and_then_its_client_is_told() {
    let service = Running::serving().await;
    let mut stream = service.write("G").await;

    pause();
    let begun = Instant::now();
    sleep_until(begun + Duration::from_secs(8)).await;
    stream.write_all(b"ET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let answer = read_answer(&mut stream).await;

    expect(begun.elapsed().as_secs(), 29..32);
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("\r\nretry-after: "), "{answer}");
    // What it began is not left half done.
    service.stage.end(1);
    service.stage.has_ended().await;
}

#[tokio::test]
async fn a_client_that_does_not_read_its_answer_is_left_after_30_seconds() {
    let service = Running::serving().await;
    let mut stream = service.send("/large").await;
    stream.readable().await.unwrap();

    pause();
    sleep(Duration::from_secs(35)).await;
    resume();
    let mut bytes = Vec::new();
    let read = timeout(DEADLINE, stream.read_to_end(&mut bytes)).await;

    assert!(read.is_ok(), "the connection is still open");
    assert!(bytes.len() < LARGE, "all of it was sent");
}
