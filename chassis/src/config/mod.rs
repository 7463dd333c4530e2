//! Configuration: environment variables that are flags as well, read in sections.
//!
//! A section is a pair: what clap collects as text, and what it is read into. Nothing is parsed
//! by clap itself, which stops at the first fault: [`Faults`] collects them all, a line each, and
//! the process ends with exit code 2.

mod database;
mod http;
mod log;
mod proxies;
mod token;

use std::fmt::{self, Display};
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

pub use database::{DatabaseConfig, DatabaseSettings};
pub use http::{HttpConfig, HttpSettings, Origins};
pub use log::{LogConfig, LogFormat, LogSettings};
pub use proxies::Proxies;
pub use token::{RegistrationClient, TokenConfig, TokenSettings};

/// Longer than anything that is waited for; and clocks can be added to it.
const TIME_MAX: Duration = Duration::from_secs(10 * 366 * 24 * 60 * 60);

/// What is wrong with the configuration so far: each entry one line.
#[derive(Debug, Default)]
pub struct Faults(Vec<String>);

impl Faults {
    /// Records that `variable` is wrong; `None`, to be returned in its place.
    pub fn report<T>(&mut self, variable: &str, what: impl Display, example: &str) -> Option<T> {
        self.0.push(format!("{variable}: {what}; for example {variable}={example}"));
        None
    }

    /// The value of a variable that has a default, parsed.
    pub fn parse<T>(&mut self, variable: &str, text: &str, example: &str) -> Option<T>
    where
        T: FromStr<Err: Display>,
    {
        match text.trim().parse() {
            Ok(value) => Some(value),
            Err(error) => self.report(variable, error, example),
        }
    }

    /// A whole number of at least 1.
    pub fn count<T>(&mut self, variable: &str, text: &str, example: &str) -> Option<T>
    where
        T: FromStr + Default + PartialOrd,
    {
        match text.trim().parse() {
            Ok(count) if count > T::default() => Some(count),
            _ => self.report(variable, "must be a whole number of at least 1", example),
        }
    }

    /// A duration like `25s` or `30d`.
    pub fn duration(&mut self, variable: &str, text: &str, example: &str) -> Option<Duration> {
        match humantime::parse_duration(text.trim()) {
            Ok(duration) if duration > TIME_MAX => {
                self.report(variable, "must be at most 10 years", example)
            }
            Ok(duration) if !duration.is_zero() => Some(duration),
            Ok(_) => self.report(variable, "must be longer than nothing", example),
            Err(error) => self.report(variable, error, example),
        }
    }

    /// A secret that must be given, directly or as the content of the file that its `_FILE` twin
    /// names. What it holds never enters a message.
    pub fn secret<T>(
        &mut self,
        variable: &str,
        given: (Option<&str>, Option<&Path>),
        example: &str,
    ) -> Option<T>
    where
        T: FromStr<Err: Display>,
    {
        match self.optional_secret(variable, given, example)? {
            Some(secret) => Some(secret),
            None => self.report(variable, "is missing", example),
        }
    }

    /// The same of a secret that need not be given: `Some(None)` where it is not.
    pub fn optional_secret<T>(
        &mut self,
        variable: &str,
        (value, file): (Option<&str>, Option<&Path>),
        example: &str,
    ) -> Option<Option<T>>
    where
        T: FromStr<Err: Display>,
    {
        let given = value.filter(|value| !value.is_empty());
        match (given, file.filter(|file| !file.as_os_str().is_empty())) {
            (Some(value), None) => self.parse(variable, value, example).map(Some),
            (None, Some(file)) => match std::fs::read_to_string(file) {
                Ok(content) => self.parse(variable, &content, example).map(Some),
                Err(error) => {
                    let what = format!("cannot read {}: {error}", file.display());
                    self.report(&format!("{variable}_FILE"), what, "/run/secrets/name")
                }
            },
            (Some(_), Some(_)) => {
                self.report(variable, format!("is given, and {variable}_FILE too"), example)
            }
            (None, None) => Some(None),
        }
    }

    /// The configuration, or every fault that was found while reading it.
    pub fn or<T>(self, config: Option<T>) -> Result<T, Self> {
        match config {
            Some(config) if self.0.is_empty() => Ok(config),
            _ => Err(self),
        }
    }
}

