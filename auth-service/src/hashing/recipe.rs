//! How new hashes are made, and with which peppers old ones may have been.
//!
//! A pepper is a secret that is not in the database: whoever steals the table can try no password
//! without it. A hash names its pepper by a fingerprint, so that peppers can change.

use argon2::password_hash::phc::Salt;
use argon2::{Argon2, KeyId, Params, ParamsBuilder};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use proto::SecretList;

use super::failed;
use super::phc::{ALGORITHM, Stored, VERSION};
use crate::config::HashingConfig;
use crate::error::Error;

/// Bytes of a new hash.
pub(super) const OUTPUT: usize = Params::DEFAULT_OUTPUT_LEN;

/// How new hashes are made, and with which peppers old ones may have been.
pub(super) struct Recipe {
    /// Among them the id of the first pepper.
    pub(super) params: Params,
    peppers: Option<SecretList>,
    /// The hash of a password that nobody has: verifying against it makes an unknown user cost
    /// what a known one does.
    pub(super) nobody: Stored,
}

impl Recipe {
    pub(super) fn new(config: &HashingConfig) -> Result<Self, Error> {
        let (mut builder, params) = (ParamsBuilder::new(), &config.params);
        builder.m_cost(params.m_cost()).t_cost(params.t_cost()).p_cost(params.p_cost());
        if let Some(peppers) = &config.pepper {
            builder.keyid(id(peppers.first())?);
        }
        let params = builder.build().map_err(failed)?;
        let mut output = [0; OUTPUT];
        output[..Salt::RECOMMENDED_LENGTH].copy_from_slice(&Salt::generate());
        let nobody = Stored::new(&params, Salt::generate(), &output)?;
        Ok(Self { params, peppers: config.pepper.clone(), nobody })
    }

    /// What new hashes are made with.
    pub(super) fn argon(&self) -> Result<Argon2<'_>, Error> {
        let params = self.params.clone();
        Ok(match &self.peppers {
            None => Argon2::new(ALGORITHM, VERSION, params),
            Some(peppers) => Argon2::new_with_secret(peppers.first(), ALGORITHM, VERSION, params)
                .map_err(failed)?,
        })
    }

    /// What a stored hash was made with; `None` where its pepper is not known any more.
    pub(super) fn argon_of(&self, stored: &Stored) -> Result<Option<Argon2<'_>>, Error> {
        let (algorithm, version, params) = (stored.algorithm, stored.version, &stored.params);
        if params.keyid().is_empty() {
            return Ok(Some(Argon2::new(algorithm, version, params.clone())));
        }
        let Some(pepper) = self.pepper(params.keyid())? else {
            let keyid = BASE64_STANDARD_NO_PAD.encode(params.keyid());
            tracing::error!(
                %keyid,
                "a password cannot be verified: PASSWORD_PEPPER no longer lists its pepper"
            );
            return Ok(None);
        };
        let argon = Argon2::new_with_secret(pepper, algorithm, version, params.clone());
        argon.map(Some).map_err(failed)
    }

    fn pepper(&self, wanted: &[u8]) -> Result<Option<&[u8]>, Error> {
        for pepper in self.peppers.iter().flat_map(SecretList::iter) {
            if id(pepper)?.as_bytes() == wanted {
                return Ok(Some(pepper));
            }
        }
        Ok(None)
    }

    /// Whether a stored hash is weaker than a new one would be, or has another pepper.
    pub(super) fn is_outdated(&self, stored: &Stored) -> bool {
        let (new, old) = (&self.params, &stored.params);
        (stored.algorithm, stored.version) != (ALGORITHM, VERSION)
            || old.m_cost() < new.m_cost()
            || old.t_cost() < new.t_cost()
            || old.p_cost() < new.p_cost()
            || old.keyid() != new.keyid()
    }
}

/// The id of a pepper: the bytes of its `kid`, if it were a key of [`proto::claims::kid`].
fn id(pepper: &[u8]) -> Result<KeyId, Error> {
    let fingerprint = digest(&SHA256, pepper);
    KeyId::new(&fingerprint.as_ref()[..KeyId::MAX_LEN]).map_err(failed)
}

#[cfg(test)]
mod tests {
    use argon2::{Algorithm, Version};
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;

    use super::*;
    use crate::hashing::tests::{NEW, OLD, config};

    fn recipe(params: (u32, u32, u32), pepper: &str) -> Recipe {
        Recipe::new(&config(params, pepper)).unwrap()
    }

    #[test]
    fn a_pepper_has_the_fingerprint_of_a_key() {
        let id = id(NEW.as_bytes()).unwrap();

        let kid = BASE64_URL_SAFE_NO_PAD.encode(id.as_bytes());
        assert_eq!(kid, proto::claims::kid(NEW.as_bytes()));
    }

    #[test]
    fn weaker_parameters_are_outdated_and_stronger_ones_are_not() {
        let recipe = recipe((128, 2, 2), "");
        let stored = |m, t, p| {
            let params = Params::new(m, t, p, None).unwrap();
            Stored::new(&params, Salt::generate(), &[0; OUTPUT]).unwrap()
        };

        for (m, t, p) in [(127, 2, 2), (128, 1, 2), (128, 2, 1), (256, 4, 1)] {
            assert!(recipe.is_outdated(&stored(m, t, p)), "m={m},t={t},p={p}");
        }
        for (m, t, p) in [(128, 2, 2), (129, 2, 2), (128, 3, 2), (128, 2, 4)] {
            assert!(!recipe.is_outdated(&stored(m, t, p)), "m={m},t={t},p={p}");
        }
    }

    #[test]
    fn another_algorithm_or_version_is_outdated() {
        let recipe = recipe((64, 1, 1), "");
        let stored = || Stored::new(&recipe.params, Salt::generate(), &[0; OUTPUT]).unwrap();

        assert!(!recipe.is_outdated(&stored()));
        assert!(recipe.is_outdated(&Stored { algorithm: Algorithm::Argon2i, ..stored() }));
        assert!(recipe.is_outdated(&Stored { version: Version::V0x10, ..stored() }));
    }

    #[test]
    fn any_pepper_but_the_first_is_outdated() {
        let stored = |pepper: &str| recipe((64, 1, 1), pepper).nobody;
        let both = recipe((64, 1, 1), &format!("{NEW},{OLD}"));

        assert!(!both.is_outdated(&stored(NEW)));
        assert!(both.is_outdated(&stored(OLD)));
        assert!(both.is_outdated(&stored("")));
    }

    #[test]
    fn nobodys_hash_looks_like_any_other() {
        let keyid = BASE64_STANDARD_NO_PAD.encode(id(NEW.as_bytes()).unwrap());

        let plain = recipe((64, 1, 1), "").nobody.write().unwrap();
        let peppered = recipe((64, 1, 1), NEW).nobody.write().unwrap();

        assert!(plain.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{plain}");
        let start = format!("$argon2id$v=19$m=64,t=1,p=1,keyid={keyid}$");
        assert!(peppered.starts_with(&start), "{peppered}");
    }
}
