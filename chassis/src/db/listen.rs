//! Hearing what other sessions notify: `LISTEN`, on a connection of its own.
//!
//! A notification is a hint that comes at once or never: it is lost while nobody listens, and a
//! pooler between may swallow it. Whoever relies on it looks by himself from time to time, too.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_postgres::{Client, Notification};
use uuid::Uuid;

use super::dial::Hear;
use super::{Db, DbError};

/// A session that listens to one channel.
pub struct Listener {
    client: Client,
    channel: &'static str,
    /// Tells its own notifications from those of others.
    name: String,
    heard: mpsc::Receiver<()>,
}

impl Db {
    /// A session that listens to this channel, beside the pool; it ends when it is dropped.
    pub async fn listen(&self, channel: &'static str) -> Result<Listener, DbError> {
        let name = Uuid::now_v7().to_string();
        let own = name.clone();
        // One hint that waits to be heard stands for all that come meanwhile.
        let (tell, heard) = mpsc::channel(1);
        let hear = move |notification: &Notification| {
            if notification.payload() != own {
                let _ = tell.try_send(());
            }
        };
        let hear: Hear = Arc::new(hear);
        let client = self.dial.connect(&hear).await?.client;
        client.batch_execute(&format!("LISTEN {channel}")).await?;
        Ok(Listener { client, channel, name, heard })
    }
}

impl Listener {
    /// Waits for the next notification of another session; `None` once the connection is lost.
    pub async fn heard(&mut self) -> Option<()> {
        self.heard.recv().await
    }

    /// Notifies all others that listen to the channel.
    ///
    /// Not for a transaction that others wait for: at its commit a notification takes a lock
    /// that the whole server shares.
    pub async fn notify(&self) -> Result<(), DbError> {
        self.client.execute("SELECT pg_notify($1, $2)", &[&self.channel, &self.name]).await?;
        Ok(())
    }
}
