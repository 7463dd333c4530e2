//! Calling a service as a client does, and judging its answers.
//!
//! ```no_run
//! # async fn example(addr: std::net::SocketAddr) {
//! use devstack_testkit::Api;
//! use serde_json::json;
//!
//! let shop = Api::at(addr);
//! let user = shop.post("/user/").json(&json!({ "name": "Ann" })).send().await.expect(201);
//! shop.get("/user/me").bearer("wrong").send().await.expect_problem(401, "invalid_token");
//! # }
//! ```

mod answer;
mod raw;

use std::fmt::Display;
use std::net::SocketAddr;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Method, RequestBuilder, redirect};
use serde::Serialize;

pub use answer::Answer;
pub use raw::raw;

use crate::wait::DEADLINE;

/// A service, to be called.
#[derive(Debug, Clone)]
pub struct Api {
    addr: SocketAddr,
    client: Client,
}

impl Api {
    /// The service that listens at `addr`.
    ///
    /// # Panics
    /// When no HTTP client can be made.
    pub fn at(addr: SocketAddr) -> Self {
        // Tests speak plain HTTP, and loading the system's certificates would take longer than
        // most of them. Redirects are answers to be judged.
        let client = Client::builder()
            .tls_certs_only([])
            .no_proxy()
            .redirect(redirect::Policy::none())
            .timeout(DEADLINE)
            .build();
        match client {
            Ok(client) => Self { addr, client },
            Err(error) => panic!("no HTTP client: {error}"),
        }
    }

    /// Where the service listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `GET path`.
    pub fn get(&self, path: &str) -> Call {
        self.call(Method::GET, path)
    }

    /// `POST path`.
    pub fn post(&self, path: &str) -> Call {
        self.call(Method::POST, path)
    }

    /// `PUT path`.
    pub fn put(&self, path: &str) -> Call {
        self.call(Method::PUT, path)
    }

    /// `PATCH path`.
    pub fn patch(&self, path: &str) -> Call {
        self.call(Method::PATCH, path)
    }

    /// `DELETE path`.
    pub fn delete(&self, path: &str) -> Call {
        self.call(Method::DELETE, path)
    }

    /// Any other method.
    pub fn call(&self, method: Method, path: &str) -> Call {
        Call { request: self.client.request(method, format!("http://{}{path}", self.addr)) }
    }
}

/// A request that is not sent yet.
#[derive(Debug)]
#[must_use = "a call is made by `send`"]
pub struct Call {
    request: RequestBuilder,
}

impl Call {
    /// With a body of JSON.
    pub fn json(self, body: &impl Serialize) -> Self {
        Self { request: self.request.json(body) }
    }

    /// With a form, in this order and as often as given.
    pub fn form(self, parameters: &[(&str, &str)]) -> Self {
        Self { request: self.request.form(parameters) }
    }

    /// With a body of any media type.
    pub fn body(self, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { request: self.request.header(CONTENT_TYPE, media_type).body(body.into()) }
    }

    /// With an access token.
    pub fn bearer(self, token: impl Display) -> Self {
        Self { request: self.request.bearer_auth(token) }
    }

    /// With a client's id and secret, as they are.
    pub fn basic(self, id: &str, secret: &str) -> Self {
        Self { request: self.request.basic_auth(id, Some(secret)) }
    }

    /// With a header; a second one of the same name stands beside the first.
    pub fn header(self, name: &str, value: &str) -> Self {
        Self { request: self.request.header(name, value) }
    }

    /// Sends it.
    ///
    /// # Panics
    /// When no answer comes.
    pub async fn send(self) -> Answer {
        match self.try_send().await {
            Ok(answer) => answer,
            Err(error) => panic!("no answer: {error:?}"),
        }
    }

    /// Sends it where an answer may fail to come.
    ///
    /// # Errors
    /// When none comes: nobody listens, or the connection broke.
    pub async fn try_send(self) -> Result<Answer, reqwest::Error> {
        let response = self.request.send().await?;
        Ok(Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.bytes().await?.to_vec(),
        })
    }
}
