//! Proxies whose word on the client's address counts.

use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

/// `TRUSTED_PROXIES`: networks in CIDR notation, or single addresses.
#[derive(Debug, Clone, Default)]
pub struct Proxies(Vec<IpNet>);

impl Proxies {
    /// Whether this is a trusted proxy's address.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Whether nobody is trusted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromStr for Proxies {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        entries.map(network).collect::<Result<_, _>>().map(Self)
    }
}

fn network(text: &str) -> Result<IpNet, String> {
    let single = || text.parse().ok().map(|address: IpAddr| IpNet::from(address.to_canonical()));
    let network = text.parse().ok().or_else(single);
    network.ok_or_else(|| format!("{text} is no network: an address, or one with /prefix"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_and_addresses_are_listed() {
        let proxies: Proxies = "10.0.0.0/8, 192.0.2.1,2001:db8::/32".parse().unwrap();

        for inside in ["10.255.0.1", "192.0.2.1", "2001:db8::5"] {
            assert!(proxies.contains(inside.parse().unwrap()), "{inside}");
        }
        for outside in ["11.0.0.1", "192.0.2.2", "2001:db9::5"] {
            assert!(!proxies.contains(outside.parse().unwrap()), "{outside}");
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for wrong in ["*", "proxy.example", "10.0.0.0/33", "10.0.0"] {
            assert!(wrong.parse::<Proxies>().is_err(), "{wrong}");
        }
    }
}
