//! The elements an item of the data plane consists of.

use core::net::{IpAddr, SocketAddr};
use std_alloc::{collections::BTreeSet, vec, vec::Vec};

use super::{At, Chain, Element, Key, Map, Mark, Value, chain::LOCAL_SLOTS};
use crate::{
    forward::{Desired, Frontend, HostPortKey, Item, NodeConfig, Refusal},
    model::{Family, TrafficPolicy},
};

/// Where elements of one family go.
struct Out<'a> {
    family: Family,
    node: &'a NodeConfig,
    list: &'a mut Vec<Element>,
}

/// Appends the elements of one item, each key once per map.
pub(super) fn elements(item: &Item, desired: &Desired, node: &NodeConfig, list: &mut Vec<Element>) {
    match (item, desired) {
        (_, Desired::Frontend(frontend)) => {
            Out { family: frontend.key.family, node, list }.frontend(frontend);
        }
        (Item::ClusterIp(addr), _) => {
            let mut out = Out { family: Family::of(*addr), node, list };
            out.put(Map::ClusterIps, Key::Addr(*addr), Value::Present);
        }
        (Item::Hairpin(addr), _) => {
            let mut out = Out { family: Family::of(*addr), node, list };
            out.put(Map::Hairpin, Key::Pair(*addr), Value::Present);
        }
        (Item::HostPort(key), Desired::HostPort(pod)) => {
            Out { family: key.family, node, list }.host_port(*key, *pod);
        }
        _ => {}
    }
}

impl Out<'_> {
    fn put(&mut self, map: Map, key: Key, value: Value) {
        self.list.push(Element { family: self.family, map, key, value });
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
        let allowed = frontend.allowed_sources(self.node);
        for addr in frontend.vips.iter().filter(|_| !allowed.is_empty()) {
            self.put(Map::Ranged, Key::At(at(*addr)), Value::Present);
            for range in &allowed {
                self.put(Map::Allowed, Key::From(at(*addr), *range), Value::Present);
            }
        }
        if let Some(port) = frontend.node_port {
            self.outside(At::Port(frontend.protocol(), port), frontend);
        }
    }

    /// A cluster IP: one set.
    fn inside(&mut self, at: At, frontend: &Frontend) {
        let mark = if self.node.masquerade_all {
            Mark::Everybody
        } else if self.node.detects_pods(self.family) {
            Mark::Outsiders
        } else {
            Mark::Nobody
        };
        let local = frontend.internal == TrafficPolicy::Local;
        if let Some(chain) = self.endpoints(at, frontend, local) {
            self.put(Map::Svc, Key::At(at), Value::Goto(Chain { mark, ..chain }));
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
            if frontend.external == TrafficPolicy::Cluster {
                self.put(svc, Key::At(at), everybody(chain));
            } else {
                self.put(svc, Key::At(at), Value::GotoOutside);
                self.put(short, Key::At(at), Value::Goto(chain));
                if let Some(chain) = self.endpoints(at, frontend, true) {
                    self.put(local, Key::At(at), Value::Goto(chain));
                }
            }
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
        let (eps, ids, by_id) = if node_port {
            (Map::NodeEps, Map::NodeIds, Map::NodeById)
        } else {
            (Map::Eps, Map::Ids, Map::ById)
        };
        let set = if local { &frontend.endpoints.local } else { &frontend.endpoints.cluster };
        let first = if local { LOCAL_SLOTS } else { 0 };
        // Slots of the other set begin where this one's end, at the latest.
        let set = set.get(..set.len().min(LOCAL_SLOTS as usize))?;
        for (slot, endpoint) in (first..).zip(set) {
            self.put(eps, Key::Slot(at, slot), Value::Endpoint(*endpoint));
        }
        let timeout = frontend.affinity.map_or(0, |timeout| timeout.as_secs().max(1) as u32);
        if timeout > 0 {
            for ((slot, endpoint), id) in (first..).zip(set).zip(numbers(set, local)) {
                self.put(ids, Key::Slot(at, slot), Value::Id(id));
                self.put(by_id, Key::Id(at, id), Value::Endpoint(*endpoint));
            }
        }
        let count = set.len() as u32;
        (count > 0).then_some(Chain { mark: Mark::Nobody, node_port, local, count, timeout })
    }
}

/// Numbers by which endpoints are remembered: the same endpoint has the same one as long as it stays.
///
/// They come from the address, so that a client isn't led elsewhere because somebody else has come or gone. Even
/// ones belong to cluster sets, odd ones to local sets. Two endpoints of one set with one number are told apart by
/// their order; then, and only then, may one that comes or goes move the other's clients.
fn numbers(set: &[SocketAddr], local: bool) -> Vec<u32> {
    let mut sorted: Vec<_> = set.iter().copied().zip(0_usize..).collect();
    sorted.sort_unstable();
    let mut taken = BTreeSet::new();
    let mut numbers = vec![0; set.len()];
    for (endpoint, place) in sorted {
        let mut id = number(endpoint, local);
        while !taken.insert(id) {
            id = usable(id.wrapping_add(2));
        }
        if let Some(entry) = numbers.get_mut(place) {
            *entry = id;
        }
    }
    numbers
}

/// FNV-1a over address and port: short, and nobody gains anything by a collision within a set of their own.
fn number(endpoint: SocketAddr, local: bool) -> u32 {
    let mut id = 0x811c_9dc5_u32;
    let mut add = |byte: u8| id = (id ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    match endpoint.ip() {
        IpAddr::V4(addr) => addr.octets().into_iter().for_each(&mut add),
        IpAddr::V6(addr) => addr.octets().into_iter().for_each(&mut add),
    }
    endpoint.port().to_be_bytes().into_iter().for_each(&mut add);
    usable(id & !1 | u32::from(local))
}

/// A priority of 0 means none, and one of all ones has a name of its own.
const fn usable(id: u32) -> u32 {
    match id {
        0 => 2,
        u32::MAX => 1,
        id => id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_with_their_endpoints() {
        let set = |last: &[u8]| -> Vec<SocketAddr> {
            last.iter().map(|n| SocketAddr::from(([10, 0, 0, *n], 80))).collect()
        };
        let all: Vec<u8> = (0..=255).collect();
        let before = numbers(&set(&all), false);
        let odd: Vec<u8> = all.iter().copied().filter(|n| n % 2 == 1).rev().collect();
        for (n, id) in odd.iter().zip(numbers(&set(&odd), false)) {
            assert_eq!(id, before[usize::from(*n)], "{n}");
        }
        let distinct: BTreeSet<_> = before.iter().collect();
        assert_eq!(distinct.len(), 256);
        assert!(before.iter().all(|id| id % 2 == 0) && !before.contains(&0));
        assert!(numbers(&set(&all), true).iter().all(|id| id % 2 == 1));
    }
}
