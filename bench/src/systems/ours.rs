//! auth-service and shop-service, configured as they are for anybody; only the line that they log
//! for each request is off, as it is with the peers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use proto::claims::{self, AccessTokenClaims, PUBLIC_CLIENT, TYP};
use proto::{Scope, Scopes, SecretList};
use time::OffsetDateTime;
use tokio::process::Command;
use uuid::Uuid;

use super::binaries::Binaries;
use super::postgres::Postgres;
use super::process::{Greeting, Process, free_address, output};
use super::site::{Dialect, MACHINE, PASSWORD, Site, Stock, email, user_id};
use crate::load::connection::Connection;
use crate::scenarios::request::Request;
use crate::seed;

/// As the services have it where nothing is configured.
pub(crate) const ISSUER: &str = "http://localhost:9000";
/// Likewise.
pub(crate) const AUDIENCE: &str = "shop";

/// Longer than any run.
const TOKEN_TTL: time::Duration = time::Duration::hours(12);

/// Both services, filled and ready.
pub(crate) struct Ours {
    pub(crate) site: Arc<Site>,
    pub(crate) auth: Process,
    pub(crate) shop: Process,
}

/// What both services share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) token_secret: String,
    registration_secret: String,
}

impl Shared {
    pub(crate) fn generate() -> Result<Self> {
        let secret = || SecretList::generate().context("no random bytes");
        Ok(Self { token_secret: secret()?, registration_secret: secret()? })
    }
}

/// Starts both on the databases `{name}_auth` and `{name}_shop`, which it creates and fills.
pub(crate) async fn start(
    binaries: &Binaries,
    postgres: &Postgres,
    shared: &Shared,
    name: &str,
    stock: Stock,
    log: &str,
) -> Result<Ours> {
    let [auth_database, shop_database] = ["auth", "shop"].map(|part| format!("{name}_{part}"));
    let command = |binary, database: &str| {
        let mut command = Command::new(binary);
        command
            .env("DATABASE_URL", postgres.url(database))
            .env("TOKEN_SECRETS", &shared.token_secret)
            .env("REGISTRATION_CLIENT_SECRET", &shared.registration_secret)
            .env("RUST_LOG", log);
        command
    };
    for (binary, database) in [(&binaries.auth, &auth_database), (&binaries.shop, &shop_database)] {
        postgres.create(database).await?;
        output(command(binary, database).arg("migrate")).await?;
    }
    seed::fill_auth(postgres, &auth_database, stock).await?;
    seed::fill_shop(postgres, &shop_database, stock).await?;
    let mut create = command(&binaries.auth, &auth_database);
    create.args(["client", "create", MACHINE, "--scope", "shop"]);
    let machine_secret = output(&mut create).await?.trim().to_owned();

    let (auth_address, shop_address) = (free_address()?, free_address()?);
    let serve = |binary, database, address: &std::net::SocketAddr| {
        let mut command = command(binary, database);
        command.arg("serve").env("LISTEN_ADDR", address.to_string()).env("OPS_ADDR", "127.0.0.1:0");
        command
    };
    let auth = serve(&binaries.auth, &auth_database, &auth_address);
    let mut shop = serve(&binaries.shop, &shop_database, &shop_address);
    shop.env("AUTH_URL", format!("http://{auth_address}"));

    let mut site = Site::new(Dialect::Latchkey, auth_address, shop_address, stock);
    site.tokens = tokens(&shared.token_secret, stock)?;
    site.machine_secret = machine_secret;
    site.database = shop_database;
    let greeting = Greeting { to: auth_address, request: Request::machine_token(&site) };
    let auth = Process::start(&format!("{name}-auth"), auth, greeting).await?;
    let greeting = Greeting { to: shop_address, request: Request::products() };
    let shop = Process::start(&format!("{name}-shop"), shop, greeting).await?;
    Ok(Ours { site: Arc::new(site), auth, shop })
}

impl Ours {
    /// Both, started anew.
    pub(crate) async fn restart(&mut self) -> Result<()> {
        self.auth.restart().await?;
        self.shop.restart().await
    }

    /// Their processes.
    pub(crate) fn servers(&self) -> Vec<u32> {
        vec![self.auth.pid(), self.shop.pid()]
    }
}

/// Starts the shop alone, and says how long it took until it answered from its database.
pub(crate) async fn cold_start(
    binaries: &Binaries,
    postgres: &Postgres,
    shared: &Shared,
    database: &str,
) -> Result<Duration> {
    let address = free_address()?;
    let mut command = Command::new(&binaries.shop);
    command
        .arg("serve")
        .env("DATABASE_URL", postgres.url(database))
        .env("TOKEN_SECRETS", &shared.token_secret)
        .env("REGISTRATION_CLIENT_SECRET", &shared.registration_secret)
        .env("LISTEN_ADDR", address.to_string())
        .env("OPS_ADDR", "127.0.0.1:0");
    let started = Instant::now();
    let greeting = Greeting { to: address, request: Request::products() };
    let shop = Process::start("cold-shop", command, greeting).await?;
    let took = started.elapsed();
    shop.stop().await;
    Ok(took)
}

/// Logs so many customers in, from the last one on.
pub(crate) async fn log_in(site: &Site, count: usize) -> Result<()> {
    let mut http = Connection::to(site.auth);
    for user in (1..=site.stock.users).rev().take(count) {
        let body = http.call(&Request::login(&email(user), PASSWORD), 200).await?;
        let session = serde_json::from_slice(body)?;
        site.sessions.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(session);
    }
    Ok(())
}

/// Tokens as auth would give them: logging everybody in would take a hash each.
fn tokens(secret: &str, stock: Stock) -> Result<Vec<String>> {
    let secrets: SecretList = secret.parse()?;
    let key = EncodingKey::from_secret(secrets.first());
    let mut header = Header::new(Algorithm::HS256);
    header.typ = Some(TYP.to_owned());
    header.kid = Some(claims::kid(secrets.first()));
    #[expect(clippy::disallowed_methods, reason = "asked once, where the bench begins")]
    let now = OffsetDateTime::now_utc();
    let token = |user| {
        let claims = AccessTokenClaims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: user_id(user),
            client_id: PUBLIC_CLIENT.to_owned(),
            iat: now.unix_timestamp(),
            exp: (now + TOKEN_TTL).unix_timestamp(),
            jti: Uuid::now_v7(),
            scope: Scopes::from_iter([Scope::Shop]),
            email: email(user).parse().ok(),
            sid: Some(Uuid::now_v7()),
        };
        Ok(encode(&header, &claims, &key)?)
    };
    (0..stock.users / stock.every).map(|met| token(1 + met * stock.every)).collect()
}
