//! The query string, and pages of a list.
//!
//! A page is a keyset: the rows after (or before) an id, so that a deep page costs what the first
//! does. The cursor is that id, opaque to clients; `Link` (RFC 8288) names the next page.

use std::num::IntErrorKind;
use std::str::FromStr;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::header::{HeaderValue, LINK};
use serde::Serialize;
use utoipa::IntoParams;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use uuid::Uuid;
use warp::reply::{Reply, Response};

use super::refusal::Refusal;
use super::reply;

/// Rows of a page where none is asked for, and at most.
const LIMIT: i64 = 50;
const LIMIT_MAX: i64 = 200;

/// A query string's parameters, decoded.
pub struct Query {
    path: String,
    pairs: Vec<(String, String)>,
}

/// What is read from a query string.
pub trait FromQuery: Sized {
    /// Reads it, or refuses: with a 400 what cannot be read, with a 422 what is out of its range.
    fn from_query(query: &Query) -> Result<Self, Refusal>;
}

impl Query {
    /// The parameters of `raw`, sent to `path`.
    pub fn new(path: &str, raw: &str) -> Self {
        let pairs = form_urlencoded::parse(raw.as_bytes()).into_owned().collect();
        Self { path: path.to_owned(), pairs }
    }

    /// A parameter's text; one that is given twice has no meaning.
    pub fn text(&self, name: &str) -> Result<Option<&str>, Refusal> {
        let mut values = self.pairs.iter().filter(|(key, _)| key == name);
        match (values.next(), values.next()) {
            (Some((_, value)), None) if value.contains('\0') => Err(unreadable(name)),
            (Some((_, value)), None) => Ok(Some(value)),
            (None, _) => Ok(None),
            (Some(_), Some(_)) => {
                Err(Refusal::bad_request(format!("The parameter `{name}` is given twice.")))
            }
        }
    }

    /// A parameter's value, parsed; an empty one is none.
    pub fn value<T: FromStr>(&self, name: &str) -> Result<Option<T>, Refusal> {
        match self.text(name)?.filter(|text| !text.is_empty()) {
            Some(text) => text.parse().map(Some).map_err(|_| unreadable(name)),
            None => Ok(None),
        }
    }
}

fn unreadable(name: &str) -> Refusal {
    Refusal::bad_request(format!("The parameter `{name}` cannot be read."))
}

/// Which rows of a list are asked for.
pub struct Page {
    limit: i64,
    after: Option<Uuid>,
    path: String,
    others: Vec<(String, String)>,
}

impl FromQuery for Page {
    fn from_query(query: &Query) -> Result<Self, Refusal> {
        let limit = query.value("limit")?.map_or(LIMIT, |Limit(limit)| limit);
        let after = query.value::<Cursor>("after")?.map(|Cursor(id)| id);
        let is_other = |(name, _): &&(String, String)| name != "limit" && name != "after";
        Ok(Self {
            limit,
            after,
            path: query.path.clone(),
            others: query.pairs.iter().filter(is_other).cloned().collect(),
        })
    }
}

impl Page {
    /// How many rows to ask the database for: one more than the page, to see whether there is
    /// a next one.
    pub fn rows(&self) -> i64 {
        self.limit + 1
    }

    /// Rows with a greater id than this, for a list with the oldest first.
    pub fn above(&self) -> Uuid {
        self.after.unwrap_or(Uuid::nil())
    }

    /// Rows with a smaller id than this, for a list with the newest first.
    pub fn below(&self) -> Uuid {
        self.after.unwrap_or(Uuid::max())
    }

    /// The answer: the rows as a JSON array, and `Link` while there are more.
    pub fn reply<T: Serialize>(&self, mut rows: Vec<T>, id: impl Fn(&T) -> Uuid) -> Response {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let last = rows.last().filter(|_| has_more).map(id);
        let mut response = reply::json(&rows).into_response();
        if let Some(link) = last.and_then(|id| HeaderValue::try_from(self.link(id)).ok()) {
            response.headers_mut().insert(LINK, link);
        }
        response
    }

    fn link(&self, last: Uuid) -> String {
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&self.others)
            .append_pair("limit", &self.limit.to_string())
            .append_pair("after", &BASE64_URL_SAFE_NO_PAD.encode(last))
            .finish();
        format!("<{}?{query}>; rel=\"next\"", self.path)
    }
}

/// Described once for every list.
impl IntoParams for Page {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let limit = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1));
        let after = ObjectBuilder::new().schema_type(Type::String).pattern(Some(CURSOR));
        let describe = |name: &str, schema: Object, description: &str| {
            let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Query);
            let parameter = parameter.required(Required::False).schema(Some(schema));
            parameter.description(Some(description)).build()
        };
        vec![
            describe(
                "limit",
                limit.default(Some(LIMIT.into())).build(),
                "How many: 50; more than 200 is taken as 200.",
            ),
            describe("after", after.build(), "The cursor that `Link` names; opaque."),
        ]
    }
}

