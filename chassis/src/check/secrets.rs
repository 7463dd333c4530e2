//! Shared secrets, and whose tokens they sign. No secret, and nothing about one, is in a finding
//! but its place.

use proto::SecretList;

use super::{Finding, host};
use crate::config::TokenConfig;

/// Text of 32 random bytes has more different characters than this: in hexadecimal, one in fifty
/// thousand has not, in `base64` none.
const VARIETY_MIN: usize = 13;

/// A list of secrets and its variable.
pub type Named<'a> = (&'static str, &'a SecretList);

pub(super) fn findings(token: &TokenConfig) -> Vec<Finding> {
    let lists = lists(token);
    let found = lists.iter().flat_map(|list| weak(list).into_iter().chain(unfinished(list)));
    plain_issuer(token).into_iter().chain(found).chain(reused(&lists)).collect()
}

/// The lists that both services have.
pub fn lists(token: &TokenConfig) -> [Named<'_>; 2] {
    [
        ("TOKEN_SECRETS", &token.secrets),
        ("REGISTRATION_CLIENT_SECRET", &token.registration_client.secrets),
    ]
}

fn plain_issuer(token: &TokenConfig) -> Option<Finding> {
    let rest = match token.issuer.as_str().split_once("://") {
        Some((_, rest)) if !host::is_loopback(&token.issuer.host()) => rest,
        // Clients elsewhere do not reach this machine by that name.
        _ => "auth.example.com",
    };
    token.issuer.is_plain().then(|| {
        Finding::new(
            "TOKEN_ISSUER",
            "is plain http: passwords and tokens can be read on their way, and clients refuse \
             such an issuer (RFC 8414 §2, RFC 6749 §3.2)",
            format!("TOKEN_ISSUER=https://{rest}"),
        )
    })
}

/// Entries that nobody drew at random.
pub fn weak(&(variable, list): &Named<'_>) -> Vec<Finding> {
    let weak = list.iter().enumerate().filter(|(_, secret)| !looks_random(secret));
    let finding = |(i, _)| {
        Finding::new(
            variable,
            format!(
                "entry {} looks like words or repeats itself: who can guess it has no need to \
                 steal it (RFC 8725 §3.5, RFC 6749 §10.10)",
                i + 1
            ),
            fresh(variable),
        )
    };
    weak.map(finding).collect()
}

