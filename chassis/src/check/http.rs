//! Ports, origins, proxies, logs.

use std::time::Duration;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use super::{Finding, host};
use crate::config::HttpConfig;

/// Kubernetes' `terminationGracePeriodSeconds`, where nobody says otherwise.
const KILLED_AFTER: Duration = Duration::from_secs(30);

pub(super) fn findings(http: &HttpConfig, filter: &EnvFilter) -> Vec<Finding> {
    [plain_origins(http), long_grace(http), chatty(filter)].into_iter().flatten().collect()
}

fn plain_origins(http: &HttpConfig) -> Option<Finding> {
    let origins = &http.cors_allowed_origins;
    let secured = |origin: &str| match origin.strip_prefix("http://") {
        Some(authority) if !host::is_loopback(host_of(authority)) => format!("https://{authority}"),
        _ => origin.to_owned(),
    };
    let given: Vec<String> = origins.iter().map(str::to_owned).collect();
    let wanted: Vec<String> = origins.iter().map(secured).collect();
    (given != wanted).then(|| {
        Finding::new(
            "CORS_ALLOWED_ORIGINS",
            "lists a page of plain http: whoever is on the way to it can put calls of his own \
             into it (OWASP WSTG-CLNT-07)",
            format!("CORS_ALLOWED_ORIGINS={}", wanted.join(",")),
        )
    })
}

/// Host and port, without the port.
fn host_of(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => host,
        _ => authority,
    }
}

fn long_grace(http: &HttpConfig) -> Option<Finding> {
    (http.shutdown_grace > KILLED_AFTER).then(|| {
        Finding::new(
            "SHUTDOWN_GRACE",
            "is longer than 30 s: Kubernetes kills what still runs then, unless \
             terminationGracePeriodSeconds says more (Kubernetes, Pod Lifecycle)",
            "SHUTDOWN_GRACE=25s",
        )
    })
}

fn chatty(filter: &EnvFilter) -> Option<Finding> {
    // Without a hint, any level is possible.
    filter.max_level_hint().is_none_or(|level| level > LevelFilter::INFO).then(|| {
        Finding::new(
            "RUST_LOG",
            "logs at debug or trace: it slows requests down, and says more about users than a log \
             should keep (OWASP Logging Cheat Sheet)",
            "RUST_LOG=info",
        )
    })
}

/// Nobody's word on a client's address counts. Each service knows when that matters.
pub fn no_proxies(http: &HttpConfig) -> Option<Finding> {
    http.trusted_proxies.is_empty().then(|| {
        Finding::new(
            "TRUSTED_PROXIES",
            "is empty: behind an ingress every client has the ingress's address, and what one of \
             them does counts against all (RFC 9700 §4.13)",
            "TRUSTED_PROXIES=10.0.0.0/8",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::given;
    use super::*;

    fn lines(flags: &[&str]) -> Vec<String> {
        let (http, filter) = given::http(flags);
        findings(&http, &filter).iter().map(ToString::to_string).collect()
    }

    #[track_caller]
    fn expect(flags: &[&str], line: &str) {
        let lines = lines(flags);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].ends_with(&format!(" → {line}")), "{lines:?}");
    }

    #[test]
    fn the_defaults_are_fit() {
        assert_eq!(lines(&[]), [""; 0]);
    }

    #[test]
    fn an_origin_without_tls_is_found_unless_it_is_this_machine() {
        let origins = "http://localhost:8000,http://[::1],http://shop.example:80,https://a.example";

        expect(
            &["--cors-allowed-origins", origins],
            "CORS_ALLOWED_ORIGINS=http://localhost:8000,http://[::1],https://shop.example:80,\
             https://a.example",
        );
        assert_eq!(lines(&["--cors-allowed-origins", "http://127.0.0.1:8000"]), [""; 0]);
    }

    #[test]
    fn a_grace_that_kubernetes_does_not_wait_for_is_found() {
        expect(&["--shutdown-grace", "31s"], "SHUTDOWN_GRACE=25s");
        assert_eq!(lines(&["--shutdown-grace", "30s"]), [""; 0]);
    }

    #[test]
    fn a_log_of_everything_is_found() {
        for filter in ["debug", "trace", "warn,chassis=debug"] {
            expect(&["--rust-log", filter], "RUST_LOG=info");
        }
        for filter in ["info", "warn,chassis=info", "off"] {
            assert_eq!(lines(&["--rust-log", filter]), [""; 0]);
        }
    }

    #[test]
    fn nobody_s_word_on_addresses_is_found() {
        let (none, _) = given::http(&[]);
        let (some, _) = given::http(&["--trusted-proxies", "10.0.0.0/8"]);

        assert!(no_proxies(&none).unwrap().to_string().ends_with(" → TRUSTED_PROXIES=10.0.0.0/8"));
        assert_eq!(no_proxies(&some), None);
    }
}
