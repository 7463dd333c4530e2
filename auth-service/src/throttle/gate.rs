//! Attempts in flight: those that stand between reading the counters and recording a result.
//!
//! Without a bound on them, a burst of guesses would read the counters before the first of them is
//! counted. An attempt begins only when all those before it could fail without a wait arising from
//! it; the others wait for them and read the counters again. So a burst gets no further than
//! guesses one by one, and right passwords in parallel are queued, never refused.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use crate::error::Error;
use crate::source::Network;

/// How long an attempt waits for those before it where the database fails them: one after the
/// other, they would take as many times as long. Where it does not, they come to their end, and
/// the wait has no limit of its own.
const PATIENCE: Duration = Duration::from_secs(6);

/// Attempts in flight in this process, in the order of their arrival.
#[derive(Default)]
pub(super) struct Gate {
    line: Mutex<Line>,
    moved: Notify,
    hasher: RandomState,
}

#[derive(Default)]
struct Line {
    next: u64,
    attempts: Vec<Waiting>,
    /// When the database last failed one of them.
    failed: Option<Instant>,
}

/// By hashes of what is counted, for each that waits looks at all before it, again and again; two
/// that happen to have the same wait a little longer.
struct Waiting {
    number: u64,
    email: u64,
    network: u64,
}

/// How many of each kind may stand before an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Room {
    /// Of the same e-mail and network.
    pub(super) pair: usize,
    /// Of the same e-mail.
    pub(super) email: usize,
    /// Of the same network.
    pub(super) network: usize,
}

/// How many of each kind stand before an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Ahead {
    pair: usize,
    email: usize,
    network: usize,
}

impl Room {
    /// Whether it is more than those.
    pub(super) fn holds(self, ahead: Ahead) -> bool {
        ahead.pair < self.pair && ahead.email < self.email && ahead.network < self.network
    }
}

/// A place in the line, left when this value is dropped.
pub struct Seat<'a> {
    gate: &'a Gate,
    number: u64,
    email: u64,
    network: u64,
    since: Instant,
}

impl Gate {
    pub(super) fn enter(&self, email: &str, network: &Network) -> Seat<'_> {
        let (email, network) = (self.hasher.hash_one(email), self.hasher.hash_one(network));
        let mut line = self.line();
        let number = line.next;
        line.next += 1;
        line.attempts.push(Waiting { number, email, network });
        Seat { gate: self, number, email, network, since: Instant::now() }
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        // Nothing panics while it holds the lock; and the line would be whole if it did.
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat<'_> {
    fn ahead(&self) -> Ahead {
        let line = self.gate.line();
        let before = line.attempts.iter().take_while(|attempt| attempt.number < self.number);
        let mut ahead = Ahead::default();
        for attempt in before {
            let (email, network) = (attempt.email == self.email, attempt.network == self.network);
            ahead.pair += usize::from(email && network);
            ahead.email += usize::from(email);
            ahead.network += usize::from(network);
        }
        ahead
    }

    /// What came of asking the database; where that failed, those behind are told.
    pub(super) fn asked<T>(&self, result: Result<T, impl Into<Error>>) -> Result<T, Error> {
        let result = result.map_err(Into::into);
        if let Err(Error::Database(_)) = &result {
            self.gate.line().failed = Some(Instant::now());
        }
        result
    }