fn looks_random(secret: &[u8]) -> bool {
    let mut different = secret.to_vec();
    different.sort_unstable();
    different.dedup();
    // Among 32 letters and digits drawn at random there is a digit or a capital.
    let is_of_words = secret.iter().any(u8::is_ascii_whitespace)
        || !secret.iter().any(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
    different.len() >= VARIETY_MIN && !is_of_words
}

/// A list that accepts more than the secret in use.
pub fn unfinished(&(variable, list): &Named<'_>) -> Option<Finding> {
    let reason = match list.iter().count() {
        0 | 1 => return None,
        2 => "accepts a second secret: end the change of secrets once all replicas have the new \
              one and ACCESS_TOKEN_TTL is over"
            .to_owned(),
        many => format!("accepts {many} secrets: old ones were never dropped"),
    };
    let source = "each of them opens the door (OWASP Key Management Cheat Sheet)";
    let line = format!("{variable}=… (the first entry alone)");
    Some(Finding::new(variable, format!("{reason}; {source}"), line))
}

/// Secrets that stand in two lists.
pub fn reused(lists: &[Named<'_>]) -> Vec<Finding> {
    let mut found = Vec::new();
    for (i, (variable, list)) in lists.iter().enumerate() {
        let shared = |(_, earlier): &&Named<'_>| list.iter().any(|secret| earlier.matches(secret));
        found.extend(lists[..i].iter().filter(shared).map(|(earlier, _)| {
            Finding::new(
                variable,
                format!(
                    "holds a secret of {earlier}: who gets one of them has both, and a key is for \
                     one purpose only (OWASP Key Management Cheat Sheet)"
                ),
                fresh(variable),
            )
        }));
    }
    found
}

fn fresh(variable: &str) -> String {
    format!("{variable}=$(auth-service secret generate)")
}

#[cfg(test)]
mod tests {
    use super::super::given::{self, OTHER, SECRET};
    use super::*;

    fn lines(flags: &[&str]) -> Vec<String> {
        findings(&given::token(flags)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn generated_secrets_and_an_issuer_with_tls_are_fit() {
        assert_eq!(lines(&[]), [""; 0]);
        for _ in 0..100 {
            let (one, other) = (SecretList::generate().unwrap(), SecretList::generate().unwrap());
            let lists = [one, other].map(|secret| secret.parse::<SecretList>().unwrap());
            assert!(lists.iter().all(|list| weak(&("LIST", list)).is_empty()), "{lists:?}");
        }
        let hexadecimal = "5f0c2b8e91d74a63be0f1c9a7d3258e64b90fa17c8d2e3665a4b8f0971cde32b";
        assert_eq!(lines(&["--token-secrets", hexadecimal]), [""; 0]);
    }

    #[test]
    fn an_issuer_without_tls_is_found_wherever_it_is() {
        for (plain, mended) in [
            ("http://auth.example:9000/", "TOKEN_ISSUER=https://auth.example:9000"),
            ("http://localhost:9000", "TOKEN_ISSUER=https://auth.example.com"),
        ] {
            let lines = lines(&["--token-issuer", plain]);
            assert_eq!(lines.len(), 1, "{lines:?}");
            assert!(lines[0].ends_with(&format!(" → {mended}")), "{lines:?}");
        }
    }

    #[test]
    fn a_secret_that_nobody_drew_at_random_is_found_by_its_place() {
        for weak in [
            "abababababababABABABABAB1212121212",
            "0000000000000000000000000000000000000000",
            "Correct horse battery staple 4 times over",
            "my-very-secret-key-for-production-of-the-shop",
        ] {
            let lines = lines(&["--registration-client-secret", weak]);
            assert_eq!(lines.len(), 1, "{lines:?}");
            assert!(lines[0].starts_with("REGISTRATION_CLIENT_SECRET: entry 1 "), "{lines:?}");
            assert!(!lines[0].contains(weak), "{lines:?}");
        }
    }

    #[test]
    fn a_change_of_secrets_that_was_not_ended_is_found() {
        let [two, three] = [format!("{SECRET},{SECRET}x"), format!("{SECRET},{SECRET}x,{SECRET}y")];

        let of_two = lines(&["--token-secrets", &two]);
        let of_three = lines(&["--token-secrets", &three]);

        assert_eq!((of_two.len(), of_three.len()), (1, 1), "{of_two:?} {of_three:?}");
        assert!(of_two[0].starts_with("TOKEN_SECRETS: accepts a second secret"), "{of_two:?}");
        assert!(of_three[0].starts_with("TOKEN_SECRETS: accepts 3 secrets"), "{of_three:?}");
        assert!(!format!("{of_two:?}{of_three:?}").contains(SECRET));
    }

    #[test]
    fn a_secret_of_two_purposes_is_found() {
        let lines = lines(&["--token-secrets", OTHER]);

        assert_eq!(lines.len(), 1, "{lines:?}");
        let start = "REGISTRATION_CLIENT_SECRET: holds a secret of TOKEN_SECRETS: ";
        assert!(lines[0].starts_with(start) && !lines[0].contains(OTHER), "{lines:?}");
    }

    #[test]
    fn every_pair_of_lists_is_compared() {
        let [a, b]: [SecretList; 2] = [SECRET, OTHER].map(|secret| secret.parse().unwrap());
        let both: SecretList = format!("{OTHER},{SECRET}").parse().unwrap();

        assert_eq!(reused(&[("A", &a), ("B", &b)]), []);
        assert_eq!(reused(&[("A", &a), ("B", &b), ("C", &both)]).len(), 2);
    }
}
