//! The throttle: how guessing is slowed without locking anybody out.
//!
//! Failures are counted in PostgreSQL, so that every replica sees them: in a row per e-mail and
//! network, and within a time per e-mail and per network. Past a limit, the next attempt has to
//! wait, twice as long each time. Whoever has logged in from a network within 30 days is held back
//! there by that pair alone: strangers cannot lock a user out. An e-mail that belongs to nobody is
//! treated alike. A throttled attempt costs no hash, and a right password no extra statement.

mod gate;
mod store;

use std::time::Duration;

use chassis::Db;
use proto::{Email, Password, UserId};

pub use gate::Seat;
use gate::{Gate, Room};
pub use store::{clear, unlock};

use crate::error::Error;
use crate::hashing::{Hasher, Purpose, Turn, Verified};
use crate::source::Source;

/// Failures in a row of an e-mail from one network before the next attempt has to wait.
const PAIR_FAILURES: i32 = 5;
/// Failures within an hour on one e-mail before every other network has to wait.
const EMAIL_FAILURES: i32 = 100;

/// Attempts in flight in one process: of one e-mail and network, and of one e-mail.
const PAIR_IN_FLIGHT: usize = 4;
const EMAIL_IN_FLIGHT: usize = 16;

/// Slows guessing.
pub struct Throttle {
    gate: Gate,
    /// Failures within ten minutes from one network before users it has never logged in have to
    /// wait; 0: never.
    network_failures: i32,
}

/// Somebody who may be the user with this e-mail.
#[derive(Clone)]
pub struct Attempt<'a> {
    /// As it was typed.
    pub username: &'a str,
    /// The password; `None` for one that nobody can have.
    pub password: Option<Password>,
    /// From where.
    pub source: &'a Source,
    /// Through which client.
    pub client_id: Option<&'a str>,
}

/// A user whose password was right. What follows must be conditional on it, and be done before
/// this value is dropped.
pub struct Proven<'a> {
    /// The user.
    pub id: UserId,
    /// The user's e-mail.
    pub email: Email,
    /// The hash that was verified.
    pub password_hash: String,
    /// What to store in its place, where it was made with weaker parameters.
    pub rehash: Option<String>,
    _seat: Seat<'a>,
}

/// What one statement says of an attempt.
#[derive(Debug, Default)]
struct Found {
    candidate: Option<Candidate>,
    /// Whether the user has logged in from this network within 30 days.
    is_known: bool,
    pair: Counter,
    email: Counter,
    network: Counter,
}

/// A user whom the password may be of.
#[derive(Debug)]
struct Candidate {
    id: UserId,
    password_hash: String,
    is_disabled: bool,
}

/// A count of failures.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
struct Counter {
    failures: i32,
    /// Seconds until the next attempt.
    wait: f64,
    /// Whether the audit log has this waiting period.
    is_noted: bool,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Pair,
    Email,
    Network,
}

impl Throttle {
    /// Nobody is slowed by their network where `network_failures` is 0.
    pub fn new(network_failures: u32) -> Self {
        let network_failures = i32::try_from(network_failures).unwrap_or(i32::MAX - 1);
        Self { gate: Gate::default(), network_failures }
    }

