//! The service of a test: in this process, on ports of its own, with a database of its own.

use std::time::Duration;

use argon2::Params;
use auth_service::command::migrations;
use auth_service::config::{Config, HashingConfig};
use chassis::Server;
use chassis::config::{DatabaseConfig, HttpConfig, Origins, RegistrationClient, TokenConfig};
use devstack_postgres::testing::{TestDatabase, database_from_template};
use devstack_testkit::http::Call;
use devstack_testkit::{Answer, Api, database, eventually};
use proto::{UserId, Verifier};
use serde_json::{Value, json};
use tokio_postgres::Client;
use tokio_util::sync::{CancellationToken, DropGuard};

/// The first of `TOKEN_SECRETS`, which signs.
pub(crate) const SECRET: &str = "the secret that signs the tokens of these tests";
/// The second, which only verifies.
pub(crate) const OLD_SECRET: &str = "the secret that signed the tokens before these tests";
/// The registration client's id.
pub(crate) const CLIENT: &str = "shop-service";
/// The first of its secrets, with everything that Basic and a form must encode.
pub(crate) const CLIENT_SECRET: &str = "the secret: of the shop & 100% of thirty-two bytes";
/// Another of its secrets.
pub(crate) const OLD_CLIENT_SECRET: &str = "the-old-secret-of-the-shop-in-these-tests";
/// A password that is hard to guess.
pub(crate) const PASSWORD: &str = "correct horse battery staple";
/// Another.
pub(crate) const OTHER_PASSWORD: &str = "purple monkey dishwasher lamp";
/// Whose tokens these are.
pub(crate) const ISSUER: &str = "https://auth.example";
/// A page that may call.
pub(crate) const ORIGIN: &str = "https://shop.example";

/// The service, running until this value is dropped.
pub(crate) struct Auth {
    /// Its public side.
    pub(crate) api: Api,
    /// Its ops port.
    pub(crate) ops: Api,
    _running: DropGuard,
    database: TestDatabase,
}

/// Somebody who can log in with [`PASSWORD`].
pub(crate) struct User {
    /// The user's id.
    pub(crate) id: String,
    /// The user's e-mail.
    pub(crate) email: &'static str,
}

/// A database that is migrated.
pub(crate) async fn migrated() -> TestDatabase {
    database_from_template("auth", async |url| {
        migrations().apply(&at(&url)).await.unwrap();
    })
    .await
}

fn at(url: &str) -> DatabaseConfig {
    DatabaseConfig { postgres: url.parse().unwrap(), pool_size: 8, migrate_on_start: true }
}

/// The configuration for a service on this database.
pub(crate) fn config(url: &str) -> Config {
    let any_port = "127.0.0.1:0".parse().unwrap();
    let registration_client = RegistrationClient {
        id: CLIENT.to_owned(),
        secrets: format!("{CLIENT_SECRET},{OLD_CLIENT_SECRET}").parse().unwrap(),
    };
    Config {
        http: HttpConfig {
            listen_addr: any_port,
            ops_addr: any_port,
            cors_allowed_origins: ORIGIN.parse::<Origins>().unwrap(),
            trusted_proxies: "127.0.0.0/8".parse().unwrap(),
            max_connections: 64,
            shutdown_grace: Duration::from_secs(5),
        },
        database: at(url),
        token: TokenConfig {
            secrets: format!("{SECRET},{OLD_SECRET}").parse().unwrap(),
            issuer: ISSUER.parse().unwrap(),
            audience: "shop".to_owned(),
            registration_client,
        },
        access_token_ttl: Duration::from_secs(90),
        refresh_token_ttl: Duration::from_secs(3600),
        refresh_grace: Duration::from_secs(10),
        network_failures: 1000,
        hashing: HashingConfig { params: cost(64, 1), concurrency: 2, queue: 256 },
    }
}

/// Argon2's parameters: memory in KiB, and passes.
pub(crate) fn cost(memory: u32, passes: u32) -> Params {
    Params::new(memory, passes, 1, None).unwrap()
}

impl Auth {
    /// The service, ready.
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// The service with another configuration, ready.
    pub(crate) async fn start_with(adjust: impl FnOnce(&mut Config)) -> Self {
        let auth = Self::start_on(migrated().await, adjust).await;
        auth.is_ready().await;
        auth
    }

    /// The service on this database, not ready perhaps.
    pub(crate) async fn start_on(database: TestDatabase, adjust: impl FnOnce(&mut Config)) -> Self {
        let mut config = config(database.url());
        adjust(&mut config);
        let server = Server::bind(config.http.clone()).await.unwrap();
        let (api, ops) = (Api::at(server.addr()), Api::at(server.ops_addr()));
        let shutdown = CancellationToken::new();
        let service = auth_service::service(&config).unwrap();
        tokio::spawn(server.run(service, shutdown.clone()));
        Self { api, ops, _running: shutdown.drop_guard(), database }
    }

    /// Waits until it is.
    pub(crate) async fn is_ready(&self) {
        eventually("the service is ready", async || {
            let answer = self.ops.get("/health/ready").send().await;
            (answer.status == 200).then_some(())
        })
        .await;
    }

    /// `POST /credentials` as the shop does.
    pub(crate) async fn credentials(&self, body: &Value) -> Answer {
        self.api.post("/credentials").basic(CLIENT, &encoded(CLIENT_SECRET)).json(body).send().await
    }

    /// Registers somebody.
    pub(crate) async fn register(&self, email: &'static str) -> User {
        let id = UserId::generate().to_string();
        let body = json!({ "id": id, "email": email, "password": PASSWORD });
        self.credentials(&body).await.expect(201);
        User { id, email }
    }

    /// `DELETE /credentials/{id}` as the shop does.
    pub(crate) async fn unregister(&self, id: &str) -> Answer {
        let call = self.api.delete(&format!("/credentials/{id}"));
        call.basic(CLIENT, &encoded(CLIENT_SECRET)).send().await
    }

    /// `POST /token` with this form.
    pub(crate) fn token(&self, form: &[(&str, &str)]) -> Call {
        self.api.post("/token").form(form)
    }

    /// `POST /token` by the password grant.
    pub(crate) async fn password_grant(&self, email: &str, password: &str) -> Answer {
        let form = [("grant_type", "password"), ("username", email), ("password", password)];
        self.token(&form).send().await
    }

    /// `POST /login`.
    pub(crate) async fn login(&self, email: &str, password: &str) -> Answer {
        let form = [("username", email), ("password", password)];
        self.api.post("/login").form(&form).send().await
    }

    /// A connection to the service's database.
    pub(crate) async fn database(&self) -> Client {
        database::connect(self.database.url()).await
    }

    /// Executes statements in the service's database.
    pub(crate) async fn sql(&self, statements: &str) {
        self.database().await.batch_execute(statements).await.unwrap();
    }
}

/// A value as RFC 6749 §2.3.1 wants it in a Basic header.
pub(crate) fn encoded(secret: &str) -> String {
    form_urlencoded::byte_serialize(secret.as_bytes()).collect()
}

/// What the shop verifies tokens with.
pub(crate) fn verifier() -> Verifier {
    Verifier::new(&SECRET.parse().unwrap(), ISSUER, "shop")
}

/// The parts of a token that anybody can read: its header and its claims.
pub(crate) fn decoded(token: &str) -> (Value, Value) {
    use base64::Engine;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;

    let parts: Vec<&str> = token.split('.').collect();
    assert_eq!(parts.len(), 3, "{token}");
    let json =
        |part| serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    (json(parts[0]), json(parts[1]))
}
