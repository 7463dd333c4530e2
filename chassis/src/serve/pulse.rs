//! Where a connection stands between two requests, and for how long.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Told by the connection's stream and by its requests; asked by whoever needs room.
pub(super) struct Pulse {
    state: Mutex<State>,
    /// Told whenever a connection has nothing to do any more.
    idled: std::sync::Arc<Notify>,
    /// The connection has to make room.
    leave: CancellationToken,
}

struct State {
    phase: Phase,
    /// When it was accepted, or its last request ended.
    since: Instant,
    /// Something came that is not of the request that runs.
    has_more: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// For a request.
    Waiting,
    /// A request's headers are coming, since then.
    Heading(Instant),
    /// A request's body is coming.
    Receiving,
    /// A request is being answered.
    Answering,
    /// It has been told to make room.
    Leaving,
}

impl Pulse {
    pub(super) fn new(idled: std::sync::Arc<Notify>) -> Self {
        let state = State { phase: Phase::Waiting, since: Instant::now(), has_more: false };
        Self { state: Mutex::new(state), idled, leave: CancellationToken::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes came in.
    pub(super) fn heard(&self) {
        let mut state = self.state();
        match state.phase {
            Phase::Waiting => state.phase = Phase::Heading(Instant::now()),
            Phase::Answering => state.has_more = true,
            Phase::Heading(_) | Phase::Receiving | Phase::Leaving => {}
        }
    }

    /// A request's headers are complete.
    pub(super) fn begins(&self, has_body: bool) {
        let mut state = self.state();
        state.phase = if has_body { Phase::Receiving } else { Phase::Answering };
        state.has_more = false;
    }

    /// The request's body is complete, or nobody wants more of it.
    pub(super) fn received(&self) {
        let mut state = self.state();
        if state.phase == Phase::Receiving {
            state.phase = Phase::Answering;
        }
    }

    /// The request is answered.
    pub(super) fn ends(&self) {
        let now = Instant::now();
        let mut state = self.state();
        state.phase = if state.has_more { Phase::Heading(now) } else { Phase::Waiting };
        state.since = now;
        drop(state);
        self.idled.notify_one();
    }

    /// When a request's headers that are coming must be complete.
    pub(super) fn deadline(&self, patience: Duration) -> Option<Instant> {
        match self.state().phase {
            Phase::Heading(since) => Some(since + patience),
            _ => None,
        }
    }

    /// Since when its client has made nobody work: a request that is still coming is none yet.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        let state = self.state();
        match state.phase {
            Phase::Waiting | Phase::Heading(_) | Phase::Receiving => Some(state.since),
            Phase::Answering | Phase::Leaving => None,
        }
    }

    /// Tells it to make room; says whether it was still idle.
    pub(super) fn leave(&self) -> bool {
        let mut state = self.state();
        let is_idle = !matches!(state.phase, Phase::Answering | Phase::Leaving);
        if is_idle {
            state.phase = Phase::Leaving;
            self.leave.cancel();
        }
        is_idle
    }

    /// Waits until it has been told to make room.
    pub(super) async fn told_to_leave(&self) {
        self.leave.cancelled().await;
    }
}
