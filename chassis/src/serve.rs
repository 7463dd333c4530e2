//! Serving: connections accepted, kept within bounds, and drained at the end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::edge::Edge;

/// How long a connection may wait for its next request's headers.
const HEADER_TIMEOUT: Duration = Duration::from_secs(75);

/// No header section is longer; that it has at most 100 headers is hyper's own default.
const HEADERS_MAX: usize = 64 * 1024;

/// Bounds of serving.
pub struct Limits {
    /// Connections at once; more wait in the listen queue.
    pub connections: usize,
    /// How long what runs at the end may take.
    pub grace: Duration,
}

/// Serves until `shutdown`, then lets what runs finish; says whether all of it did.
pub async fn serve(
    listener: TcpListener,
    edge: Edge,
    limits: Limits,
    shutdown: CancellationToken,
) -> bool {
    let slots = Arc::new(Semaphore::new(limits.connections));
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &slots) => accepted,
            () = shutdown.cancelled() => break,
        };
        match accepted {
            Ok((stream, peer, slot)) => {
                let connection = connection(&edge, stream, peer, true);
                let connection = graceful.watch(connection);
                edge.tasks().spawn(async move {
                    // A connection that breaks is its client's affair.
                    let _ = connection.await;
                    drop(slot);
                });
            }
            // Out of file descriptors, most likely: there will be some again.
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    serve_backlog(listener, &edge);
    edge.tasks().close();
    let drained = async {
        graceful.shutdown().await;
        edge.tasks().wait().await;
    };
    tokio::time::timeout(limits.grace, drained).await.is_ok()
}

type Accepted = (TcpStream, SocketAddr, OwnedSemaphorePermit);

async fn accept(listener: &TcpListener, slots: &Arc<Semaphore>) -> std::io::Result<Accepted> {
    let slot = Arc::clone(slots).acquire_owned().await.map_err(std::io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, slot))
}

/// Serves one request on each connection that already waits in the listen queue: to its client
/// it was accepted. Not watched by the graceful shutdown, which closes a connection that has not
/// read anything yet.
fn serve_backlog(listener: TcpListener, edge: &Edge) {
    let Ok(listener) = listener.into_std() else { return };
    while let Ok((stream, peer)) = listener.accept() {
        if stream.set_nonblocking(true).is_ok()
            && let Ok(stream) = TcpStream::from_std(stream)
        {
            let connection = connection(edge, stream, peer, false);
            edge.tasks().spawn(async move {
                let _ = connection.await;
            });
        }
    }
}

fn connection(
    edge: &Edge,
    stream: TcpStream,
    peer: SocketAddr,
    keep_alive: bool,
) -> http1::Connection<TokioIo<TcpStream>, crate::edge::service::Connection> {
    // Without it, an answer of two packets waits for the client's delayed acknowledgement.
    let _ = stream.set_nodelay(true);
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_header_size(HEADERS_MAX)
        .keep_alive(keep_alive)
        .serve_connection(TokioIo::new(stream), edge.connection(peer))
}
