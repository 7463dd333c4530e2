//! The auth service, as far as the shop needs it: registering and unregistering users.

use std::sync::OnceLock;
use std::time::Duration;

use chassis::config::{BaseUrl, RegistrationClient};
use chassis::edge::{ClientAddress, Correlation, address};
use chassis::trace::Call;
use proto::registration::RegisterCredentialsRequest;
use proto::{Problem, UserId};
use reqwest::header::HeaderMap;
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
    url: BaseUrl,
    timeout: Duration,
    client: RegistrationClient,
}

/// What is called.
struct Endpoint {
    method: Method,
    template: &'static str,
}

const REGISTER: Endpoint = Endpoint { method: Method::POST, template: "/credentials" };
const UNREGISTER: Endpoint = Endpoint { method: Method::DELETE, template: "/credentials/{id}" };

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
            url: config.auth_url.clone(),
            timeout: config.auth_timeout,
            client: config.token.registration_client.clone(),
        }
    }

    /// `POST /credentials`, for somebody at this address.
    pub async fn register(
        &self,
        user: &RegisterCredentialsRequest<'_>,
        correlation: &Correlation,
        client: ClientAddress,
    ) -> Result<Registration, Error> {
        let request = self.request(&REGISTER, "/credentials")?;
        let request = request.header(address::FORWARDED_FOR, client.ip().to_string()).json(user);
        match self.call(&REGISTER, request, correlation).await? {
            (StatusCode::CREATED, _) => Ok(Registration::Done),
            (StatusCode::CONFLICT, Some(problem)) if problem.code == "unregistered" => {
                Ok(Registration::IdUnregistered)
            }
            (StatusCode::CONFLICT, Some(_)) => Ok(Registration::Taken),
            (StatusCode::UNPROCESSABLE_ENTITY, Some(problem)) => {
                Err(Error::RefusedByAuth(problem.errors))
            }
            (status, problem) => Err(REGISTER.unexpected(status, problem)),
        }
    }

    /// `DELETE /credentials/{id}`.
    pub async fn unregister(&self, user: UserId, correlation: &Correlation) -> Result<(), Error> {
        let request = self.request(&UNREGISTER, &format!("/credentials/{user}"))?;
        match self.call(&UNREGISTER, request, correlation).await? {
            (StatusCode::NO_CONTENT, _) => Ok(()),
            (status, problem) => Err(UNREGISTER.unexpected(status, problem)),
        }
    }

    /// What auth answers, read to its end, in the time that a call may take with all its tries.
    async fn call(
        &self,
        endpoint: &Endpoint,
        request: RequestBuilder,
        correlation: &Correlation,
    ) -> Result<(StatusCode, Option<Problem>), Error> {
        let begin = || correlation.call(&endpoint.method, endpoint.template, &self.url);
        let answered = async {
            let answer = send(request, begin).await.map_err(no_answer)?;
            let status = answer.status();
            // A success is read, too: only then is the connection kept.
            let body = answer.bytes().await.unwrap_or_default();
            Ok((status, serde_json::from_slice(&body).ok()))
        };
        let late = |_| Error::Auth(format!("no answer within {:?}", self.timeout));
        tokio::time::timeout(self.timeout, answered).await.map_err(late)?
    }

    fn request(&self, endpoint: &Endpoint, path: &str) -> Result<RequestBuilder, Error> {
        let secret = std::str::from_utf8(self.client.secrets.first()).unwrap_or_default();
        // RFC 6749 §2.3.1: both are form-encoded before Basic joins them.
        let [id, secret] = [&*self.client.id, secret]
            .map(|text| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>());
        let url = format!("{}{path}", self.url.as_str());
        Ok(self.http()?.request(endpoint.method.clone(), url).basic_auth(id, Some(secret)))
    }

    fn http(&self) -> Result<&Client, Error> {
        if let Some(http) = self.http.get() {
            return Ok(http);
        }
        let http = Client::builder().pool_idle_timeout(IDLE).build().map_err(no_answer)?;
        Ok(self.http.get_or_init(|| http))
    }
}

/// Sends a request, and once more if no answer came; each try is a call of its own in the trace.
async fn send(
    request: RequestBuilder,
    begin: impl Fn() -> (Call, HeaderMap),
) -> Result<Response, reqwest::Error> {
    for _ in 1..TRIES {
        if let Some(first) = request.try_clone()
            && let Ok(answer) = send_once(first, begin()).await
        {
            return Ok(answer);
        }
    }
    send_once(request, begin()).await
}

async fn send_once(
    request: RequestBuilder,
    (call, headers): (Call, HeaderMap),
) -> Result<Response, reqwest::Error> {
    let answer = request.headers(headers).send().await;
    match &answer {
        Ok(answer) => call.answered(answer.status()),
        Err(error) if error.is_connect() => call.failed("connect"),
        Err(_) => call.failed("no_answer"),
    }
    answer
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

impl Endpoint {
    fn unexpected(&self, status: StatusCode, problem: Option<Problem>) -> Error {
        let Self { method, template } = self;
        let detail = problem.map(|problem| problem.detail).unwrap_or_default();
        Error::Auth(format!("{method} {template} answered {status} {detail}"))
    }
}
