//! Argon2 itself.

use std::sync::Arc;
use std::time::Instant;

use argon2::Argon2;
use argon2::password_hash::phc::{Output, Salt};
use proto::Password;
use tokio::sync::oneshot;

use super::memory::Memory;
use super::phc::Stored;
use super::recipe::{OUTPUT, Recipe};
use super::{Verified, failed};
use crate::error::Error;

/// `password_hash_duration_seconds`: how long one took, its waiting not counted.
const DURATION: &str = "password_hash_duration_seconds";

/// What a thread of the pool is asked to do, and where its answer goes.
pub(super) enum Task {
    Hash {
        password: Password,
        answer: oneshot::Sender<Result<String, Error>>,
    },
    Verify {
        password: Password,
        /// `None` where nobody has the e-mail: the answer is no, at the same cost.
        stored: Option<Box<str>>,
        answer: oneshot::Sender<Result<Verified, Error>>,
    },
}

impl Task {
    /// Answers without hashing.
    pub(super) fn refuse(self, error: Error) {
        // Nobody may be waiting for the answer any more, which is no fault; nor is it below.
        match self {
            Self::Hash { answer, .. } => drop(answer.send(Err(error))),
            Self::Verify { answer, .. } => drop(answer.send(Err(error))),
        }
    }
}

/// One thread's Argon2 with its memory.
pub(super) struct Worker {
    recipe: Arc<Recipe>,
    memory: Memory,
}

impl Worker {
    /// Takes no memory until the first hash.
    pub(super) fn new(recipe: Arc<Recipe>) -> Self {
        Self { recipe, memory: Memory::default() }
    }

    pub(super) fn run(&mut self, task: Task) {
        match task {
            Task::Hash { password, answer } => drop(answer.send(self.hash(&password))),
            Task::Verify { password, stored, answer } => {
                drop(answer.send(self.verify(&password, stored.as_deref())));
            }
        }
    }

    fn hash(&mut self, password: &Password) -> Result<String, Error> {
        let recipe = Arc::clone(&self.recipe);
        let salt = Salt::generate();
        let mut output = [0; OUTPUT];
        self.compute(&recipe.argon()?, password, &salt, &mut output)?;
        Stored::new(&recipe.params, salt, &output)?.write()
    }

    fn verify(&mut self, password: &Password, stored: Option<&str>) -> Result<Verified, Error> {
        let recipe = Arc::clone(&self.recipe);
        let stored = stored.map(Stored::read).transpose()?;
        let argon = stored.as_ref().map_or(Ok(None), |stored| recipe.argon_of(stored))?;
        let (Some(stored), Some(argon)) = (stored, argon) else {
            self.fits(&recipe.argon()?, password, &recipe.nobody)?;
            return Ok(Verified { is_right: false, rehash: None });
        };
        let is_right = self.fits(&argon, password, &stored)?;
        let rehash = match is_right && recipe.is_outdated(&stored) {
            // The password is right all the same; the next login tries again.
            true => self
                .hash(password)
                .inspect_err(|error| tracing::warn!(%error, "a password is not hashed anew"))
                .ok(),
            false => None,
        };
        Ok(Verified { is_right, rehash })
    }

    fn fits(
        &mut self,
        argon: &Argon2<'_>,
        password: &Password,
        stored: &Stored,
    ) -> Result<bool, Error> {
        let mut output = vec![0; stored.output.len()];
        self.compute(argon, password, &stored.salt, &mut output)?;
        // `Output` compares in constant time.
        Ok(Output::new(&output).map_err(failed)? == stored.output)
    }

    fn compute(
        &mut self,
        argon: &Argon2<'_>,
        password: &Password,
        salt: &Salt,
        output: &mut [u8],
    ) -> Result<(), Error> {
        let started = Instant::now();
        let computed = self.memory.hash(argon, password, salt, output);
        metrics::histogram!(DURATION).record(started.elapsed().as_secs_f64());
        computed
    }
}

#[cfg(test)]
mod tests;
