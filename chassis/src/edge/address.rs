//! The client's address: the connection's own, or what trusted proxies say it is.
//!
//! `X-Forwarded-For` is a list to which each proxy appends whom it was called by; anybody can send
//! one. So it is read from its end, and only as far as trusted proxies wrote it.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName};
use warp::Filter;

use crate::config::Proxies;

/// The header by which a proxy, or a service, says for whom it calls.
pub const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Where a request came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress {
    believed: IpAddr,
    told: IpAddr,
}

impl ClientAddress {
    /// Of a request from `peer` with these headers.
    pub(super) fn of(peer: IpAddr, headers: &HeaderMap, proxies: &Proxies) -> Self {
        let peer = peer.to_canonical();
        let told = follow(peer, headers, proxies);
        Self { believed: if proxies.contains(peer) { told } else { peer }, told }
    }

    /// The client's address, as far as `TRUSTED_PROXIES` reaches.
    pub fn ip(self) -> IpAddr {
        self.believed
    }

    /// The same, where whoever sent the request has proved to be trusted with it.
    pub fn as_told(self) -> IpAddr {
        self.told
    }
}

/// The last address that is not a trusted proxy's. `peer` is taken to be one; where an entry
/// cannot be read, the proxy that wrote it stands for its clients.
fn follow(peer: IpAddr, headers: &HeaderMap, proxies: &Proxies) -> IpAddr {
    let lines = headers.get_all(FORWARDED_FOR).iter().rev();
    let entries = lines.flat_map(|line| line.to_str().unwrap_or_default().rsplit(','));
    let mut client = peer;
    for entry in entries {
        let Some(address) = read(entry.trim()) else { break };
        client = address.to_canonical();
        if !proxies.contains(client) {
            break;
        }
    }
    client
}

/// An address as proxies write it, some with a port.
fn read(entry: &str) -> Option<IpAddr> {
    let bare = entry.strip_prefix('[').and_then(|entry| entry.strip_suffix(']'));
    let address = bare.unwrap_or(entry).parse().ok();
    address.or_else(|| entry.parse().ok().map(|address: SocketAddr| address.ip()))
}

/// Where the request came from.
pub fn client_address() -> impl Filter<Extract = (ClientAddress,), Error = Infallible> + Clone {
    warp::ext::optional().map(|address: Option<ClientAddress>| {
        // The edge's service sets it on every request.
        let nowhere = IpAddr::from([0, 0, 0, 0]);
        address.unwrap_or(ClientAddress { believed: nowhere, told: nowhere })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(peer: &str, lines: &[&str], proxies: &str) -> ClientAddress {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, line.parse().unwrap());
        }
        ClientAddress::of(peer.parse().unwrap(), &headers, &proxies.parse().unwrap())
    }

    fn ip(peer: &str, lines: &[&str], proxies: &str) -> String {
        address(peer, lines, proxies).ip().to_string()
    }

    #[test]
    fn nobody_is_believed_where_no_proxy_is_trusted() {
        assert_eq!(ip("198.51.100.7", &["203.0.113.1"], ""), "198.51.100.7");
        assert_eq!(ip("198.51.100.7", &["203.0.113.1"], "10.0.0.0/8"), "198.51.100.7");
    }

    #[test]
    fn the_list_is_read_from_its_end_as_far_as_trusted_proxies_wrote_it() {
        let proxies = "10.0.0.0/8, 192.0.2.1";

        assert_eq!(ip("10.0.0.1", &["1.1.1.1, 203.0.113.1"], proxies), "203.0.113.1");
        assert_eq!(ip("10.0.0.1", &["1.1.1.1, 203.0.113.1, 10.0.0.9"], proxies), "203.0.113.1");
        assert_eq!(ip("10.0.0.1", &["1.1.1.1", "203.0.113.1,192.0.2.1"], proxies), "203.0.113.1");
        assert_eq!(ip("10.0.0.1", &["10.0.0.8"], proxies), "10.0.0.8");
        assert_eq!(ip("10.0.0.1", &[], proxies), "10.0.0.1");
    }

    #[test]
    fn an_entry_that_cannot_be_read_hides_what_stands_before_it() {
        assert_eq!(ip("10.0.0.1", &["203.0.113.1, unknown"], "10.0.0.0/8"), "10.0.0.1");
        assert_eq!(ip("10.0.0.1", &["203.0.113.1,"], "10.0.0.0/8"), "10.0.0.1");
    }

    #[test]
    fn ports_and_mapped_addresses_are_read() {
        let proxies = "10.0.0.0/8,fd00::/8";

        assert_eq!(ip("::ffff:10.0.0.1", &["203.0.113.1:4711"], proxies), "203.0.113.1");
        assert_eq!(ip("fd00::1", &["[2001:db8::1]:4711"], proxies), "2001:db8::1");
        assert_eq!(ip("fd00::1", &["[2001:db8::1]"], proxies), "2001:db8::1");
        assert_eq!(ip("fd00::1", &["2001:db8::1"], proxies), "2001:db8::1");
    }

    #[test]
    fn who_has_proved_to_be_trusted_is_believed_without_being_listed() {
        let address = address("198.51.100.7", &["1.1.1.1, 203.0.113.1"], "");

        assert_eq!(address.as_told().to_string(), "203.0.113.1");
        assert_eq!(address.ip().to_string(), "198.51.100.7");
    }
}
