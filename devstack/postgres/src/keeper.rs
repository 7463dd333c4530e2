//! The thread that starts the server, and lives as long as it: Linux would
//! take the thread's end for the parent's death.

use std::{path::PathBuf, sync::mpsc};

use tokio::sync::oneshot;

use crate::{
    account::Account,
    binaries::Binaries,
    cluster,
    error::Error,
    folder::Folder,
    options::{Options, Step},
    postmaster::{Postmaster, free_port, is_free},
};

/// How often another free port is tried when one was taken meanwhile.
const PORT_ATTEMPTS: usize = 10;

/// What stays true of a server while it is stopped.
pub(crate) struct Facts {
    pub(crate) folder: PathBuf,
    pub(crate) programs: PathBuf,
    pub(crate) port: u16,
    pub(crate) password: String,
    pub(crate) version: String,
}

/// What the keeper can be told; the answer goes where the order says.
pub(crate) enum Order {
    Stop(oneshot::Sender<Result<(), Error>>),
    Start(oneshot::Sender<Result<(), Error>>),
}

/// Starts the server, tells `started`, and obeys until nobody can give orders
/// any more: then the server is stopped.
pub(crate) fn keep(
    options: &Options,
    account: Option<Account>,
    binaries: &Binaries,
    progress: &impl Fn(Step),
    started: oneshot::Sender<Result<Facts, Error>>,
    orders: &mpsc::Receiver<Order>,
) {
    let start = || {
        let folder = Folder::open(&options.data, account)?;
        let version = || binaries.version().to_owned();
        let password = cluster::prepare(&folder, binaries, options.durable, || {
            progress(Step::Creating { version: version() });
        })?;
        progress(Step::Starting { version: version() });
        let (postmaster, port) = start_on_port(&folder, binaries, options)?;
        let (at, programs) = (folder.path.clone(), binaries.real_folder()?);
        let facts = Facts { folder: at, programs, port, password, version: version() };
        Ok((folder, postmaster, facts))
    };
    let (folder, first, facts) = match start() {
        Ok(all) => all,
        Err(error) => return drop(started.send(Err(error))),
    };
    let port = facts.port;
    let mut running = Some(first);
    if started.send(Ok(facts)).is_err() {
        return; // Nobody waits any more; dropping it stops it.
    }
    for order in orders {
        let _ = match order {
            Order::Stop(reply) => reply.send(running.take().map_or(Ok(()), |mut it| it.stop())),
            Order::Start(reply) if running.as_mut().is_some_and(Postmaster::is_running) => {
                reply.send(Ok(()))
            }
            Order::Start(reply) => {
                let again = Postmaster::start(&folder, binaries, options.durable, port);
                reply.send(again.map(|it| running = Some(it)))
            }
        };
    }
}

fn start_on_port(
    folder: &Folder,
    binaries: &Binaries,
    options: &Options,
) -> Result<(Postmaster, u16), Error> {
    let start = |port| {
        if !is_free(port) {
            return Err(Error::PortInUse { port });
        }
        Postmaster::start(folder, binaries, options.durable, port).map(|it| (it, port))
    };
    if let Some(port) = options.port {
        return start(port);
    }
    for _ in 1..PORT_ATTEMPTS {
        match start(free_port()?) {
            Err(Error::PortInUse { .. }) => {}
            other => return other,
        }
    }
    start(free_port()?)
}