/// 16 bytes as base64url, or nothing at all: only a cursor that is none is refused.
const CURSOR: &str = "^([A-Za-z0-9_-]{21}[AQgw])?$";

/// From 1; what is more than the maximum, however much, is the maximum.
struct Limit(i64);

impl FromStr for Limit {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text.parse() {
            Ok(limit @ 1..) => Ok(Self(LIMIT_MAX.min(limit))),
            Err(error) if *error.kind() == IntErrorKind::PosOverflow => Ok(Self(LIMIT_MAX)),
            _ => Err(()),
        }
    }
}

struct Cursor(Uuid);

impl FromStr for Cursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| ())?;
        Uuid::from_slice(&bytes).map(Self).map_err(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn config() -> ProptestConfig {
        ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
    }

    /// The query of the next page, out of a `Link`.
    fn next(link: &str) -> &str {
        link.strip_prefix("</orders/?").unwrap().strip_suffix(">; rel=\"next\"").unwrap()
    }

    proptest! {
        #![proptest_config(config())]

        /// And none of its characters ends the link early (RFC 8288 §3).
        #[test]
        fn the_next_page_is_that_of_the_same_list(
            last in any::<u128>(),
            limit in 1..500_i64,
            others in prop::collection::vec(("[^\0]{0,8}", ".{0,16}"), 0..4),
        ) {
            let is_page = |(name, _): &(String, String)| name == "limit" || name == "after";
            prop_assume!(!others.iter().any(is_page));
            let last = Uuid::from_u128(last);
            let mut query = form_urlencoded::Serializer::new(String::new());
            let query = query.extend_pairs(&others).append_pair("limit", &limit.to_string());
            let first = page(&query.finish()).unwrap();

            let link = first.link(last);

            prop_assert!(HeaderValue::from_str(&link).is_ok());
            prop_assert!(!next(&link).contains(['<', '>', '"', ' ', ',', ';']));
            let second = page(next(&link)).unwrap();
            prop_assert_eq!((second.above(), second.below()), (last, last));
            prop_assert_eq!(second.rows(), first.rows());
            prop_assert_eq!(second.others, others);
        }

        #[test]
        fn whatever_is_asked_for_is_a_page_or_a_bad_request(
            any in ".*",
            name in "limit|after|x",
            value in "[+-]?[0-9]{0,24}|[A-Za-z0-9_%=-]{0,26}|.{0,8}",
        ) {
            for raw in [any, format!("{name}={value}")] {
                match page(&raw) {
                    Ok(page) => prop_assert!((2..=LIMIT_MAX + 1).contains(&page.rows())),
                    Err(refusal) => {
                        prop_assert_eq!(refusal.problem.status, 400);
                        prop_assert_eq!(&*refusal.problem.code, "invalid_request");
                    }
                }
            }
        }

        /// A cursor has one spelling.
        #[test]
        fn a_cursor_is_read_as_it_was_written(text in "[A-Za-z0-9_-]{20,24}|.{0,24}") {
            if let Ok(Cursor(id)) = text.parse() {
                prop_assert_eq!(BASE64_URL_SAFE_NO_PAD.encode(id), text);
            }
        }
    }

    fn page(raw: &str) -> Result<Page, Refusal> {
        Page::from_query(&Query::new("/orders/", raw))
    }

    #[test]
    fn the_limit_has_a_default_and_a_maximum() {
        assert_eq!(page("").unwrap().rows(), LIMIT + 1);
        assert_eq!(page("limit=7").unwrap().rows(), 8);
        for more in ["limit=201", "limit=99999999999999999999999"] {
            assert_eq!(page(more).unwrap().rows(), LIMIT_MAX + 1);
        }
    }

    #[test]
    fn what_cannot_be_read_is_a_400() {
        for wrong in ["limit=abc", "limit=0", "limit=-1", "limit=1&limit=2", "after=%00", "after=x"]
        {
            let refusal = page(wrong).err().unwrap();
            assert_eq!(refusal.problem.code, "invalid_request", "{wrong}");
        }
    }

    #[test]
    fn the_next_page_begins_after_the_last_row_and_keeps_other_parameters() {
        let ids = [Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7()];

        let response = page("all=true&limit=2").unwrap().reply(ids.to_vec(), |id| *id);
        let link = response.headers()[LINK].to_str().unwrap();
        let next = next(link);

        assert!(next.starts_with("all=true&limit=2&after="));
        assert_eq!(page(next).unwrap().above(), ids[1]);
        assert_eq!(page(next).unwrap().below(), ids[1]);
    }

    #[test]
    fn the_last_page_names_no_next_one() {
        let response = page("limit=2").unwrap().reply(vec![Uuid::now_v7()], |id| *id);

        assert!(!response.headers().contains_key(LINK));
    }
}
