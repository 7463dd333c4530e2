//! Connections that several readers share.

use std::time::{Duration, Instant};

use chassis::db::{Connection, Reader};
use chassis::{Db, DbError};
use devstack_postgres::testing::database;
use devstack_testkit::database::connect;
use devstack_testkit::eventually;
use tokio::time::timeout;
use tokio::{join, try_join};

use crate::pool::{backend, fill, next, pool};

/// As many readers, come one after the other; `None` where one has waited for a connection.
async fn readers(db: &Db, count: usize) -> Option<Vec<Reader>> {
    let mut readers = Vec::new();
    for _ in 0..count {
        let reader = timeout(Duration::from_millis(50), db.reader()).await.ok()?;
        readers.push(reader.unwrap());
    }
    Some(readers)
}

#[tokio::test]
async fn who_only_reads_waits_for_no_connection_of_his_own() {
    let database = database().await;
    let db = pool(database.url(), 1);
    let only = next(&db).await;

    let both = eventually("two share one", || readers(&db, 2)).await;

    let asked = "SELECT pg_backend_pid(), pg_sleep(0.1)";
    let (first, second) =
        try_join!(both[0].query_one(asked, &[]), both[1].query_one(asked, &[])).unwrap();
    assert_eq!([first.get::<_, i32>(0), second.get(0)], [only; 2]);
    drop(both);
    assert_eq!(next(&db).await, only);
}

#[tokio::test]
async fn a_connection_is_shared_by_so_many_and_no_more() {
    let database = database().await;
    let db = pool(database.url(), 2);
    fill(&db, 2).await;

    eventually("so many share one", async || {
        let readers = readers(&db, 40).await?;
        let first: *const Connection = &*readers[0];
        let shared = readers.iter().take_while(|reader| std::ptr::eq(&***reader, first)).count();
        assert!(shared <= 32, "{shared} share one");
        (shared == 32).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_connection_is_judged_again_however_long_there_is_somebody_who_shares_it() {
    let database = database().await;
    let db = pool(database.url(), 2);
    let first = db.reader().await.unwrap();
    let backend_of_first = backend(&first).await;

    eventually("another is shared", async || {
        (backend(&db.reader().await.unwrap()).await != backend_of_first).then_some(())
    })
    .await;
}

#[tokio::test]
async fn readers_of_a_table_that_somebody_has_locked_give_up_together() {
    let database = database().await;
    let db = pool(database.url(), 1);
    let owner = connect(database.url()).await;
    owner.batch_execute("CREATE TABLE held ()").await.unwrap();
    owner.batch_execute("BEGIN; LOCK TABLE held").await.unwrap();
    let readers = eventually("three share one", || readers(&db, 3)).await;

    let ask = async |reader: &Reader| {
        let count = reader.query_one("SELECT count(*) FROM held", &[]);
        reader.read(async { count.await.map_err(DbError::from) }).await
    };
    let asked = Instant::now();
    let answers = join!(ask(&readers[0]), ask(&readers[1]), ask(&readers[2]));

    assert!(answers.0.is_err() && answers.1.is_err() && answers.2.is_err());
    assert!(asked.elapsed() < Duration::from_secs(8), "{:?}", asked.elapsed());
    drop(readers);
    next(&db).await;
}
