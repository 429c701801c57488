//! Pods that share a socket, where there are more of them than this process may have sockets.
//!
//! ```text
//! 127.97.0.7:8080  ─┐
//! 127.97.0.8:8080  ─┼──▶ 0.0.0.0:8080 of the loopback device ──own address of the connection──▶ the pod
//! 127.97.40.1:8080 ─┘
//! ```
//!
//! Sockets at addresses of their own go before the shared one, if they allow sharing as well. A connection to an
//! address that no pod has is reset instead of refused: the price of the crowd.

use arc_swap::ArcSwap;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};
use svckit::model::Protocol;
use tokio::{
    net::{TcpSocket, TcpStream},
    task::JoinHandle,
};

use super::{Identity, PodPort, accept};

/// Connections that may wait to be accepted.
const QUEUE: u32 = 4096;

/// One port number of many pods.
#[derive(Debug)]
pub(super) struct Crowd {
    pods: Arc<ArcSwap<Members>>,
    task: JoinHandle<()>,
}

/// Who is at which address.
type Members = HashMap<IpAddr, Arc<Identity>>;

impl Crowd {
    /// Listens; nobody is there yet.
    pub(super) fn start(port: u16) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.set_reuseport(true)?;
        // Nobody outside of this machine is meant to reach simulated pods.
        socket.bind_device(Some(b"lo"))?;
        socket.bind(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port))?;
        let pods = Arc::<ArcSwap<Members>>::default();
        let members = pods.clone();
        let who =
            move |stream: &TcpStream| members.load().get(&stream.local_addr().ok()?.ip()).cloned();
        let task = tokio::spawn(accept(socket.listen(QUEUE)?, who));
        Ok(Self { pods, task })
    }

    /// Says who is there.
    pub(super) fn set(&self, members: Vec<PodPort>) {
        let member = |port: PodPort| (port.listen.ip(), Arc::new(port.identity));
        self.pods.store(Arc::new(members.into_iter().map(member).collect()));
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Takes ports out of `wanted` that share a socket: those of port numbers that are `shared` already, then those that
/// most pods listen on, until at most `sockets` sockets are needed.
pub(super) fn gather(
    wanted: &mut Vec<PodPort>,
    sockets: usize,
    shared: &BTreeSet<u16>,
) -> BTreeMap<u16, Vec<PodPort>> {
    if wanted.len() <= sockets && shared.is_empty() {
        return BTreeMap::new();
    }
    let mut pods: HashMap<u16, usize> = HashMap::new();
    for port in wanted.iter().filter(|port| can_share(port)) {
        *pods.entry(port.listen.port()).or_default() += 1;
    }
    let mut pods: Vec<(bool, usize, u16)> =
        pods.into_iter().map(|(port, pods)| (shared.contains(&port), pods, port)).collect();
    pods.sort_unstable();
    let (mut crowds, mut needed) = (BTreeMap::new(), wanted.len());
    while let Some((shared, pods, port)) = pods.pop()
        && (shared || needed > sockets && pods > 1)
    {
        needed = needed.saturating_sub(pods).saturating_add(1);
        crowds.insert(port, Vec::new());
    }
    let mut alone = Vec::new();
    for port in wanted.drain(..) {
        match crowds.get_mut(&port.listen.port()).filter(|_| can_share(&port)) {
            Some(members) => members.push(port),
            None => alone.push(port),
        }
    }
    *wanted = alone;
    crowds
}

fn can_share(port: &PodPort) -> bool {
    port.protocol == Protocol::Tcp && port.listen.is_ipv4() && port.listen.ip().is_loopback()
}
