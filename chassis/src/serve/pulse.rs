//! Where a connection stands between two requests, and for how long.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

/// Told by the connection's stream and by its requests; asked by whoever needs room, or waits for
/// its end.
#[derive(Default)]
pub(super) struct Pulse {
    state: watch::Sender<State>,
    /// Told whenever a connection has nothing to do any more.
    idled: Arc<Notify>,
    /// The connection has to make room.
    leave: CancellationToken,
}

#[derive(Clone, Copy)]
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

impl Default for State {
    fn default() -> Self {
        Self { phase: Phase::Waiting, since: Instant::now(), has_more: false }
    }
}

impl Pulse {
    pub(super) fn new(idled: Arc<Notify>) -> Self {
        Self { idled, ..Self::default() }
    }

    /// Bytes came in.
    pub(super) fn heard(&self) {
        self.state.send_if_modified(|state| match state.phase {
            Phase::Waiting => {
                state.phase = Phase::Heading(Instant::now());
                true
            }
            Phase::Answering => {
                state.has_more = true;
                false
            }
            Phase::Heading(_) | Phase::Receiving | Phase::Leaving => false,
        });
    }

    /// A request's headers are complete; says when they began.
    pub(super) fn begins(&self, has_body: bool) -> Instant {
        let mut begun = Instant::now();
        self.state.send_modify(|state| {
            if let Phase::Heading(since) = state.phase {
                begun = since;
            }
            state.phase = if has_body { Phase::Receiving } else { Phase::Answering };
            state.has_more = false;
        });
        begun
    }

    /// The request's body is complete, or nobody wants more of it.
    pub(super) fn received(&self) {
        self.state.send_if_modified(|state| {
            let is_coming = state.phase == Phase::Receiving;
            if is_coming {
                state.phase = Phase::Answering;
            }
            is_coming
        });
    }

    /// The request is answered.
    pub(super) fn ends(&self) {
        let now = Instant::now();
        self.state.send_modify(|state| {
            state.phase = if state.has_more { Phase::Heading(now) } else { Phase::Waiting };
            state.since = now;
        });
        self.idled.notify_one();
    }

    /// When a request's headers that are coming must be complete.
    pub(super) fn deadline(&self, patience: Duration) -> Option<Instant> {
        match self.state.borrow().phase {
            Phase::Heading(since) => Some(since + patience),
            _ => None,
        }
    }

    /// Since when its client has made nobody work: a request that is still coming is none yet.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        let state = *self.state.borrow();
        match state.phase {
            Phase::Waiting | Phase::Heading(_) | Phase::Receiving => Some(state.since),
            Phase::Answering | Phase::Leaving => None,
        }
    }

    /// Tells it to make room; says whether it was still idle.
    pub(super) fn leave(&self) -> bool {
        let is_idle = self.state.send_if_modified(|state| {
            let is_idle = !matches!(state.phase, Phase::Answering | Phase::Leaving);
            if is_idle {
                state.phase = Phase::Leaving;
            }
            is_idle
        });
        if is_idle {
            self.leave.cancel();
        }
        is_idle
    }

    /// Waits until it has been told to make room.
    pub(super) async fn told_to_leave(&self) {
        self.leave.cancelled().await;
    }

    /// Waits until nothing has come for so long while nothing ran.
    pub(super) async fn is_silent_for(&self, silence: Duration) {
        let mut state = self.state.subscribe();
        loop {
            // Never an error: the sender is our own.
            let _ = state.wait_for(|state| state.phase == Phase::Waiting).await;
            let heard = state.wait_for(|state| state.phase != Phase::Waiting);
            if timeout(silence, heard).await.is_err() {
                return;
            }
        }
    }
}
