//! Node ports against a plain set of ports and protocols.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use svckit::{
    Seed, Time,
    alloc::{NodePorts, PortRange, Protocols},
    model::{Port, Protocol},
};

use super::RESTS;

/// A number for one protocol.
type Pair = (Port, Protocol);

/// Node ports, against what is held and what rests.
struct Ports {
    ports: NodePorts,
    held: BTreeSet<Pair>,
    /// Until when.
    resting: BTreeMap<Pair, u64>,
    rest: u64,
    now: u64,
}

/// Node ports answer as a set of ports and protocols would: bands, rest and order.
pub(crate) fn alloc_ports(data: &[u8]) {
    let [setup, script @ ..] = data else { return };
    let ranges = ["30000-30005", "30000-30040", "65530-65535"];
    let range: PortRange = ranges[usize::from(*setup) % ranges.len()].parse().unwrap();
    let rest = RESTS[usize::from(*setup >> 4) % RESTS.len()];
    let ports = NodePorts::new(range, Seed([5, 6, 7, 8]));
    let ports = ports.with_quarantine(Duration::from_nanos(rest));
    let mut world = Ports { ports, held: BTreeSet::new(), resting: BTreeMap::new(), rest, now: 0 };
    for step in script.chunks_exact(2) {
        world.now += u64::from(step[0] >> 6);
        let protocols = Protocols::from_bits(step[0] >> 3 & 7).unwrap_or(Protocols::ALL);
        let port = (range.first().get() - 1).saturating_add(u16::from(step[1] % 44));
        let port = Port::new(port).unwrap_or(Port::new(1).unwrap());
        match step[0] % 8 {
            0..=3 => world.allocate(protocols),
            4 => world.reserve(port, protocols),
            op => world.give_back(op == 7, port, protocols),
        }
        let came = world.ports.held().flat_map(|(port, set)| pairs(port, set));
        assert!(came.eq(world.held.iter().copied()), "{:?}", world.held);
    }
}

fn pairs(port: Port, protocols: Protocols) -> impl Iterator<Item = Pair> {
    protocols.iter().map(move |protocol| (port, protocol))
}

impl Ports {
    fn allocate(&mut self, protocols: Protocols) {
        let now = self.now;
        self.resting.retain(|_, until| *until > now);
        let range = self.ports.range();
        let all = || (range.first().get()..=range.last().get()).filter_map(Port::new);
        let free = |port: &Port| pairs(*port, protocols).all(|pair| !self.held.contains(&pair));
        let until = |port| pairs(port, protocols).filter_map(|pair| self.resting.get(&pair)).min();
        let rested = |port: &Port| free(port) && until(*port).is_none();
        let high = |port: &Port| range.dynamic_band().contains(port);
        let Ok(port) = self.ports.allocate(protocols, Time::from_nanos(now)) else {
            assert_eq!(all().find(free), None, "not full");
            return;
        };
        assert!(free(&port), "{port} given out twice");
        if !rested(&port) {
            assert_eq!(all().find(rested), None, "{port} rests");
            let longest = all().filter(free).filter_map(until).min();
            assert_eq!(until(port), longest, "{port} has not rested longest");
        } else if !high(&port) {
            assert_eq!(all().filter(rested).find(high), None, "{port} is of the static band");
        }
        self.take(port, protocols);
    }

    fn reserve(&mut self, port: Port, protocols: Protocols) {
        let free = pairs(port, protocols).all(|pair| !self.held.contains(&pair));
        let want = self.ports.range().contains(port) && free;
        assert_eq!(self.ports.reserve(port, protocols).is_ok(), want, "reserve {port}");
        if want {
            self.take(port, protocols);
        }
    }

    fn give_back(&mut self, unseen: bool, port: Port, protocols: Protocols) {
        let back: Vec<_> = pairs(port, protocols).filter(|pair| self.held.remove(pair)).collect();
        let want = Protocols::of(back.iter().map(|(_, protocol)| *protocol));
        if unseen {
            assert_eq!(self.ports.cancel(port, protocols), want, "cancel {port}");
            return;
        }
        let now = Time::from_nanos(self.now);
        assert_eq!(self.ports.release(port, protocols, now), want, "release {port}");
        if self.rest > 0 {
            self.resting.extend(back.into_iter().map(|pair| (pair, self.now + self.rest)));
        }
    }

    fn take(&mut self, port: Port, protocols: Protocols) {
        for pair in pairs(port, protocols) {
            self.resting.remove(&pair);
            self.held.insert(pair);
        }
    }
}
