//! The connections of a service's pool: which of them nobody gets again, and how new ones are made.

use std::time::{Duration, Instant};

use chassis::db::{Connection, PipelinedTransaction};
use chassis::{Db, DbError, Plans};
use devstack_postgres::testing::{TestDatabase, database};
use devstack_testkit::database::connect;
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::cable::Cable;
use crate::config::auth_config;

/// Long enough for a connection to be made, and much shorter than a statement may take.
const SOON: Duration = Duration::from_secs(3);

pub(crate) fn pool(url: &str, size: usize) -> Db {
    let mut config = auth_config(url, &[]).database;
    config.pool_size = size;
    Db::new(&config, Plans::AsItDecides).unwrap()
}

pub(crate) async fn backend(connection: &Connection) -> i32 {
    connection.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0)
}

/// The backend of whichever connection is got, which must be well.
pub(crate) async fn next(db: &Db) -> i32 {
    let next = async { backend(&db.get().await.unwrap()).await };
    timeout(SOON, next).await.unwrap()
}

/// The backends of as many connections, which were got at once and have gone back.
pub(crate) async fn fill(db: &Db, count: usize) -> Vec<i32> {
    let (mut held, mut backends) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let connection = db.get().await.unwrap();
        backends.push(backend(&connection).await);
        held.push(connection);
    }
    backends
}

/// A host that takes connections and never says a word.
async fn mute() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

/// This database's URL with a host before its own.
fn after(port: u16, database: &TestDatabase) -> String {
    let (before, rest) = database.url().split_once("127.0.0.1:").unwrap();
    format!("{before}127.0.0.1:{port},127.0.0.1:{rest}?target_session_attrs=read-write")
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let database = database().await;
    let db = pool(database.url(), 1);

    let (first, second) = (next(&db).await, next(&db).await);

    assert_eq!(first, second);
}

#[tokio::test]
async fn a_connection_whose_query_was_given_up_is_closed() {
    let database = database().await;
    let db = pool(database.url(), 1);
    let first = next(&db).await;

    let connection = db.get().await.unwrap();
    let given_up = connection.simple_query("SELECT pg_sleep(7)");
    timeout(Duration::from_millis(50), given_up).await.expect_err("it sleeps");
    drop(connection);

    assert_ne!(next(&db).await, first);
}

#[tokio::test]
async fn a_transaction_that_was_dropped_is_rolled_back_before_anybody_gets_its_connection() {
    let database = database().await;
    let db = pool(database.url(), 1);
    let first = next(&db).await;

    for statement in ["CREATE TABLE left_behind ()", "SELECT 1 / 0"] {
        let mut connection = db.get().await.unwrap();
        let transaction = connection.transaction().await.unwrap();
        let _ = transaction.batch_execute(statement).await;
        drop(transaction);
        drop(connection);

        assert_eq!(next(&db).await, first, "{statement}");
    }
    let left = "SELECT FROM pg_tables WHERE tablename = 'left_behind'";
    assert_eq!(db.get().await.unwrap().query(left, &[]).await.unwrap().len(), 0);
}

#[tokio::test]
async fn a_pipelined_transaction_lasts_where_it_is_committed_and_is_rolled_back_where_not() {
    let database = database().await;
    connect(database.url()).await.batch_execute("CREATE TABLE things (id int)").await.unwrap();
    let db = pool(database.url(), 1);
    let first = next(&db).await;
    let insert = async |tx: &PipelinedTransaction, id: i32| {
        tx.execute("INSERT INTO things VALUES ($1)", &[&id]).await.map_err(DbError::from)
    };
    let fail = async |tx: &PipelinedTransaction| {
        tx.execute("INSERT INTO things VALUES (1 / 0)", &[]).await.map_err(DbError::from)
    };

    let committed = db.pipelined().await.unwrap();
    committed.begin_with(insert(&committed, 1)).await.unwrap();
    insert(&committed, 2).await.unwrap();
    committed.commit().await.unwrap();
    assert_eq!(next(&db).await, first, "committed");

    let ended = db.pipelined().await.unwrap();
    ended.begin_with(insert(&ended, 5)).await.unwrap();
    let divide = "INSERT INTO things VALUES (6 / $1) RETURNING id";
    let statement = ended.prepare_cached(divide).await.unwrap();
    let row = ended.commit_with(&statement, &[&1]).await.unwrap();
    assert_eq!(row.get::<_, i32>("id"), 6);
    assert_eq!(next(&db).await, first, "committed with its last statement");

    let spoilt = db.pipelined().await.unwrap();
    spoilt.begin_with(insert(&spoilt, 7)).await.unwrap();
    let statement = spoilt.prepare_cached(divide).await.unwrap();
    spoilt.commit_with(&statement, &[&0]).await.unwrap_err();
    assert_eq!(next(&db).await, first, "its last statement failed");

    let dropped = db.pipelined().await.unwrap();
    dropped.begin_with(insert(&dropped, 3)).await.unwrap();
    drop(dropped);
    assert_eq!(next(&db).await, first, "dropped");

    let failed = db.pipelined().await.unwrap();
    let both = async { tokio::try_join!(insert(&failed, 4), fail(&failed)) };
    failed.begin_with(both).await.unwrap_err();
    drop(failed);
    assert_eq!(next(&db).await, first, "failed");

    drop(db.pipelined().await.unwrap());
    assert_eq!(next(&db).await, first, "never begun");

    let rows = db.get().await.unwrap().query("SELECT id FROM things ORDER BY id", &[]).await;
    let left: Vec<i32> = rows.unwrap().iter().map(|row| row.get("id")).collect();
    assert_eq!(left, [1, 2, 5, 6]);
}

