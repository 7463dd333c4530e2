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

/// For whom a password is hashed, and what for: who goes first where not all can.
#[derive(Debug, Clone)]
pub struct Turn {
    /// What for.
    pub purpose: Purpose,
    /// From which network.
    pub network: String,
    /// Cancelled when the client hangs up.
    pub gone: CancellationToken,
}

/// What a password is hashed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Somebody registers.
    Registration,
    /// Somebody logs in, or changes the password.
    Login,
}

/// What came of verifying a password.
pub struct Verified {
    /// Whether it is the right one.
    pub is_right: bool,
    /// What to store in the place of what was verified, where that is too weak by now.
    pub rehash: Option<String>,
}

impl Hasher {
    /// Starts the threads.
    pub fn start(config: &HashingConfig) -> Result<Self, Error> {
        let nobody = argon::nobody(&config.params)?;
        Ok(Self { pool: Pool::start(config)?, nobody: nobody.into() })
    }

    /// Hashes a new password; not begun if the client has gone before.
    pub async fn hash(&self, password: Password, turn: Turn) -> Result<String, Error> {
        let (answer, answered) = oneshot::channel();
        let gone = turn.gone;
        self.pool.submit(Job { task: Task::Hash { password, answer }, gone })?;
        answered.await.map_err(|_| given_up())?
    }

    /// Whether `password` is the one of `hash`, or of nobody: then the answer is no, at the same
    /// cost.
    pub async fn verify(
        &self,
        password: Password,
        hash: Option<&str>,
        turn: Turn,
    ) -> Result<Verified, Error> {
        let gone = turn.gone;
        let (answer, answered) = oneshot::channel();
        let stored = hash.map_or_else(|| Arc::clone(&self.nobody), Arc::from);
        self.pool.submit(Job { task: Task::Verify { password, stored, answer }, gone })?;
        let is_right = answered.await.map_err(|_| given_up())??;
        Ok(Verified { is_right: is_right && hash.is_some(), rehash: None })
    }
}

fn given_up() -> Error {
    Error::Hash("given up: the client has gone, or the service ends".to_owned())
}
