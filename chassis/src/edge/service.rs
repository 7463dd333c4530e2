//! From hyper's request to warp's routes and back.
//!
//! What every answer needs is done here, after warp: a refusal is written, headers are added, the
//! line is logged, the metrics recorded. A handler runs in a task of its own to its end, so that
//! a client that hangs up cannot leave a change half done or a connection with a query on it; and
//! a panic in it is a 500 for its own client only.

use std::convert::Infallible;
use std::error::Error;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::header::{ALLOW, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, StatusCode};
use http_body::Body;
use proto::problem;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_service::Service as _;
use tracing::{Instrument, Span};
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::{Reply, Response};

use super::address::ClientAddress;
use super::guard::{self, Authorization};
use super::observation::Observation;
use super::refusal::Refusal;
use super::request_id::{self, RequestId};
use super::route::{Answered, Route};
use super::{cors, reply};
use crate::config::{Origins, Proxies};
use crate::health::Health;

/// How long a request may take from its first byte to its answer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Writes a refusal in a shape of its own for the paths that have one; `None` for the others.
pub type Shape = fn(path: &str, refusal: &Refusal) -> Option<Response>;

/// The service as hyper calls it.
#[derive(Clone)]
pub struct Edge(Arc<Inner>);

struct Inner {
    /// The routes, with an answer for what none of them answers.
    filter: BoxedFilter<(Response,)>,
    /// For `Allow`.
    route: Route,
    shape: Shape,
    origins: Origins,
    proxies: Proxies,
    /// Until it has started, every request gets a 503.
    health: Arc<Health>,
    /// Handlers that run, also those whose client has gone.
    tasks: TaskTracker,
    /// Whether requests are logged, counted and traced; those of the ops port are not.
    is_observed: bool,
}

/// When a request's first byte came.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Begun(pub(crate) Instant);

/// Tells a handler that nobody waits for its answer any more.
#[derive(Debug, Clone)]
pub struct ClientGone(pub CancellationToken);

impl Edge {
    /// The public side of a service.
    pub fn new(
        route: Route,
        shape: Shape,
        origins: Origins,
        proxies: Proxies,
        health: Arc<Health>,
    ) -> Self {
        Self::build(route, shape, (origins, proxies), health, true)
    }

    /// The ops side, which answers before the service has started and is not logged.
    pub(crate) fn ops(route: Route) -> Self {
        let health = Arc::new(Health::default());
        health.started();
        Self::build(route, |_, _| None, <_>::default(), health, false)
    }

    fn build(
        route: Route,
        shape: Shape,
        (origins, proxies): (Origins, Proxies),
        health: Arc<Health>,
        is_observed: bool,
    ) -> Self {
        let filter = route.filter.clone().recover(guard::recover).unify().boxed();
        let tasks = TaskTracker::new();
        let inner = Inner { filter, route, shape, origins, proxies, health, tasks, is_observed };
        Self(Arc::new(inner))
    }

    /// Handlers that run.
    pub(crate) fn tasks(&self) -> &TaskTracker {
        &self.0.tasks
    }

    /// The service for one connection.
    pub(crate) fn connection(&self, peer: SocketAddr) -> Connection {
        Connection { edge: Arc::clone(&self.0), peer }
    }
}

/// The service for one connection.
pub(crate) struct Connection {
    edge: Arc<Inner>,
    peer: SocketAddr,
}

impl<B> hyper::service::Service<Request<B>> for Connection
where
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + Sync + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn call(&self, request: Request<B>) -> Self::Future {
        Box::pin(answer(Arc::clone(&self.edge), self.peer, request))
    }
}

/// What must still be known of a request when it has been answered.
struct Asked {
    id: RequestId,
    method: Method,
    path: String,
    origin: Option<HeaderValue>,
    is_preflight: bool,
}

