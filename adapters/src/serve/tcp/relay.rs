//! Both directions of a connection.
//!
//! ```text
//! readable ─▶ read into the thread's buffer ─▶ write ─▶ the rest, if the other side is slow, waits in a buffer of its own
//!     └── after 256 KiB one way ─▶ splice: socket ─▶ pipe ─▶ socket, never in our memory
//! ```
//!
//! A connection that waits has no buffer: ten thousand silent ones cost their sockets and tasks. Pipes cost two
//! descriptors and about 100 µs to make, so they come from a pool, and only long streams get one.

use rustix::net::{Shutdown, shutdown};
use std::{
    cell::RefCell,
    io,
    sync::atomic::{AtomicU64, Ordering},
};
use tokio::{
    net::TcpStream,
    task::yield_now,
    time::{Duration, sleep},
};

use super::{super::counters::Counter, pipe::Pipe};

/// Bytes read at once.
const BUFFER: usize = 64 << 10;

/// Bytes after which a direction is a stream.
const STREAM: u64 = 256 << 10;

/// Reads in a row after which others have their turn.
const TURN: u32 = 16;

thread_local! {
    static PASSING: RefCell<Vec<u8>> = RefCell::new(vec![0; BUFFER]);
}

/// Carries bytes both ways until both have ended; fails when one breaks, or when nothing moves for `idle`, or up to
/// twice as long.
pub(super) async fn relay(
    client: &TcpStream,
    backend: &TcpStream,
    idle: Duration,
    (received, sent): (&Counter, &Counter),
) -> io::Result<()> {
    let moved = AtomicU64::new(0);
    let both = async {
        tokio::try_join!(
            carry(client, backend, &moved, received),
            carry(backend, client, &moved, sent)
        )
        .map(drop)
    };
    let silence = async {
        let mut before = u64::MAX;
        loop {
            let now = moved.load(Ordering::Relaxed);
            if now == before {
                return Err(io::ErrorKind::TimedOut.into());
            }
            before = now;
            sleep(idle).await;
        }
    };
    tokio::select! {
        done = both => done,
        silent = silence => silent,
    }
}

/// What one read has brought.
enum Passed {
    /// The end.
    End,
    /// Nothing, after all.
    Nothing,
    /// So many bytes, of which these could not be written yet.
    Bytes(usize, Vec<u8>),
}

/// Carries bytes one way until their end, and passes the end on.
async fn carry(
    from: &TcpStream,
    to: &TcpStream,
    moved: &AtomicU64,
    counter: &Counter,
) -> io::Result<()> {
    let (mut total, mut turns) = (0_u64, 0_u32);
    loop {
        if total >= STREAM
            && let Some(pipe) = Pipe::take()
        {
            stream(from, to, pipe, moved, counter).await?;
            break;
        }
        from.readable().await?;
        match pass(from, to)? {
            Passed::End => break,
            Passed::Nothing => {}
            Passed::Bytes(n, rest) => {
                write_all(to, &rest, moved).await?;
                total += n as u64;
                counter.add(n as u64);
                moved.fetch_add(1, Ordering::Relaxed);
            }
        }
        turns += 1;
        if turns.is_multiple_of(TURN) {
            yield_now().await;
        }
    }
    Ok(shutdown(to, Shutdown::Write)?)
}

/// Reads once, and writes as much of it as there is room for.
fn pass(from: &TcpStream, to: &TcpStream) -> io::Result<Passed> {
    PASSING.with_borrow_mut(|buffer| {
        let n = match from.try_read(buffer) {
            Ok(0) => return Ok(Passed::End),
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Passed::Nothing),
            Err(error) => return Err(error),
        };
        let mut rest = buffer.get(..n).unwrap_or_default();
        while !rest.is_empty() {
            match to.try_write(rest) {
                Ok(written) => rest = rest.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(Passed::Bytes(n, rest.to_vec()))
    })
}

/// Writes it all, however slow the other side is.
async fn write_all(to: &TcpStream, mut rest: &[u8], moved: &AtomicU64) -> io::Result<()> {
    while !rest.is_empty() {
        to.writable().await?;
        match to.try_write(rest) {
            Ok(written) => rest = rest.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        moved.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// The same by way of a pipe, without copying.
async fn stream(
    from: &TcpStream,
    to: &TcpStream,
    pipe: Pipe,
    moved: &AtomicU64,
    counter: &Counter,
) -> io::Result<()> {
    loop {
        let mut left = pipe.fill(from).await?;
        if left == 0 {
            pipe.give_back();
            return Ok(());
        }
        counter.add(left as u64);
        while left > 0 {
            left -= pipe.drain(to, left).await?;
            moved.fetch_add(1, Ordering::Relaxed);
        }
        yield_now().await;
    }
}