#[tokio::test]
async fn a_connection_inside_a_transaction_is_closed() {
    let database = database().await;
    let db = pool(database.url(), 1);

    for statements in ["BEGIN", "BEGIN; SELECT 1 / 0"] {
        let first = next(&db).await;
        let connection = db.get().await.unwrap();
        let _ = connection.batch_execute(statements).await;
        drop(connection);

        assert_ne!(next(&db).await, first, "{statements}");
    }
}

#[tokio::test]
async fn a_connection_to_a_server_that_no_longer_writes_is_closed() {
    let database = database().await;
    connect(database.url()).await.batch_execute("CREATE TABLE things ()").await.unwrap();
    let db = pool(database.url(), 1);
    let write = "INSERT INTO things DEFAULT VALUES";

    let connection = db.get().await.unwrap();
    connection.batch_execute("SET default_transaction_read_only = on").await.unwrap();
    let refused = connection.execute(write, &[]).await.unwrap_err();
    drop(connection);
    let stored = db.get().await.unwrap().execute(write, &[]).await;

    assert!(DbError::from(refused).is_unavailable());
    assert_eq!(stored.unwrap(), 1);
}

#[tokio::test]
async fn connections_that_the_server_has_closed_fail_nobody() {
    let database = database().await;
    let db = pool(database.url(), 4);
    let before = fill(&db, 4).await;

    let terminate = "SELECT pg_terminate_backend(pid, 10000) FROM unnest($1::int[]) AS pid";
    connect(database.url()).await.query(terminate, &[&before]).await.unwrap();
    let after = fill(&db, 4).await;

    assert!(after.iter().all(|backend| !before.contains(backend)), "{before:?} {after:?}");
}

#[tokio::test]
async fn a_server_that_is_silent_is_given_up_with_all_that_was_not_heard_since() {
    let database = database().await;
    let cable = Cable::to(database.url()).await;
    let url = format!("{}?tcp_user_timeout=1", cable.url(database.url()));
    let db = pool(&url, 4);
    let before = fill(&db, 4).await;

    cable.swallow();
    let silent = db.get().await.unwrap();
    let refused = timeout(SOON, silent.simple_query("SELECT 1")).await.expect("it gives up");
    drop(silent);
    cable.pass();

    assert!(DbError::from(refused.unwrap_err()).is_unavailable());
    assert!(!before.contains(&next(&db).await));
}

#[tokio::test]
async fn a_statement_that_takes_its_time_is_not_given_up() {
    let database = database().await;
    let db = pool(&format!("{}?tcp_user_timeout=1", database.url()), 1);
    let connection = db.get().await.unwrap();

    // Each row is a word, and so are rows that come one by one.
    let rows = "SELECT pg_sleep(0.4), repeat('x', 20000) FROM generate_series(1, 4)";
    let slow = connection.query(rows, &[]).await;
    drop(connection);

    assert_eq!(slow.unwrap().len(), 4);
    next(&db).await;
}

#[tokio::test]
async fn a_first_host_that_is_away_or_says_nothing_does_not_keep_anybody_waiting() {
    let database = database().await;
    let mute = mute().await;
    let cable = Cable::to(database.url()).await;
    cable.swallow();

    for port in [1, mute.local_addr().unwrap().port(), cable.port()] {
        let db = pool(&after(port, &database), 1);
        let started = Instant::now();

        next(&db).await;

        assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    }
}

#[tokio::test]
async fn a_server_that_does_not_write_is_refused_where_one_is_asked_for_that_does() {
    let database = database().await;
    let read_only =
        format!("ALTER DATABASE \"{}\" SET default_transaction_read_only = on", database.name());
    connect(database.url()).await.batch_execute(&read_only).await.unwrap();
    let url = format!("{}?target_session_attrs=read-write", database.url());

    let refused = pool(&url, 1).get().await;

    let message = refused.err().map(|error| error.to_string()).unwrap_or_default();
    assert!(message.contains("does not allow writes"), "{message}");
}

#[tokio::test]
async fn where_no_host_answers_each_is_named_and_a_request_waits_three_seconds_at_most() {
    let (one, other) = (mute().await, mute().await);
    let [one, other] = [&one, &other].map(|host| host.local_addr().unwrap());
    let db = pool(&format!("postgres://u@127.0.0.1:1,{one},{other}/db"), 1);
    let started = Instant::now();

    let refused = db.get().await.err().unwrap().to_string();

    assert!(refused.contains("127.0.0.1:1: "), "{refused}");
    assert!(refused.contains("no answer within"), "{refused}");
    assert!(started.elapsed() < SOON + Duration::from_secs(1), "{:?}", started.elapsed());
}

#[tokio::test]
async fn who_waits_for_a_listener_hears_that_its_server_has_gone() {
    let database = database().await;
    let db = pool(database.url(), 1);
    let mut listener = db.listen("outbox").await.unwrap();

    let terminate = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    connect(database.url()).await.execute(terminate, &[]).await.unwrap();

    let heard = timeout(SOON, async { while listener.heard().await.is_some() {} });
    heard.await.expect("it hears");
}
