//! Password hashes: Argon2id as PHC strings, computed on threads of their own.

mod argon;
mod pool;

use std::sync::Arc;

use proto::Password;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::config::HashingConfig;
use crate::error::Error;
use argon::Task;
use pool::{Job, Pool};

/// Hashes and verifies passwords.
pub struct Hasher {
    pool: Pool,
    /// The hash of a password that nobody has: verifying against it makes an unknown user cost
    /// what a known one does.
    nobody: Arc<str>,
}

impl Hasher {
    /// Starts the threads.
    pub fn start(config: &HashingConfig) -> Result<Self, Error> {
        let nobody = argon::nobody(&config.params)?;
        Ok(Self { pool: Pool::start(config)?, nobody: nobody.into() })
    }

    /// Hashes a new password; not begun if `gone` is cancelled before.
    pub async fn hash(&self, password: Password, gone: CancellationToken) -> Result<String, Error> {
        let (answer, answered) = oneshot::channel();
        self.pool.submit(Job { task: Task::Hash { password, answer }, gone })?;
        answered.await.map_err(|_| given_up())?
    }

    /// Whether `password` is the one of `hash`, or of nobody: then the answer is no, at the same
    /// cost.
    pub async fn verify(
        &self,
        password: Password,
        hash: Option<&str>,
        gone: CancellationToken,
    ) -> Result<bool, Error> {
        let (answer, answered) = oneshot::channel();
        let stored = hash.map_or_else(|| Arc::clone(&self.nobody), Arc::from);
        self.pool.submit(Job { task: Task::Verify { password, stored, answer }, gone })?;
        let is_right = answered.await.map_err(|_| given_up())??;
        Ok(is_right && hash.is_some())
    }
}

fn given_up() -> Error {
    Error::Hash("given up: the client has gone, or the service ends".to_owned())
}
