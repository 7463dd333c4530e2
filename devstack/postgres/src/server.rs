//! A server, as those see it who use it.

use std::{fmt, path::Path, sync::mpsc, thread};

use tokio::sync::oneshot;
use tokio_postgres::{NoTls, error::SqlState};

use crate::{
    account::Account,
    archive::Archive,
    binaries::{self, Binaries},
    cluster,
    error::{Doing, Error},
    keeper::{Facts, Order, keep},
    options::{Options, Step},
    pidfile::PidFile,
};

/// A PostgreSQL that runs until it is stopped, dropped, or left behind by the
/// end of this process, however it ends.
pub struct Server {
    /// `None` while it is being dropped.
    orders: Option<mpsc::Sender<Order>>,
    keeper: Option<thread::JoinHandle<()>>,
    facts: Facts,
}

impl Server {
    /// Finds or downloads PostgreSQL, creates the data where there is none,
    /// and returns when connections are accepted.
    ///
    /// # Errors
    /// They all say what is wrong, where, and what to do.
    pub async fn start(
        options: Options,
        progress: impl Fn(Step) + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let account = Account::for_server()?;
        let binaries = find(&options, account.as_ref(), &progress).await?;
        let (started, facts) = oneshot::channel();
        let (orders, inbox) = mpsc::channel();
        let keeper = thread::Builder::new()
            .name("postgres-keeper".to_owned())
            .spawn(move || keep(&options, account, &binaries, &progress, started, &inbox))
            .doing(|| "start a thread".to_owned())?;
        let facts = facts.await.unwrap_or_else(|_| Err(keeper_is_gone()))?;
        Ok(Self { orders: Some(orders), keeper: Some(keeper), facts })
    }

    /// `postgres://…` with the superuser's password. `database` stands in it
    /// as it is.
    pub fn url(&self, database: &str) -> String {
        let Facts { port, password, .. } = &self.facts;
        format!("postgres://{}:{password}@127.0.0.1:{port}/{database}", cluster::USER)
    }

    /// The superuser's.
    pub(crate) fn password(&self) -> &str {
        &self.facts.password
    }

    /// The port on 127.0.0.1; the same after a stop and a start.
    pub fn port(&self) -> u16 {
        self.facts.port
    }

    /// The process, for tests that mean it harm; `None` while it is stopped.
    pub fn pid(&self) -> Option<i32> {
        PidFile::read(&self.facts.folder.join("data")).map(|server| server.pid)
    }

    /// As in `17.5`.
    pub fn version(&self) -> &str {
        &self.facts.version
    }

    /// Where the data really is.
    pub fn folder(&self) -> &Path {
        &self.facts.folder
    }

    /// The folder of its programs, among which are `pg_dump` and `psql` where it is a whole
    /// installation.
    pub fn programs(&self) -> &Path {
        &self.facts.programs
    }

    /// Creates a database unless there is one of that name.
    ///
    /// # Errors
    /// When the server is stopped, or refuses the name.
    pub async fn create_database_if_absent(&self, name: &str) -> Result<(), Error> {
        let doing = || format!("create database {name}");
        let (client, connection) =
            tokio_postgres::connect(&self.url("postgres"), NoTls).await.doing(doing)?;
        let create = async {
            let quoted = name.replace('"', "\"\"");
            let created = client.batch_execute(&format!("CREATE DATABASE \"{quoted}\"")).await;
            drop(client); // Which ends the connection.
            created
        };
        let (_, created) = tokio::join!(connection, create);
        match created {
            Err(error) if error.code() == Some(&SqlState::DUPLICATE_DATABASE) => Ok(()),
            created => created.doing(doing),
        }
    }

    /// Stops the server: open connections are closed, data is kept. Stopping a
    /// stopped one is fine.
    ///
    /// # Errors
    /// When the process cannot be signalled.
    pub async fn stop(&self) -> Result<(), Error> {
        self.order(Order::Stop).await
    }

    /// Starts a stopped server again, on the same port and data.
    ///
    /// # Errors
    /// As [`Server::start`]; also when the port was taken meanwhile.
    pub async fn start_again(&self) -> Result<(), Error> {
        self.order(Order::Start).await
    }

    async fn order(
        &self,
        order: impl FnOnce(oneshot::Sender<Result<(), Error>>) -> Order,
    ) -> Result<(), Error> {
        let (reply, answer) = oneshot::channel();
        if let Some(orders) = &self.orders {
            let _ = orders.send(order(reply)); // Where nobody listens, the answer fails.
        }
        answer.await.unwrap_or_else(|_| Err(keeper_is_gone()))
    }
}

/// Waits until the server has stopped: call [`Server::stop`] before where a
/// blocked thread matters.
impl Drop for Server {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(keeper) = self.keeper.take() {
            let _ = keeper.join();
        }
    }
}

/// Without the password.
impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Facts { folder, port, version, .. } = &self.facts;
        f.debug_struct("Server")
            .field("folder", folder)
            .field("port", port)
            .field("version", version)
            .finish_non_exhaustive()
    }
}

async fn find(
    options: &Options,
    account: Option<&Account>,
    progress: &(impl Fn(Step) + Sync),
) -> Result<Binaries, Error> {
    let binaries = match &options.bin_dir {
        Some(folder) => Binaries::in_folder(folder)?,
        None => match binaries::installed()? {
            Some(binaries) => binaries,
            None => Archive::from_env(account)?.install(progress).await?,
        },
    };
    if let Some(account) = account {
        let folder = binaries.real_folder()?;
        if !account.reaches(&folder)? {
            return Err(Error::OutOfReach { account: account.name.clone(), folder });
        }
    }
    Ok(binaries)
}

fn keeper_is_gone() -> Error {
    let source = std::io::Error::other("the thread that keeps the server has ended");
    Error::Io { doing: "reach the server".to_owned(), source }
}
