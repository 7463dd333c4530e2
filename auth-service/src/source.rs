//! Where a request comes from, as the throttle counts it and the audit log keeps it.

use std::fmt;
use std::net::IpAddr;

use chassis::edge::service::ClientGone;
use chassis::edge::{ClientAddress, client_address};
use tokio_util::sync::CancellationToken;
use warp::filters::BoxedFilter;
use warp::http::HeaderMap;
use warp::http::header::USER_AGENT;
use warp::{Filter, header};

/// Code points of a `User-Agent` that are kept.
const USER_AGENT_MAX: usize = 256;

/// Where a request comes from.
#[derive(Debug, Clone)]
pub struct Source {
    /// The client's address.
    pub address: IpAddr,
    /// The same, as whoever sent the request says: for a client that is trusted with it.
    told: IpAddr,
    /// The client's network.
    pub network: Network,
    /// What the client says of itself.
    pub user_agent: Option<String>,
    /// Cancelled when the client hangs up.
    pub gone: CancellationToken,
}

/// A network as failures are counted by it: /24 of IPv4, /64 of IPv6, which is the least that
/// anybody has.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Network(String);

impl Network {
    /// The network of an address.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => {
                let [a, b, c, _] = address.octets();
                Self(format!("{a}.{b}.{c}.0/24"))
            }
            IpAddr::V6(address) => {
                let mut segments = address.segments();
                segments[4..].fill(0);
                Self(format!("{}/64", std::net::Ipv6Addr::from(segments)))
            }
        }
    }

    /// In CIDR notation.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Source {
    /// Where somebody is for whom a trusted client calls.
    pub fn as_told(self) -> Self {
        Self { address: self.told, network: Network::of(self.told), ..self }
    }
}

/// Where the request comes from.
pub fn source() -> BoxedFilter<(Source,)> {
    client_address()
        .and(header::headers_cloned())
        .and(warp::ext::get())
        .map(|client: ClientAddress, headers: HeaderMap, ClientGone(gone)| {
            let (address, told) = (client.ip(), client.as_told());
            let user_agent = headers.get(USER_AGENT).map(|sent| {
                String::from_utf8_lossy(sent.as_bytes()).chars().take(USER_AGENT_MAX).collect()
            });
            Source { address, told, network: Network::of(address), user_agent, gone }
        })
        .boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(address: &str) -> String {
        Network::of(address.parse().unwrap()).to_string()
    }

    #[test]
    fn a_network_is_what_one_client_can_move_in() {
        assert_eq!(network("203.0.113.77"), "203.0.113.0/24");
        assert_eq!(network("::ffff:203.0.113.77"), "203.0.113.0/24");
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_ne!(network("203.0.114.77"), network("203.0.113.77"));
    }
}
