//! How the service's own ends of connections are set up.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;

use rustix::net::{getpeername, sockopt::tcp_nodelay};
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

use crate::stage::{Running, read_answer};

/// The service's end of the connection of a client with this address: it is in this process.
fn end_at(client: SocketAddr) -> OwnedFd {
    let own = pidfd_open(getpid(), PidfdFlags::empty()).unwrap();
    let numbers = std::fs::read_dir("/proc/self/fd").unwrap();
    let numbers = numbers.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let mut ends = numbers.filter_map(|number| {
        let end = pidfd_getfd(&own, number, PidfdGetfdFlags::empty()).ok()?;
        let peer: SocketAddr = getpeername(&end).ok()??.try_into().ok()?;
        (peer == client).then_some(end)
    });
    ends.next().unwrap()
}

#[tokio::test]
async fn an_answer_does_not_wait_for_its_clients_acknowledgement() {
    let service = Running::serving().await;
    let mut client = service.send("/quick").await;
    read_answer(&mut client).await;

    let end = end_at(client.local_addr().unwrap());

    assert!(tcp_nodelay(end).unwrap(), "TCP_NODELAY is not set");
}
