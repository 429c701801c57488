//! The body of a pod's answer on its way to the client.

use bytes::{Buf, Bytes};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use super::{
    ledger::Entry,
    line::{Address, Line, poll_beside},
    patience::Patience,
    pool::Pool,
};

/// What a pod sends, as it comes; when it is over, its connection goes back to the pool.
#[derive(Debug)]
pub(super) struct Download {
    body: Incoming,
    lease: Option<Lease>,
    patience: Patience,
    entry: Entry,
}

/// A connection that serves nobody else for now.
#[derive(Debug)]
pub(super) struct Lease {
    pub(super) at: Address,
    pub(super) line: Line,
    pub(super) pool: Arc<Pool>,
    /// How many unused connections the pool keeps for a pod.
    pub(super) most: usize,
}

/// Why an answer ended before its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    /// The pod has paused for too long.
    #[error("the pod has not gone on in time")]
    Stalled,
    /// The connection broke, or what came on it was no body.
    #[error("the answer broke off: {0}")]
    Connection(#[source] hyper::Error),
}

impl Download {
    /// A body that may pause for so long; without a lease its connection is shared, or serves nobody else.
    pub(super) const fn new(
        body: Incoming,
        lease: Option<Lease>,
        patience: Duration,
        entry: Entry,
    ) -> Self {
        Self { body, lease, patience: Patience::new(patience), entry }
    }

    /// Gives the connection back.
    fn finish(&mut self) {
        if let Some(Lease { at, line, pool, most }) = self.lease.take() {
            pool.put(at, line, most);
        }
    }
}

impl Body for Download {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let this = &mut *self;
        let line = this.lease.as_mut().map(|lease| &mut lease.line);
        let body = &mut this.body;
        let polled = poll_beside(line, context, |context| Pin::new(&mut *body).poll_frame(context));
        let Poll::Ready(polled) = polled else {
            let waited = this.patience.poll_wait(context);
            return waited.map(|()| {
                // Its rest would be taken for the next answer.
                this.lease = None;
                Some(Err(Broken::Stalled))
            });
        };
        this.patience.reset();
        match &polled {
            None => this.finish(),
            Some(Err(_)) => this.lease = None,
            Some(Ok(frame)) => {
                this.entry.add_sent(frame.data_ref().map_or(0, Buf::remaining));
            }
        }
        Poll::Ready(polled.map(|frame| frame.map_err(Broken::Connection)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        // With a length, the last bytes may be read without anyone asking for the end.
        if self.body.is_end_stream() {
            self.finish();
        }
    }
}
