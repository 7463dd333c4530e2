//! `X-Request-Id`: taken from the request when sane, else made; in every answer and log line.

use http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

/// The header.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Names one request through all services and logs.
#[derive(Debug, Clone)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// The request's own id where it has a sane one, else a new one.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let sent = headers.get(HEADER).filter(|sent| is_sane(sent.as_bytes()));
        sent.cloned().map_or_else(Self::fresh, Self)
    }

    /// A new one.
    pub(super) fn fresh() -> Self {
        let mut buffer = Uuid::encode_buffer();
        let id = Uuid::now_v7().simple().encode_lower(&mut buffer);
        Self(HeaderValue::from_str(id).unwrap_or(HeaderValue::from_static("none")))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    /// As a header's value.
    pub fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

/// Short, and without anything that could break out of a log line.
fn is_sane(id: &[u8]) -> bool {
    (1..=128).contains(&id.len())
        && id.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.:/+=".contains(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id_for(sent: &[u8]) -> RequestId {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, HeaderValue::from_bytes(sent).unwrap());
        RequestId::of(&headers)
    }

    #[test]
    fn a_sane_id_is_kept_and_any_other_replaced() {
        assert_eq!(id_for(b"trace-1/a:b").as_str(), "trace-1/a:b");
        for insane in [&b""[..], b"a b", b"\x80", b"<script>", &[b'a'; 129]] {
            assert_eq!(id_for(insane).as_str().len(), 32, "{insane:?}");
        }
    }
}
