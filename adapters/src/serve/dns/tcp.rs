//! DNS over TCP: messages with their length before them, any number per connection (RFC 7766).
//!
//! A client may send the next question before it has the last reply. What the snapshot answers goes back at once;
//! what others are asked about follows when it is known, so no question waits for another.

use super::{LARGEST, Metrics, Shared};
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use svckit::dns::{Outcome, Snapshot, Transport};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{Semaphore, mpsc, watch},
    task::JoinSet,
    time::timeout,
};

/// How long a connection may be silent between questions.
const IDLE: Duration = Duration::from_secs(10);
/// How long a client may take to take a reply, or to finish a question.
const SLOW: Duration = Duration::from_secs(5);
/// Connections at once; more wait in the kernel.
const CONNECTIONS: usize = 1_024;
/// Questions of one connection that may wait for others at once; then no more are read.
const PIPELINE: usize = 32;

pub(super) async fn serve(
    listener: TcpListener,
    shared: Arc<Shared>,
    mut stopped: watch::Receiver<bool>,
) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut open = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &room) => accepted,
            _ = stopped.changed() => break,
        };
        while open.try_join_next().is_some() {}
        let Some((stream, client, permit)) = accepted else { continue };
        let (shared, stopped) = (shared.clone(), stopped.clone());
        open.spawn(async move {
            let _permit = permit;
            // What breaks a connection is the client's business.
            let _ = converse(stream, client, &shared, stopped).await;
        });
    }
    while open.join_next().await.is_some() {}
}

type Accepted = (TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit);

async fn accept(listener: &TcpListener, room: &Arc<Semaphore>) -> Option<Accepted> {
    let permit = room.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, client)) => Some((stream, client, permit)),
        Err(_) => {
            // Out of file descriptors, most likely: trying again at once would only burn time.
            tokio::time::sleep(Duration::from_millis(10)).await;
            None
        }
    }
}

async fn converse(
    stream: TcpStream,
    client: SocketAddr,
    shared: &Arc<Shared>,
    stopped: watch::Receiver<bool>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (read, write) = stream.into_split();
    let (send, replies) = mpsc::channel(PIPELINE);
    // Reading ends with the last question, writing with the last reply.
    let (read, write) =
        tokio::join!(questions(read, client, shared, send, stopped), self::replies(write, replies));
    read.and(write)
}

/// Reads questions, and gives replies to whoever writes them.
async fn questions(
    mut stream: OwnedReadHalf,
    client: SocketAddr,
    shared: &Arc<Shared>,
    send: mpsc::Sender<Vec<u8>>,
    mut stopped: watch::Receiver<bool>,
) -> io::Result<()> {
    let mut out = vec![0; LARGEST];
    let waiting = Arc::new(Semaphore::new(PIPELINE));
    loop {
        let length = tokio::select! {
            length = timeout(IDLE, stream.read_u16()) => length??,
            _ = stopped.changed() => return Ok(()),
        };
        let mut question = vec![0; usize::from(length)];
        timeout(SLOW, stream.read_exact(&mut question)).await??;
        Metrics::count(&shared.metrics.tcp);
        if Snapshot::is_transfer(&question) && shared.is_secondary(client.ip()) {
            transfer(shared, &question, &mut out, &send).await?;
            continue;
        }
        let peer = Shared::peer(Transport::Tcp, client);
        let outcome = shared.names.answer(&question, peer, &mut out);
        match outcome {
            Outcome::Drop => Metrics::count(&shared.metrics.dropped),
            Outcome::Reply(length) => {
                shared.metrics.replied(&out);
                reply(&send, out.get(..length)).await?;
            }
            outcome => {
                let permit = waiting.clone().acquire_owned().await.map_err(io::Error::other)?;
                let (shared, send, mut out) = (shared.clone(), send.clone(), out.clone());
                tokio::spawn(async move {
                    let length = shared.elsewhere(&question, peer, outcome, &mut out).await;
                    shared.metrics.replied(&out);
                    // A connection that is gone wants no reply.
                    let _ = reply(&send, out.get(..length)).await;
                    drop(permit);
                });
            }
        }
    }
}

/// Sends a zone, message after message.
async fn transfer(
    shared: &Shared,
    question: &[u8],
    out: &mut [u8],
    send: &mpsc::Sender<Vec<u8>>,
) -> io::Result<()> {
    match shared.names.transfer(question, out) {
        Ok(messages) => {
            Metrics::count(&shared.metrics.transfers);
            for message in messages {
                reply(send, Some(&message)).await?;
            }
            Ok(())
        }
        Err(outcome) => reply(send, out.get(..outcome.length().unwrap_or(0))).await,
    }
}

/// Hands over a message with its length before it.
async fn reply(send: &mpsc::Sender<Vec<u8>>, message: Option<&[u8]>) -> io::Result<()> {
    let Some(message) = message.filter(|message| !message.is_empty()) else { return Ok(()) };
    let Ok(length) = u16::try_from(message.len()) else { return Ok(()) };
    let framed = [&length.to_be_bytes()[..], message].concat();
    send.send(framed).await.map_err(io::Error::other)
}

/// Writes replies as they come.
async fn replies(
    mut stream: OwnedWriteHalf,
    mut replies: mpsc::Receiver<Vec<u8>>,
) -> io::Result<()> {
    while let Some(reply) = replies.recv().await {
        timeout(SLOW, stream.write_all(&reply)).await??;
    }
    Ok(())
}
