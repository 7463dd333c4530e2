//! Hashes as they are stored: PHC strings.
//!
//! `$argon2id$v=19$m=19456,t=2,p=1,keyid=ungWv48Bz+o$salt$output`; without a pepper, no `keyid`.

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Params, Version};

use super::failed;
use crate::config::MEMORY_MAX_KIB;
use crate::error::Error;

/// What new hashes are made with.
pub(super) const ALGORITHM: Algorithm = Algorithm::Argon2id;
pub(super) const VERSION: Version = Version::V0x13;

/// A hash, and all it was made with but the pepper.
pub(super) struct Stored {
    pub(super) algorithm: Algorithm,
    pub(super) version: Version,
    /// Among them the id of the pepper, empty where there is none.
    pub(super) params: Params,
    pub(super) salt: Salt,
    pub(super) output: Output,
}

impl Stored {
    /// A new hash.
    pub(super) fn new(params: &Params, salt: Salt, output: &[u8]) -> Result<Self, Error> {
        let output = Output::new(output).map_err(failed)?;
        let params = params.clone();
        Ok(Self { algorithm: ALGORITHM, version: VERSION, params, salt, output })
    }

    pub(super) fn read(text: &str) -> Result<Self, Error> {
        let hash = PasswordHash::new(text).map_err(failed)?;
        let params = Params::try_from(&hash).map_err(failed)?;
        let (Some(salt), Some(output)) = (hash.salt, hash.hash) else {
            return Err(Error::Hash("a stored hash has no salt or no output".to_owned()));
        };
        if params.m_cost() > MEMORY_MAX_KIB {
            return Err(Error::Hash("a stored hash asks for too much memory".to_owned()));
        }
        let algorithm = hash.algorithm.as_str().parse().map_err(failed)?;
        // Strings had no version before the second one (the reference's `decode_string`).
        let version = hash.version.map_or(Ok(Version::V0x10), Version::try_from);
        Ok(Self { algorithm, version: version.map_err(failed)?, params, salt, output })
    }

    pub(super) fn write(self) -> Result<String, Error> {
        let hash = PasswordHash {
            algorithm: self.algorithm.ident(),
            version: Some(self.version.into()),
            params: ParamsString::try_from(&self.params).map_err(failed)?,
            salt: Some(self.salt),
            hash: Some(self.output),
        };
        Ok(hash.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "$argon2id$v=19$m=64,t=1,p=1,keyid=ungWv48Bz+o\
        $c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAA";

    #[test]
    fn what_was_read_is_written_as_it_was() {
        assert_eq!(Stored::read(HASH).unwrap().write().unwrap(), HASH);
    }

    #[test]
    fn a_hash_without_a_version_is_of_the_first() {
        let old = Stored::read(&HASH.replace("$v=19", "")).unwrap();

        assert_eq!(old.version, Version::V0x10);
    }

    #[test]
    fn what_is_no_hash_or_asks_for_too_much_is_an_error() {
        for broken in [
            "",
            "plain",
            "$argon2id$v=19$m=64,t=1,p=1",
            &HASH.replace("m=64", "m=9999999"),
            &HASH.replace("argon2id", "scrypt"),
            &HASH.replace("v=19", "v=18"),
            &HASH.replace("keyid=ung", "keyid=ungungung"),
        ] {
            assert!(Stored::read(broken).is_err(), "{broken}");
        }
    }
}
