//! Serving: connections accepted, kept within bounds, and drained at the end.
//!
//! | file | what it is |
//! |---|---|
//! | `descriptors.rs` | as many open files as the system lets us have |
//! | `pulse.rs` | where a connection stands between two requests |
//! | `table.rs` | all connections, and who makes room for a new one |
//! | `watched.rs` | what a connection's stream and its requests tell of it |

mod descriptors;
mod pulse;
mod table;
mod watched;

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::edge::Edge;
pub use descriptors::raise_limit;
use pulse::Pulse;
use table::{Place, Table};
use watched::{Told, Watched};

/// How long a connection may wait for a request, the first or the next.
const IDLE_TIMEOUT: Duration = Duration::from_secs(75);

/// How long a request's headers may take, from their first byte.
pub const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection is silent at the end before it is closed: its client's next request may
/// be on its way, and would be lost.
const SILENCE: Duration = Duration::from_millis(500);

/// How soon it is accepted again when it failed; nobody says when it would not.
const RETRY: Duration = Duration::from_millis(50);

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
    let grace = limits.grace;
    let serving = Serving { edge, headers: limits.headers, shutdown };
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = serving.shutdown.cancelled() => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            // Out of file descriptors, most likely: whoever is idle has one.
            Err(error) => {
                let made_room = table.make_room();
                tracing::warn!(%error, made_room, "cannot accept a connection");
                tokio::time::sleep(RETRY).await;
                continue;
            }
        };
        let place = serving.shutdown.run_until_cancelled(table.place()).await.flatten();
        serving.begin(stream, peer, place);
    }
    serving.begin_backlog(listener);
    let tasks = serving.edge.tasks();
    tasks.close();
    tokio::time::timeout(grace, tasks.wait()).await.is_ok()
}

/// What all connections have in common.
struct Serving {
    edge: Edge,
    headers: Duration,
    shutdown: CancellationToken,
}

impl Serving {
    /// Serves what already waits in the listen queue: to its client it was accepted.
    fn begin_backlog(&self, listener: TcpListener) {
        let Ok(listener) = listener.into_std() else { return };
        while let Ok((stream, peer)) = listener.accept() {
            if stream.set_nonblocking(true).is_ok()
                && let Ok(stream) = TcpStream::from_std(stream)
            {
                self.begin(stream, peer, None);
            }
        }
    }

    /// Serves a connection in a task of its own; without a place where it came at the end.
    fn begin(&self, stream: TcpStream, peer: SocketAddr, place: Option<Place>) {
        let pulse = place.as_ref().map_or_else(Arc::default, |place| Arc::clone(&place.pulse));
        let connection = self.connection(stream, peer, &pulse);
        let shutdown = self.shutdown.clone();
        self.edge.tasks().spawn(async move {
            let mut connection = pin!(connection);
            let silent_at_the_end = async {
                shutdown.cancelled().await;
                pulse.is_silent_for(SILENCE).await;
            };
            tokio::select! {
                // A connection that breaks is its client's affair.
                _ = &mut connection => {}
                () = pulse.told_to_leave() => {}
                () = silent_at_the_end => {
                    connection.as_mut().graceful_shutdown();
                    let _ = connection.await;
                }
            }
            drop(place);
        });
    }

    fn connection(&self, stream: TcpStream, peer: SocketAddr, pulse: &Arc<Pulse>) -> Connection {
        // Without it, an answer of two packets waits for the client's delayed acknowledgement.
        let _ = stream.set_nodelay(true);
        let stream = Watched::new(stream, Arc::clone(pulse), self.headers);
        let service = self.edge.connection(peer);
        let service = Told { service, pulse: Arc::clone(pulse), shutdown: self.shutdown.clone() };
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(IDLE_TIMEOUT)
            .max_header_size(HEADERS_MAX)
            .serve_connection(TokioIo::new(stream), service)
    }
}

type Connection =
    http1::Connection<TokioIo<Watched<TcpStream>>, Told<crate::edge::service::Connection>>;
