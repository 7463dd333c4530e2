//! Whatever is presented as an access token: judging it does not panic, and only what was signed
//! with our secret is accepted.

#![no_main]

use std::sync::LazyLock;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use libfuzzer_sys::fuzz_target;
use proto::{Subject, Verifier};

const OURS: &str = "the secret that signs while the fuzzer is running";
const THEIRS: &str = "another secret of which the verifier knows nothing";

static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| knowing(OURS));
static STRANGER: LazyLock<Verifier> = LazyLock::new(|| knowing(THEIRS));

fn knowing(secret: &str) -> Verifier {
    let secrets = secret.parse().unwrap_or_else(|_| unreachable!("a fit secret"));
    Verifier::new(&secrets, "https://auth.example", "shop")
}

/// These bytes as header and claims, whatever they are, under a right signature: nobody gets as far
/// as the parsers of JSON by guessing one.
fn sign(secret: &str, header: &[u8], claims: &[u8]) -> String {
    let encode = |part: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(part);
    let message = format!("{}.{}", encode(header), encode(claims));
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    format!("{message}.{}", encode(hmac::sign(&key, message.as_bytes()).as_ref()))
}

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes) {
        assert!(VERIFIER.verify(text).is_err(), "nobody signed it");
    }

    // A header, and claims from the first new line on.
    let end = bytes.iter().position(|&byte| byte == b'\n').unwrap_or(bytes.len());
    let (header, claims) = bytes.split_at(end);
    let token = sign(OURS, header, claims);
    assert!(VERIFIER.verify(&sign(THEIRS, header, claims)).is_err(), "signed by somebody else");
    assert!(STRANGER.verify(&token).is_err(), "signed by somebody else");
    if let Ok(caller) = VERIFIER.verify(&token) {
        match caller.subject {
            Subject::User(_) => {}
            Subject::Client(id) => {
                assert_eq!(caller.client_id, Some(id), "a machine is its own client")
            }
        }
        assert!(caller.exp > 1_700_000_000, "it ended long ago");
    }
});
