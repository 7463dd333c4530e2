//! Looking behind a service, into its database.

use tokio_postgres::{Client, NoTls};

/// A connection of the test's own; it ends with the client.
///
/// # Panics
/// When there is none to be had.
pub async fn connect(url: &str) -> Client {
    match tokio_postgres::connect(url, NoTls).await {
        Ok((client, connection)) => {
            tokio::spawn(connection);
            client
        }
        Err(error) => panic!("no connection to the test's database: {error}"),
    }
}
