//! The body of a request on its way to a pod.

use bytes::{Buf, Bytes};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use std::{
    error::Error,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use super::patience::Patience;

/// What a client sends, as it comes; not more than it may, and not slower.
#[derive(Debug)]
pub(super) struct Upload {
    /// `None`: the client has nothing to say.
    body: Option<Incoming>,
    /// Octets that may still come.
    left: u64,
    patience: Patience,
    /// Octets that have come.
    came: Arc<AtomicU64>,
}

/// Why a body ended before its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum Cut {
    /// It is longer than the route takes.
    #[error("the body is too large")]
    TooLarge,
    /// The client has paused for too long.
    #[error("the rest of the body has not come in time")]
    Stalled,
    /// The connection broke, or what came on it was no body.
    #[error("the body broke off: {0}")]
    Broken(#[source] hyper::Error),
}

impl Upload {
    pub(super) fn new(body: Incoming, most: Option<u64>, patience: Duration) -> Self {
        Self {
            body: (!body.is_end_stream()).then_some(body),
            left: most.unwrap_or(u64::MAX),
            patience: Patience::new(patience),
            came: Arc::default(),
        }
    }

    /// No body at all.
    pub(super) fn none() -> Self {
        Self { body: None, left: 0, patience: Patience::new(Duration::ZERO), came: Arc::default() }
    }

    /// Whether there is nothing to send: such a request can be sent twice.
    pub(super) const fn is_empty(&self) -> bool {
        self.body.is_none()
    }

    /// Counts the octets that come.
    pub(super) fn counter(&self) -> Option<Arc<AtomicU64>> {
        self.body.as_ref().map(|_| self.came.clone())
    }

    /// Checks and counts what came.
    fn take(&mut self, data: &Bytes) -> Result<(), Cut> {
        let length = data.remaining() as u64;
        self.left = self.left.checked_sub(length).ok_or(Cut::TooLarge)?;
        self.came.fetch_add(length, Ordering::Relaxed);
        Ok(())
    }
}

impl Cut {
    /// Why an exchange with a pod failed, if it was for the client's body.
    pub(super) fn of(error: &hyper::Error) -> Option<&Self> {
        error.source().and_then(|source| source.downcast_ref())
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        let this = &mut *self;
        let Some(body) = &mut this.body else { return Poll::Ready(None) };
        let Poll::Ready(polled) = Pin::new(body).poll_frame(context) else {
            return this.patience.poll_wait(context).map(|()| Some(Err(Cut::Stalled)));
        };
        this.patience.reset();
        Poll::Ready(match polled {
            None => None,
            Some(Err(error)) => Some(Err(Cut::Broken(error))),
            Some(Ok(frame)) => match frame.data_ref().map_or(Ok(()), |data| this.take(data)) {
                Ok(()) => Some(Ok(frame)),
                Err(cut) => Some(Err(cut)),
            },
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}
