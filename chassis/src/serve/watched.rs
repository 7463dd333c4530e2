//! What a connection's stream and its requests tell of it.
//!
//! hyper has one timer for a request's headers and for the pause before it. The pause may be long,
//! the headers may not: the stream counts their time itself, from their first byte.

use std::convert::Infallible;
use std::io::ErrorKind;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::header::{CONNECTION, HeaderValue};
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use hyper::service::Service;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::pulse::Pulse;
use crate::edge::service::Begun;

/// A stream on which a request's headers must come, and its answer be read, in time.
pub(super) struct Watched<S> {
    stream: S,
    pulse: Arc<Pulse>,
    /// How long a request's headers may take.
    patience: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    /// Runs while its client reads nothing of what is to be sent.
    stalled: Option<Pin<Box<Sleep>>>,
}

/// How long a client may read nothing of its answer. hyper itself would wait without end.
const STALL: Duration = Duration::from_secs(30);

impl<S> Watched<S> {
    pub(super) fn new(stream: S, pulse: Arc<Pulse>, patience: Duration) -> Self {
        Self { stream, pulse, patience, timer: None, stalled: None }
    }

    fn in_time(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<std::io::Result<usize>>,
    ) -> Poll<std::io::Result<usize>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(STALL)));
        stalled.as_mut().poll(cx).map(|()| Err(ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let filled = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > filled {
            self.pulse.heard();
        }
        let Some(deadline) = self.pulse.deadline(self.patience) else {
            return read;
        };
        if Instant::now() >= deadline {
            return Poll::Ready(Err(ErrorKind::TimedOut.into()));
        }
        if read.is_ready() {
            return read;
        }
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if timer.deadline() != deadline {
            timer.as_mut().reset(deadline);
        }
        timer.as_mut().poll(cx).map(|()| Err(ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.in_time(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.in_time(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A service that tells when requests begin and end; and its clients, that an answer is the last.
pub(super) struct Told<S> {
    pub(super) service: S,
    pub(super) pulse: Arc<Pulse>,
    pub(super) shutdown: CancellationToken,
}

impl<S, B, A> Service<Request<B>> for Told<S>
where
    S: Service<Request<Incoming<B>>, Response = Response<A>, Error = Infallible>,
    S::Future: Send + 'static,
    B: Body,
    A: 'static,
{
    type Response = Response<Answer<A>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Answer<A>>, Infallible>> + Send>>;

    fn call(&self, request: Request<B>) -> Self::Future {
        let begun = self.pulse.begins(!request.body().is_end_stream());
        let end = End(Arc::clone(&self.pulse));
        let mut request = request.map(|body| Incoming { body, pulse: Arc::clone(&self.pulse) });
        request.extensions_mut().insert(Begun(begun));
        let answered = self.service.call(request);
        let shutdown = self.shutdown.clone();
        Box::pin(async move {
            let mut answer = answered.await?;
            if shutdown.is_cancelled() {
                // hyper closes the connection behind it.
                answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok(answer.map(|body| Answer { body, _end: end }))
        })
    }
}

/// The end of a request: its answer is handed over, or nobody waits for it any more.
struct End(Arc<Pulse>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.ends();
    }
}

/// An answer's body.
pub(super) struct Answer<B> {
    body: B,
    _end: End,
}

impl<B: Body + Unpin> Body for Answer<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A request's body.
pub(crate) struct Incoming<B> {
    body: B,
    pulse: Arc<Pulse>,
}

impl<B: Body + Unpin> Body for Incoming<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if frame.is_none() || self.body.is_end_stream() {
            self.pulse.received();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> Drop for Incoming<B> {
    fn drop(&mut self) {
        self.pulse.received();
    }
}
