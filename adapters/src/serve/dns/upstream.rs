//! Resolvers that are asked about names of others.

use super::LARGEST;
use crate::clock;
use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};
use svckit::{
    cluster::UpstreamDns,
    dns::{self, Message, Outcome, Peer, Snapshot, Transport},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UdpSocket},
    time::timeout,
};

/// How long one resolver may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Who is asked about names outside the zones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Upstream {
    /// Nobody: such questions are refused.
    None,
    /// The resolvers of `/etc/resolv.conf`, read anew for each question.
    #[default]
    System,
    /// These, in turn, until one answers.
    Addresses(Vec<SocketAddr>),
}

impl From<&UpstreamDns> for Upstream {
    fn from(setting: &UpstreamDns) -> Self {
        match setting {
            UpstreamDns::System => Self::System,
            UpstreamDns::None => Self::None,
            UpstreamDns::Addresses(addresses) => {
                Self::Addresses(addresses.iter().map(|ip| SocketAddr::new(*ip, 53)).collect())
            }
        }
    }
}

impl Upstream {
    /// Answers `question` from a snapshot, and has resolvers asked for what that doesn't know. Returns how much of
    /// `out` the reply takes; 0: none may be sent.
    pub async fn finish(
        &self,
        zone: &Snapshot,
        question: &[u8],
        peer: Peer,
        out: &mut [u8],
    ) -> usize {
        let mut outcome = zone.answer(question, peer, out);
        while let Outcome::NeedUpstream(need) = &outcome {
            let said = self.resolve(need, peer).await;
            outcome = zone.complete(question, peer, need, said.as_deref(), out);
        }
        match outcome {
            Outcome::Foreign(refusal) => {
                let reply = self.relay(question, peer.transport).await.unwrap_or_default();
                match out.get_mut(..reply.len()).filter(|room| !room.is_empty()) {
                    Some(room) => {
                        room.copy_from_slice(&reply);
                        reply.len()
                    }
                    None => refusal,
                }
            }
            outcome => outcome.length().unwrap_or(0),
        }
    }

    /// The question's reply as the first working resolver gives it, under a number that only it and we know.
    pub(super) async fn relay(&self, question: &[u8], transport: Transport) -> Option<Vec<u8>> {
        let mut asked = question.to_vec();
        let number = question.get(..2)?;
        asked.get_mut(..2)?.copy_from_slice(&(clock::entropy() as u16).to_be_bytes());
        for resolver in self.resolvers() {
            let said = match transport {
                Transport::Udp => timeout(PATIENCE, ask_udp(resolver, &asked)).await,
                Transport::Tcp => timeout(PATIENCE, ask_tcp(resolver, &asked)).await,
            };
            if let Ok(Ok(mut reply)) = said {
                reply.get_mut(..2)?.copy_from_slice(number);
                return Some(reply);
            }
        }
        None
    }

    /// What the resolvers say about the target of an alias.
    pub(super) async fn resolve(&self, need: &dns::Upstream, peer: Peer) -> Option<Vec<u8>> {
        // The number only tells replies of one socket apart, and each question has a socket of its own.
        let id = (peer.entropy >> 48) as u16;
        let question = Message::question(id, &need.target, need.qtype);
        let reply = self.relay(&question, Transport::Udp).await?;
        match Message::decode(&reply) {
            Ok(short) if short.truncated && peer.transport == Transport::Tcp => {
                self.relay(&question, Transport::Tcp).await
            }
            _ => Some(reply),
        }
    }

    fn resolvers(&self) -> Vec<SocketAddr> {
        match self {
            Self::None => Vec::new(),
            Self::Addresses(addresses) => addresses.clone(),
            Self::System => {
                let text = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
                let lines = text.lines().filter_map(|line| line.strip_prefix("nameserver"));
                let addresses = lines.filter_map(|line| line.trim().parse::<IpAddr>().ok());
                addresses.map(|address| SocketAddr::new(address, 53)).collect()
            }
        }
    }
}

async fn ask_udp(resolver: SocketAddr, question: &[u8]) -> io::Result<Vec<u8>> {
    let any: IpAddr = if resolver.is_ipv4() { [0; 4].into() } else { [0; 16].into() };
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(resolver).await?;
    socket.send(question).await?;
    let mut reply = vec![0; LARGEST];
    loop {
        let length = socket.recv(&mut reply).await?;
        // Whoever guesses neither port nor number is not the resolver.
        if reply.get(..length).is_some_and(|reply| is_reply(reply, question)) {
            reply.truncate(length);
            return Ok(reply);
        }
    }
}

async fn ask_tcp(resolver: SocketAddr, question: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(resolver).await?;
    let length = u16::try_from(question.len()).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes()[..], question].concat()).await?;
    let length = stream.read_u16().await?;
    let mut reply = vec![0; usize::from(length)];
    stream.read_exact(&mut reply).await?;
    match is_reply(&reply, question) {
        true => Ok(reply),
        false => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// Whether `reply` is one to `question`: of its number, and about the same if it says what about.
fn is_reply(reply: &[u8], question: &[u8]) -> bool {
    let asked = |message: &[u8]| Message::decode(message).ok().and_then(|message| message.question);
    reply.get(..2) == question.get(..2)
        && reply.get(2).is_some_and(|flags| flags & 0x80 != 0)
        && asked(reply).is_none_or(|about| Some(about) == asked(question))
}
