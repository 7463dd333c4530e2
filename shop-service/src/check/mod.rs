//! What should change before production, as far as only this service has it.

mod mail;

use std::time::Duration;

use chassis::check::{Finding, Judged, host, http};

use crate::config::Config;

/// A request may take 30 s, and has more to do than this call.
const TIMEOUT_MAX: Duration = Duration::from_secs(10);

/// This service, judged.
pub fn judged(config: Config) -> Judged {
    let own = findings(&config);
    Judged { http: config.http, database: config.database, token: config.token, own }
}

fn findings(config: &Config) -> Vec<Finding> {
    let found = [
        public_without_proxies(config),
        plain_auth_url(config),
        plain_public_auth_url(config),
        long_timeout(config),
    ];
    found.into_iter().flatten().chain(mail::findings(&config.mail)).collect()
}

/// On a loopback address nobody but a tester calls.
fn public_without_proxies(config: &Config) -> Option<Finding> {
    let is_public = !config.http.listen_addr.ip().is_loopback();
    http::no_proxies(&config.http).filter(|_| is_public)
}

fn plain_auth_url(config: &Config) -> Option<Finding> {
    let (url, host) = (&config.auth_url, config.auth_url.host());
    (url.is_plain() && !host::is_internal(&host)).then(|| {
        Finding::new(
            "AUTH_URL",
            "is plain http to another network: REGISTRATION_CLIENT_SECRET and every new user's \
             password can be read on their way (RFC 6749 §2.3.1, RFC 9700 §2.6)",
            format!("AUTH_URL=https://{}", without_scheme(url.as_str())),
        )
    })
}

fn plain_public_auth_url(config: &Config) -> Option<Finding> {
    let (url, issuer) = (&config.public_auth_url, &config.token.issuer);
    // Where it is the issuer, that one is found.
    (url.is_plain() && url != issuer).then(|| {
        Finding::new(
            "PUBLIC_AUTH_URL",
            "is plain http: who logs in at /docs sends a password there that can be read on its \
             way (RFC 6749 §3.2)",
            format!("PUBLIC_AUTH_URL=https://{}", without_scheme(url.as_str())),
        )
    })
}

fn without_scheme(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, rest)| rest)
}

fn long_timeout(config: &Config) -> Option<Finding> {
    (config.auth_timeout > TIMEOUT_MAX).then(|| {
        Finding::new(
            "AUTH_TIMEOUT",
            "is longer than 10 s: while auth hangs, registrations pile up (OWASP Denial of Service Cheat Sheet)",
            "AUTH_TIMEOUT=5s",
        )
    })
}

#[cfg(test)]
mod tests {
    use chassis::config::Faults;
    use clap::Parser;

    use super::*;
    use crate::config::Settings;

    #[derive(Parser)]
    #[command(args_override_self = true)]
    struct Given {
        #[command(flatten)]
        settings: Settings,
    }

    /// A configuration that is fit.
    const FIT: [&str; 7] = [
        "shop-service",
        "--database-url=postgres://u@localhost/shop",
        "--token-secrets=wFfJ0aQ3v1mXhN8bTtYkR5sLzGd2eCi7uPqVo4nW6xE",
        "--registration-client-secret=9hK2pZrUe0XyQjB4cVtMw7sNfAo5iLdG1bRqT8uJxvY",
        "--token-issuer=https://auth.example.com",
        "--mail-url=smtps://mail.example.com",
        "--mail-from=shop@example.com",
    ];

    /// What is found with these flags instead of those that are fit.
    pub(super) fn lines(flags: &[&str]) -> Vec<String> {
        let mut faults = Faults::default();
        let config = Given::parse_from(FIT.iter().chain(flags)).settings.read(&mut faults);
        findings(&faults.or(config).unwrap()).iter().map(ToString::to_string).collect()
    }

    #[track_caller]
    pub(super) fn expect(flags: &[&str], line: &str) {
        let lines = lines(flags);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].ends_with(&format!(" → {line}")), "{lines:?}");
    }

    #[test]
    fn what_is_fit_has_no_findings() {
        assert_eq!(lines(&[]), [""; 0]);
    }

    #[test]
    fn no_trusted_proxies_are_found_on_a_public_address() {
        let public = "--listen-addr=0.0.0.0:8000";

        expect(&[public], "TRUSTED_PROXIES=10.0.0.0/8");
        assert_eq!(lines(&[public, "--trusted-proxies=10.0.0.0/8"]), [""; 0]);
    }

    #[test]
    fn auth_without_tls_is_found_unless_it_is_near() {
        expect(&["--auth-url=http://auth.example:9000/"], "AUTH_URL=https://auth.example:9000");
        expect(&["--auth-url=http://10.0.0.1"], "AUTH_URL=https://10.0.0.1");
        for near in [
            "https://auth.example",
            "http://auth:9000",
            "http://auth.shop.svc",
            "http://[::1]:9000",
        ] {
            assert_eq!(lines(&["--auth-url", near]), [""; 0], "{near}");
        }
    }

    #[test]
    fn logins_of_the_documentation_without_tls_are_found_once() {
        let public = "--public-auth-url=http://login.example";

        expect(&[public], "PUBLIC_AUTH_URL=https://login.example");
        assert_eq!(lines(&[public, "--token-issuer=http://login.example"]), [""; 0]);
    }

    #[test]
    fn patience_that_outlasts_a_request_is_found() {
        expect(&["--auth-timeout=11s"], "AUTH_TIMEOUT=5s");
        assert_eq!(lines(&["--auth-timeout=10s"]), [""; 0]);
    }
}
