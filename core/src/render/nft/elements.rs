//! The elements an item of the data plane consists of.

use core::net::{IpAddr, SocketAddr};
use std_alloc::{collections::BTreeSet, vec, vec::Vec};

use super::{
    At, Chain, Element, Key, Map, Mark, Value,
    chain::LOCAL_SLOTS,
    owners::{Fnv, Owners},
    rule::ENDPOINT_BITS,
    spread,
};
use crate::{
    forward::{Desired, Frontend, HostPortKey, Item, NodeConfig, Refusal},
    model::{Family, TrafficPolicy},
};

/// What elements depend on besides the item itself.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) node: &'a NodeConfig,
    pub(super) owners: &'a Owners,
}

/// Where elements of one family go.
struct Out<'a, F> {
    family: Family,
    context: Context<'a>,
    emit: F,
}

/// Hands out the elements of one item, each key once per map.
#[inline]
pub(super) fn elements(
    item: &Item,
    desired: &Desired,
    context: Context<'_>,
    emit: impl FnMut(Element),
) {
    let out = |family| Out { family, context, emit };
    match (item, desired) {
        (_, Desired::Frontend(frontend)) => out(frontend.key.family).frontend(frontend),
        (Item::ClusterIp(addr), _) => {
            out(Family::of(*addr)).put(Map::ClusterIps, Key::Addr(*addr), Value::Present);
        }
        (Item::Hairpin(addr), _) => {
            out(Family::of(*addr)).put(Map::Hairpin, Key::Pair(*addr), Value::Present);
        }
        (Item::HostPort(key), Desired::HostPort(pod)) => out(key.family).host_port(*key, *pod),
        _ => {}
    }
}

impl<F: FnMut(Element)> Out<'_, F> {
    fn put(&mut self, map: Map, key: Key, value: Value) {
        (self.emit)(Element { family: self.family, map, key, value });
    }

    fn host_port(&mut self, key: HostPortKey, pod: SocketAddr) {
        let (map, at) = match key.addr {
            Some(addr) => (Map::HostAddresses, At::Address(addr, key.protocol, key.port)),
            None => (Map::HostPorts, At::Port(key.protocol, key.port)),
        };
        self.put(map, Key::At(at), Value::Endpoint(pod));
    }

    fn frontend(&mut self, frontend: &Frontend) {
        let at = |addr: IpAddr| At::Address(addr, frontend.protocol(), frontend.port);
        if let Some(addr) = frontend.cluster_ip {
            self.inside(at(addr), frontend);
        }
        for addr in frontend.external_addresses() {
            self.outside(at(addr), frontend);
        }
        let allowed = frontend.allowed_sources(self.context.node);
        for addr in frontend.vips.iter().filter(|_| !allowed.is_empty()) {
            self.put(Map::Ranged, Key::At(at(*addr)), Value::Present);
            for range in &allowed {
                self.put(Map::Allowed, Key::From(at(*addr), *range), Value::Present);
            }
        }
        if let Some(port) = frontend.node_port {
            self.outside(At::Port(frontend.protocol(), port), frontend);
        }
        if frontend.affinity.is_some() {
            self.memory(frontend, false);
            self.memory(frontend, true);
        }
    }

    /// A cluster IP: one set.
    fn inside(&mut self, at: At, frontend: &Frontend) {
        let mark = if self.context.node.masquerade_all {
            Mark::Everybody
        } else if self.context.node.detects_pods(self.family) {
            Mark::Outsiders
        } else {
            Mark::Nobody
        };
        let local = frontend.internal == TrafficPolicy::Local;
        if let Some(chain) = self.endpoints(at, frontend, local) {
            self.put(Map::Svc, Key::At(at), Value::Goto(Chain { mark, ..chain }));
            self.owner(at, frontend);
        }
        self.refuse(at, frontend.internal_refusal());
    }

    /// An external address or a node port: one set, or two from which the client's place decides.
    fn outside(&mut self, at: At, frontend: &Frontend) {
        let node_port = matches!(at, At::Port(..));
        let [svc, short, local] = if node_port {
            [Map::NodeSvc, Map::NodeShort, Map::NodeLocal]
        } else {
            [Map::Svc, Map::Short, Map::Local]
        };
        let everybody = |chain| Value::Goto(Chain { mark: Mark::Everybody, ..chain });
        if let Some(chain) = self.endpoints(at, frontend, false) {
            self.owner(at, frontend);
            if frontend.external == TrafficPolicy::Cluster {
                self.put(svc, Key::At(at), everybody(chain));
            } else {
                self.put(svc, Key::At(at), Value::GotoOutside);
                self.put(short, Key::At(at), Value::Goto(chain));
                if let Some(chain) = self.endpoints(at, frontend, true) {
                    self.put(local, Key::At(at), Value::Goto(chain));
                }
            }
        } else {
            // A pod that asks for the same port of the node must not get what is refused here.
            self.put(svc, Key::At(at), Value::Return);
        }
        self.refuse(at, frontend.external_refusal());
    }

    fn refuse(&mut self, at: At, refusal: Option<Refusal>) {
        let map = match at {
            At::Address(..) => Map::Refuse,
            At::Port(..) => Map::NodeRefuse,
        };
        match refusal {
            None => {}
            Some(Refusal::Reject) => self.put(map, Key::At(at), Value::GotoReject),
            Some(Refusal::Drop) => self.put(map, Key::At(at), Value::Drop),
        }
    }

    /// The endpoints of one set under one destination, and the chain that picks from them; `None`: there are none.
    fn endpoints(&mut self, at: At, frontend: &Frontend, local: bool) -> Option<Chain> {
        let node_port = matches!(at, At::Port(..));
        let eps = if node_port { Map::NodeEps } else { Map::Eps };
        let (slots, pick) = spread::slots(frontend, local);
        let first = if local { LOCAL_SLOTS } else { 0 };
        let timeout = frontend.affinity.map_or(0, |timeout| timeout.as_secs().max(1) as u32);
        if timeout == 0 {
            for (slot, endpoint) in (first..).zip(&*slots) {
                self.put(eps, Key::Slot(at, slot), Value::Endpoint(*endpoint));
            }
        }
        let (mark, count) = (Mark::Nobody, slots.len() as u32);
        (count > 0).then_some(Chain { mark, node_port, local, pick, count, timeout })
    }

    /// Whose clients are remembered at a destination, if they are.
    fn owner(&mut self, at: At, frontend: &Frontend) {
        if frontend.affinity.is_some() {
            let map = if matches!(at, At::Port(..)) { Map::NodeOwners } else { Map::Owners };
            self.put(map, Key::At(at), Value::Id(self.context.owners.of(&frontend.key)));
        }
    }

    /// The numbers by which endpoints of one set are remembered, for all destinations of the service port.
    fn memory(&mut self, frontend: &Frontend, local: bool) {
        let owner = self.context.owners.of(&frontend.key);
        let by_id = if local { Map::LocalById } else { Map::ById };
        let set = if local { &frontend.endpoints.local } else { &frontend.endpoints.cluster };
        let set = set.get(..set.len().min(NUMBERS as usize)).unwrap_or_default();
        let mut ids = Vec::with_capacity(set.len());
        for (endpoint, number) in set.iter().zip(numbers(set)) {
            let id = owner | number;
            ids.push((*endpoint, id));
            let key = Key::Number(frontend.protocol(), id);
            self.put(by_id, key, Value::Endpoint(*endpoint));
        }
        ids.sort_unstable();
        let first = if local { LOCAL_SLOTS } else { 0 };
        let (slots, _) = spread::slots(frontend, local);
        for (slot, endpoint) in (first..).zip(&*slots) {
            let found = ids.binary_search_by_key(endpoint, |(addr, _)| *addr);
            if let Some((_, id)) = found.ok().and_then(|n| ids.get(n)) {
                self.put(Map::Ids, Key::Owned(owner, slot), Value::Id(*id));
            }
        }
    }
}

