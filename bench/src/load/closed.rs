//! Every client calls again as soon as it has its answer.

use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::task::JoinSet;

use super::{Client, Outcome};

/// Lets the clients call for this long, and gives them back.
pub(crate) async fn run<C: Client>(clients: Vec<C>, time: Duration) -> Result<(Vec<C>, Outcome)> {
    let started = Instant::now();
    let mut tasks = JoinSet::new();
    for client in clients {
        tasks.spawn(calls(client, started + time));
    }
    let (mut clients, mut outcome) = (Vec::new(), Outcome::default());
    while let Some(ended) = tasks.join_next().await {
        let (client, part) = ended?;
        clients.push(client);
        outcome = outcome.join(part);
    }
    outcome.elapsed = started.elapsed().min(time);
    Ok((clients, outcome))
}

async fn calls<C: Client>(mut client: C, end: Instant) -> (C, Outcome) {
    let mut outcome = Outcome::default();
    while Instant::now() < end {
        let sent = Instant::now();
        match client.visit().await {
            Ok(true) => {
                outcome.in_time += u64::from(Instant::now() < end);
                outcome.add(Ok(sent.elapsed()));
            }
            Ok(false) => break,
            Err(error) => outcome.add(Err(error)),
        }
    }
    (client, outcome)
}
