//! Argon2id itself, in memory that is kept from hash to hash: allocating and clearing 19 MiB
//! each time costs a tenth of the hashes.

use std::sync::Arc;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use proto::Password;
use tokio::sync::oneshot;

use crate::error::Error;

/// Nothing stored may ask for more memory than this: 1 GiB.
const MEMORY_MAX_KIB: u32 = 1024 * 1024;

/// Bytes of a hash.
const OUTPUT: usize = Params::DEFAULT_OUTPUT_LEN;

/// What a thread of the pool is asked to do, and where its answer goes.
pub(super) enum Task {
    Hash { password: Password, answer: oneshot::Sender<Result<String, Error>> },
    Verify { password: Password, stored: Arc<str>, answer: oneshot::Sender<Result<bool, Error>> },
}

/// One thread's Argon2 with its memory.
pub(super) struct Worker {
    params: Params,
    memory: Vec<Block>,
}

impl Worker {
    /// Takes no memory until the first hash.
    pub(super) fn new(params: Params) -> Self {
        Self { params, memory: Vec::new() }
    }

    pub(super) fn run(&mut self, task: Task) {
        // Nobody may be waiting for the answer any more, which is no fault.
        match task {
            Task::Hash { password, answer } => {
                let _ = answer.send(self.hash(&password));
            }
            Task::Verify { password, stored, answer } => {
                let _ = answer.send(self.verify(&password, &stored));
            }
        }
    }

    fn hash(&mut self, password: &Password) -> Result<String, Error> {
        let params = self.params.clone();
        let salt = Salt::generate();
        let mut output = [0; OUTPUT];
        self.compute(password, &params, &salt, &mut output)?;
        phc(&params, salt, &output)
    }

    fn verify(&mut self, password: &Password, stored: &str) -> Result<bool, Error> {
        let stored = PasswordHash::new(stored).map_err(failed)?;
        let params = Params::try_from(&stored).map_err(failed)?;
        let (Some(salt), Some(expected)) = (stored.salt, stored.hash) else {
            return Err(Error::Hash("a stored hash has no salt or no output".to_owned()));
        };
        if params.m_cost() > MEMORY_MAX_KIB {
            return Err(Error::Hash("a stored hash asks for too much memory".to_owned()));
        }
        let mut output = vec![0; expected.len()];
        self.compute(password, &params, &salt, &mut output)?;
        // `Output` compares in constant time.
        Ok(Output::new(&output).map_err(failed)? == expected)
    }

    fn compute(
        &mut self,
        password: &Password,
        params: &Params,
        salt: &Salt,
        output: &mut [u8],
    ) -> Result<(), Error> {
        let blocks = params.block_count();
        if self.memory.len() < blocks {
            self.memory.resize(blocks, Block::default());
        }
        let password = password.expose().as_bytes();
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
        argon
            .hash_password_into_with_memory(password, salt, output, &mut self.memory)
            .map_err(failed)
    }
}

/// A hash of no password: a random output, stored with the parameters of new hashes.
pub(super) fn nobody(params: &Params) -> Result<String, Error> {
    let mut output = [0; OUTPUT];
    output[..Salt::RECOMMENDED_LENGTH].copy_from_slice(&Salt::generate());
    phc(params, Salt::generate(), &output)
}

/// The PHC string of a hash.
fn phc(params: &Params, salt: Salt, output: &[u8]) -> Result<String, Error> {
    let hash = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(params).map_err(failed)?,
        salt: Some(salt),
        hash: Some(Output::new(output).map_err(failed)?),
    };
    Ok(hash.to_string())
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::Hash(error.to_string())
}

#[cfg(test)]
mod tests {
    use argon2::PasswordVerifier;

    use super::*;

    fn worker() -> Worker {
        Worker::new(Params::new(64, 1, 1, None).unwrap())
    }

    fn password(text: &str) -> Password {
        Password::presented(text).unwrap()
    }

    #[test]
    fn a_hash_verifies_its_own_password_only() {
        let mut worker = worker();

        let hash = worker.hash(&password("correct horse")).unwrap();

        assert!(hash.starts_with("$argon2id$v=19$m=64,t=1,p=1$"));
        assert!(worker.verify(&password("correct horse"), &hash).unwrap());
        assert!(!worker.verify(&password("wrong horse"), &hash).unwrap());
    }

    #[test]
    fn the_library_agrees() {
        let hash = worker().hash(&password("correct horse")).unwrap();
        let parsed = PasswordHash::new(&hash).unwrap();

        assert!(Argon2::default().verify_password(b"correct horse", &parsed).is_ok());
        assert!(Argon2::default().verify_password(b"wrong horse", &parsed).is_err());
    }

    #[test]
    fn hashes_of_other_parameters_verify_in_the_same_memory() {
        let large = Worker::new(Params::new(256, 2, 2, None).unwrap()).hash(&password("large"));
        let small = worker().hash(&password("small"));
        let mut worker = worker();

        assert!(worker.verify(&password("large"), &large.unwrap()).unwrap());
        assert!(worker.verify(&password("small"), &small.unwrap()).unwrap());
    }

    #[test]
    fn nobodys_hash_looks_like_any_other_and_fits_no_password() {
        let nobody = nobody(&Params::new(64, 1, 1, None).unwrap()).unwrap();

        assert!(nobody.starts_with("$argon2id$v=19$m=64,t=1,p=1$"));
        assert!(!worker().verify(&password("correct horse"), &nobody).unwrap());
    }

    #[test]
    fn a_broken_hash_is_an_error_not_a_no() {
        for broken in [
            "",
            "plain",
            "$argon2id$v=19$m=64,t=1,p=1",
            "$argon2id$v=19$m=9999999,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$0000000000000000000000",
        ] {
            assert!(worker().verify(&password("correct horse"), broken).is_err(), "{broken}");
        }
    }
}
