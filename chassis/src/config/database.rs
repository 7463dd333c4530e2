//! Where the service's PostgreSQL is.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use percent_encoding::percent_decode_str;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio_postgres::config::{SslMode, TargetSessionAttrs};

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
    /// The root certificates that the URL names; `None` where the system's count.
    pub roots: Option<Arc<RootCertStore>>,
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
        let PostgresUrl { postgres, roots } = postgres?;
        Some(DatabaseConfig {
            postgres,
            roots,
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

struct PostgresUrl {
    postgres: tokio_postgres::Config,
    roots: Option<Arc<RootCertStore>>,
}

impl std::str::FromStr for PostgresUrl {
    type Err = String;

    // The parser's own message can quote the password.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let words = Libpq::read(text)?;
        let mut postgres: tokio_postgres::Config = words.rest.parse().map_err(|_| {
            "is no URL or key=value string of PostgreSQL's, or has an unknown parameter (sslmode \
             is disable, prefer, require or verify-full; sslrootcert names root certificates)"
        })?;
        if postgres.get_hosts().is_empty() {
            return Err("names no host".to_owned());
        }
        if postgres.get_target_session_attrs() == TargetSessionAttrs::ReadOnly {
            return Err("asks for a server that is read-only: nothing could be stored".to_owned());
        }
        let roots = match words.root_file.as_deref() {
            None => None,
            Some(SYSTEM) => {
                postgres.ssl_mode(SslMode::Require);
                None
            }
            Some(_) if postgres.get_ssl_mode() != SslMode::Require => {
                return Err("has a sslrootcert, which needs sslmode=verify-full".to_owned());
            }
            Some(file) => Some(Arc::new(roots(Path::new(file))?)),
        };
        Ok(Self { postgres, roots })
    }
}

/// libpq's word for the system's root certificates.
const SYSTEM: &str = "system";

/// What a URL says in words of libpq's that the driver does not know.
struct Libpq {
    /// The URL without them.
    rest: String,
    /// `sslrootcert`.
    root_file: Option<String>,
}

impl Libpq {
    fn read(text: &str) -> Result<Self, String> {
        let Some((before, parameters)) = text.trim().rsplit_once('?') else {
            return Ok(Self { rest: text.to_owned(), root_file: None });
        };
        let (mut rest, mut root_file) = (Vec::new(), None);
        for parameter in parameters.split('&') {
            match parameter.split_once('=') {
                // The driver's `require` verifies all that these two ask for.
                Some(("sslmode", "verify-full" | "verify-ca")) => rest.push("sslmode=require"),
                Some(("sslrootcert", file)) => {
                    let file = percent_decode_str(file).decode_utf8();
                    root_file = Some(file.map_err(|_| "names a sslrootcert beyond UTF-8")?.into());
                }
                Some(("sslcert" | "sslkey" | "sslpassword", _)) => {
                    return Err("has a client certificate (sslcert, sslkey), which is not \
                                supported: log in with a password"
                        .to_owned());
                }
                _ => rest.push(parameter),
            }
        }
        Ok(Self { rest: format!("{before}?{}", rest.join("&")), root_file })
    }
}

/// All root certificates in a file of them.
fn roots(file: &Path) -> Result<RootCertStore, String> {
    let wrong = |what: &dyn fmt::Display| format!("sslrootcert: {}: {what}", file.display());
    let text = std::fs::read(file).map_err(|error| wrong(&error))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let certificate = certificate.map_err(|error| wrong(&error))?;
        roots.add(certificate).map_err(|error| wrong(&error))?;
    }
    if roots.is_empty() {
        return Err(wrong(&"holds no certificate (PEM)"));
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
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

            let config = url.parse::<PostgresUrl>().ok().unwrap().postgres;

            assert_eq!(config.get_ssl_mode(), meant, "{mode}");
            assert_eq!(config.get_password(), Some(&b"a?b"[..]));
            assert_eq!(config.get_user(), Some("v"));
        }
    }

    #[test]
    fn what_libpq_has_and_we_have_not_is_named() {
        for (parameters, word) in [
            ("sslmode=require&sslcert=/a.pem&sslkey=/a.key", "sslcert"),
            ("sslrootcert=/ca.pem", "sslmode=verify-full"),
            ("sslmode=disable&sslrootcert=/ca.pem", "sslmode=verify-full"),
            ("sslmode=require&sslrootcert=/does/not%20exist.pem", "/does/not exist.pem"),
            ("target_session_attrs=read-only", "read-only"),
        ] {
            let url = format!("postgres://u:secret@h/db?{parameters}");

            let message = url.parse::<PostgresUrl>().err().unwrap();

            assert!(message.contains(word) && !message.contains("secret"), "{message}");
        }
    }

    #[test]
    fn the_systems_roots_have_a_name_of_their_own() {
        let url = "postgres://u@h/db?sslrootcert=system".parse::<PostgresUrl>().ok().unwrap();

        assert!(url.roots.is_none());
        assert_eq!(url.postgres.get_ssl_mode(), SslMode::Require);
    }

    #[test]
    fn an_sslmode_that_nobody_knows_is_answered_with_those_that_are() {
        let message = "postgres://u@h/db?sslmode=allow".parse::<PostgresUrl>().err().unwrap();

        assert!(message.contains("require"), "{message}");
    }
}
