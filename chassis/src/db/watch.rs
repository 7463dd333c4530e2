//! What passes over a connection tells what has become of its session: whether it has answered all
//! that it was asked, is in a transaction, or may not write. And whoever is asked and says nothing
//! is given up: a server that is stopped, or a network that swallows everything, breaks nothing.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_postgres::tls::{ChannelBinding, TlsStream};

use super::frames::{Frames, sql_state};

/// A statement that writes, on a server that does not: a standby, or a primary of yesterday.
const READ_ONLY: &[u8] = b"25006";

/// How long a server may be silent that was asked; one for all connections to it.
#[derive(Debug)]
pub(super) struct Patience {
    /// `None` where it is asked for what may take any time.
    limit: Option<Duration>,
    /// Since when the last connection that was given up had been silent: what has not been heard
    /// since then may be dead, too.
    suspect: Mutex<Option<Instant>>,
}

/// What is known of a session.
#[derive(Debug)]
pub(super) struct Watch {
    patience: Arc<Patience>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// What was asked for and is not answered to its end.
    unanswered: usize,
    /// The last answer left a transaction open.
    is_in_transaction: bool,
    /// A statement was refused because it writes.
    is_read_only: bool,
    /// When it was heard, or asked after it had answered all.
    since: Instant,
}

impl Patience {
    pub(super) fn new(limit: Option<Duration>) -> Arc<Self> {
        Arc::new(Self { limit, suspect: Mutex::default() })
    }

    fn give_up(&self, silent_since: Instant) {
        let mut suspect = self.suspect.lock().unwrap_or_else(PoisonError::into_inner);
        *suspect = (*suspect).max(Some(silent_since));
    }

    fn suspects(&self, heard: Instant) -> bool {
        let suspect = self.suspect.lock().unwrap_or_else(PoisonError::into_inner);
        suspect.is_some_and(|since| heard <= since)
    }
}

impl Watch {
    pub(super) fn new(patience: &Arc<Patience>) -> Arc<Self> {
        let state = State {
            unanswered: 0,
            is_in_transaction: false,
            is_read_only: false,
            since: Instant::now(),
        };
        Arc::new(Self { patience: Arc::clone(patience), state: Mutex::new(state) })
    }

    /// Whether something is under way whose end may come: an answer, or a rollback.
    pub(super) fn is_busy(&self) -> bool {
        let state = self.state();
        state.unanswered > 0 || state.is_in_transaction
    }

    /// Whether somebody else may have the session.
    pub(super) fn is_fit(&self) -> bool {
        let (is_read_only, since) = {
            let state = self.state();
            (state.is_read_only, state.since)
        };
        !self.is_busy() && !is_read_only && !self.patience.suspects(since)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The client has sent a message of this type.
    fn asked(&self, kind: u8) {
        // A start, a simple query and a sync: each is answered by one `ReadyForQuery`.
        if matches!(kind, 0 | b'Q' | b'S') {
            let mut state = self.state();
            if state.unanswered == 0 {
                state.since = Instant::now();
            }
            state.unanswered += 1;
        }
    }

    /// The server has sent a message of this type.
    fn answered(&self, kind: u8, content: &[u8]) {
        let mut state = self.state();
        match kind {
            b'Z' => {
                state.unanswered = state.unanswered.saturating_sub(1);
                state.is_in_transaction = content != b"I";
            }
            b'E' if sql_state(content) == Some(READ_ONLY) => state.is_read_only = true,
            _ => {}
        }
    }

    fn silence(&self) -> Option<(Instant, Duration)> {
        let state = self.state();
        let limit = self.patience.limit.filter(|_| state.unanswered > 0)?;
        Some((state.since, limit))
    }
}

/// A stream that is watched; beneath TLS, where nothing can be read, one that is not.
pub(super) struct Watched<S> {
    stream: S,
    lens: Option<Lens>,
}

struct Lens {
    watch: Arc<Watch>,
    of_client: Frames,
    of_server: Frames,
    timer: Option<Pin<Box<Sleep>>>,
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S, watch: Option<&Arc<Watch>>) -> Self {
        let lens = watch.map(|watch| Lens {
            watch: Arc::clone(watch),
            of_client: Frames::of_client(),
            of_server: Frames::of_server(),
            timer: None,
        });
        Self { stream, lens }
    }
}

impl Lens {
    fn sent(&mut self, bytes: &[u8]) {
        self.of_client.feed(bytes, |kind, _| self.watch.asked(kind));
    }

    fn received(&mut self, bytes: &[u8]) {
        self.watch.state().since = Instant::now();
        self.of_server.feed(bytes, |kind, content| self.watch.answered(kind, content));
    }

    /// Fails once the server has been silent for too long.
    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some((since, limit)) = self.watch.silence() else { return Poll::Pending };
        let deadline = since + limit;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if timer.deadline() != deadline {
            timer.as_mut().reset(deadline);
        }
        timer.as_mut().poll(cx).map(|()| {
            self.watch.patience.give_up(since);
            let what = format!("the server has not answered for {limit:?}");
            Err(io::Error::new(ErrorKind::TimedOut, what))
        })
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let filled = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        let Some(lens) = &mut self.lens else { return read };
        let news = &buffer.filled()[filled..];
        if !news.is_empty() {
            lens.received(news);
        }
        if read.is_ready() { read } else { lens.poll_silence(cx) }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        if let (Poll::Ready(Ok(count)), Some(lens)) = (&written, &mut self.lens) {
            lens.sent(&bytes[..*count]);
            // Whoever writes may not read again before he is woken: by an answer, or by the timer,
            // which is set here.
            if let Poll::Ready(Err(error)) = lens.poll_silence(cx) {
                return Poll::Ready(Err(error));
            }
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl<S: TlsStream + Unpin> TlsStream for Watched<S> {
    fn channel_binding(&self) -> ChannelBinding {
        self.stream.channel_binding()
    }
}
