//! One server a test process, a database a test.

#![expect(clippy::unwrap_used, reason = "a test says by panicking what it missed")]

use devstack_postgres::testing::{self, TestDatabase};
use tokio_postgres::{Client, NoTls};

async fn connect(database: &TestDatabase) -> Client {
    let (client, connection) = tokio_postgres::connect(database.url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn number(client: &Client, query: &str) -> i64 {
    client.query_one(query, &[]).await.unwrap().get(0)
}

/// Leaves its connection open, as a pool would.
async fn with_notes() -> TestDatabase {
    testing::database_from_template("notes", async |url| {
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
        tokio::spawn(connection);
        client.batch_execute("CREATE TABLE notes (text text NOT NULL)").await.unwrap();
        std::mem::forget(client);
    })
    .await
}

#[tokio::test]
async fn a_new_database_is_empty() {
    let database = testing::database().await;

    let client = connect(&database).await;
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";

    assert_eq!(number(&client, tables).await, 0);
}

#[tokio::test]
async fn two_databases_from_a_template_are_separate() {
    let (one, other) = tokio::join!(with_notes(), with_notes());
    let (one, other) = (connect(&one).await, connect(&other).await);

    one.execute("INSERT INTO notes VALUES ('only here')", &[]).await.unwrap();

    assert_eq!(number(&one, "SELECT count(*) FROM notes").await, 1);
    assert_eq!(number(&other, "SELECT count(*) FROM notes").await, 0);
}
