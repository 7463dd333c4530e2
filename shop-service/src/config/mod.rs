//! The shop's configuration: the sections every service has, and its own.

mod mail;

use std::time::Duration;

use chassis::config::{
    BaseUrl, DatabaseConfig, DatabaseSettings, Faults, HttpConfig, HttpSettings, LogSettings,
    TokenConfig, TokenSettings,
};
use clap::Args;

pub use mail::{Login, MailConfig, MailSettings, MailUrl, SmtpServer, SmtpTls};

/// The public and the ops address where none is given.
pub const ADDRESSES: [&str; 2] = ["127.0.0.1:8000", "127.0.0.1:8001"];

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
    /// Where the auth service is.
    #[command(flatten)]
    shop: ShopSettings,
    /// Mail to customers.
    #[command(flatten)]
    mail: MailSettings,
}

/// The shop's own section as it is given.
#[derive(Debug, Args)]
struct ShopSettings {
    /// The auth service, as this service reaches it
    #[arg(long, env, global = true, default_value = "http://127.0.0.1:9000", value_name = "URL")]
    auth_url: String,

    /// How long a call to the auth service may take
    #[arg(long, env, global = true, default_value = "5s", value_name = "TIME")]
    auth_timeout: String,

    /// The auth service, as a browser reaches it [default: TOKEN_ISSUER]
    #[arg(long, env, global = true, value_name = "URL")]
    public_auth_url: Option<String>,
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
    /// The auth service, as this service reaches it.
    pub auth_url: BaseUrl,
    /// How long a call to the auth service may take.
    pub auth_timeout: Duration,
    /// The auth service, as a browser reaches it.
    pub public_auth_url: BaseUrl,
    /// Mail to customers.
    pub mail: MailConfig,
}

impl Settings {
    /// Reads all sections.
    pub fn read(&self, faults: &mut Faults) -> Option<Config> {
        let http = self.http.read(ADDRESSES, faults);
        let database = self.database.read(faults);
        let token = self.token.read(faults);
        let auth_url = faults.parse("AUTH_URL", &self.shop.auth_url, "http://auth:9000");
        let auth_timeout = faults.duration("AUTH_TIMEOUT", &self.shop.auth_timeout, "5s");
        let public_auth_url = match self.shop.public_auth_url.as_deref() {
            None | Some("") => token.as_ref().map(|token| token.issuer.clone()),
            Some(given) => faults.parse("PUBLIC_AUTH_URL", given, "https://auth.example.com"),
        };
        let mail = self.mail.read(faults);
        Some(Config {
            http: http?,
            database: database?,
            token: token?,
            auth_url: auth_url?,
            auth_timeout: auth_timeout?,
            public_auth_url: public_auth_url?,
            mail: mail?,
        })
    }
}
