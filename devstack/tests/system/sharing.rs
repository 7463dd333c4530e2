//! Connections that several readers share.

use std::sync::Arc;

use chassis::Db;
use chassis::db::Connection;
use devstack_postgres::testing::{TestDatabase, database};
use devstack_testkit::database::connect;
use devstack_testkit::eventually;
use tokio::time::timeout;
use tokio::try_join;

use crate::pool::{SOON, backend, next, pool};

/// Of a pool of two, one that is shared and held, and its backend.
async fn sharing(database: &TestDatabase) -> (Db, Arc<Connection>, i32) {
    let db = pool(database.url(), 2);
    let first = db.shared().await.unwrap();
    let backend = backend(&first).await;
    (db, first, backend)
}

#[tokio::test]
async fn who_only_reads_waits_for_no_connection_of_his_own() {
    let database = database().await;
    let db = pool(database.url(), 1);

    let first = db.shared().await.unwrap();
    let second = timeout(SOON, db.shared()).await.unwrap().unwrap();

    let backends = try_join!(
        first.query_one("SELECT pg_backend_pid(), pg_sleep(0.1)", &[]),
        second.query_one("SELECT pg_backend_pid()", &[]),
    );
    let (first_of, second_of) = backends.unwrap();
    assert_eq!(first_of.get::<_, i32>(0), second_of.get::<_, i32>(0));
    drop((first, second));
    assert_eq!(next(&db).await, first_of.get::<_, i32>(0));
}

#[tokio::test]
async fn a_connection_is_shared_by_so_many_and_no_more() {
    let database = database().await;
    let (db, first, backend_of_first) = sharing(&database).await;

    let mut sharers = vec![first];
    while backend(sharers.last().unwrap()).await == backend_of_first {
        sharers.push(db.shared().await.unwrap());
        assert!(sharers.len() <= 33, "all of them share one");
    }

    assert!(sharers.len() > 2, "nobody shares");
}

#[tokio::test]
async fn a_connection_that_was_lost_is_shared_no_more() {
    let database = database().await;
    let (db, first, backend_of_first) = sharing(&database).await;

    let end = format!("SELECT pg_terminate_backend({backend_of_first})");
    connect(database.url()).await.batch_execute(&end).await.unwrap();
    eventually("it is closed", async || first.is_closed().then_some(())).await;

    assert_ne!(backend(&db.shared().await.unwrap()).await, backend_of_first);
}

#[tokio::test]
async fn a_connection_is_judged_again_however_long_there_is_somebody_who_shares_it() {
    let database = database().await;
    let (db, _first, backend_of_first) = sharing(&database).await;

    eventually("another is shared", async || {
        (backend(&db.shared().await.unwrap()).await != backend_of_first).then_some(())
    })
    .await;
}