impl Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for Faults {}

/// An `http` or `https` address without a path's trailing slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(String);

impl BaseUrl {
    /// The address, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is `http`.
    pub fn is_plain(&self) -> bool {
        self.uri().scheme_str() == Some("http")
    }

    /// The host; an IPv6 address in brackets.
    pub fn host(&self) -> String {
        self.uri().host().unwrap_or_default().to_owned()
    }

    /// The port, also where it is the scheme's own.
    pub fn port(&self) -> u16 {
        self.uri().port_u16().unwrap_or(if self.is_plain() { 80 } else { 443 })
    }

    fn uri(&self) -> http_types::Uri {
        // It was one when it was read.
        self.0.parse().unwrap_or_default()
    }
}

impl FromStr for BaseUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let uri: http_types::Uri = text.parse().map_err(|_| "is no URL")?;
        match (uri.scheme_str(), uri.authority(), uri.query()) {
            (Some("http" | "https"), Some(authority), None)
                if !authority.as_str().contains('@') =>
            {
                Ok(Self(text.trim_end_matches('/').to_owned()))
            }
            _ => Err("must be an http or https URL without user, query or fragment"),
        }
    }
}

use ::http as http_types;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_faults_are_collected_one_line_each() {
        let mut faults = Faults::default();
        let pool = faults.count::<usize>("DATABASE_POOL_SIZE", "0", "16");
        let grace = faults.duration("SHUTDOWN_GRACE", "soon", "25s");

        let lines = faults.or(pool.zip(grace)).unwrap_err().to_string();

        assert_eq!(lines.lines().count(), 2);
        assert!(lines.starts_with("DATABASE_POOL_SIZE: must be a whole number of at least 1; "));
    }

    #[test]
    fn a_secret_comes_from_a_variable_or_from_a_file() {
        let file = std::env::temp_dir().join(format!("latchkey-secret-{}", std::process::id()));
        std::fs::write(&file, "from the file\n").unwrap();
        let mut faults = Faults::default();

        let given: Option<String> = faults.secret("S", (Some("given"), None), "…");
        let read: Option<String> = faults.secret("S", (Some(""), Some(&file)), "…");
        let both: Option<String> = faults.secret("S", (Some("given"), Some(&file)), "…");
        std::fs::remove_file(&file).unwrap();
        let gone: Option<String> = faults.secret("S", (None, Some(&file)), "…");
        let none: Option<String> = faults.secret("S", (None, None), "…");

        assert_eq!(given.as_deref(), Some("given"));
        assert_eq!(read.as_deref(), Some("from the file"));
        assert_eq!((both, gone, none), (None, None, None));
        let lines = faults.to_string();
        assert_eq!(lines.lines().count(), 3);
        assert!(!lines.contains("given;") || !lines.contains("from the file"), "{lines}");
    }

    #[test]
    fn a_secret_that_need_not_be_given_is_no_fault_unless_it_is_wrong() {
        let mut faults = Faults::default();

        let none: Option<Option<u8>> = faults.optional_secret("S", (Some(""), None), "1");
        let given: Option<Option<u8>> = faults.optional_secret("S", (Some("1"), None), "1");
        let wrong: Option<Option<u8>> = faults.optional_secret("S", (Some("one"), None), "1");

        assert_eq!((none, given, wrong), (Some(None), Some(Some(1)), None));
        assert_eq!(faults.to_string().lines().count(), 1);
    }

    #[test]
    fn a_base_url_is_http_and_has_no_slash_at_its_end() {
        let parse = |text: &str| text.parse::<BaseUrl>();

        assert_eq!(parse("http://localhost:9000/").unwrap().as_str(), "http://localhost:9000");
        assert!(parse("HTTP://localhost").unwrap().is_plain());
        assert!(!parse("https://localhost").unwrap().is_plain());
        assert_eq!(parse("https://auth.example:9000/a").unwrap().host(), "auth.example");
        assert_eq!(parse("https://auth.example:9000/a").unwrap().port(), 9000);
        assert_eq!(parse("https://auth.example").unwrap().port(), 443);
        for wrong in ["localhost:9000", "ftp://a", "http://u:p@a", "http://a?b", "/path"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
