//! What must hold before a handler runs: the only place that rejects.
//!
//! A handler returns its errors; a guard cannot, for warp has only rejections there. Each guard
//! rejects with a [`Refusal`], which [`super::service`] writes.

#![expect(clippy::disallowed_methods, reason = "guards are where rejecting is right")]

use std::convert::Infallible;
use std::future::ready;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use http::{HeaderMap, HeaderValue, StatusCode};
use proto::fields::{self, BodyError, FromFields, Message};
use proto::problem::FieldError;
use proto::{Caller, Subject, Verifier};
use tokio::sync::Semaphore;
use tokio::task::JoinError;
use warp::filters::BoxedFilter;
use warp::reject::{self, Rejection};
use warp::reply::Response;
use warp::{Filter, path::Peek};

use super::query::{FromQuery, Query};
use super::refusal::Refusal;
use crate::log;

/// No body is longer.
pub const BODY_MAX: usize = 64 * 1024;

/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(20);

/// The `Authorization` header as it was sent; [`super::service`] lets only one through.
#[derive(Clone)]
pub struct Authorization(pub(super) HeaderValue);

impl Authorization {
    /// What follows the name of this scheme, which is compared without regard to case.
    pub fn of_scheme(&self, scheme: &str) -> Option<&[u8]> {
        let (name, rest) = self.0.as_bytes().split_at_checked(scheme.len())?;
        let credentials = rest.strip_prefix(b" ")?;
        name.eq_ignore_ascii_case(scheme.as_bytes()).then(|| credentials.trim_ascii())
    }
}

/// The `Authorization` header, if there is one.
pub fn authorization() -> impl Filter<Extract = (Option<Authorization>,), Error = Infallible> + Clone
{
    warp::ext::optional()
}

/// Who calls, as `judge` finds from the `Authorization` header and the service's state.
pub fn admit<S, T, J, E>(
    state: &Arc<S>,
    judge: impl Fn(Arc<S>, Option<Authorization>) -> J + Clone + Send + Sync + 'static,
) -> BoxedFilter<(T,)>
where
    S: Send + Sync + 'static,
    T: Send + 'static,
    J: Future<Output = Result<T, E>> + Send + 'static,
    E: Into<Refusal>,
{
    let state = Arc::clone(state);
    authorization()
        .and_then(move |sent: Option<Authorization>| {
            let judged = judge(Arc::clone(&state), sent);
            async { judged.await.map_err(|error| reject::custom(error.into())) }
        })
        .boxed()
}

/// What a state must offer to guard its routes by bearer tokens.
pub trait Protected: Send + Sync + 'static {
    /// Named in every challenge (RFC 6750 §3).
    const REALM: &'static str;

    /// Judges the tokens.
    fn verifier(&self) -> &Verifier;
}

/// Who calls, as the bearer token proves it (RFC 6750 §2.1) and `judge` lets in.
pub fn bearer<S: Protected, T: Send + 'static>(
    state: &Arc<S>,
    judge: fn(Caller) -> Result<T, Refusal>,
) -> BoxedFilter<(T,)> {
    admit(state, move |state, sent| ready(verify(&*state, sent.as_ref()).and_then(judge)))
}

/// Who sent the token, as it proves; [`bearer`] for a handler that needs to ask more.
pub fn verify<S: Protected>(state: &S, sent: Option<&Authorization>) -> Result<Caller, Refusal> {
    let token = sent
        .and_then(|sent| sent.of_scheme("Bearer"))
        .ok_or_else(|| Refusal::unauthenticated(S::REALM))?;
    let token = std::str::from_utf8(token).map_err(|_| Refusal::invalid_token(S::REALM))?;
    let caller = state.verifier().verify(token).map_err(|_| Refusal::invalid_token(S::REALM))?;
    match &caller.subject {
        Subject::User(user) => log::user(user),
        Subject::Client(client) => log::client(client),
    }
    Ok(caller)
}

/// A header that may be sent once, parsed; what it must be is said as of a field of its name.
pub fn header<T>(name: &'static str) -> BoxedFilter<(Option<T>,)>
where
    T: FromStr<Err: Into<Message>> + Send + 'static,
{
    warp::header::headers_cloned()
        .and_then(move |headers: HeaderMap| {
            ready(parse_header(name, &headers).map_err(reject::custom))
        })
        .boxed()
}

fn parse_header<T>(name: &'static str, headers: &HeaderMap) -> Result<Option<T>, Refusal>
where
    T: FromStr<Err: Into<Message>>,
{
    let mut sent = headers.get_all(name).iter();
    let parsed = match (sent.next(), sent.next()) {
        (None, _) => return Ok(None),
        // What is no ASCII is as wrong as an empty text.
        (Some(value), None) => value.to_str().unwrap_or_default().parse().map_err(Into::into),
        (Some(_), Some(_)) => Err(Message::from("must be sent once")),
    };
    parsed.map(Some).map_err(|message| Refusal::validation(vec![FieldError::new(name, message)]))
}

/// A body of JSON, read member by member.
pub fn json<T: FromFields + Send + 'static>() -> BoxedFilter<(T,)> {
    body("application/json")
        .and_then(|body: Result<Bytes, Refusal>| {
            ready(body.and_then(|body| parse(&body)).map_err(reject::custom))
        })
        .boxed()
}

/// The same, where judging a member takes long enough to hold up other requests: a password's
/// strength takes milliseconds. Done beside the runtime's threads, one at a time.
pub fn slow_json<T: FromFields + Send + 'static>() -> BoxedFilter<(T,)> {
    body("application/json")
        .and_then(|body: Result<Bytes, Refusal>| async {
            match body {
                Ok(body) => {
                    let parsed = aside(move || parse(&body)).await.map_err(Refusal::internal);
                    parsed.flatten().map_err(reject::custom)
                }
                Err(refusal) => Err(reject::custom(refusal)),
            }
        })
        .boxed()
}

