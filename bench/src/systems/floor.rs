//! The floor: warp, which looks at a bearer token and asks nobody. No service on it can be quicker.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use proto::{SecretList, Verifier};
use tokio::process::Command;
use warp::Filter;
use warp::http::StatusCode;

use super::ours::{AUDIENCE, ISSUER, Shared};
use super::process::{Greeting, Process, free_address};
use super::site::{Dialect, Site};
use crate::scenarios::request::Request;

/// The secret reaches the server this way.
const SECRET: &str = "FLOOR_TOKEN_SECRET";

/// Serves until it is killed.
pub(crate) async fn serve(address: SocketAddr) -> Result<()> {
    #[expect(clippy::disallowed_methods, reason = "set by the bench, no configuration")]
    let secrets: SecretList = std::env::var(SECRET).context(SECRET)?.parse()?;
    let verifier = Arc::new(Verifier::new(&secrets, ISSUER, AUDIENCE));
    let me = warp::path!("user" / "me").or(warp::path!("cart")).unify();
    let me = me.and(warp::get()).and(warp::header::<String>("authorization")).map(
        move |authorization: String| {
            let token = authorization.strip_prefix("Bearer ").unwrap_or_default();
            match verifier.verify(token) {
                Ok(caller) => warp::reply::with_status(
                    caller.user().map(|id| id.to_string()).unwrap_or_default(),
                    StatusCode::OK,
                ),
                Err(error) => warp::reply::with_status(error.to_string(), StatusCode::UNAUTHORIZED),
            }
        },
    );
    let hello = warp::path!("products").and(warp::get()).map(|| "hello");
    #[expect(clippy::disallowed_methods, reason = "the least that a server on warp can do")]
    warp::serve(me.or(hello)).run(address).await;
    Ok(())
}

/// The floor as a process; its site shares the tokens of ours.
pub(crate) struct Floor {
    pub(crate) site: Arc<Site>,
    pub(crate) process: Process,
}

/// Starts it.
pub(crate) async fn start(shared: &Shared, ours: &Site) -> Result<Floor> {
    let (address, process) = spawn(shared).await?;
    let mut site = Site::new(Dialect::Latchkey, ours.auth, address, ours.stock);
    site.tokens.clone_from(&ours.tokens);
    Ok(Floor { site: Arc::new(site), process })
}

/// Starts it, and says how long it took until it answered.
pub(crate) async fn cold_start(shared: &Shared) -> Result<Duration> {
    let started = Instant::now();
    let (_, process) = spawn(shared).await?;
    let took = started.elapsed();
    process.stop().await;
    Ok(took)
}

async fn spawn(shared: &Shared) -> Result<(SocketAddr, Process)> {
    let address = free_address()?;
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("floor").arg(address.to_string()).env(SECRET, &shared.token_secret);
    let greeting = Greeting { to: address, request: Request::products() };
    Ok((address, Process::start("floor", command, greeting).await?))
}
