//! The auth service's configuration: the sections every service has, and its own.

use std::time::Duration;

use argon2::Params;
use chassis::config::{
    DatabaseConfig, DatabaseSettings, Faults, HttpConfig, HttpSettings, LogSettings, TokenConfig,
    TokenSettings,
};
use clap::Args;
use proto::ClientId;

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

    /// Memory of a password hash, in KiB
    #[arg(
        long,
        env = "ARGON2_MEMORY_KIB",
        global = true,
        default_value = "19456",
        value_name = "KIB"
    )]
    argon2_memory_kib: String,

    /// Passes of a password hash over its memory
    #[arg(
        long,
        env = "ARGON2_ITERATIONS",
        global = true,
        default_value = "2",
        value_name = "COUNT"
    )]
    argon2_iterations: String,

    /// Lanes of a password hash
    #[arg(
        long,
        env = "ARGON2_PARALLELISM",
        global = true,
        default_value = "1",
        value_name = "COUNT"
    )]
    argon2_parallelism: String,

    /// Password hashes computed at once [default: the number of cores]
    #[arg(long, env = "HASH_CONCURRENCY", global = true, value_name = "COUNT")]
    hash_concurrency: Option<String>,

    /// Password hashes that may wait; more get a 503
    #[arg(long, env = "HASH_QUEUE", global = true, default_value = "256", value_name = "COUNT")]
    hash_queue: String,
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

/// How passwords are hashed.
#[derive(Debug, Clone)]
pub struct HashingConfig {
    /// Argon2's parameters for new hashes.
    pub params: Params,
    /// Hashes computed at once.
    pub concurrency: usize,
    /// Hashes that may wait.
    pub queue: usize,
}

impl Settings {
    /// Whether this is the id of the registration client, for a command that needs no secrets.
    pub fn is_registration_client(&self, id: &ClientId) -> bool {
        self.token.is_registration_client(id)
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
        let hashing = self.auth.hashing(faults);
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

impl AuthSettings {
    fn hashing(&self, faults: &mut Faults) -> Option<HashingConfig> {
        let memory = faults.count("ARGON2_MEMORY_KIB", &self.argon2_memory_kib, "19456");
        let iterations = faults.count("ARGON2_ITERATIONS", &self.argon2_iterations, "2");
        let parallelism = faults.count("ARGON2_PARALLELISM", &self.argon2_parallelism, "1");
        let queue = faults.count("HASH_QUEUE", &self.hash_queue, "256");
        let concurrency = match self.hash_concurrency.as_deref() {
            None | Some("") => Some(cores()),
            Some(given) => faults.count("HASH_CONCURRENCY", given, "2"),
        };
        let params = match Params::new(memory?, iterations?, parallelism?, None) {
            Ok(params) => Some(params),
            Err(error) => faults.report("ARGON2_MEMORY_KIB", error, "19456"),
        };
        Some(HashingConfig { params: params?, concurrency: concurrency?, queue: queue? })
    }
}

/// How many threads this machine, or this container, runs at once.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
