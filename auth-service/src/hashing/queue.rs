//! The bounded queue before the threads.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::Turn;
use super::argon::Task;
use crate::error::Error;

/// `password_hash_queue_depth`: how many wait.
const DEPTH: &str = "password_hash_queue_depth";

/// A task that nobody starts once its client has gone.
pub(super) struct Job {
    pub(super) task: Task,
    pub(super) turn: Turn,
}

pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    arrival: Condvar,
    bound: usize,
}

struct Waiting {
    /// The oldest first.
    jobs: VecDeque<Job>,
    is_closed: bool,
}

impl Queue {
    pub(super) fn new(bound: usize) -> Self {
        let waiting = Mutex::new(Waiting { jobs: VecDeque::new(), is_closed: false });
        Self { waiting, arrival: Condvar::new(), bound }
    }

    /// Queues a job; where there is no room for one more, one hears so, this one perhaps.
    pub(super) fn add(&self, job: Job) {
        let mut waiting = self.lock();
        waiting.jobs.push_back(job);
        if waiting.jobs.len() > self.bound {
            // Who has gone keeps nobody out.
            waiting.jobs.retain(|job| !job.turn.gone.is_cancelled());
        }
        let shed = if waiting.jobs.len() > self.bound { waiting.shed() } else { None };
        observe(&waiting);
        drop(waiting);
        self.arrival.notify_one();
        if let Some(job) = shed {
            job.task.refuse(Error::HashQueueFull);
        }
    }

    /// The next job, as soon as there is one; `None` at the end.
    pub(super) fn next(&self) -> Option<Job> {
        let mut waiting = self.lock();
        loop {
            while let Some(job) = waiting.jobs.pop_front() {
                observe(&waiting);
                if !job.turn.gone.is_cancelled() {
                    return Some(job);
                }
            }
            if waiting.is_closed {
                return None;
            }
            waiting = self.arrival.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// What waits is still done; then [`Self::next`] gives none.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.arrival.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing panics while it holds the lock; and the queue would be whole if it did.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// The one that has to leave: the newest.
    fn shed(&mut self) -> Option<Job> {
        self.jobs.pop_back()
    }
}

#[expect(clippy::cast_precision_loss, reason = "a queue has no 2^52 entries")]
fn observe(waiting: &Waiting) {
    metrics::gauge!(DEPTH).set(waiting.jobs.len() as f64);
}
