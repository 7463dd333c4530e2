//! The auth service, as far as the shop needs it: registering and unregistering users.

use std::sync::OnceLock;
use std::time::Duration;

use chassis::config::RegistrationClient;
use chassis::edge::{ClientAddress, RequestId, address, request_id};
use proto::registration::RegisterCredentialsRequest;
use proto::{Problem, UserId};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};

use crate::config::Config;
use crate::error::Error;

/// Connections that nobody used for this long are closed: well below the server's own limit, so
/// that none is closed at the moment it is used again.
const IDLE: Duration = Duration::from_secs(20);

/// How often a call is tried within its time when the connection breaks. Registering again with
/// the same attempt, and unregistering again, change nothing.
const TRIES: usize = 2;

/// Calls the auth service as its registration client.
pub struct Registrar {
    /// Built at first use: it loads the system's certificates.
    http: OnceLock<Client>,
    url: String,
    timeout: Duration,
    client: RegistrationClient,
}

/// What came of a registration that the auth service judged.
#[derive(Debug)]
pub enum Registration {
    /// The user can log in with this password.
    Done,
    /// Somebody else has the e-mail, or another try to register it.
    Taken,
    /// The id was unregistered; only a new one can be registered.
    IdUnregistered,
}

impl Registrar {
    /// Nothing is connected yet.
    pub fn new(config: &Config) -> Self {
        Self {
            http: OnceLock::new(),
            url: config.auth_url.as_str().to_owned(),
            timeout: config.auth_timeout,
            client: config.token.registration_client.clone(),
        }
    }

    /// `POST /credentials`, for somebody at this address.
    pub async fn register(
        &self,
        user: &RegisterCredentialsRequest<'_>,
        id: &RequestId,
        client: ClientAddress,
    ) -> Result<Registration, Error> {
        let request = self.request(Method::POST, "/credentials")?;
        let request = request
            .header(request_id::HEADER, id.header())
            .header(address::FORWARDED_FOR, client.ip().to_string())
            .json(user);
        match self.call(request).await? {
            (StatusCode::CREATED, _) => Ok(Registration::Done),
            (StatusCode::CONFLICT, Some(problem)) if problem.code == "unregistered" => {
                Ok(Registration::IdUnregistered)
            }
            (StatusCode::CONFLICT, Some(_)) => Ok(Registration::Taken),
            (StatusCode::UNPROCESSABLE_ENTITY, Some(problem)) => {
                Err(Error::RefusedByAuth(problem.errors))
            }
            (status, problem) => Err(unexpected("POST /credentials", status, problem)),
        }
    }

    /// `DELETE /credentials/{id}`.
    pub async fn unregister(&self, user: UserId) -> Result<(), Error> {
        let request = self.request(Method::DELETE, &format!("/credentials/{user}"))?;
        match self.call(request).await? {
            (StatusCode::NO_CONTENT, _) => Ok(()),
            (status, problem) => Err(unexpected("DELETE /credentials", status, problem)),
        }
    }

    /// What auth answers, read to its end, in the time that a call may take with all its tries.
    async fn call(&self, request: RequestBuilder) -> Result<(StatusCode, Option<Problem>), Error> {
        let answered = async {
            let answer = send(request).await.map_err(no_answer)?;
            let status = answer.status();
            // A success is read, too: only then is the connection kept.
            let body = answer.bytes().await.unwrap_or_default();
            Ok((status, serde_json::from_slice(&body).ok()))
        };
        let late = |_| Error::Auth(format!("no answer within {:?}", self.timeout));
        tokio::time::timeout(self.timeout, answered).await.map_err(late)?
    }

    fn request(&self, method: Method, path: &str) -> Result<RequestBuilder, Error> {
        let secret = std::str::from_utf8(self.client.secrets.first()).unwrap_or_default();
        // RFC 6749 §2.3.1: both are form-encoded before Basic joins them.
        let [id, secret] = [&*self.client.id, secret]
            .map(|text| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>());
        let url = format!("{}{path}", self.url);
        Ok(self.http()?.request(method, url).basic_auth(id, Some(secret)))
    }

    fn http(&self) -> Result<&Client, Error> {
        if let Some(http) = self.http.get() {
            return Ok(http);
        }
        let http = Client::builder().pool_idle_timeout(IDLE).build().map_err(no_answer)?;
        Ok(self.http.get_or_init(|| http))
    }
}

/// Sends a request, and once more if no answer came.
async fn send(request: RequestBuilder) -> Result<Response, reqwest::Error> {
    for _ in 1..TRIES {
        if let Some(first) = request.try_clone()
            && let Ok(answer) = first.send().await
        {
            return Ok(answer);
        }
    }
    request.send().await
}

/// The whole chain of causes; the topmost only says that the request failed.
fn no_answer(error: reqwest::Error) -> Error {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    Error::Auth(text)
}

fn unexpected(call: &str, status: StatusCode, problem: Option<Problem>) -> Error {
    let detail = problem.map(|problem| problem.detail).unwrap_or_default();
    Error::Auth(format!("{call} answered {status} {detail}"))
}
