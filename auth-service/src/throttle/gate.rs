//! Attempts in flight: those that stand between reading the counters and recording a result.
//!
//! Without a bound on them, a burst of guesses would read the counters before the first of them is
//! counted. An attempt begins only when all those before it could fail without a wait arising from
//! it; the others wait for them and read the counters again. So a burst gets no further than
//! guesses one by one, and right passwords in parallel are queued, never refused.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::source::Network;

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

/// A place in the line, left when this value is dropped.
pub struct Seat<'a> {
    gate: &'a Gate,
    number: u64,
    email: u64,
    network: u64,
}

impl Gate {
    pub(super) fn enter(&self, email: &str, network: &Network) -> Seat<'_> {
        let (email, network) = (self.hasher.hash_one(email), self.hasher.hash_one(network));
        let mut line = self.line();
        let number = line.next;
        line.next += 1;
        line.attempts.push(Waiting { number, email, network });
        Seat { gate: self, number, email, network }
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        // Nothing panics while it holds the lock; and the line would be whole if it did.
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat<'_> {
    /// Whether there is room for this attempt to begin.
    pub(super) fn has(&self, room: Room) -> bool {
        let line = self.gate.line();
        let before = line.attempts.iter().take_while(|attempt| attempt.number < self.number);
        let mut ahead = Room { pair: 0, email: 0, network: 0 };
        for attempt in before {
            let (email, network) = (attempt.email == self.email, attempt.network == self.network);
            ahead.pair += usize::from(email && network);
            ahead.email += usize::from(email);
            ahead.network += usize::from(network);
        }
        ahead.pair < room.pair && ahead.email < room.email && ahead.network < room.network
    }

    /// Waits until there is. The first in the line never waits, so the line always moves.
    pub(super) async fn gets(&self, room: Room) {
        loop {
            let mut moved = std::pin::pin!(self.gate.moved.notified());
            // Before looking, so that what moves in between is not missed.
            moved.as_mut().enable();
            if self.has(room) {
                return;
            }
            moved.await;
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
    use std::time::Duration;

    use super::*;

    const ROOM: Room = Room { pair: 2, email: 3, network: 4 };

    fn network(number: u8) -> Network {
        Network::of([10, 0, number, 1].into())
    }

    #[test]
    fn there_is_room_for_as_many_of_each_kind() {
        let gate = Gate::default();
        let pair: Vec<_> = (0..3).map(|_| gate.enter("ann", &network(1))).collect();
        let same_email = gate.enter("ann", &network(2));
        let same_network = gate.enter("bob", &network(1));
        let neither = gate.enter("bob", &network(2));

        assert_eq!(pair.iter().map(|seat| seat.has(ROOM)).collect::<Vec<_>>(), [true, true, false]);
        assert!(!same_email.has(ROOM));
        assert!(same_network.has(ROOM));
        assert!(neither.has(ROOM));
    }

    #[tokio::test]
    async fn who_waits_begins_when_one_before_leaves() {
        let gate = Gate::default();
        let first = gate.enter("ann", &network(1));
        let second = gate.enter("ann", &network(1));
        let room = Room { pair: 1, email: 16, network: 16 };

        let waits = tokio::time::timeout(Duration::from_millis(20), second.gets(room)).await;
        let ((), ()) = tokio::join!(second.gets(room), async { drop(first) });

        assert!(waits.is_err());
        assert!(second.has(room));
    }

    #[test]
    fn the_first_in_the_line_always_has_room() {
        let gate = Gate::default();
        let first = gate.enter("ann", &network(1));
        let later = gate.enter("ann", &network(1));

        let least = Room { pair: 1, email: 1, network: 1 };

        assert!(first.has(least));
        assert!(!later.has(least));
    }
}
