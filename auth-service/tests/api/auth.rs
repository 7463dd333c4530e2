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
    running: Vec<DropGuard>,
    database: TestDatabase,
}

/// Somebody's tokens.
#[derive(Clone)]
pub(crate) struct Tokens {
    /// The access token.
    pub(crate) access: String,
    /// The refresh token.
    pub(crate) refresh: String,
    /// The session's id.
    pub(crate) session: String,
}

/// A client beside the registration client.
pub(crate) struct Machine {
    /// Its id.
    pub(crate) id: String,
    /// Its secret.
    pub(crate) secret: String,
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
    DatabaseConfig {
        postgres: url.parse().unwrap(),
        roots: None,
        pool_size: 8,
        migrate_on_start: true,
    }
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
        hashing: HashingConfig { params: cost(64, 1), pepper: None, concurrency: 2, queue: 256 },
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
        let (api, ops, running) = replica(&database, adjust).await;
        Self { api, ops, running: vec![running], database }
    }

    /// One more replica on the same database, ready: its public side.
    pub(crate) async fn another(&mut self, adjust: impl FnOnce(&mut Config)) -> Api {
        let (api, ops, running) = replica(&self.database, adjust).await;
        self.running.push(running);
        eventually("the replica is ready", async || {
            (ops.get("/health/ready").send().await.status == 200).then_some(())
        })
        .await;
        api
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

    /// Logs in with [`PASSWORD`]; who has registered can.
    pub(crate) async fn tokens(&self, user: &User) -> Tokens {
        Tokens::of(&self.login(user.email, PASSWORD).await)
    }

    /// `POST /token` by the refresh grant.
    pub(crate) async fn refresh(&self, refresh_token: &str) -> Answer {
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
        self.token(&form).send().await
    }

    /// `POST /introspect` as the registration client.
    pub(crate) async fn introspect(&self, token: &str) -> Value {
        let call = self.api.post("/introspect").form(&[("token", token)]);
        call.basic(CLIENT, &encoded(CLIENT_SECRET)).send().await.expect(200)
    }

    /// A client with these scopes, made by an administrator.
    pub(crate) async fn client(&self, id: &str, scopes: &[&str]) -> Machine {
        let admin = self.admin().await;
        let body = json!({ "id": id, "scopes": scopes });
        let call = self.api.post("/admin/clients").bearer(&admin.access).json(&body);
        let created = call.send().await.expect(201);
        Machine { id: id.to_owned(), secret: created["secret"].as_str().unwrap().to_owned() }
    }

    /// An administrator's tokens: of a user of the test's own, with every scope.
    pub(crate) async fn admin(&self) -> Tokens {
        let id = UserId::generate().to_string();
        let email = format!("admin-{id}@example.com");
        let body = json!({ "id": id, "email": email, "password": PASSWORD });
        self.credentials(&body).await.expect(201);
        let scopes = "{shop,shop:admin,auth:admin,auth:register}";
        self.sql(&format!("UPDATE credentials SET scopes = '{scopes}' WHERE id = '{id}'")).await;
        Tokens::of(&self.login(&email, PASSWORD).await)
    }

    /// The audit log's entries of this event, the oldest first.
    pub(crate) async fn audited(&self, event: &str) -> Vec<Value> {
        let database = self.database().await;
        let sql = "SELECT jsonb_build_object('user_id', user_id, 'client_id', client_id,
                'email', email, 'address', address, 'detail', detail)
            FROM audit WHERE event = $1 ORDER BY id";
        let rows = database.query(sql, &[&event]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
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

impl Tokens {
    /// The tokens of a 200.
    pub(crate) fn of(answer: &Answer) -> Self {
        let body = answer.expect(200);
        let text = |name: &str| body[name].as_str().unwrap().to_owned();
        let access = text("access_token");
        let session = decoded(&access).1["sid"].as_str().unwrap().to_owned();
        Self { access, refresh: text("refresh_token"), session }
    }
}

async fn replica(
    database: &TestDatabase,
    adjust: impl FnOnce(&mut Config),
) -> (Api, Api, DropGuard) {
    let mut config = config(database.url());
    adjust(&mut config);
    let server = Server::bind(config.http.clone()).await.unwrap();
    let (api, ops) = (Api::at(server.addr()), Api::at(server.ops_addr()));
    let shutdown = CancellationToken::new();
    let service = auth_service::service(&config).unwrap();
    tokio::spawn(server.run(service, shutdown.clone()));
    (api, ops, shutdown.drop_guard())
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
