//! A socket that leads to a PostgreSQL: over TCP, or a Unix one.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;
use tokio_postgres::config::Host;

use super::dial::Address;

/// How long what was sent may stay unacknowledged: then the connection is lost, not slow.
const LOST: Duration = Duration::from_secs(9);

/// How soon an idle connection is asked whether it still is one, and how often then: one that a
/// router has forgotten is known to be dead within half a minute, not at the next request.
const KEEPALIVE: (Duration, Duration) = (Duration::from_secs(15), Duration::from_secs(5));

/// How long one of several addresses of a name may take; the last one has the time that is left.
const ADDRESS: Duration = Duration::from_secs(1);

/// Either kind.
pub(super) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// Connects, for as long as it takes.
pub(super) async fn connect(address: &Address) -> io::Result<Socket> {
    let name = match (&address.ip, &address.host) {
        (Some(ip), _) => ip.to_string(),
        (None, Host::Tcp(name)) => name.clone(),
        (None, Host::Unix(folder)) => {
            let path = folder.join(format!(".s.PGSQL.{}", address.port));
            return Ok(Socket::Unix(UnixStream::connect(path).await?));
        }
    };
    let mut found = tokio::net::lookup_host((name, address.port)).await?.peekable();
    let mut refused = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    while let Some(addr) = found.next() {
        let connect = tcp(addr);
        let connected = match found.peek() {
            Some(_) => timeout(ADDRESS, connect).await.unwrap_or_else(|late| Err(late.into())),
            None => connect.await,
        };
        match connected {
            Ok(stream) => return Ok(Socket::Tcp(stream)),
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

async fn tcp(addr: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(addr).await?;
    stream.set_nodelay(true)?;
    let socket = SockRef::from(&stream);
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(LOST))?;
    let (idle, interval) = KEEPALIVE;
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(idle).with_interval(interval))?;
    Ok(stream)
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Unix(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Self::Unix(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
