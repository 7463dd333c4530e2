//! Where the service's PostgreSQL is.

use std::fmt;
use std::path::PathBuf;

use clap::Args;

use super::Faults;

/// The database section as it is given.
#[derive(Args)]
pub struct DatabaseSettings {
    /// This service's database
    #[arg(long, env = "DATABASE_URL", global = true, hide_env_values = true, value_name = "URL")]
    database_url: Option<String>,

    /// A file that holds DATABASE_URL
    #[arg(long, env = "DATABASE_URL_FILE", global = true, value_name = "FILE")]
    database_url_file: Option<PathBuf>,

    /// How many connections to PostgreSQL are kept at once
    #[arg(
        long,
        env = "DATABASE_POOL_SIZE",
        global = true,
        default_value = "16",
        value_name = "COUNT"
    )]
    database_pool_size: String,

    /// Whether `serve` applies migrations first
    #[arg(
        long,
        env = "MIGRATE_ON_START",
        global = true,
        default_value = "true",
        value_name = "BOOL"
    )]
    migrate_on_start: String,
}

/// The database section as it is used.
#[derive(Debug, Clone)]
pub struct DatabaseConfig {
    /// Where PostgreSQL is, and as whom.
    pub postgres: tokio_postgres::Config,
    /// How many connections are kept at once.
    pub pool_size: usize,
    /// Whether `serve` applies migrations first.
    pub migrate_on_start: bool,
}

impl DatabaseSettings {
    /// Reads the section.
    pub fn read(&self, faults: &mut Faults) -> Option<DatabaseConfig> {
        let given = (self.database_url.as_deref(), self.database_url_file.as_deref());
        let postgres = faults.secret("DATABASE_URL", given, "postgres://user@localhost:5432/name");
        let pool_size = faults.count("DATABASE_POOL_SIZE", &self.database_pool_size, "16");
        let migrate_on_start = faults.parse("MIGRATE_ON_START", &self.migrate_on_start, "true");
        let PostgresUrl(postgres) = postgres?;
        Some(DatabaseConfig {
            postgres,
            pool_size: pool_size?,
            migrate_on_start: migrate_on_start?,
        })
    }
}

impl fmt::Debug for DatabaseSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseSettings")
            .field("database_pool_size", &self.database_pool_size)
            .finish_non_exhaustive()
    }
}

struct PostgresUrl(tokio_postgres::Config);

impl std::str::FromStr for PostgresUrl {
    type Err = &'static str;

    // The parser's own message can quote the password.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let config: tokio_postgres::Config = with_known_sslmode(text).parse().map_err(|_| {
            "is no URL or key=value string of PostgreSQL's, or has an unknown parameter (sslmode \
             is disable, prefer or require; SSL_CERT_FILE names root certificates)"
        })?;
        if config.get_hosts().is_empty() {
            return Err("names no host");
        }
        Ok(Self(config))
    }
}

/// A URL whose sslmode the driver knows. It has no `verify-full` and no `verify-ca`, which URLs of
/// libpq's may have: `require` verifies all that they ask for.
fn with_known_sslmode(text: &str) -> String {
    let Some((before, parameters)) = text.rsplit_once('?') else { return text.to_owned() };
    let known = |parameter| match parameter {
        "sslmode=verify-full" | "sslmode=verify-ca" => "sslmode=require",
        other => other,
    };
    let parameters: Vec<&str> = parameters.split('&').map(known).collect();
    format!("{before}?{}", parameters.join("&"))
}

#[cfg(test)]
mod tests {
    use tokio_postgres::config::SslMode;

    use super::*;

    #[test]
    fn several_hosts_are_taken_for_a_failover() {
        let url = "postgres://u@a:5432,b:5432/db?target_session_attrs=read-write";

        assert!(url.parse::<PostgresUrl>().is_ok());
    }

    #[test]
    fn a_wrong_url_is_refused_without_being_quoted() {
        for wrong in ["postgres://u:secret@h:port/db", "mysql", "postgres:///db"] {
            let message = wrong.parse::<PostgresUrl>().err().unwrap();
            assert!(!message.contains("secret"));
        }
    }

    #[test]
    fn verification_may_be_asked_for_in_words_of_libpq() {
        for (mode, meant) in [
            ("verify-full", SslMode::Require),
            ("verify-ca", SslMode::Require),
            ("require", SslMode::Require),
            ("prefer", SslMode::Prefer),
            ("disable", SslMode::Disable),
        ] {
            let url = format!("postgres://u:a?b@h/db?connect_timeout=5&sslmode={mode}&user=v");

            let PostgresUrl(config) = url.parse().unwrap();

            assert_eq!(config.get_ssl_mode(), meant, "{mode}");
            assert_eq!(config.get_password(), Some(&b"a?b"[..]));
            assert_eq!(config.get_user(), Some("v"));
        }
    }

    #[test]
    fn an_sslmode_that_nobody_knows_is_answered_with_those_that_are() {
        let message = "postgres://u@h/db?sslmode=allow".parse::<PostgresUrl>().err().unwrap();

        assert!(message.contains("require"), "{message}");
    }
}
