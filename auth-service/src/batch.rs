//! One statement for all who ask at once.
//!
//! Whoever asks waits for a statement that begins after the question, so the answer is as fresh
//! as one of its own would be; while one runs, the next questions gather. Under load a row that
//! hundreds ask for in a millisecond is read once, and nothing is cached.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use chassis::db::Connection;
use chassis::{Db, DbError};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::error::Error;

/// Questions answered by one statement, at most.
const BATCH: usize = 256;

/// How long a question waits, for a server that hangs: so many of them before, one after the other.
const PATIENCE: Duration = Duration::from_secs(9);

/// How rows are looked up, many at once.
pub trait Lookup: Send + Sync + 'static {
    /// What is asked for.
    type Key: Eq + Hash + Send + Sync + 'static;
    /// What is found.
    type Value: Clone + Send + 'static;

    /// What is found of these keys, in one statement.
    fn find(
        &self,
        db: &Connection,
        keys: &[Self::Key],
    ) -> impl Future<Output = Result<HashMap<Self::Key, Self::Value>, Error>> + Send;
}

type Answer<V> = oneshot::Sender<Result<Option<V>, String>>;

/// Looks rows up, many at once.
pub struct Batch<L: Lookup>(mpsc::Sender<(L::Key, Answer<L::Value>)>);

impl<L: Lookup> Batch<L> {
    /// Starts the task that asks; it ends with the last sender of questions.
    pub fn start(db: Db, lookup: L) -> Self {
        let (sender, receiver) = mpsc::channel(BATCH * 4);
        tokio::spawn(answer(db, lookup, receiver));
        Self(sender)
    }

    /// What is found of this key now.
    pub async fn find(&self, key: L::Key) -> Result<Option<L::Value>, Error> {
        let (answer, answered) = oneshot::channel();
        let ended = || DbError::Unavailable("the service ends".to_owned());
        let asking = async {
            self.0.send((key, answer)).await.map_err(|_| ended())?;
            answered.await.map_err(|_| ended())?.map_err(DbError::Unavailable)
        };
        let late = || DbError::Unavailable("no answer in time".to_owned());
        Ok(timeout(PATIENCE, asking).await.map_err(|_| late())??)
    }
}

async fn answer<L: Lookup>(
    db: Db,
    lookup: L,
    mut questions: mpsc::Receiver<(L::Key, Answer<L::Value>)>,
) {
    let lookup = Arc::new(lookup);
    let mut asked = Vec::with_capacity(BATCH);
    while questions.recv_many(&mut asked, BATCH).await > 0 {
        let (keys, answers): (Vec<_>, Vec<_>) = asked.drain(..).unzip();
        let keys = Arc::new(keys);
        // In a task of its own: whatever a row holds, the next batch is asked for.
        let asking = tokio::spawn(ask(db.clone(), Arc::clone(&lookup), Arc::clone(&keys)));
        let found = match asking.await {
            Ok(found) => found.map_err(|error| error.to_string()),
            Err(panic) => Err(panic.to_string()),
        };
        for (key, answer) in keys.iter().zip(answers) {
            // Who asked may have gone, which is no fault.
            let _ = answer.send(match &found {
                Ok(rows) => Ok(rows.get(key).cloned()),
                Err(error) => Err(error.clone()),
            });
        }
    }
}

async fn ask<L: Lookup>(
    db: Db,
    lookup: Arc<L>,
    keys: Arc<Vec<L::Key>>,
) -> Result<HashMap<L::Key, L::Value>, Error> {
    lookup.find(&db.get().await?, &keys).await
}
