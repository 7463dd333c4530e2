//! Tests of what a thread does, in a memory of its own.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Params, PasswordHasher, PasswordVerifier, Version};

use super::*;
use crate::hashing::tests::{NEW, OLD, config, password};

const CHEAP: (u32, u32, u32) = (64, 1, 1);

fn worker_with(params: (u32, u32, u32), pepper: &str) -> Worker {
    Worker::new(Arc::new(Recipe::new(&config(params, pepper)).unwrap()))
}

fn worker() -> Worker {
    worker_with(CHEAP, "")
}

/// What another worker says of the right password for what this one has hashed.
fn verified(hashed: &mut Worker, verifies: &mut Worker) -> Verified {
    let hash = hashed.hash(&password("correct horse")).unwrap();
    verifies.verify(&password("correct horse"), Some(&hash)).unwrap()
}

#[test]
fn a_hash_verifies_its_own_password_only() {
    let mut worker = worker();

    let hash = worker.hash(&password("correct horse")).unwrap();

    assert!(hash.starts_with("$argon2id$v=19$m=64,t=1,p=1$"));
    assert!(worker.verify(&password("correct horse"), Some(&hash)).unwrap().is_right);
    assert!(!worker.verify(&password("wrong horse"), Some(&hash)).unwrap().is_right);
}

#[test]
fn the_library_agrees() {
    let hash = worker().hash(&password("correct horse")).unwrap();
    let parsed = PasswordHash::new(&hash).unwrap();

    assert!(Argon2::default().verify_password(b"correct horse", &parsed).is_ok());
    assert!(Argon2::default().verify_password(b"wrong horse", &parsed).is_err());
}

#[test]
fn the_library_agrees_on_a_pepper() {
    let hash = worker_with(CHEAP, NEW).hash(&password("correct horse")).unwrap();
    let parsed = PasswordHash::new(&hash).unwrap();

    let with = |pepper: &'static str| {
        let params = Params::default();
        Argon2::new_with_secret(pepper.as_bytes(), Algorithm::Argon2id, Version::V0x13, params)
            .unwrap()
    };
    assert!(with(NEW).verify_password(b"correct horse", &parsed).is_ok());
    assert!(with(OLD).verify_password(b"correct horse", &parsed).is_err());
    assert!(Argon2::default().verify_password(b"correct horse", &parsed).is_err());
}

#[test]
fn a_hash_of_another_algorithm_and_version_verifies_and_is_made_anew() {
    let params = Params::new(64, 1, 1, None).unwrap();
    let other = Argon2::new(Algorithm::Argon2i, Version::V0x10, params);
    let hash = other.hash_password(b"correct horse").unwrap().to_string();

    let verified = worker().verify(&password("correct horse"), Some(&hash)).unwrap();

    assert!(hash.starts_with("$argon2i$v=16$"), "{hash}");
    assert!(verified.is_right);
    assert!(verified.rehash.unwrap().starts_with("$argon2id$v=19$"));
}

#[test]
fn hashes_of_other_parameters_verify_in_the_same_memory() {
    let mut worker = worker_with((256, 1, 1), "");
    let small = self::worker().hash(&password("small")).unwrap();
    let large = worker.hash(&password("large")).unwrap();
    let before = (worker.memory.0.as_ptr(), worker.memory.0.len());

    assert!(!worker.verify(&password("wrong"), Some(&small)).unwrap().is_right);
    assert_eq!((worker.memory.0.as_ptr(), worker.memory.0.len()), before);

    assert!(worker.verify(&password("small"), Some(&small)).unwrap().is_right);
    assert!(worker.verify(&password("large"), Some(&large)).unwrap().is_right);
    assert_eq!((worker.memory.0.as_ptr(), worker.memory.0.len()), before);
}

#[test]
fn nobody_has_the_right_password_and_costs_the_same_memory() {
    let mut worker = worker_with((128, 1, 1), NEW);

    let verified = worker.verify(&password("correct horse"), None).unwrap();

    assert!(!verified.is_right && verified.rehash.is_none());
    assert_eq!(worker.memory.0.len(), 128);
}

#[test]
fn a_broken_hash_is_an_error_not_a_no() {
    assert!(worker().verify(&password("correct horse"), Some("plain")).is_err());
}

#[test]
fn a_login_hashes_anew_where_memory_or_passes_were_raised() {
    for raised in [(128, 1, 1), (64, 2, 1), (64, 1, 2)] {
        let mut strict = worker_with(raised, "");

        let verified = verified(&mut worker(), &mut strict);

        let (m, t, p) = raised;
        let rehash = verified.rehash.unwrap();
        assert!(rehash.starts_with(&format!("$argon2id$v=19$m={m},t={t},p={p}$")), "{rehash}");
        let again = strict.verify(&password("correct horse"), Some(&rehash)).unwrap();
        assert!(again.is_right && again.rehash.is_none());
    }
}

#[test]
fn a_login_hashes_nothing_anew_where_they_were_lowered() {
    for strong in [(128, 1, 1), (64, 2, 1), CHEAP] {
        let verified = verified(&mut worker_with(strong, ""), &mut worker());

        assert!(verified.is_right && verified.rehash.is_none(), "{strong:?}");
    }
}

#[test]
fn a_wrong_password_hashes_nothing_anew() {
    let hash = worker().hash(&password("correct horse")).unwrap();

    let verified =
        worker_with((128, 1, 1), NEW).verify(&password("wrong horse"), Some(&hash)).unwrap();

    assert!(!verified.is_right && verified.rehash.is_none());
}

#[test]
fn a_pepper_that_is_second_verifies_and_the_first_takes_its_place() {
    let mut both = worker_with(CHEAP, &format!("{NEW},{OLD}"));

    let verified = verified(&mut worker_with(CHEAP, OLD), &mut both);

    let rehash = verified.rehash.unwrap();
    let new_only = worker_with(CHEAP, NEW).verify(&password("correct horse"), Some(&rehash));
    let new_only = new_only.unwrap();
    assert!(verified.is_right && new_only.is_right && new_only.rehash.is_none());
}

#[test]
fn a_hash_whose_pepper_was_dropped_fits_no_password() {
    for left in [NEW, ""] {
        let mut worker = worker_with((128, 1, 1), left);

        let verified = verified(&mut worker_with(CHEAP, OLD), &mut worker);

        assert!(!verified.is_right && verified.rehash.is_none());
        // What the password was tried against is nobody's hash.
        assert_eq!(worker.memory.0.len(), 128);
    }
}

#[test]
fn a_hash_without_a_pepper_gets_one() {
    let mut peppered = worker_with(CHEAP, NEW);

    let verified = verified(&mut worker(), &mut peppered);

    let rehash = verified.rehash.unwrap();
    assert!(verified.is_right && rehash.contains(",keyid="), "{rehash}");
    assert!(peppered.verify(&password("correct horse"), Some(&rehash)).unwrap().is_right);
}
