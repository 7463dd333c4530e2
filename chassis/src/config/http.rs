//! What the service listens on and how it serves.

use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;

use super::{Faults, Proxies};

/// The HTTP section as it is given. `LISTEN_ADDR` and `OPS_ADDR` have a default of their own in
/// each service.
#[derive(Debug, Args)]
pub struct HttpSettings {
    /// Address and port of the service
    #[arg(long, env = "LISTEN_ADDR", global = true, value_name = "ADDR")]
    pub listen_addr: Option<String>,

    /// Address and port of health and metrics
    #[arg(long, env = "OPS_ADDR", global = true, value_name = "ADDR")]
    pub ops_addr: Option<String>,

    /// Origins whose pages may call this service, comma-separated
    #[arg(
        long,
        env = "CORS_ALLOWED_ORIGINS",
        global = true,
        default_value = "",
        value_name = "ORIGINS"
    )]
    cors_allowed_origins: String,

    /// Networks of proxies whose X-Forwarded-For counts, comma-separated
    #[arg(
        long,
        env = "TRUSTED_PROXIES",
        global = true,
        default_value = "",
        value_name = "NETWORKS"
    )]
    trusted_proxies: String,

    /// How many connections are kept at once
    #[arg(
        long,
        env = "MAX_CONNECTIONS",
        global = true,
        default_value = "1024",
        value_name = "COUNT"
    )]
    max_connections: String,

    /// How long running requests may take to end after SIGTERM
    #[arg(long, env = "SHUTDOWN_GRACE", global = true, default_value = "25s", value_name = "TIME")]
    shutdown_grace: String,
}

/// The HTTP section as it is used.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// Address and port of the service.
    pub listen_addr: SocketAddr,
    /// Address and port of health and metrics.
    pub ops_addr: SocketAddr,
    /// Origins whose pages may call this service.
    pub cors_allowed_origins: Origins,
    /// Proxies whose `X-Forwarded-For` counts.
    pub trusted_proxies: Proxies,
    /// How many connections are kept at once.
    pub max_connections: usize,
    /// How long running requests may take to end after SIGTERM.
    pub shutdown_grace: Duration,
}

impl HttpSettings {
    /// Reads the section; `defaults` are the service's own ports.
    pub fn read(&self, defaults: [&str; 2], faults: &mut Faults) -> Option<HttpConfig> {
        let [listen_default, ops_default] = defaults;
        let listen_addr = self.listen_addr.as_deref().unwrap_or(listen_default);
        let listen_addr = faults.parse("LISTEN_ADDR", listen_addr, listen_default);
        let ops_addr = self.ops_addr(ops_default, faults);
        let cors_allowed_origins = faults.parse(
            "CORS_ALLOWED_ORIGINS",
            &self.cors_allowed_origins,
            "http://localhost:8000,https://shop.example.com",
        );
        let trusted_proxies =
            faults.parse("TRUSTED_PROXIES", &self.trusted_proxies, "10.0.0.0/8,192.0.2.1");
        let max_connections = faults.count("MAX_CONNECTIONS", &self.max_connections, "1024");
        let shutdown_grace = faults.duration("SHUTDOWN_GRACE", &self.shutdown_grace, "25s");
        Some(HttpConfig {
            listen_addr: listen_addr?,
            ops_addr: ops_addr?,
            cors_allowed_origins: cors_allowed_origins?,
            trusted_proxies: trusted_proxies?,
            max_connections: max_connections?,
            shutdown_grace: shutdown_grace?,
        })
    }

    /// The ops port alone, for `healthcheck`.
    pub fn ops_addr(&self, default: &str, faults: &mut Faults) -> Option<SocketAddr> {
        faults.parse("OPS_ADDR", self.ops_addr.as_deref().unwrap_or(default), default)
    }
}

/// A list of origins (RFC 6454), each as a browser sends it.
#[derive(Debug, Clone, Default)]
pub struct Origins(Vec<String>);

impl Origins {
    /// Whether a page of `origin` may call.
    pub fn contains(&self, origin: &[u8]) -> bool {
        self.0.iter().any(|listed| listed.as_bytes() == origin)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether no page of another origin may call.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromStr for Origins {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        entries.map(origin).collect::<Result<_, _>>().map(Self)
    }
}

fn origin(text: &str) -> Result<String, String> {
    if text == "*" || text == "null" {
        return Err(format!("{text} would let any page call with what a browser holds"));
    }
    let uri: http::Uri = text.parse().map_err(|_| format!("{text} is no origin"))?;
    let is_origin = matches!(uri.scheme_str(), Some("http" | "https")) && uri.authority().is_some();
    // The parser adds the path `/`; the text must not have one.
    if is_origin && uri.path() == "/" && !text.ends_with('/') && uri.query().is_none() {
        Ok(text.to_ascii_lowercase())
    } else {
        Err(format!("{text} is no origin: scheme, host and port, without a path"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_listed_one_by_one() {
        let origins: Origins = "http://localhost:8000, https://Shop.example".parse().unwrap();

        assert!(origins.contains(b"http://localhost:8000"));
        assert!(origins.contains(b"https://shop.example"));
        assert!(!origins.contains(b"https://shop.example.evil"));
    }

    #[test]
    fn what_would_allow_any_page_is_refused() {
        for wrong in ["*", "null", "shop.example", "https://shop.example/", "https://a/b"] {
            assert!(wrong.parse::<Origins>().is_err(), "{wrong}");
        }
    }
}
