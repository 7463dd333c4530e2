//! The connections there are: never more than there may be.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::pulse::Pulse;

/// All connections.
pub(super) struct Table {
    slots: Arc<Semaphore>,
    taken: Mutex<Taken>,
    idled: Arc<Notify>,
}

#[derive(Default)]
struct Taken {
    next: u64,
    pulses: HashMap<u64, Arc<Pulse>>,
}

/// A connection's place; it is free again when this is dropped.
pub(super) struct Place {
    pub(super) pulse: Arc<Pulse>,
    number: u64,
    table: Arc<Table>,
    _slot: OwnedSemaphorePermit,
}

impl Table {
    pub(super) fn new(places: usize) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(places)),
            taken: Mutex::default(),
            idled: Arc::default(),
        }
    }

    /// A place for a new connection. Where none is free, the connection that is idle longest makes
    /// room; where all of them are at work, the first that is done.
    pub(super) async fn place(self: &Arc<Self>) -> Option<Place> {
        loop {
            let slot = Arc::clone(&self.slots);
            if let Ok(slot) = slot.try_acquire_owned() {
                return Some(self.take(slot));
            }
            let freed = Arc::clone(&self.slots).acquire_owned();
            if self.make_room() {
                return Some(self.take(freed.await.ok()?));
            }
            tokio::select! {
                slot = freed => return Some(self.take(slot.ok()?)),
                () = self.idled.notified() => {}
            }
        }
    }

    fn take(self: &Arc<Self>, slot: OwnedSemaphorePermit) -> Place {
        let pulse = Arc::new(Pulse::new(Arc::clone(&self.idled)));
        let mut taken = self.taken();
        let number = taken.next;
        taken.next += 1;
        taken.pulses.insert(number, Arc::clone(&pulse));
        Place { pulse, number, table: Arc::clone(self), _slot: slot }
    }

    /// Tells the one that is idle longest to leave; says whether there was one.
    pub(super) fn make_room(&self) -> bool {
        let taken = self.taken();
        let idle = taken.pulses.values().filter_map(|pulse| Some((pulse.idle_since()?, pulse)));
        // It may have been sent a request since it was looked at; then the next time.
        idle.min_by_key(|(since, _)| *since).is_some_and(|(_, pulse)| pulse.leave())
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.table.taken().pulses.remove(&self.number);
    }
}
