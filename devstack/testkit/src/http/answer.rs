//! An answer, and what tests ask of it.

use std::fmt;

use reqwest::header::HeaderMap;
use serde_json::Value;

/// What a service answered.
#[derive(Clone)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, as it came.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; `null` where there is none.
    #[track_caller]
    pub fn json(&self) -> Value {
        if self.body.is_empty() {
            return Value::Null;
        }
        match serde_json::from_slice(&self.body) {
            Ok(json) => json,
            Err(error) => panic!("no JSON ({error}): {self:?}"),
        }
    }

    /// A header's value; `None` where it is missing, or given more than once.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?.to_str().ok()?;
        values.next().is_none().then_some(value)
    }

    /// That the status is this one; gives the body as JSON, if it is.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        if self.is_json() { self.json() } else { Value::Null }
    }

    /// That it is a problem (RFC 9457) of this status and code, whole and without anything else;
    /// gives its body.
    #[track_caller]
    pub fn expect_problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let problem = self.json();
        assert_eq!(problem["code"], code, "{self:?}");
        assert_eq!(problem["status"], status, "{self:?}");
        assert_eq!(problem["type"], "about:blank", "{self:?}");
        for member in ["title", "detail"] {
            let text = problem[member].as_str().unwrap_or_default();
            assert!(!text.is_empty(), "`{member}` is missing: {self:?}");
        }
        problem
    }

    /// That it is the 422 of exactly these fields, in any order; gives the `errors`.
    #[track_caller]
    pub fn expect_invalid(&self, fields: &[&str]) -> Value {
        let mut problem = self.expect_problem(422, "validation");
        let errors = problem["errors"].take();
        let of = |error: &Value| error["field"].as_str().unwrap_or_default().to_owned();
        let mut found: Vec<String> = errors.as_array().into_iter().flatten().map(of).collect();
        let mut fields: Vec<String> = fields.iter().map(ToString::to_string).collect();
        found.sort_unstable();
        fields.sort_unstable();
        assert_eq!(found, fields, "{self:?}");
        errors
    }

    /// That it is an error of an OAuth endpoint (RFC 6749 §5.2), which nobody may keep; gives its
    /// body.
    #[track_caller]
    pub fn expect_oauth_error(&self, status: u16, error: &str) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        self.expect_uncached();
        assert!(self.is_json(), "{self:?}");
        let body = self.json();
        assert_eq!(body["error"], error, "{self:?}");
        assert!(body["error_description"].is_string(), "{self:?}");
        assert_eq!(body.as_object().map(serde_json::Map::len), Some(2), "{self:?}");
        body
    }

    /// That nobody may keep it (RFC 6749 §5.1).
    #[track_caller]
    pub fn expect_uncached(&self) {
        assert_eq!(self.header("cache-control"), Some("no-store"), "{self:?}");
        assert_eq!(self.header("pragma"), Some("no-cache"), "{self:?}");
    }

    /// That it answers a HEAD of `path` as this GET was answered: all but the body, and what is of
    /// each answer's own.
    #[track_caller]
    pub fn expect_head_of(&self, path: &str, get: &Self) {
        let headers = |answer: &Self| {
            let mut headers = answer.headers.clone();
            headers.remove("date");
            headers.remove("x-request-id");
            // One scrape counts what happened since the last; and where there is no body at all,
            // hyper leaves the length of a HEAD's away.
            if path == "/metrics" || path == "/docs" {
                headers.remove("content-length");
            }
            headers
        };
        assert_eq!((self.status, headers(self)), (get.status, headers(get)), "{path}");
        assert!(self.body.is_empty(), "{path}: {self:?}");
        assert!(get.status == 308 || !get.body.is_empty(), "{path}: {get:?}");
    }

    fn is_json(&self) -> bool {
        let media_type = self.header("content-type").unwrap_or_default();
        media_type == "application/json" || media_type.ends_with("+json")
    }
}

/// As it came over the wire, more or less.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.status)?;
        for (name, value) in &self.headers {
            writeln!(f, "{name}: {}", String::from_utf8_lossy(value.as_bytes()))?;
        }
        write!(f, "\n{}", self.text())
    }
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use reqwest::header::{HeaderName, HeaderValue};
    use serde_json::json;

    use super::*;

    fn answer(status: u16, headers: &[(&'static str, &'static str)], body: &Value) -> Answer {
        let header = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        let headers = headers.iter().map(header).collect();
        Answer { status, headers, body: body.to_string().into_bytes() }
    }

    #[test]
    fn a_problem_must_be_whole() {
        let right = json!({
            "type": "about:blank", "title": "Conflict", "status": 409, "detail": "So.",
            "code": "email_taken",
        });
        let problem = ("content-type", "application/problem+json");
        let with = |member: &str, value: Value| {
            let mut body = right.clone();
            body[member] = value;
            answer(409, &[problem], &body)
        };

        answer(409, &[problem], &right).expect_problem(409, "email_taken");

        for wrong in [
            answer(400, &[problem], &right),
            answer(409, &[("content-type", "application/json")], &right),
            answer(409, &[], &right),
            with("type", json!("blank")),
            with("title", json!("")),
            with("status", json!(400)),
            with("detail", Value::Null),
            with("code", json!("id_taken")),
        ] {
            let outcome = catch_unwind(|| wrong.expect_problem(409, "email_taken"));
            assert!(outcome.is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_validation_problem_must_name_exactly_the_fields() {
        let error = |field| json!({ "field": field, "message": "is required" });
        let body = json!({
            "type": "about:blank", "title": "Unprocessable Content", "status": 422,
            "detail": "So.", "code": "validation", "errors": [error("name"), error("email")],
        });
        let answer = answer(422, &[("content-type", "application/problem+json")], &body);

        answer.expect_invalid(&["email", "name"]);

        for wrong in [&["email"][..], &["email", "name", "id"], &["email", "id"]] {
            assert!(catch_unwind(|| answer.expect_invalid(wrong)).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn an_oauth_error_must_be_uncached_and_nothing_else() {
        let right = json!({ "error": "invalid_grant", "error_description": "So." });
        let headers = [
            ("content-type", "application/json"),
            ("cache-control", "no-store"),
            ("pragma", "no-cache"),
        ];
        let more = json!({ "error": "invalid_grant", "error_description": "So.", "more": 1 });

        answer(400, &headers, &right).expect_oauth_error(400, "invalid_grant");

        for wrong in [
            answer(401, &headers, &right),
            answer(400, &headers[1..], &right),
            answer(400, &headers[..2], &right),
            answer(400, &[headers[0], headers[2]], &right),
            answer(400, &headers, &more),
            answer(400, &headers, &json!({ "error": "invalid_grant" })),
            answer(400, &headers, &json!({ "error": "invalid", "error_description": "So." })),
        ] {
            let outcome = catch_unwind(|| wrong.expect_oauth_error(400, "invalid_grant"));
            assert!(outcome.is_err(), "{wrong:?}");
        }
    }
}
