//! Bodies: what is no JSON object, of another media type, or too long.

use std::collections::BTreeSet;

use devstack_testkit::Answer;
use devstack_testkit::http::{Call, raw};
use uuid::Uuid;

use crate::calls::{GUARDED, OPEN, Sample};
use crate::mint;
use crate::shop::{Shop, must};

/// The longest body.
const MAX: usize = 64 * 1024;

/// Every call that takes a body.
fn samples() -> impl Iterator<Item = Sample> {
    GUARDED.into_iter().chain(OPEN).filter(|sample| !sample.body.is_empty())
}

/// A call to where `sample` goes, without a body, by somebody who may do everything.
async fn bare(shop: &Shop, sample: &Sample) -> Call {
    let token = mint::person(shop.customer().await.id, "shop shop:admin");
    shop.call(must(sample.method().parse()), &path(sample)).bearer(token)
}

fn path(sample: &Sample) -> String {
    match sample.path.split_once('{') {
        Some((start, _)) => format!("{start}{}", Uuid::now_v7()),
        None => sample.path.to_owned(),
    }
}

#[test]
fn every_call_that_is_described_with_a_body_is_broken_here() {
    let document = serde_json::to_value(shop_service::routes::openapi("http://auth.test")).unwrap();

    let mut described = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if operation["requestBody"].is_object() {
                described.insert(format!("{} {path}", method.to_uppercase()));
            }
        }
    }

    assert_eq!(samples().map(|sample| sample.route.to_owned()).collect::<BTreeSet<_>>(), described);
}

#[tokio::test]
async fn what_is_no_json_object_is_a_bad_request() {
    let shop = Shop::start().await;
    let deep = "[".repeat(10_000);

    for sample in samples() {
        for body in [
            &b""[..],
            b"{",
            b"null",
            b"[]",
            b"7",
            b"\"text\"",
            b"{\"a\": 1,}",
            b"{'a': 1}",
            b"{} {}",
            b"{\"a\": \xff}",
            b"{\"\xff\": 1}",
            b"{\"\\ud800\": 1}",
            b"\xef\xbb\xbf{}",
            format!("{{\"a\": {deep}}}").as_bytes(),
        ] {
            let answer = bare(&shop, &sample).await.body("application/json", body).send().await;
            answer.expect_problem(400, "invalid_request");
        }
    }
}

#[tokio::test]
async fn a_body_must_be_sent_as_json() {
    let shop = Shop::start().await;

    for sample in samples() {
        for media_type in
            ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "json", ""]
        {
            let answer = bare(&shop, &sample).await.body(media_type, "{}").send().await;
            answer.expect_problem(415, "unsupported_media_type");
        }
        let without = bare(&shop, &sample).await.send().await;
        without.expect_problem(415, "unsupported_media_type");
    }
}

#[tokio::test]
async fn the_media_type_has_no_case_and_may_have_parameters() {
    let shop = Shop::start().await;
    let ann = shop.customer().await;

    for media_type in ["application/json; charset=utf-8", "Application/JSON", "application/json ;a"]
    {
        let call = shop.patch("/user/me").bearer(&ann.token);
        call.body(media_type, r#"{"name": "Anna"}"#).send().await.expect(200);
    }
}

/// The same call with a body whose length is not announced.
async fn chunked(shop: &Shop, sample: &Sample, body: &str) -> Option<Answer> {
    let token = mint::person(shop.customer().await.id, "shop shop:admin");
    let (method, path, addr) = (sample.method(), path(sample), shop.addr());
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {addr}\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n\
         {:x}\r\n{body}\r\n0\r\n\r\n",
        body.len(),
    );
    raw(addr, request).await
}

/// A body of this many bytes.
fn long(bytes: usize) -> String {
    let frame = r#"{"name": "Anna", "padding": ""}"#;
    format!(r#"{{"name": "Anna", "padding": "{}"}}"#, "x".repeat(bytes - frame.len()))
}

#[tokio::test]
async fn no_body_is_longer_than_64_kib() {
    let shop = Shop::start().await;
    let ann = shop.customer().await;
    let rename = |bytes| {
        let call = shop.patch("/user/me").bearer(&ann.token);
        call.body("application/json", long(bytes)).send()
    };

    rename(MAX).await.expect(200);
    rename(MAX + 1).await.expect_problem(413, "content_too_large");
    for sample in samples() {
        let long = "x".repeat(MAX + 1);
        let call = bare(&shop, &sample).await.body("application/json", long.clone());
        call.send().await.expect_problem(413, "content_too_large");
        let answer = chunked(&shop, &sample, &long).await.expect("an answer");
        answer.expect_problem(413, "content_too_large");
    }
}

#[tokio::test]
async fn a_body_without_an_announced_length_is_counted_as_it_comes() {
    let shop = Shop::start().await;
    let ann = shop.customer().await;
    let rename = async |bytes| {
        let (token, addr) = (&ann.token, shop.addr());
        let (head, tail) = (long(bytes), "0\r\n\r\n");
        let (first, second) = head.split_at(40_000);
        let request = format!(
            "PATCH /user/me HTTP/1.1\r\nHost: {addr}\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n\
             {:x}\r\n{first}\r\n{:x}\r\n{second}\r\n{tail}",
            first.len(),
            second.len(),
        );
        raw(addr, request).await.expect("an answer")
    };

    rename(MAX).await.expect(200);
    rename(MAX + 1).await.expect_problem(413, "content_too_large");
}
