//! Pipes through which the kernel moves bytes from socket to socket (splice(2)).

use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice};
use std::{
    io,
    os::fd::OwnedFd,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{io::Interest, net::TcpStream};

/// Pipes of this process at most; further streams are copied.
const MOST: usize = 256;

/// What a pipe holds, if the system lets us; unprivileged users have 64 MiB for all of theirs.
const SIZE: usize = 512 << 10;

/// Bytes asked for at once: more than a pipe holds is never put in.
const CHUNK: usize = 1 << 20;

static MADE: AtomicUsize = AtomicUsize::new(0);
static EMPTY: Mutex<Vec<Pipe>> = Mutex::new(Vec::new());

/// One pipe.
#[derive(Debug)]
pub(super) struct Pipe {
    out: OwnedFd,
    into: OwnedFd,
}

impl Drop for Pipe {
    fn drop(&mut self) {
        MADE.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Pipe {
    /// An empty pipe; `None` if there are too many, or no descriptors.
    pub(super) fn take() -> Option<Self> {
        if let Some(pipe) = EMPTY.lock().unwrap_or_else(PoisonError::into_inner).pop() {
            return Some(pipe);
        }
        if MADE.fetch_add(1, Ordering::Relaxed) >= MOST {
            MADE.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        let Ok((out, into)) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK) else {
            MADE.fetch_sub(1, Ordering::Relaxed);
            return None;
        };
        // A small one does as well.
        let _ = fcntl_setpipe_size(&into, SIZE);
        Some(Self { out, into })
    }

    /// Keeps an empty pipe for others. One that isn't empty must be dropped.
    pub(super) fn give_back(self) {
        EMPTY.lock().unwrap_or_else(PoisonError::into_inner).push(self);
    }

    /// Takes what a socket has; 0 at its end.
    pub(super) async fn fill(&self, from: &TcpStream) -> io::Result<usize> {
        let flags = SpliceFlags::MOVE | SpliceFlags::NONBLOCK;
        let fill = || Ok(splice(from, None, &self.into, None, CHUNK, flags)?);
        from.async_io(Interest::READABLE, fill).await
    }

    /// Gives a socket up to `left` bytes, as many as it takes.
    pub(super) async fn drain(&self, to: &TcpStream, left: usize) -> io::Result<usize> {
        let flags = SpliceFlags::MOVE | SpliceFlags::NONBLOCK;
        let drain = || Ok(splice(&self.out, None, to, None, left, flags)?);
        to.async_io(Interest::WRITABLE, drain).await
    }
}