    /// Verifies a password where the throttle lets it: the user, or [`Error::WrongPassword`] for
    /// an unknown user, a disabled one and a wrong password alike, or [`Error::Throttled`].
    ///
    /// Once a hash has begun, its outcome is recorded, whether the client is still there or not.
    pub async fn verify(
        &self,
        db: &Db,
        hasher: &Hasher,
        attempt: Attempt<'_>,
    ) -> Result<Proven<'_>, Error> {
        let Attempt { username, password, source, client_id } = attempt;
        let email: Option<Email> = username.parse().ok();
        // What is no e-mail is nobody's, and counted as one.
        let key = email.as_ref().map_or_else(String::new, Email::to_string);
        let seat = self.gate.enter(&key, &source.network);
        // Of a burst from one network only the first few ask the database, the others when it is
        // their turn. Others of the same e-mail are not waited for: they may be anybody.
        let mut room = Room { pair: PAIR_IN_FLIGHT, email: usize::MAX, network: usize::MAX };
        let found = loop {
            let gets = source.gone.run_until_cancelled(seat.gets(room));
            let ahead = gets.await.ok_or(Error::ClientGone)??;
            let connection = seat.asked(db.get().await)?;
            let found = seat.asked(store::find(&connection, &key, &source.network).await)?;
            if let Some((kind, counter)) = found.blocked() {
                if !counter.is_noted {
                    let user = found.candidate.as_ref().map(|candidate| candidate.id);
                    store::note(&connection, kind, &key, user, source, client_id).await?;
                }
                return Err(Error::Throttled(Duration::from_secs_f64(counter.wait)));
            }
            // None is held while waiting or hashing.
            drop(connection);
            room = self.room(&found);
            if room.holds(ahead) {
                break found;
            }
        };
        let verified = match password {
            Some(password) => {
                // A disabled user's is nobody's: a right password must not take longer.
                let stands = found.candidate.as_ref().filter(|candidate| !candidate.is_disabled);
                let stored = stands.map(|candidate| candidate.password_hash.as_str());
                let network = source.network.to_string();
                let turn = Turn { purpose: Purpose::Login, network, gone: source.gone.clone() };
                hasher.verify(password, stored, turn).await?
            }
            None => Verified { is_right: false, rehash: None },
        };
        match (email, found.candidate) {
            (Some(email), Some(candidate)) if verified.is_right => {
                let Candidate { id, password_hash, .. } = candidate;
                let rehash = verified.rehash;
                Ok(Proven { id, email, password_hash, rehash, _seat: seat })
            }
            (_, candidate) => {
                let user = candidate.map(|candidate| candidate.id);
                let limits = [PAIR_FAILURES, EMAIL_FAILURES + 1, self.network_limit()];
                let connection = db.get().await?;
                store::record_failure(&connection, &key, user, source, client_id, limits).await?;
                Err(Error::WrongPassword)
            }
        }
    }

    /// The failure from one network at which users it never logged in begin to wait.
    fn network_limit(&self) -> i32 {
        if self.network_failures == 0 { i32::MAX } else { self.network_failures + 1 }
    }

    /// How many attempts may be in flight before this one: as many as can fail before a wait
    /// begins, and always one.
    fn room(&self, found: &Found) -> Room {
        let left = |counter: Counter, limit: i32| {
            usize::try_from(limit.saturating_sub(counter.failures).max(1)).unwrap_or(1)
        };
        let pair = left(found.pair, PAIR_FAILURES).min(PAIR_IN_FLIGHT);
        if found.is_known {
            return Room { pair, email: usize::MAX, network: usize::MAX };
        }
        let email = left(found.email, EMAIL_FAILURES + 1).min(EMAIL_IN_FLIGHT);
        Room { pair, email, network: left(found.network, self.network_limit()) }
    }
}

impl Found {
    /// The counter for which the attempt has to wait longest, if any.
    fn blocked(&self) -> Option<(Kind, Counter)> {
        let own = [(Kind::Pair, self.pair)];
        let others = [(Kind::Email, self.email), (Kind::Network, self.network)];
        let apply = own.into_iter().chain(others.into_iter().filter(|_| !self.is_known));
        let waiting = apply.filter(|(_, counter)| counter.wait > 0.0);
        waiting.max_by(|(_, a), (_, b)| a.wait.total_cmp(&b.wait))
    }
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Pair => "pair",
            Self::Email => "email",
            Self::Network => "network",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counter(failures: i32, wait: f64) -> Counter {
        Counter { failures, wait, is_noted: false }
    }

    fn kind(found: &Found) -> Option<Kind> {
        found.blocked().map(|(kind, _)| kind)
    }

    #[test]
    fn the_longest_wait_counts() {
        let found = Found {
            pair: counter(5, 1.0),
            email: counter(101, 4.0),
            network: counter(1001, 2.0),
            ..Found::default()
        };

        assert_eq!(found.blocked(), Some((Kind::Email, counter(101, 4.0))));
    }

    #[test]
    fn a_known_network_waits_for_its_own_pair_only() {
        let others = Found {
            is_known: true,
            email: counter(101, 4.0),
            network: counter(1001, 2.0),
            ..Found::default()
        };
        let own = Found { is_known: true, pair: counter(5, 1.0), ..Found::default() };

        assert_eq!(kind(&others), None);
        assert_eq!(kind(&own), Some(Kind::Pair));
    }

    #[test]
    fn only_as_many_begin_as_can_fail_before_a_wait() {
        let throttle = Throttle::new(1000);
        let room = |pair, email, is_known| {
            let (pair, email) = (counter(pair, 0.0), counter(email, 0.0));
            throttle.room(&Found { is_known, pair, email, ..Found::default() })
        };

        assert_eq!(room(0, 0, false), Room { pair: 4, email: 16, network: 1001 });
        assert_eq!(room(3, 3, false).pair, 2);
        assert_eq!(room(4, 4, false).pair, 1);
        assert_eq!(room(9, 9, false).pair, 1);
        assert_eq!(room(0, 95, false).email, 6);
        assert_eq!(room(0, 300, false).email, 1);
        assert_eq!(room(0, 300, true).email, usize::MAX);
    }

    #[test]
    fn networks_are_not_counted_where_that_is_off() {
        let throttle = Throttle::new(0);
        let found = Found { network: counter(100_000, 0.0), ..Found::default() };

        assert_eq!(throttle.network_limit(), i32::MAX);
        assert!(throttle.room(&found).network > 1_000_000);
    }
}
