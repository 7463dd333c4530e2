//! Serving: connections accepted, kept within bounds, and drained at the end.
//!
//! | file | what it is |
//! |---|---|
//! | `pulse.rs` | where a connection stands between two requests |
//! | `table.rs` | all connections, and who makes room for a new one |
//! | `watched.rs` | what a connection's stream and its requests tell of it |

mod pulse;
mod table;
mod watched;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::edge::Edge;
use pulse::Pulse;
use table::Table;
use watched::{Told, Watched};

/// How long a connection may wait for its next request.
const IDLE_TIMEOUT: Duration = Duration::from_secs(75);

/// How long a request's headers may take, from their first byte.
pub const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// No header section is longer; that it has at most 100 headers is hyper's own default.
const HEADERS_MAX: usize = 64 * 1024;

/// Bounds of serving.
pub struct Limits {
    /// Connections at once; then the one that is idle longest makes room for a new one.
    pub connections: usize,
    /// How long a request's headers may take.
    pub headers: Duration,
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
    let table = Arc::new(Table::new(limits.connections));
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.cancelled() => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            // Out of file descriptors, most likely: there will be some again.
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let Some(Some(place)) = shutdown.run_until_cancelled(table.place()).await else {
            serve_once(stream, peer, &edge, &limits);
            break;
        };
        let pulse = Arc::clone(&place.pulse);
        let connection = connection(&edge, stream, peer, &pulse, &limits, true);
        let connection = graceful.watch(connection);
        edge.tasks().spawn(async move {
            tokio::select! {
                // A connection that breaks is its client's affair.
                _ = connection => {}
                () = pulse.told_to_leave() => {}
            }
            drop(place);
        });
    }
    serve_backlog(listener, &edge, &limits);
    edge.tasks().close();
    let drained = async {
        graceful.shutdown().await;
        edge.tasks().wait().await;
    };
    tokio::time::timeout(limits.grace, drained).await.is_ok()
}

/// Serves one request on each connection that already waits in the listen queue: to its client
/// it was accepted.
fn serve_backlog(listener: TcpListener, edge: &Edge, limits: &Limits) {
    let Ok(listener) = listener.into_std() else { return };
    while let Ok((stream, peer)) = listener.accept() {
        if stream.set_nonblocking(true).is_ok()
            && let Ok(stream) = TcpStream::from_std(stream)
        {
            serve_once(stream, peer, edge, limits);
        }
    }
}

/// Serves one request. Not watched by the graceful shutdown, which closes a connection that has
/// not read anything yet.
fn serve_once(stream: TcpStream, peer: SocketAddr, edge: &Edge, limits: &Limits) {
    let pulse = Arc::new(Pulse::new(Arc::default()));
    let connection = connection(edge, stream, peer, &pulse, limits, false);
    edge.tasks().spawn(async move {
        let _ = connection.await;
    });
}

type Connection =
    http1::Connection<TokioIo<Watched<TcpStream>>, Told<crate::edge::service::Connection>>;

fn connection(
    edge: &Edge,
    stream: TcpStream,
    peer: SocketAddr,
    pulse: &Arc<Pulse>,
    limits: &Limits,
    keep_alive: bool,
) -> Connection {
    // Without it, an answer of two packets waits for the client's delayed acknowledgement.
    let _ = stream.set_nodelay(true);
    let stream = Watched::new(stream, Arc::clone(pulse), limits.headers);
    let service = Told { service: edge.connection(peer), pulse: Arc::clone(pulse) };
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE_TIMEOUT)
        .max_header_size(HEADERS_MAX)
        .keep_alive(keep_alive)
        .serve_connection(TokioIo::new(stream), service)
}
