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
    use http::HeaderValue;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    const PROXIES: &str = "10.0.0.0/8, fd00::/8";

    fn config() -> ProptestConfig {
        ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
    }

    /// An address, and whether it is one of [`PROXIES`].
    fn known() -> impl Strategy<Value = (bool, IpAddr)> {
        any::<(bool, bool, u32)>().prop_map(|(is_trusted, is_v6, end)| {
            let (v4, v6) = if is_trusted { (10, 0xfd00) } else { (203, 0x2001) };
            let v4 = IpAddr::from(((v4 << 24) | (end >> 8)).to_be_bytes());
            let v6 = IpAddr::from(((v6 << 112) | u128::from(end)).to_be_bytes());
            (is_trusted, if is_v6 { v6 } else { v4 })
        })
    }

    /// The same as some proxy writes it; or what is no address.
    fn entry() -> impl Strategy<Value = (String, Option<(bool, IpAddr)>)> {
        let written = |address: IpAddr, style: u8| match (address, style % 4) {
            (IpAddr::V4(v4), 1) => v4.to_ipv6_mapped().to_string(),
            (IpAddr::V6(v6), 1) => format!("[{v6}]"),
            (address, 2) => SocketAddr::new(address, 4711).to_string(),
            (address, 3) => format!(" \t{address} "),
            (address, _) => address.to_string(),
        };
        let readable = (known(), any::<u8>());
        let unreadable = "unknown|_[a-z]{4}|fe80::1%1|10\\.0\\.0|10\\.0\\.0\\.256|[g-z]{0,3}";
        prop_oneof![
            4 => readable.prop_map(move |(known, style)| (written(known.1, style), Some(known))),
            1 => unreadable.prop_map(|text| (text, None)),
        ]
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn nothing_left_of_who_is_not_trusted_is_believed(
            (mut is_trusted, peer) in known(),
            entries in vec((entry(), select(&[",", ", ", "\n"])), 0..6),
        ) {
            let list: String =
                entries.iter().map(|((text, _), end)| format!("{end}{text}")).collect();
            let lines: Vec<&str> = list.trim_start_matches([',', ' ', '\n']).split('\n').collect();
            let peers = peer.to_string();

            let mut client = peer;
            for ((_, known), _) in entries.iter().rev() {
                let Some((next, address)) = known.filter(|_| is_trusted) else { break };
                (is_trusted, client) = (next, address);
            }
            prop_assert_eq!(address(&peers, &lines, PROXIES).ip(), client, "{:?}", lines);
            prop_assert_eq!(address(&peers, &lines, "").ip(), peer);
        }

        #[test]
        fn whatever_is_forwarded_harms_nobody(
            lines in vec(vec(prop_oneof![b' '..=b'~', 0x80..=0xff_u8], 0..40), 0..5),
            list in "[0-9a-f.:,\\[\\]% ]{0,60}",
        ) {
            let mut headers = HeaderMap::new();
            for line in [list.as_bytes()].into_iter().chain(lines.iter().map(Vec::as_slice)) {
                headers.extend(HeaderValue::from_bytes(line).map(|line| (FORWARDED_FOR, line)));
            }
            let peer = IpAddr::from([10, 0, 0, 1]);
            let of = |proxies: &str| ClientAddress::of(peer, &headers, &proxies.parse().unwrap());

            prop_assert_eq!(of("").ip(), peer);
            let _ = of(PROXIES);
        }
    }

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