async fn answer<B>(
    edge: Arc<Inner>,
    peer: SocketAddr,
    mut request: Request<B>,
) -> Result<Response, Infallible>
where
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + Sync + 'static,
{
    let asked = Asked {
        id: RequestId::of(request.headers()),
        method: request.method().clone(),
        path: request.uri().path().to_owned(),
        origin: cors::listed_origin(&edge.origins, request.headers()),
        is_preflight: cors::is_preflight(request.method(), request.headers()),
    };
    let client = ClientAddress::of(peer.ip(), request.headers(), &edge.proxies);
    let observation = edge.is_observed.then(|| {
        Observation::begin(asked.id.clone(), &asked.method, request.headers(), client.ip())
    });
    if let Some(observation) = &observation {
        request.extensions_mut().insert(observation.correlation.clone());
    }
    request.extensions_mut().insert(client);
    // hyper writes no body for a HEAD, whatever it is given.
    if asked.method == Method::HEAD {
        *request.method_mut() = Method::GET;
    }
    let span = observation.as_ref().map_or(Span::none(), |observation| observation.span.clone());
    let response = if asked.is_preflight {
        reply::no_content()
    } else {
        run(&edge, request).instrument(span).await
    };
    Ok(edge.finish(&asked, observation, response))
}

/// Runs the routes in a task of their own.
async fn run<B>(edge: &Inner, mut request: Request<B>) -> Response
where
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + Sync + 'static,
{
    if !edge.health.has_started() {
        let detail = "The service is starting; try again soon.";
        return Refusal::unavailable(2, detail).into_response();
    }
    if let Err(refusal) = admit_one_authorization(&mut request) {
        return refusal.into_response();
    }
    let begun = request.extensions().get().map_or_else(Instant::now, |Begun(begun)| *begun);
    let gone = CancellationToken::new();
    request.extensions_mut().insert(ClientGone(gone.clone()));
    let answered = warp::service(edge.filter.clone()).call(request).in_current_span();
    let task = edge.tasks.spawn(answered);
    // Dropped when the client hangs up, or the time is over.
    let _gone = gone.drop_guard();
    match tokio::time::timeout_at(begun + REQUEST_TIMEOUT, task).await {
        Ok(Ok(Ok(response))) => response,
        Ok(Err(panic)) => Refusal::internal(panic).into_response(),
        Err(_) => Refusal::unavailable(5, "The request took too long.").into_response(),
    }
}

/// Two `Authorization` headers: nobody can say who calls.
fn admit_one_authorization<B>(request: &mut Request<B>) -> Result<(), Refusal> {
    let mut sent = request.headers().get_all(AUTHORIZATION).iter();
    let first = sent.next().cloned();
    if sent.next().is_some() {
        return Err(Refusal::bad_request("`Authorization` is given twice."));
    }
    if let Some(value) = first {
        request.extensions_mut().insert(Authorization(value));
    }
    Ok(())
}

impl Inner {
    /// Everything that an answer needs beyond what its handler made of it.
    fn finish(
        &self,
        asked: &Asked,
        observation: Option<Observation>,
        mut response: Response,
    ) -> Response {
        let endpoint = response.extensions_mut().remove::<Answered>();
        let refusal = response.extensions_mut().remove::<Refusal>();
        if let Some(refusal) = &refusal {
            response = self.write(asked, refusal);
        }
        if let Some(observation) = observation {
            let endpoint = endpoint.map(|Answered(endpoint)| endpoint);
            observation.end(endpoint, response.status(), refusal.as_ref());
        }
        response.headers_mut().insert(request_id::HEADER, asked.id.header());
        let headers = response.headers_mut();
        cors::decorate(&self.origins, asked.origin.clone(), asked.is_preflight, headers);
        response
    }

    fn write(&self, asked: &Asked, refusal: &Refusal) -> Response {
        let shaped = (self.shape)(&asked.path, refusal);
        let mut response = shaped.unwrap_or_else(|| {
            let mut response = reply::with_status(refusal.status(), &refusal.problem);
            let media_type = HeaderValue::from_static(problem::MEDIA_TYPE);
            response.headers_mut().insert(CONTENT_TYPE, media_type);
            response
        });
        for (name, value) in refusal.headers() {
            response.headers_mut().append(name, value.clone());
        }
        if refusal.status() == StatusCode::METHOD_NOT_ALLOWED
            && let Ok(allowed) = HeaderValue::try_from(self.route.allowed(&asked.path))
        {
            response.headers_mut().insert(ALLOW, allowed);
        }
        response
    }
}
