//! A client's id and secret in its `Authorization: Basic` header (RFC 7617), each encoded as a value
//! of a form (RFC 6749 §2.3.1).

use std::borrow::Cow;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// The id and the secret in what follows the scheme's name; `None` where it is no such pair.
pub fn decode(credentials: &[u8]) -> Option<(String, String)> {
    let pair = String::from_utf8(BASE64_STANDARD.decode(credentials).ok()?).ok()?;
    let (id, secret) = pair.split_once(':')?;
    Some((form_decode(id), form_decode(secret)))
}

/// Decodes one value of `application/x-www-form-urlencoded`.
fn form_decode(text: &str) -> String {
    // `&` and `=` would be syntax in a whole form; in a value they stand for themselves.
    let escaped: Cow<'_, str> = text.replace('&', "%26").replace('=', "%3D").into();
    let mut pairs = form_urlencoded::parse(escaped.as_bytes());
    pairs.next().map(|(value, _)| value.into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn config() -> ProptestConfig {
        ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn an_id_and_a_secret_are_read_as_they_were_encoded(id in ".{0,40}", secret in ".{0,60}") {
            let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect();
            let (encoded_id, encoded_secret): (String, String) = (encode(&id), encode(&secret));
            let sent = BASE64_STANDARD.encode(format!("{encoded_id}:{encoded_secret}"));

            prop_assert_eq!(decode(sent.as_bytes()), Some((id, secret)));
        }

        /// Many send them as they are, which is the same where nothing must be encoded.
        #[test]
        fn what_needs_no_encoding_is_read_as_it_is(
            id in "[a-z0-9._~-]{3,64}",
            secret in "[!-~&&[^%+]]{1,60}",
        ) {
            let sent = BASE64_STANDARD.encode(format!("{id}:{secret}"));

            prop_assert_eq!(decode(sent.as_bytes()), Some((id, secret)));
        }

        /// A pair is text with a colon, in the one spelling that base64 has for it.
        #[test]
        fn whatever_is_sent_is_a_pair_or_none(bytes in vec(any::<u8>(), 0..80)) {
            let encoded = BASE64_STANDARD.encode(&bytes);
            let is_pair = std::str::from_utf8(&bytes).is_ok_and(|text| text.contains(':'));

            prop_assert_eq!(decode(encoded.as_bytes()).is_some(), is_pair);
            let padded = format!("{encoded}=");
            prop_assert!(decode(padded.as_bytes()).is_none());
            prop_assert!(decode(&bytes).is_none() || BASE64_STANDARD.decode(&bytes).is_ok());
        }
    }

    #[test]
    fn a_value_is_percent_decoded() {
        assert_eq!(form_decode("a%20b+c%3Ad&e=f"), "a b c:d&e=f");
        assert_eq!(form_decode("plain%"), "plain%");
        assert_eq!(form_decode(""), "");
    }
}
