//! The bounded queue before the threads, and who has to leave it when it is full: a registration
//! before a login, for whoever registers can wait; then whoever comes from where most come from,
//! so that a storm from one network sheds itself.

use std::collections::{HashMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::argon::Task;
use super::{Purpose, Turn};
use crate::error::Error;

/// `password_hash_queue_depth`: how many wait.
const DEPTH: &str = "password_hash_queue_depth";
/// `password_hash_shed_total`: how many were turned away, by `purpose`.
const SHED: &str = "password_hash_shed_total";

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
        if let Some(Job { task, turn }) = shed {
            metrics::counter!(SHED, "purpose" => turn.purpose.as_str()).increment(1);
            task.refuse(Error::HashQueueFull);
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
    /// The one that has to leave: the newest registration; where there is none, the newest of
    /// those networks that most wait from.
    fn shed(&mut self) -> Option<Job> {
        let is_registration = |job: &Job| job.turn.purpose == Purpose::Registration;
        let place = self.jobs.iter().rposition(is_registration).or_else(|| {
            let mut counts = HashMap::<&str, usize>::new();
            for job in &self.jobs {
                *counts.entry(&job.turn.network).or_default() += 1;
            }
            let most = counts.values().copied().max();
            self.jobs.iter().rposition(|job| counts.get(&*job.turn.network).copied() == most)
        });
        place.and_then(|place| self.jobs.remove(place))
    }
}

#[expect(clippy::cast_precision_loss, reason = "a queue has no 2^52 entries")]
fn observe(waiting: &Waiting) {
    metrics::gauge!(DEPTH).set(waiting.jobs.len() as f64);
}

#[cfg(test)]
mod tests {
    use Purpose::{Login, Registration};
    use tokio::sync::oneshot::{self, Receiver};
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::hashing::tests::{password, turn};

    type Answer = Receiver<Result<String, Error>>;

    fn job(turn: Turn) -> (Job, Answer) {
        let (answer, answered) = oneshot::channel();
        (Job { task: Task::Hash { password: password("correct horse"), answer }, turn }, answered)
    }

    /// Which of these, one after the other, are shed where only three may wait.
    fn shed(arrivals: &[(Purpose, &str)]) -> Vec<usize> {
        let queue = Queue::new(3);
        let add = |(purpose, network): &(Purpose, &str)| {
            let (job, answered) = job(turn(*purpose, network));
            queue.add(job);
            answered
        };
        let answers: Vec<_> = arrivals.iter().map(add).collect();
        let is_shed =
            |mut answer: Answer| matches!(answer.try_recv(), Ok(Err(Error::HashQueueFull)));
        let answers = answers.into_iter().enumerate();
        answers.filter_map(|(at, answer)| is_shed(answer).then_some(at)).collect()
    }

    #[test]
    fn nobody_is_shed_while_there_is_room() {
        assert_eq!(shed(&[(Login, "a"), (Login, "a"), (Registration, "a")]), [0; 0]);
    }

    #[test]
    fn the_newest_registration_is_shed_before_any_login() {
        let waiting = [(Registration, "a"), (Registration, "b"), (Login, "c")];

        assert_eq!(shed(&[&waiting[..], &[(Login, "c")]].concat()), [1]);
        assert_eq!(shed(&[&waiting[..], &[(Login, "c"), (Login, "c")]].concat()), [0, 1]);
    }

    #[test]
    fn a_registration_that_arrives_is_the_newest_of_them() {
        let waiting = [(Registration, "a"), (Login, "c"), (Login, "c")];

        assert_eq!(shed(&[&waiting[..], &[(Registration, "b")]].concat()), [3]);
    }

    #[test]
    fn of_logins_the_newest_of_the_busiest_network_is_shed() {
        let waiting = [(Login, "a"), (Login, "a"), (Login, "b")];

        assert_eq!(shed(&[&waiting[..], &[(Login, "c")]].concat()), [1]);
    }

    #[test]
    fn a_login_that_arrives_counts_for_its_network() {
        let waiting = [(Login, "a"), (Login, "a"), (Login, "b")];

        assert_eq!(shed(&[&waiting[..], &[(Login, "a")]].concat()), [3]);
        assert_eq!(shed(&[&waiting[..], &[(Login, "b")]].concat()), [3]);
    }

    #[test]
    fn where_all_networks_are_alike_the_one_that_arrives_is_shed() {
        let waiting = [(Login, "a"), (Login, "b"), (Login, "c")];

        assert_eq!(shed(&[&waiting[..], &[(Login, "d")]].concat()), [3]);
    }

    #[test]
    fn whoever_has_gone_leaves_first() {
        let queue = Queue::new(1);
        let gone = CancellationToken::new();
        let (first, mut given_up) = job(Turn { gone: gone.clone(), ..turn(Login, "a") });
        let (second, mut waits) = job(turn(Registration, "a"));

        queue.add(first);
        gone.cancel();
        queue.add(second);

        assert_eq!(given_up.try_recv().err(), Some(oneshot::error::TryRecvError::Closed));
        assert_eq!(waits.try_recv().err(), Some(oneshot::error::TryRecvError::Empty));
    }

    #[test]
    fn what_waits_is_done_in_its_order_to_the_end() {
        let queue = Queue::new(3);
        for network in ["a", "b"] {
            queue.add(job(turn(Login, network)).0);
        }

        queue.close();

        let networks: Vec<_> =
            std::iter::from_fn(|| queue.next()).map(|job| job.turn.network).collect();
        assert_eq!(networks, ["a", "b"]);
    }
}