/// How many endpoints of a service port can be told apart.
const NUMBERS: u32 = (1 << ENDPOINT_BITS) - 1;

/// Numbers by which endpoints are remembered: the same endpoint has the same one as long as it stays.
///
/// They come from the address, so that a client isn't led elsewhere because somebody else has come or gone. Two
/// endpoints that would have one number are told apart by their order; then, and only then, may one that comes or
/// goes move the other's clients.
fn numbers(set: &[SocketAddr]) -> Vec<u32> {
    let mut sorted: Vec<_> = set.iter().copied().zip(0_usize..).collect();
    sorted.sort_unstable();
    let mut taken = BTreeSet::new();
    let mut numbers = vec![0; set.len()];
    for (endpoint, place) in sorted {
        let mut number = wish(endpoint);
        while !taken.insert(number) {
            number = number % NUMBERS + 1;
        }
        if let Some(entry) = numbers.get_mut(place) {
            *entry = number;
        }
    }
    numbers
}

/// The number that an endpoint would like, from 1. Nobody gains anything by a collision within a set of their own.
fn wish(endpoint: SocketAddr) -> u32 {
    let mut hash = Fnv::default();
    match endpoint.ip() {
        IpAddr::V4(addr) => hash.add(&addr.octets()),
        IpAddr::V6(addr) => hash.add(&addr.octets()),
    }
    hash.add(&endpoint.port().to_be_bytes());
    hash.scaled(NUMBERS) + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_with_their_endpoints() {
        let set = |last: &[u8]| -> Vec<SocketAddr> {
            last.iter().map(|n| SocketAddr::from(([10, 0, 0, *n], 80))).collect()
        };
        let few: Vec<u8> = (0..40).collect();
        let before = numbers(&set(&few));
        let odd: Vec<u8> = few.iter().copied().filter(|n| n % 2 == 1).rev().collect();
        for (n, id) in odd.iter().zip(numbers(&set(&odd))) {
            assert_eq!(id, before[usize::from(*n)], "{n}");
        }
        let all: Vec<u8> = (0..=255).collect();
        let distinct: BTreeSet<_> = numbers(&set(&all)).into_iter().collect();
        assert_eq!(distinct.len(), 256);
        assert!(distinct.iter().all(|id| (1..=NUMBERS).contains(id)));
    }
}
