//! Password hashes: Argon2id as PHC strings, computed on threads of their own.
//!
//! A [`Hasher`] puts a job into the `queue`, from which a thread of the `pool` takes it and does
//! it by `argon`, as the `recipe` says, from and to what `phc` reads and writes. [`calibrate`]
//! proposes the parameters.

mod argon;
pub mod calibrate;
mod memory;
mod phc;
mod pool;
mod queue;
mod recipe;

use std::fmt;

use proto::Password;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::config::HashingConfig;
use crate::error::Error;
use argon::Task;
use pool::Pool;
use queue::Job;

/// Hashes and verifies passwords.
pub struct Hasher {
    pool: Pool,
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
    /// What to store in the place of what was verified, where that is too weak by now or has
    /// another pepper.
    pub rehash: Option<String>,
}

impl Hasher {
    /// Starts the threads.
    pub fn start(config: &HashingConfig) -> Result<Self, Error> {
        Ok(Self { pool: Pool::start(config)? })
    }

    /// Hashes a new password; [`Error::HashQueueFull`] where others go first,
    /// [`Error::ClientGone`] where the client has gone before it was begun.
    pub async fn hash(&self, password: Password, turn: Turn) -> Result<String, Error> {
        self.submit(turn, |answer| Task::Hash { password, answer }).await
    }

    /// Whether `password` is the one of `stored`, or of nobody: then the answer is no, at the same
    /// cost. Fails as [`Self::hash`] does.
    pub async fn verify(
        &self,
        password: Password,
        stored: Option<&str>,
        turn: Turn,
    ) -> Result<Verified, Error> {
        let stored = stored.map(Box::from);
        self.submit(turn, |answer| Task::Verify { password, stored, answer }).await
    }

    async fn submit<T>(
        &self,
        turn: Turn,
        task: impl FnOnce(oneshot::Sender<Result<T, Error>>) -> Task,
    ) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        let gone = turn.gone.clone();
        self.pool.submit(Job { task: task(answer), turn });
        answered.await.unwrap_or_else(|_| {
            Err(match gone.is_cancelled() {
                true => Error::ClientGone,
                false => failed("a thread gave up"),
            })
        })
    }
}

impl Purpose {
    fn as_str(self) -> &'static str {
        match self {
            Self::Registration => "registration",
            Self::Login => "login",
        }
    }
}

impl fmt::Debug for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified")
            .field("is_right", &self.is_right)
            .field("rehash", &self.rehash.as_ref().map(|_| "[redacted]"))
            .finish()
    }
}

fn failed(error: impl fmt::Display) -> Error {
    Error::Hash(error.to_string())
}

#[cfg(test)]
mod tests {
    use argon2::Params;

    use super::*;

    pub(super) const NEW: &str = "the pepper of new hashes of more than thirty-two bytes";
    pub(super) const OLD: &str = "the pepper of old hashes of more than thirty-two bytes";

    /// Without threads: whatever is asked for waits.
    pub(super) fn config((m, t, p): (u32, u32, u32), pepper: &str) -> HashingConfig {
        let params = Params::new(m, t, p, None).unwrap();
        let pepper = (!pepper.is_empty()).then(|| pepper.parse().unwrap());
        HashingConfig { params, pepper, concurrency: 0, queue: 1 }
    }

    pub(super) fn password(text: &str) -> Password {
        Password::presented(text).unwrap()
    }

    pub(super) fn turn(purpose: Purpose, network: &str) -> Turn {
        Turn { purpose, network: network.to_owned(), gone: CancellationToken::new() }
    }

    #[tokio::test]
    async fn a_password_is_hashed_and_verified() {
        let config = HashingConfig { concurrency: 1, ..config((64, 1, 1), NEW) };
        let hasher = Hasher::start(&config).unwrap();
        let login = || turn(Purpose::Login, "a");

        let hash = hasher.hash(password("correct horse"), login()).await.unwrap();
        let right = hasher.verify(password("correct horse"), Some(&hash), login()).await.unwrap();
        let wrong = hasher.verify(password("wrong horse"), Some(&hash), login()).await.unwrap();
        let nobody = hasher.verify(password("correct horse"), None, login()).await.unwrap();

        assert_eq!([right, wrong, nobody].map(|it| it.is_right), [true, false, false]);
    }

    #[tokio::test]
    async fn whoever_is_shed_while_waiting_hears_that_the_queue_is_full() {
        let hasher = Hasher::start(&config((64, 1, 1), "")).unwrap();
        let registration = hasher.hash(password("one"), turn(Purpose::Registration, "a"));
        let login = hasher.verify(password("two"), None, turn(Purpose::Login, "a"));

        let first = tokio::select! {
            biased;
            shed = registration => shed.err(),
            _ = login => None,
        };

        assert!(matches!(first, Some(Error::HashQueueFull)), "{first:?}");
    }

    #[tokio::test]
    async fn whoever_arrives_last_from_the_only_network_hears_that_the_queue_is_full() {
        let hasher = Hasher::start(&config((64, 1, 1), "")).unwrap();
        let login = || hasher.verify(password("one"), None, turn(Purpose::Login, "a"));

        let shed = tokio::select! {
            biased;
            _ = login() => None,
            shed = login() => shed.err(),
        };

        assert!(matches!(shed, Some(Error::HashQueueFull)), "{shed:?}");
    }

    #[tokio::test]
    async fn whoever_has_gone_is_no_fault_of_ours() {
        let hasher = Hasher::start(&config((64, 1, 1), "")).unwrap();
        let gone = turn(Purpose::Login, "a");
        gone.gone.cancel();
        let first = hasher.verify(password("one"), None, gone);
        let second = hasher.verify(password("two"), None, turn(Purpose::Login, "a"));

        let first = tokio::select! {
            biased;
            given_up = first => given_up.err(),
            _ = second => None,
        };

        assert!(matches!(first, Some(Error::ClientGone)), "{first:?}");
    }

    #[test]
    fn a_new_hash_is_never_printed() {
        let verified = Verified { is_right: true, rehash: Some("$argon2id$…".to_owned()) };

        let printed = format!("{verified:?}");

        assert_eq!(printed, r#"Verified { is_right: true, rehash: Some("[redacted]") }"#);
    }
}
