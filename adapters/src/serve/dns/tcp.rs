//! DNS over TCP: messages with their length before them, any number per connection (RFC 7766).

use super::{LARGEST, Shared};
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use svckit::dns::{Outcome, Snapshot, Transport};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinSet,
    time::timeout,
};

/// How long a connection may be silent between questions.
const IDLE: Duration = Duration::from_secs(10);
/// How long a client may take to take a reply, or to finish a question.
const SLOW: Duration = Duration::from_secs(5);
/// Connections at once; more wait in the kernel.
const CONNECTIONS: usize = 1_024;

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
        let (shared, mut stopped) = (shared.clone(), stopped.clone());
        open.spawn(async move {
            let _permit = permit;
            // What breaks a connection is the client's business.
            let _ = converse(stream, client, &shared, &mut stopped).await;
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
    mut stream: TcpStream,
    client: SocketAddr,
    shared: &Arc<Shared>,
    stopped: &mut watch::Receiver<bool>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut out = vec![0; LARGEST];
    loop {
        let length = tokio::select! {
            length = timeout(IDLE, stream.read_u16()) => length??,
            _ = stopped.changed() => return Ok(()),
        };
        let mut question = vec![0; usize::from(length)];
        timeout(SLOW, stream.read_exact(&mut question)).await??;
        if Snapshot::is_transfer(&question) && shared.secondaries.contains(&client.ip()) {
            transfer(&mut stream, shared, &question, &mut out).await?;
            continue;
        }
        let peer = shared.peer(Transport::Tcp, client);
        let outcome = shared.zone.load().answer(&question, peer, &mut out);
        let length = match outcome {
            Outcome::Drop => continue,
            Outcome::Reply(length) => length,
            outcome => shared.elsewhere(&question, peer, outcome, &mut out).await,
        };
        send(&mut stream, out.get(..length).unwrap_or_default()).await?;
    }
}

/// Sends a zone, message after message.
async fn transfer(
    stream: &mut TcpStream,
    shared: &Shared,
    question: &[u8],
    out: &mut [u8],
) -> io::Result<()> {
    let snapshot = shared.zone.load_full();
    match snapshot.transfer_for(question, out) {
        Ok(mut transfer) => {
            while let Some(message) = transfer.next_message(question) {
                send(stream, &message).await?;
            }
            Ok(())
        }
        Err(outcome) => {
            let length = outcome.length().unwrap_or(0);
            send(stream, out.get(..length).unwrap_or_default()).await
        }
    }
}

async fn send(stream: &mut TcpStream, message: &[u8]) -> io::Result<()> {
    let Ok(length) = u16::try_from(message.len()) else { return Ok(()) };
    let mut framed = Vec::with_capacity(message.len() + 2);
    framed.extend(length.to_be_bytes());
    framed.extend_from_slice(message);
    timeout(SLOW, stream.write_all(&framed)).await?
}
