//! Connections that have stopped speaking HTTP.

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf, copy_bidirectional},
    time::sleep,
};

use super::{
    connection::Guard,
    ledger::{Chair, Ledger},
};

/// Copies between client and pod until both have ended, or nothing has moved for as long as `idle`.
pub(super) fn connect(
    client: OnUpgrade,
    pod: OnUpgrade,
    idle: Duration,
    (guard, chair): (Guard, Option<Chair>),
    ledger: Arc<Ledger>,
) {
    tokio::spawn(async move {
        // Whoever breaks off ends the other side too: both are closed when they go out of scope.
        let (Ok(client), Ok(pod)) = tokio::join!(client, pod) else { return };
        let moved = Arc::new(AtomicU64::new(0));
        let mut client = Watched { stream: TokioIo::new(client), moved: moved.clone() };
        let mut pod = Watched { stream: TokioIo::new(pod), moved: moved.clone() };
        ledger.metrics.upgraded.fetch_add(1, Ordering::Relaxed);
        tokio::select! {
            _ = copy_bidirectional(&mut client, &mut pod) => {}
            () = silence(&moved, idle) => {}
            () = guard.cut() => {}
        }
        ledger.metrics.upgraded.fetch_sub(1, Ordering::Relaxed);
        drop(chair);
    });
}

/// Waits until nothing has moved for so long, or up to twice as long.
async fn silence(moved: &AtomicU64, idle: Duration) {
    let mut before = moved.load(Ordering::Relaxed);
    loop {
        sleep(idle).await;
        let now = moved.load(Ordering::Relaxed);
        if now == before {
            return;
        }
        before = now;
    }
}

/// A stream that counts how often something came.
struct Watched<S> {
    stream: S,
    moved: Arc<AtomicU64>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let came = Pin::new(&mut self.stream).poll_read(context, buffer);
        if came.is_ready() {
            self.moved.fetch_add(1, Ordering::Relaxed);
        }
        came
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
