//! Whether a name leads over a network.

use std::net::IpAddr;

/// Whether `host`, a name or an address, is this machine (RFC 6761 §6.3).
pub fn is_loopback(host: &str) -> bool {
    match address(host) {
        Some(address) => address.to_canonical().is_loopback(),
        None => {
            let host = host.trim_end_matches('.').to_ascii_lowercase();
            host == "localhost" || host.ends_with(".localhost")
        }
    }
}

/// Whether `host` is this machine, or a name that only a private network knows: of one label, as
/// compose gives to its services, or of a cluster.
pub fn is_internal(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let is_inside = |domain| host.ends_with(domain);
    is_loopback(&host)
        || address(&host).is_none()
            && (!host.contains('.')
                || [".svc", ".svc.cluster.local", ".internal"].into_iter().any(is_inside))
}

/// An address; in a URL, one of IPv6 stands in brackets.
fn address(host: &str) -> Option<IpAddr> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    bare.unwrap_or(host).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_no_network() {
        for host in ["localhost", "LOCALHOST.", "a.localhost", "127.0.0.9", "::1", "[::1]"] {
            assert!(is_loopback(host) && is_internal(host), "{host}");
        }
    }

    #[test]
    fn names_of_a_cluster_are_internal() {
        for host in ["auth", "Auth.shop.svc", "auth.shop.svc.cluster.local.", "auth.internal"] {
            assert!(is_internal(host) && !is_loopback(host), "{host}");
        }
    }

    #[test]
    fn all_others_lead_over_a_network() {
        let hosts = ["auth.example", "localhost.example", "svc.example", "10.0.0.1", "[fd00::1]"];
        for host in hosts {
            assert!(!is_internal(host) && !is_loopback(host), "{host}");
        }
    }
}
