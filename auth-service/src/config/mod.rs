//! The auth service's configuration: the sections every service has, and its own.

mod hashing;

use std::time::Duration;

use chassis::config::{
    DatabaseConfig, DatabaseSettings, Faults, HttpConfig, HttpSettings, LogSettings, TokenConfig,
    TokenSettings,
};
use clap::Args;
use hashing::HashingSettings;
pub(crate) use hashing::cores;
pub use hashing::{HashingConfig, MEMORY_MAX_KIB};

/// The public and the ops address where none is given.
pub const ADDRESSES: [&str; 2] = ["127.0.0.1:9000", "127.0.0.1:9001"];

/// All sections as they are given.
#[derive(Debug, Args)]
pub struct Settings {
    /// Ports and connections.
    #[command(flatten)]
    pub http: HttpSettings,
    /// The database.
    #[command(flatten)]
    pub database: DatabaseSettings,
    /// What is logged.
    #[command(flatten)]
    pub log: LogSettings,
    /// What both services agree on.
    #[command(flatten)]
    token: TokenSettings,
    /// Passwords and lifetimes.
    #[command(flatten)]
    auth: AuthSettings,
}

/// The auth service's own section as it is given.
#[derive(Debug, Args)]
struct AuthSettings {
    /// How long an access token is valid
    #[arg(
        long,
        env = "ACCESS_TOKEN_TTL",
        global = true,
        default_value = "30m",
        value_name = "TIME"
    )]
    access_token_ttl: String,

    /// How long a session lasts, from the login on
    #[arg(
        long,
        env = "REFRESH_TOKEN_TTL",
        global = true,
        default_value = "30d",
        value_name = "TIME"
    )]
    refresh_token_ttl: String,

    /// How long after its successor's use a refresh token is refused without ending the session
    #[arg(long, env = "REFRESH_GRACE", global = true, default_value = "10s", value_name = "TIME")]
    refresh_grace: String,

    /// Failed logins within 10 minutes from one network before users new to it have to wait;
    /// 0: never
    #[arg(
        long,
        env = "NETWORK_FAILURES",
        global = true,
        default_value = "1000",
        value_name = "COUNT"
    )]
    network_failures: String,

    /// How passwords are hashed.
    #[command(flatten)]
    hashing: HashingSettings,
}

/// What `serve` needs.
#[derive(Debug, Clone)]
pub struct Config {
    /// Ports and connections.
    pub http: HttpConfig,
    /// The database.
    pub database: DatabaseConfig,
    /// What both services agree on.
    pub token: TokenConfig,
    /// How long an access token is valid.
    pub access_token_ttl: Duration,
    /// How long a session lasts, from the login on.
    pub refresh_token_ttl: Duration,
    /// How long after its successor's use a refresh token is refused, but not taken for stolen.
    pub refresh_grace: Duration,
    /// Failed logins within 10 minutes from one network before users new to it have to wait; 0:
    /// never.
    pub network_failures: u32,
    /// How passwords are hashed.
    pub hashing: HashingConfig,
}

impl Settings {
    /// The id of the registration client, for a command that needs no secrets.
    pub fn registration_client_id(&self) -> &str {
        self.token.registration_client_id()
    }

    /// Hashes computed at once, for a command that needs nothing else.
    pub fn hash_concurrency(&self, faults: &mut Faults) -> Option<usize> {
        self.auth.hashing.concurrency(faults)
    }

    /// Reads all sections.
    pub fn read(&self, faults: &mut Faults) -> Option<Config> {
        let http = self.http.read(ADDRESSES, faults);
        let database = self.database.read(faults);
        let token = self.token.read(faults);
        let ttl = &self.auth.access_token_ttl;
        let access_token_ttl = faults.duration("ACCESS_TOKEN_TTL", ttl, "30m");
        let ttl = &self.auth.refresh_token_ttl;
        let refresh_token_ttl = faults.duration("REFRESH_TOKEN_TTL", ttl, "30d");
        let refresh_grace = faults.duration("REFRESH_GRACE", &self.auth.refresh_grace, "10s");
        let failures = &self.auth.network_failures;
        let network_failures = faults.parse("NETWORK_FAILURES", failures, "1000");
        let hashing = self.auth.hashing.read(faults);
        Some(Config {
            http: http?,
            database: database?,
            token: token?,
            access_token_ttl: access_token_ttl?,
            refresh_token_ttl: refresh_token_ttl?,
            refresh_grace: refresh_grace?,
            network_failures: network_failures?,
            hashing: hashing?,
        })
    }
}
