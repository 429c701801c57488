//! The elements an item of the data plane consists of.

use core::net::{IpAddr, SocketAddr};
use std_alloc::{borrow::Cow, collections::BTreeSet, vec, vec::Vec};

use super::{
    At, Chain, Element, Key, Map, Mark, Pick, Value,
    chain::LOCAL_SLOTS,
    kinds::{Kinds, NODE_OUTSIDE, NOWHERE, OUTSIDE},
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
    pub(super) kinds: &'a Kinds,
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
        let sets = Sets::of(frontend);
        let node = self.context.node;
        ways(frontend, &sets, node, |map, at, way| self.way(frontend, &sets, (map, at, way)));
        if let Some(addr) = frontend.cluster_ip {
            self.refuse(destination(frontend, addr), frontend.internal_refusal());
        }
        for at in outside(frontend) {
            self.refuse(at, frontend.external_refusal());
        }
        let allowed = frontend.allowed_sources(node);
        for addr in frontend.vips.iter().filter(|_| !allowed.is_empty()) {
            let at = destination(frontend, *addr);
            self.put(Map::Ranged, Key::At(at), Value::Present);
            for range in &allowed {
                self.put(Map::Allowed, Key::From(at, *range), Value::Present);
            }
        }
        if frontend.affinity.is_some() {
            self.memory(frontend, &sets, false);
            self.memory(frontend, &sets, true);
        }
    }

    /// One way, with the slots that its chain picks from.
    fn way(&mut self, frontend: &Frontend, sets: &Sets<'_>, (map, at, way): (Map, At, Way)) {
        let number = match way {
            Way::Pick(chain) => {
                let eps = if chain.node_port { Map::NodeEps } else { Map::Eps };
                let first = if chain.local { LOCAL_SLOTS } else { 0 };
                // Who remembers clients finds endpoints by number.
                let slots = if chain.timeout == 0 { sets.slots(chain.local) } else { &[] };
                for (slot, endpoint) in (first..).zip(slots) {
                    self.put(eps, Key::Slot(at, slot), Value::Endpoint(*endpoint));
                }
                self.context.kinds.of(chain)
            }
            Way::Outside if map == Map::NodeSvc => NODE_OUTSIDE,
            Way::Outside => OUTSIDE,
            Way::Nowhere => NOWHERE,
        };
        self.put(map, Key::At(at), Value::Id(number));
        if matches!(map, Map::Svc | Map::NodeSvc) && !matches!(way, Way::Nowhere) {
            self.owner(at, frontend);
        }
    }

    fn refuse(&mut self, at: At, refusal: Option<Refusal>) {
        let [rejected, dropped] = match at {
            At::Address(..) => [Map::Rejected, Map::Dropped],
            At::Port(..) => [Map::NodeRejected, Map::NodeDropped],
        };
        match refusal {
            None => {}
            Some(Refusal::Reject) => self.put(rejected, Key::At(at), Value::Present),
            Some(Refusal::Drop) => self.put(dropped, Key::At(at), Value::Present),
        }
    }

    /// Whose clients are remembered at a destination, if they are.
    fn owner(&mut self, at: At, frontend: &Frontend) {
        if frontend.affinity.is_some() {
            let map = if matches!(at, At::Port(..)) { Map::NodeOwners } else { Map::Owners };
            self.put(map, Key::At(at), Value::Id(self.context.owners.of(&frontend.key)));
        }
    }

    /// The numbers by which endpoints of one set are remembered, for all destinations of the service port.
    fn memory(&mut self, frontend: &Frontend, sets: &Sets<'_>, local: bool) {
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
        for (slot, endpoint) in (first..).zip(sets.slots(local)) {
            let found = ids.binary_search_by_key(endpoint, |(addr, _)| *addr);
            if let Some((_, id)) = found.ok().and_then(|n| ids.get(n)) {
                self.put(Map::Ids, Key::Owned(owner, slot), Value::Id(*id));
            }
        }
    }
}

