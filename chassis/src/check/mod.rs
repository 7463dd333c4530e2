//! What should change before production: a finding a line, with its reason and the line to set.
//!
//! Everything is judged by functions of the configuration and of facts that were read before. A
//! finding is no fault: a service with findings runs.
//!
//! | module | what it judges |
//! |---|---|
//! | [`host`] | whether a name leads over a network |
//! | [`http`] | ports, origins, proxies, logs |
//! | [`secrets`] | shared secrets |
//! | [`database`] | the way to PostgreSQL, and the server |

pub mod database;
pub mod host;
pub mod http;
pub mod secrets;

use std::fmt::{self, Display};
use std::time::Duration;

use tracing_subscriber::EnvFilter;

use crate::config::{DatabaseConfig, HttpConfig, TokenConfig};
use crate::db::{Db, DbError, Facts, Plans};

/// How long the database may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Something that should change before production. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    what: &'static str,
    reason: String,
    line: String,
}

impl Finding {
    /// What is found (a variable), why it matters (with the source that says so), and the line
    /// that mends it.
    pub fn new(what: &'static str, reason: impl Into<String>, line: impl Into<String>) -> Self {
        Self { what, reason: reason.into(), line: line.into() }
    }
}

impl Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}: {} → {}", self.what, self.reason, self.line);
        // What a server says may have several lines; a finding has one.
        f.write_str(&text.replace(char::is_control, " "))
    }
}

/// A service, as far as it is judged.
pub struct Judged {
    /// Ports and connections.
    pub http: HttpConfig,
    /// The database.
    pub database: DatabaseConfig,
    /// What both services agree on.
    pub token: TokenConfig,
    /// What the service found in its own section.
    pub own: Vec<Finding>,
}

impl Judged {
    /// Everything that is found. Asks the database; starts nothing.
    pub async fn findings(self, filter: &EnvFilter) -> Vec<Finding> {
        let Self { http, database, token, own } = self;
        let server = match facts(&database).await {
            Ok(facts) => database::server(&database, &facts),
            Err(reason) => vec![database::unreachable(&reason)],
        };
        let way = database::plain(&database);
        [http::findings(&http, filter), secrets::findings(&token), own]
            .into_iter()
            .flatten()
            .chain(way)
            .chain(server)
            .collect()
    }
}

async fn facts(database: &DatabaseConfig) -> Result<Facts, String> {
    let asked = async { Db::new(database, Plans::AsItDecides)?.facts().await };
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(facts) => facts.map_err(|error: DbError| error.to_string()),
        Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
    }
}

/// Settings as flags give them, for tests; what is not given has its default.
#[cfg(test)]
mod given {
    use clap::Parser;

    use crate::config::{
        DatabaseConfig, DatabaseSettings, Faults, HttpConfig, HttpSettings, LogSettings,
        TokenConfig, TokenSettings,
    };

    #[derive(Parser)]
    struct Given {
        #[command(flatten)]
        http: HttpSettings,
        #[command(flatten)]
        database: DatabaseSettings,
        #[command(flatten)]
        token: TokenSettings,
        #[command(flatten)]
        log: LogSettings,
    }

    /// A secret as `secret generate` makes it.
    pub(super) const SECRET: &str = "wFfJ0aQ3v1mXhN8bTtYkR5sLzGd2eCi7uPqVo4nW6xE";
    /// Another one.
    pub(super) const OTHER: &str = "9hK2pZrUe0XyQjB4cVtMw7sNfAo5iLdG1bRqT8uJxvY";

    fn given(flags: &[&str]) -> Given {
        Given::parse_from([&["service"], flags].concat())
    }

    pub(super) fn http(flags: &[&str]) -> (HttpConfig, tracing_subscriber::EnvFilter) {
        let (given, mut faults) = (given(flags), Faults::default());
        let http = given.http.read(["127.0.0.1:8000", "127.0.0.1:8001"], &mut faults);
        let filter = given.log.read(&mut faults).unwrap().filter;
        (http.unwrap(), filter)
    }

    pub(super) fn database(flags: &[&str]) -> DatabaseConfig {
        given(flags).database.read(&mut Faults::default()).unwrap()
    }

    pub(super) fn token(flags: &[&str]) -> TokenConfig {
        let secrets = [
            ["--token-secrets", SECRET],
            ["--registration-client-secret", OTHER],
            ["--token-issuer", "https://auth.example.com"],
        ];
        let missing = secrets.iter().filter(|[flag, _]| !flags.contains(flag)).flatten();
        let flags: Vec<&str> = flags.iter().chain(missing).copied().collect();
        given(&flags).token.read(&mut Faults::default()).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_one_line_whatever_a_server_says() {
        let finding = Finding::new("DATABASE_URL", "said\r\nERROR:\tno", "DATABASE_URL=…");

        assert_eq!(finding.to_string(), "DATABASE_URL: said  ERROR: no → DATABASE_URL=…");
    }
}
