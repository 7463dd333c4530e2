//! Whatever a client sends as its id and secret: reading it does not panic, and gives back what was
//! encoded.

#![no_main]

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use libfuzzer_sys::fuzz_target;
use proto::basic;

fuzz_target!(|bytes: &[u8]| {
    let _ = basic::decode(bytes);
    let _ = basic::decode(BASE64_STANDARD.encode(bytes).as_bytes());

    // Any two texts, as RFC 6749 §2.3.1 has them sent.
    let text = String::from_utf8_lossy(bytes);
    let (id, secret) = text.split_once(':').unwrap_or((&text, ""));
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let sent = BASE64_STANDARD.encode(format!("{}:{}", encode(id), encode(secret)));
    assert_eq!(basic::decode(sent.as_bytes()), Some((id.to_owned(), secret.to_owned())));
});