/// Work that takes milliseconds, done beside the runtime's threads, one at a time.
pub async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    static TURN: Semaphore = Semaphore::const_new(1);
    // Never closed, so never an error; and without a turn it would only be less orderly.
    let _turn = TURN.acquire().await;
    tokio::task::spawn_blocking(work).await
}

fn parse<T: FromFields>(body: &[u8]) -> Result<T, Refusal> {
    fields::parse(body).map_err(|error| match error {
        BodyError::Malformed => Refusal::bad_request("The body must be a JSON object."),
        BodyError::Invalid(errors) => Refusal::validation(errors),
    })
}

/// A body of this media type as it was sent, or why it is refused; for calls whose errors have a
/// shape of their own.
pub fn body(
    media_type: &'static str,
) -> impl Filter<Extract = (Result<Bytes, Refusal>,), Error = Rejection> + Clone {
    let header = warp::header::optional::<String>("content-type");
    let length = warp::header::optional::<u64>("content-length");
    header.and(length).and(warp::body::stream()).then(
        move |sent: Option<String>, length: Option<u64>, chunks| async move {
            let essence = sent.as_deref().unwrap_or_default().split(';').next().unwrap_or_default();
            if !essence.trim().eq_ignore_ascii_case(media_type) {
                let detail = format!("The body must be sent as `Content-Type: {media_type}`.");
                let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
                return Err(Refusal::new(status, "unsupported_media_type", detail));
            }
            if length.is_some_and(|length| length > BODY_MAX as u64) {
                return Err(too_large());
            }
            match tokio::time::timeout(BODY_TIMEOUT, collect(chunks)).await {
                Ok(body) => body,
                Err(_) => Err(Refusal::new(
                    StatusCode::REQUEST_TIMEOUT,
                    "request_timeout",
                    "The body took too long to arrive.",
                )),
            }
        },
    )
}

/// Counts what comes, for a chunked body announces no length.
async fn collect<B: Buf>(
    chunks: impl Stream<Item = Result<B, warp::Error>>,
) -> Result<Bytes, Refusal> {
    let mut body = BytesMut::new();
    let mut chunks = std::pin::pin!(chunks);
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| Refusal::bad_request("The body ended too early."))?;
        if body.len() + chunk.remaining() > BODY_MAX {
            return Err(too_large());
        }
        body.put(chunk);
    }
    Ok(body.freeze())
}

fn too_large() -> Refusal {
    let detail = format!("The body must not be longer than {BODY_MAX} bytes.");
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "content_too_large", detail)
}

/// The query string, read parameter by parameter.
pub fn query<T: FromQuery + Send + 'static>() -> BoxedFilter<(T,)> {
    let raw = warp::query::raw().or(warp::any().map(String::new)).unify();
    warp::path::full()
        .and(raw)
        .and_then(|path: warp::path::FullPath, raw: String| {
            let parsed = T::from_query(&Query::new(path.as_str(), &raw));
            ready(parsed.map_err(reject::custom))
        })
        .boxed()
}

/// Passes only paths that begin with this segment.
pub(super) fn first_segment(segment: &'static str) -> BoxedFilter<()> {
    warp::path::peek()
        .and_then(move |rest: Peek| {
            let is_it = rest.segments().next() == Some(segment);
            ready(if is_it { Ok(()) } else { Err(reject::not_found()) })
        })
        .untuple_one()
        .boxed()
}

/// Passes nothing.
pub(super) fn nothing() -> BoxedFilter<(Response,)> {
    warp::any().and_then(|| ready(Err::<Response, _>(reject::not_found()))).boxed()
}

/// Turns what no route answered into a response: the only `recover` there is.
///
/// A guard's refusal wins over a sibling's wrong method, and that over an unknown path.
pub(super) async fn recover(rejection: Rejection) -> Result<Response, Infallible> {
    use warp::reject::{InvalidHeader, MethodNotAllowed};
    use warp::reply::Reply;

    let refusal = if let Some(refusal) = rejection.find::<Refusal>() {
        refusal.clone()
    } else if rejection.find::<MethodNotAllowed>().is_some() {
        let detail = "This path does not answer that method; `Allow` lists those it answers.";
        Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
    } else if rejection.is_not_found() {
        Refusal::not_found("There is nothing at this path; /docs lists every call.")
    } else if rejection.find::<InvalidHeader>().is_some() {
        Refusal::bad_request("A header cannot be read.")
    } else {
        Refusal::internal(format!("unexpected rejection: {rejection:?}"))
    };
    Ok(refusal.into_response())
}