    /// Waits until there is room for this attempt, and says who was before it then. The first in
    /// the line never waits, so the line always moves.
    ///
    /// Counters that are read afterwards have the failures of all who had left by then; whoever
    /// leaves later may be in them or not, so it is those of now that count.
    ///
    /// # Errors
    /// [`Error::TurnTooLate`] where the database fails those before.
    pub(super) async fn gets(&self, room: Room) -> Result<Ahead, Error> {
        let end = self.since + PATIENCE;
        loop {
            let mut moved = std::pin::pin!(self.gate.moved.notified());
            // Before looking, so that what moves in between is not missed.
            moved.as_mut().enable();
            let is_late = Instant::now() >= end;
            // Also where there is room now: it would be failed as those before were.
            if is_late && self.gate.line().failed > Some(self.since) {
                return Err(Error::TurnTooLate);
            }
            let ahead = self.ahead();
            if room.holds(ahead) {
                return Ok(ahead);
            }
            if is_late {
                moved.await;
            } else {
                let _ = timeout_at(end, moved).await;
            }
        }
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        let mut line = self.gate.line();
        if let Ok(place) = line.attempts.binary_search_by_key(&self.number, |it| it.number) {
            line.attempts.remove(place);
        }
        drop(line);
        self.gate.moved.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use chassis::DbError;
    use tokio::time::timeout;

    use super::*;

    const ROOM: Room = Room { pair: 2, email: 3, network: 4 };

    fn network(number: u8) -> Network {
        Network::of([10, 0, number, 1].into())
    }

    fn has_room(seat: &Seat<'_>) -> bool {
        ROOM.holds(seat.ahead())
    }

    #[test]
    fn there_is_room_for_as_many_of_each_kind() {
        let gate = Gate::default();
        let pair: Vec<_> = (0..3).map(|_| gate.enter("ann", &network(1))).collect();
        let same_email = gate.enter("ann", &network(2));
        let same_network = gate.enter("bob", &network(1));
        let neither = gate.enter("bob", &network(2));

        assert_eq!(pair.iter().map(has_room).collect::<Vec<_>>(), [true, true, false]);
        assert!(!has_room(&same_email));
        assert!(has_room(&same_network));
        assert!(has_room(&neither));
    }

    #[tokio::test]
    async fn who_waits_begins_when_one_before_leaves() {
        let gate = Gate::default();
        let first = gate.enter("ann", &network(1));
        let second = gate.enter("ann", &network(1));
        let room = Room { pair: 1, email: 16, network: 16 };

        let waits = timeout(Duration::from_millis(20), second.gets(room)).await;
        let (got, ()) = tokio::join!(second.gets(room), async { drop(first) });

        assert!(waits.is_err() && got.is_ok());
        assert!(room.holds(second.ahead()));
    }

    /// Its failure may not be in the counters that were read.
    #[tokio::test]
    async fn who_leaves_while_the_counters_are_read_still_counts() {
        let gate = Gate::default();
        let first = gate.enter("ann", &network(1));
        let second = gate.enter("ann", &network(1));

        let ahead = second.gets(ROOM).await;
        drop(first);

        let only_one = Room { pair: 1, ..ROOM };
        assert!(ahead.is_ok_and(|ahead| ROOM.holds(ahead) && !only_one.holds(ahead)));
        assert!(second.gets(only_one).await.is_ok_and(|ahead| only_one.holds(ahead)));
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_is_refused_only_where_the_database_fails_others() {
        let gate = Gate::default();
        let room = Room { pair: 1, email: 16, network: 16 };
        let unavailable = || Err::<(), _>(DbError::Unavailable("hangs".to_owned()));
        let failed_before = gate.enter("ann", &network(1)).asked(unavailable());
        let first = gate.enter("ann", &network(1));
        let second = gate.enter("ann", &network(1));

        let waits = timeout(10 * PATIENCE, second.gets(room)).await;
        let other = gate.enter("bob", &network(2));
        let (refused, ()) = tokio::join!(second.gets(room), async {
            let _ = other.asked(unavailable());
            drop(other);
        });

        assert!(failed_before.is_err());
        assert!(waits.is_err(), "it was refused though nothing failed");
        assert!(matches!(refused, Err(Error::TurnTooLate)));
        drop(first);
    }

    #[test]
    fn the_first_in_the_line_always_has_room() {
        let gate = Gate::default();
        let first = gate.enter("ann", &network(1));
        let later = gate.enter("ann", &network(1));

        let least = Room { pair: 1, email: 1, network: 1 };

        assert!(least.holds(first.ahead()));
        assert!(!least.holds(later.ahead()));
    }
}