/// Where a map says that a destination leads.
#[derive(Clone, Copy)]
enum Way {
    /// To a chain that picks an endpoint.
    Pick(Chain),
    /// To the rules of external policy Local.
    Outside,
    /// To nothing: a pod that asks for the same port of the node must not get what is refused here.
    Nowhere,
}

/// The slots of both sets, and how they are picked from.
struct Sets<'a> {
    cluster: (Cow<'a, [SocketAddr]>, Pick),
    local: (Cow<'a, [SocketAddr]>, Pick),
}

impl<'a> Sets<'a> {
    fn of(frontend: &'a Frontend) -> Self {
        Self { cluster: spread::slots(frontend, false), local: spread::slots(frontend, true) }
    }

    fn slots(&self, local: bool) -> &[SocketAddr] {
        if local { &self.local.0 } else { &self.cluster.0 }
    }

    /// The chain that picks from one of them; `None`: there is nothing to pick.
    fn chain(&self, frontend: &Frontend, local: bool, node_port: bool) -> Option<Chain> {
        let (slots, pick) = if local { &self.local } else { &self.cluster };
        let timeout = frontend.affinity.map_or(0, |timeout| timeout.as_secs().max(1) as u32);
        let (mark, pick, count) = (Mark::Nobody, *pick, slots.len() as u32);
        (count > 0).then_some(Chain { mark, node_port, local, pick, count, timeout })
    }
}

fn destination(frontend: &Frontend, addr: IpAddr) -> At {
    At::Address(addr, frontend.protocol(), frontend.port)
}

/// Where clients from outside connect to.
fn outside(frontend: &Frontend) -> impl Iterator<Item = At> + '_ {
    let addresses = frontend.external_addresses().map(|addr| destination(frontend, addr));
    let port = frontend.node_port.map(|port| At::Port(frontend.protocol(), port));
    addresses.chain(port)
}

/// Hands out which map says of which destination where it leads.
fn ways(
    frontend: &Frontend,
    sets: &Sets<'_>,
    node: &NodeConfig,
    mut each: impl FnMut(Map, At, Way),
) {
    let inside = sets.chain(frontend, frontend.internal == TrafficPolicy::Local, false);
    if let (Some(addr), Some(chain)) = (frontend.cluster_ip, inside) {
        let mark = if node.masquerade_all {
            Mark::Everybody
        } else if node.detects_pods(frontend.key.family) {
            Mark::Outsiders
        } else {
            Mark::Nobody
        };
        each(Map::Svc, destination(frontend, addr), Way::Pick(Chain { mark, ..chain }));
    }
    for at in outside(frontend) {
        let node_port = matches!(at, At::Port(..));
        let [svc, short, local] = if node_port {
            [Map::NodeSvc, Map::NodeShort, Map::NodeLocal]
        } else {
            [Map::Svc, Map::Short, Map::Local]
        };
        let Some(chain) = sets.chain(frontend, false, node_port) else {
            each(svc, at, Way::Nowhere);
            continue;
        };
        if frontend.external == TrafficPolicy::Cluster {
            each(svc, at, Way::Pick(Chain { mark: Mark::Everybody, ..chain }));
            continue;
        }
        each(svc, at, Way::Outside);
        each(short, at, Way::Pick(chain));
        if let Some(chain) = sets.chain(frontend, true, node_port) {
            each(local, at, Way::Pick(chain));
        }
    }
}

/// Hands out the chains that an item's elements lead to.
pub(super) fn chains(desired: &Desired, node: &NodeConfig, mut each: impl FnMut(Family, Chain)) {
    let Desired::Frontend(frontend) = desired else { return };
    ways(frontend, &Sets::of(frontend), node, |_, _, way| {
        if let Way::Pick(chain) = way {
            each(frontend.key.family, chain);
        }
    });
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
