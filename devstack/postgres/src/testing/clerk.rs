//! The thread that owns the tests' server and alone creates databases on it.

use std::{
    sync::{Arc, OnceLock},
    thread,
};

use tokio::sync::{mpsc, oneshot};
use tokio_postgres::{Client, NoTls};

use super::throw_away;
use crate::server::Server;

/// Statements, and where to send the answer.
struct Job {
    statements: Vec<String>,
    reply: oneshot::Sender<Result<Arc<Server>, String>>,
}

static JOBS: OnceLock<mpsc::UnboundedSender<Job>> = OnceLock::new();

/// Has the statements executed after those of all who came before.
pub(super) async fn run(statements: Vec<String>) {
    answer(begin(statements)).await;
}

/// The URL of a database on the tests' server.
pub(super) async fn url(database: &str) -> String {
    answer(begin(Vec::new())).await.url(database)
}

/// Does not wait for the answer.
pub(super) fn begin(statements: Vec<String>) -> oneshot::Receiver<Result<Arc<Server>, String>> {
    let (reply, answer) = oneshot::channel();
    let _ = JOBS.get_or_init(employ).send(Job { statements, reply });
    answer
}

async fn answer(answer: oneshot::Receiver<Result<Arc<Server>, String>>) -> Arc<Server> {
    match answer.await {
        Ok(Ok(server)) => server,
        Ok(Err(reason)) => panic!("{reason}"),
        Err(_) => panic!("the thread that keeps the tests' PostgreSQL has ended"),
    }
}

/// The thread ends with the process, and the server with the thread.
fn employ() -> mpsc::UnboundedSender<Job> {
    let (jobs, inbox) = mpsc::unbounded_channel();
    let clerk = thread::Builder::new().name("postgres-clerk".to_owned());
    let started = clerk.spawn(move || {
        match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime.block_on(work(inbox)),
            Err(error) => panic!("no runtime for the tests' PostgreSQL: {error}"),
        }
    });
    if let Err(error) = started {
        panic!("no thread for the tests' PostgreSQL: {error}");
    }
    jobs
}

async fn work(mut inbox: mpsc::UnboundedReceiver<Job>) {
    let office = open().await;
    while let Some(Job { statements, reply }) = inbox.recv().await {
        let done = match &office {
            Ok((server, client)) => execute(client, &statements).await.map(|()| Arc::clone(server)),
            Err(reason) => Err(reason.clone()),
        };
        let _ = reply.send(done);
    }
}

async fn open() -> Result<(Arc<Server>, Client), String> {
    let server = throw_away::server().await.map_err(|error| error.to_string())?;
    let (client, connection) = tokio_postgres::connect(&server.url("postgres"), NoTls)
        .await
        .map_err(|error| format!("cannot connect to the tests' PostgreSQL: {error}"))?;
    tokio::spawn(connection);
    Ok((Arc::new(server), client))
}

async fn execute(client: &Client, statements: &[String]) -> Result<(), String> {
    for statement in statements {
        client.batch_execute(statement).await.map_err(|error| {
            let said = error.as_db_error().map_or_else(|| error.to_string(), ToString::to_string);
            format!("{statement}: {said}")
        })?;
    }
    Ok(())
}
