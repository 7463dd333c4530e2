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

use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use hyper::service::Service;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::pulse::Pulse;

/// A stream on which a request's headers must come in time.
pub(super) struct Watched<S> {
    stream: S,
    pulse: Arc<Pulse>,
    /// How long a request's headers may take.
    patience: Duration,
    timer: Option<Pin<Box<Sleep>>>,
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S, pulse: Arc<Pulse>, patience: Duration) -> Self {
        Self { stream, pulse, patience, timer: None }
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
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
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

/// A service that tells when requests begin and end.
pub(super) struct Told<S> {
    pub(super) service: S,
    pub(super) pulse: Arc<Pulse>,
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
        self.pulse.begins(!request.body().is_end_stream());
        let end = End(Arc::clone(&self.pulse));
        let request = request.map(|body| Incoming { body, pulse: Arc::clone(&self.pulse) });
        let answered = self.service.call(request);
        Box::pin(async move { Ok(answered.await?.map(|body| Answer { body, _end: end })) })
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
