//! Calling through a client.

use devstack_testkit::Answer;
use devstack_testkit::http::Call;

use crate::auth::{Auth, CLIENT, CLIENT_SECRET, Machine, PASSWORD, encoded};

impl Machine {
    /// The call, authenticated by Basic.
    pub(crate) fn sign(&self, call: Call) -> Call {
        call.basic(&self.id, &self.secret)
    }

    /// `POST /token` by the client credentials grant.
    pub(crate) async fn grant(&self, auth: &Auth) -> Answer {
        self.sign(auth.token(&[("grant_type", "client_credentials")])).send().await
    }

    /// An access token of its own.
    pub(crate) async fn access(&self, auth: &Auth) -> String {
        access_token(&self.grant(auth).await)
    }

    /// `POST /token` by the password grant, through it.
    pub(crate) async fn login(&self, auth: &Auth, email: &str) -> Answer {
        let form = [("grant_type", "password"), ("username", email), ("password", PASSWORD)];
        self.sign(auth.token(&form)).send().await
    }

    /// `POST /token` by the refresh grant, through it.
    pub(crate) async fn refresh(&self, auth: &Auth, refresh_token: &str) -> Answer {
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
        self.sign(auth.token(&form)).send().await
    }
}

/// The registration client, which the harness configures.
pub(crate) fn registration() -> Machine {
    Machine { id: CLIENT.to_owned(), secret: encoded(CLIENT_SECRET) }
}

/// The access token of a 200.
#[track_caller]
pub(crate) fn access_token(answer: &Answer) -> String {
    answer.expect(200)["access_token"].as_str().unwrap().to_owned()
}

/// That no client was authenticated, and how one would be.
#[track_caller]
pub(crate) fn expect_invalid_client(answer: &Answer) {
    answer.expect_oauth_error(401, "invalid_client");
    let challenge = "Basic realm=\"auth-service\", charset=\"UTF-8\"";
    assert_eq!(answer.header("www-authenticate"), Some(challenge), "{answer:?}");
}

/// The names of an object's members, sorted.
#[track_caller]
pub(crate) fn members(object: &serde_json::Value) -> Vec<&str> {
    let mut names: Vec<&str> = object.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}
