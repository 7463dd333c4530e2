//! Calling `/admin` as an administrator.

use devstack_testkit::Answer;
use serde_json::Value;

use crate::auth::{Auth, Tokens};

/// The service, and somebody who administers it.
pub(crate) struct Admin {
    /// The service.
    pub(crate) auth: Auth,
    /// The administrator's tokens.
    pub(crate) tokens: Tokens,
}

impl Admin {
    /// A service with one user, who administers it.
    pub(crate) async fn start() -> Self {
        let auth = Auth::start().await;
        let tokens = auth.admin().await;
        Self { auth, tokens }
    }

    /// Who it is, as the audit log says.
    pub(crate) fn by(&self) -> String {
        let (_, claims) = crate::auth::decoded(&self.tokens.access);
        format!("user {}", claims["sub"].as_str().unwrap())
    }

    /// `GET path`.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.auth.api.get(path).bearer(&self.tokens.access).send().await
    }

    /// `POST path`.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.auth.api.post(path).bearer(&self.tokens.access).json(body).send().await
    }

    /// `PATCH path`, from an address of its own.
    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Answer {
        let call = self.auth.api.patch(path).bearer(&self.tokens.access).json(body);
        call.header("x-forwarded-for", "203.0.113.9").send().await
    }

    /// `DELETE path`.
    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.auth.api.delete(path).bearer(&self.tokens.access).send().await
    }

    /// Every page of a list, from this one on.
    pub(crate) async fn pages(&self, path: &str) -> Vec<Vec<Value>> {
        let (mut pages, mut next) = (Vec::new(), Some(path.to_owned()));
        while let Some(path) = next {
            assert!(pages.len() < 20, "no end: {pages:?}");
            let answer = self.get(&path).await;
            pages.push(answer.expect(200).as_array().unwrap().clone());
            next = answer.header("link").map(target);
        }
        pages
    }
}

/// Where a `Link` leads.
fn target(link: &str) -> String {
    link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_owned()
}
