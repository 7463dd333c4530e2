//! Calls come at a rate, whether or not the earlier ones are answered.
//!
//! A visit's time counts from the moment it was due, so waiting for a free client counts, too: a
//! closed loop would call less often just when answers are slow, and hide it.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinSet;

use super::{Client, Outcome};

/// Calls so many times a second for this long, by whichever client is free.
pub(crate) async fn run<C: Client>(clients: Vec<C>, rate: f64, time: Duration) -> Result<Outcome> {
    let started = Instant::now();
    // Bounded by the rate and the time.
    let (caller, due) = unbounded_channel();
    // The runtime's timers know whole milliseconds only.
    let clock = thread::spawn(move || {
        let interval = Duration::from_secs_f64(1.0 / rate);
        let mut next = started;
        while next < started + time {
            thread::sleep(next.saturating_duration_since(Instant::now()));
            if caller.send(next).is_err() {
                break;
            }
            next += interval;
        }
    });
    let due = Arc::new(Mutex::new(due));
    let mut tasks = JoinSet::new();
    for client in clients {
        tasks.spawn(calls(client, Arc::clone(&due)));
    }
    let mut outcome = Outcome::default();
    while let Some(part) = tasks.join_next().await {
        outcome = outcome.join(part?);
    }
    outcome.in_time = outcome.visits();
    outcome.elapsed = started.elapsed();
    drop(clock.join());
    Ok(outcome)
}

async fn calls<C: Client>(mut client: C, due: Arc<Mutex<UnboundedReceiver<Instant>>>) -> Outcome {
    let mut outcome = Outcome::default();
    loop {
        let Some(due) = due.lock().await.recv().await else { return outcome };
        match client.visit().await {
            Ok(true) => outcome.add(Ok(due.elapsed())),
            Ok(false) => return outcome,
            Err(error) => outcome.add(Err(error)),
        }
    }
}
