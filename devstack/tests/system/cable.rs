//! The cable between a service and its PostgreSQL: it passes every byte on, or swallows all of
//! them in both directions, as a network does that has lost its way. Nothing is closed then.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A cable that leads to one PostgreSQL.
pub(crate) struct Cable {
    addr: SocketAddr,
    flows: Arc<watch::Sender<bool>>,
}

impl Cable {
    /// A cable to the server of this URL.
    pub(crate) async fn to(url: &str) -> Self {
        let server: tokio_postgres::Config = url.parse().unwrap();
        let port = server.get_ports()[0];
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let flows = Arc::new(watch::Sender::new(true));
        let flow = Arc::clone(&flows);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, port, flow.subscribe()));
            }
        });
        Self { addr, flows }
    }

    /// The URL that leads through it.
    pub(crate) fn url(&self, direct: &str) -> String {
        let server: tokio_postgres::Config = direct.parse().unwrap();
        let port = server.get_ports()[0];
        direct.replace(&format!(":{port}/"), &format!(":{}/", self.addr.port()))
    }

    /// Where it begins.
    pub(crate) fn port(&self) -> u16 {
        self.addr.port()
    }

    /// Swallows all that comes from now on.
    pub(crate) fn swallow(&self) {
        self.flows.send_replace(false);
    }

    /// Passes on what comes from now on, and what still wants to.
    pub(crate) fn pass(&self) {
        self.flows.send_replace(true);
    }
}

async fn carry(client: TcpStream, port: u16, flow: watch::Receiver<bool>) -> Option<()> {
    flow.clone().wait_for(|flows| *flows).await.ok()?;
    let server = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::spawn(pump(from_client, to_server, flow.clone()));
    pump(from_server, to_client, flow).await
}

async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut flow: watch::Receiver<bool>,
) -> Option<()> {
    let mut bytes = vec![0; 64 * 1024];
    loop {
        let count = from.read(&mut bytes).await.ok()?;
        flow.wait_for(|flows| *flows).await.ok()?;
        if count == 0 {
            return to.shutdown().await.ok();
        }
        to.write_all(&bytes[..count]).await.ok()?;
    }
}
