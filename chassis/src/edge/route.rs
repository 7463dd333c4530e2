//! A route that reads as a sentence, and the table of all.
//!
//! ```text
//! path!("orders").and(post()).and(customer(shop)).and(json()).and(with(shop)).then(place)
//!     .named("POST /orders")
//! ```
//!
//! Always in this order: path, method, caller, body, state, handler, name. The path first, for
//! method first would turn an unknown path into a 405.

use std::convert::Infallible;
use std::sync::Arc;

use warp::filters::BoxedFilter;
use warp::reply::{Reply, Response};
use warp::{Filter, Rejection};

use super::guard;
use super::refusal::Refusal;

/// One endpoint or several: a boxed filter, and the names of what it answers.
///
/// Boxed, for unboxed chains of some 20 routes take minutes to compile.
#[derive(Clone)]
pub struct Route {
    pub(super) filter: BoxedFilter<(Response,)>,
    pub(super) endpoints: Vec<Endpoint>,
}

/// A method and the template of a path: `GET /orders/{id}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoint(pub &'static str);

/// The endpoint that answered, left in its response for metrics and logs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answered(pub(super) Endpoint);

impl Endpoint {
    /// The method's name.
    pub fn method(self) -> &'static str {
        self.0.split_once(' ').map_or("", |(method, _)| method)
    }

    /// The path's template.
    pub fn template(self) -> &'static str {
        self.0.split_once(' ').map_or("", |(_, template)| template)
    }

    /// Whether `path` is of this template; an `{id}` is a UUID, so `/user/me` is none, and any
    /// other `{name}` whatever stands there.
    fn covers(self, path: &str) -> bool {
        let mut segments = path.strip_suffix('/').unwrap_or(path).split('/');
        let fits = self.template().trim_end_matches('/').split('/').all(|part| {
            match (part, segments.next()) {
                ("{id}", Some(segment)) => proto::id::parse(segment).is_ok(),
                (part, Some(segment)) if part.starts_with('{') => !segment.is_empty(),
                (part, segment) => segment == Some(part),
            }
        });
        fits && segments.next().is_none()
    }
}

impl Route {
    /// The names of what it answers.
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// Skips these routes at once where a path does not begin with `segment`: a search by the
    /// first segment costs less than half of one through all routes.
    pub fn under(self, segment: &'static str) -> Self {
        let filter = guard::first_segment(segment).and(self.filter).boxed();
        Self { filter, endpoints: self.endpoints }
    }

    /// The methods that it answers at `path`, as `Allow` lists them.
    pub(super) fn allowed(&self, path: &str) -> String {
        let mut methods = Vec::new();
        for endpoint in self.endpoints.iter().filter(|endpoint| endpoint.covers(path)) {
            methods.push(endpoint.method());
            if endpoint.method() == "GET" {
                methods.push("HEAD");
            }
        }
        methods.join(", ")
    }
}

/// The last word of a route's sentence.
pub trait Named {
    /// Names the endpoint: a method and the template of its path.
    fn named(self, name: &'static str) -> Route;
}

impl<F, R, E> Named for F
where
    F: Filter<Extract = (Result<R, E>,), Error = Rejection> + Clone + Send + Sync + 'static,
    R: Reply,
    E: Into<Refusal>,
{
    fn named(self, name: &'static str) -> Route {
        let endpoint = Endpoint(name);
        let filter = self.map(move |result: Result<R, E>| {
            let mut response = match result {
                Ok(reply) => reply.into_response(),
                Err(error) => error.into().into_response(),
            };
            response.extensions_mut().insert(Answered(endpoint));
            response
        });
        Route { filter: filter.boxed(), endpoints: vec![endpoint] }
    }
}

/// Several routes as one; the first that matches answers.
pub fn any_of(routes: impl IntoIterator<Item = Route>) -> Route {
    let none = || Route { filter: guard::nothing(), endpoints: Vec::new() };
    let either = |first: Route, second: Route| Route {
        filter: first.filter.or(second.filter).unify().boxed(),
        endpoints: first.endpoints.into_iter().chain(second.endpoints).collect(),
    };
    routes.into_iter().reduce(either).unwrap_or_else(none)
}

/// The service's state, as a handler's last argument.
pub fn with<S: Send + Sync + 'static>(
    state: &Arc<S>,
) -> impl Filter<Extract = (Arc<S>,), Error = Infallible> + Clone + use<S> {
    let state = Arc::clone(state);
    warp::any().map(move || Arc::clone(&state))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_covers_its_paths_and_no_others() {
        let endpoint = Endpoint("DELETE /user/{id}");

        assert!(Endpoint("GET /user/").covers("/user") && Endpoint("GET /user/").covers("/user/"));
        assert!(endpoint.covers("/user/01909d3e-5f4a-7000-8000-000000000000"));
        assert!(endpoint.covers("/user/01909d3e-5f4a-7000-8000-000000000000/"));
        for other in
            ["/user/me", "/user", "/user/", "/", "/user/01909d3e-5f4a-7000-8000-000000000000/x"]
        {
            assert!(!endpoint.covers(other), "{other}");
        }
    }
}
