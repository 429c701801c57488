//! Allocators against plain sets of what is held and what rests.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};
use svckit::{
    Seed, Time,
    alloc::{AddressRange, AllocError, ClusterIpRanges, NodePorts, PortRange, Protocols},
    model::{Family, Port, Protocol},
};

const SEED: Seed = Seed([11, 12, 13, 14]);

/// The rest that scripts choose from: none, short and longer than any script.
const RESTS: [u64; 3] = [0, 5, 100_000];

/// A range and its twin, against what is held and what rests.
struct Addresses {
    range: AddressRange,
    /// The same seed and the same calls.
    twin: AddressRange,
    held: BTreeSet<IpAddr>,
    /// Until when each one rests, and which release it was.
    resting: BTreeMap<IpAddr, (Time, usize)>,
    rest: u64,
    now: u64,
}

/// One range answers as plain sets would: bands, rest, order, and equal draws for equal seeds.
pub fn alloc_addresses(data: &[u8]) {
    let [setup, script @ ..] = data else { return };
    let cidrs = ["10.96.0.0/27", "10.96.0.0/29", "fd00::/123", "10.0.0.0/8", "fd00::/64"];
    let cidr = cidrs[usize::from(*setup) % cidrs.len()];
    let rest = RESTS[usize::from(*setup >> 4) % RESTS.len()];
    let range = AddressRange::new(cidr.parse().unwrap(), SEED).unwrap();
    let range = range.with_quarantine(Duration::from_nanos(rest));
    let mut world = Addresses {
        twin: range.clone(),
        range,
        held: BTreeSet::new(),
        resting: BTreeMap::new(),
        rest,
        now: 0,
    };
    for (n, step) in script.chunks_exact(2).enumerate() {
        world.step(n, step[0], step[1]);
        let held = world.held.len() as u64;
        assert_eq!(world.range.held_count(), held);
        assert_eq!(world.range.free(), world.range.usable() - held);
    }
    assert!(world.range.held().eq(world.held.iter().copied()));
    let mut copy = AddressRange::new(world.range.cidr(), Seed([0; 4])).unwrap();
    assert_eq!(copy.restore(world.range.held()), []);
    assert!(copy.held().eq(world.held));
}

impl Addresses {
    fn step(&mut self, n: usize, op: u8, arg: u8) {
        self.now += u64::from(op >> 5);
        let now = Time::from_nanos(self.now);
        let addr = self.addr(arg);
        let usable = self.range.contains(addr);
        match op % 8 {
            0..=3 => self.allocate(now),
            4 => {
                let want = usable && !self.held.contains(&addr);
                assert_eq!(self.range.reserve(addr).is_ok(), want, "reserve {addr}");
                assert_eq!(self.twin.reserve(addr).is_ok(), want);
                if want {
                    self.resting.remove(&addr);
                    self.held.insert(addr);
                }
            }
            5 | 6 => {
                let held = self.held.remove(&addr);
                assert_eq!(self.range.release(addr, now), held, "release {addr}");
                assert_eq!(self.twin.release(addr, now), held);
                if held && self.rest > 0 {
                    self.resting.insert(addr, (Time::from_nanos(self.now + self.rest), n));
                }
            }
            _ => {
                let held = self.held.remove(&addr);
                assert_eq!(self.range.cancel(addr), held, "cancel {addr}");
                assert_eq!(self.twin.cancel(addr), held);
            }
        }
    }

    fn allocate(&mut self, now: Time) {
        self.resting.retain(|_, (until, _)| *until > now);
        let drawn = self.range.allocate(now);
        assert_eq!(drawn, self.twin.allocate(now), "equal seeds");
        let low = self.range.static_band();
        let taken = |low_ones: bool| {
            let all = self.held.iter().chain(self.resting.keys());
            let is_low = |addr: &IpAddr| low.as_ref().is_some_and(|low| low.contains(addr));
            all.filter(|addr| is_low(addr) == low_ones).count() as u64
        };
        let (lows, usable) = (self.range.static_band_len(), self.range.usable());
        let free = |count: u64, low_ones| count - taken(low_ones);
        match drawn {
            Ok(addr) if usable > (self.held.len() + self.resting.len()) as u64 => {
                assert!(!self.resting.contains_key(&addr), "{addr} rests");
                let high = self.range.dynamic_band().unwrap().contains(&addr);
                assert_eq!(high, free(usable - lows, false) > 0, "{addr} is of the wrong band");
            }
            Ok(addr) => {
                let oldest = self.resting.iter().min_by_key(|(_, (_, release))| *release);
                assert_eq!(Some(&addr), oldest.map(|(addr, _)| addr), "has not rested longest");
                self.resting.remove(&addr);
            }
            Err(_) => assert_eq!(self.held.len() as u64, usable, "not full"),
        }
        if let Ok(addr) = drawn {
            assert!(self.held.insert(addr), "{addr} given out twice");
        }
    }

    /// An address near the ends of the range, a little outside too; or one that is held or rests.
    fn addr(&self, arg: u8) -> IpAddr {
        let known: Vec<_> = self.held.iter().chain(self.resting.keys()).collect();
        if arg >= 128 && !known.is_empty() {
            return *known[usize::from(arg) % known.len()];
        }
        let add = u128::from(arg % 40);
        match self.range.cidr().network() {
            IpAddr::V4(v4) => Ipv4Addr::from(u32::from(v4) - 2 + add as u32).into(),
            IpAddr::V6(v6) => std::net::Ipv6Addr::from(u128::from(v6) - 2 + add).into(),
        }
    }
}

/// Ranges that overlap, come and go hand out each address once, and only from those that are open.
pub fn alloc_ranges(data: &[u8]) {
    let cidrs = ["10.0.0.0/29", "10.0.0.0/28", "10.0.0.8/29", "10.0.1.0/30", "fd00::/125"];
    let cidrs = cidrs.map(|cidr| cidr.parse::<ipnet::IpNet>().unwrap());
    let mut ranges = ClusterIpRanges::new(&cidrs[..1], SEED).unwrap();
    // Whether each range drains; absent ones aren't there.
    let mut known = BTreeMap::from([(0, false)]);
    let mut held = BTreeSet::new();
    let usable = |n: usize, addr: &IpAddr| {
        let (first, last) = (cidrs[n].network(), cidrs[n].broadcast());
        cidrs[n].contains(addr) && *addr != first && (addr.is_ipv6() || *addr != last)
    };
    for step in data.chunks_exact(2) {
        let now = Time::from_nanos(u64::from(step[1]));
        let (n, cidr) =
            (usize::from(step[1]) % cidrs.len(), cidrs[usize::from(step[1]) % cidrs.len()]);
        let addr = IpAddr::from([10, 0, step[1] >> 7, step[1] % 20]);
        let has = |n: &usize| usable(*n, &addr);
        match step[0] % 8 {
            0 => {
                assert_eq!(ranges.add(cidr).is_ok(), known.get(&n) != Some(&false));
                known.insert(n, false);
            }
            1 => {
                assert_eq!(ranges.drain(cidr).is_ok(), known.contains_key(&n));
                known.entry(n).and_modify(|draining| *draining = true);
            }
            2 => {
                let keeps = |addr: &&IpAddr| {
                    usable(n, addr) && !known.keys().any(|k| *k != n && usable(*k, addr))
                };
                let want = known.get(&n) == Some(&true) && held.iter().find(keeps).is_none();
                assert_eq!(ranges.remove(cidr).is_ok(), want, "remove {cidr}");
                if want {
                    known.remove(&n);
                }
            }
            3 => {
                let want = known.keys().any(has) && !held.contains(&addr);
                assert_eq!(ranges.reserve(addr).is_ok(), want, "reserve {addr}");
                held.extend(want.then_some(addr));
            }
            4 => assert_eq!(ranges.release(addr, now), held.remove(&addr), "release {addr}"),
            _ => {
                let family = if step[0] > 240 { Family::V6 } else { Family::V4 };
                let open = known.iter().filter(|(_, draining)| !**draining).map(|(n, _)| *n);
                let open: Vec<_> =
                    open.filter(|n| Family::of(cidrs[*n].addr()) == family).collect();
                match ranges.allocate(family, now) {
                    Ok(addr) => {
                        assert!(open.iter().any(|n| usable(*n, &addr)), "{addr} is not open");
                        assert!(held.insert(addr), "{addr} given out twice");
                    }
                    Err(AllocError::NoRange { .. }) => assert_eq!(open, []),
                    Err(_) => {
                        let full = |n: &&usize| {
                            cidrs[**n]
                                .hosts()
                                .filter(|addr| usable(**n, addr))
                                .all(|a| held.contains(&a))
                        };
                        assert_eq!(open.iter().filter(full).count(), open.len(), "not full");
                    }
                }
            }
        }
        assert_eq!(ranges.held().collect::<BTreeSet<_>>(), held);
        assert_eq!(ranges.held().count(), held.len());
    }
}

/// Node ports answer as a set of ports and protocols would.
pub fn alloc_ports(data: &[u8]) {
    let [setup, script @ ..] = data else { return };
    let range: PortRange =
        ["30000-30005", "30000-30040", "65530-65535"][usize::from(*setup) % 3].parse().unwrap();
    let rest = RESTS[usize::from(*setup >> 4) % RESTS.len()];
    let mut ports = NodePorts::new(range, SEED).with_quarantine(Duration::from_nanos(rest));
    let (mut held, mut resting) = (BTreeSet::new(), BTreeMap::new());
    let mut now = 0;
    for step in script.chunks_exact(2) {
        now += u64::from(step[0] >> 6);
        let protocols = Protocols::from_bits(step[0] >> 3 & 7).unwrap_or(Protocols::ALL);
        let port = Port::new((range.first().get() - 1).saturating_add(u16::from(step[1] % 44)));
        let port = port.unwrap_or(range.first());
        let pairs = |port: Port| protocols.iter().map(move |protocol| (port, protocol));
        match step[0] % 8 {
            0..=3 => {
                resting.retain(|_, until| *until > now);
                let all = || (range.first().get()..=range.last().get()).filter_map(Port::new);
                let free = |port: &Port| pairs(*port).all(|pair| !held.contains(&pair));
                let fresh = |port: &Port| {
                    free(port) && pairs(*port).all(|pair| !resting.contains_key(&pair))
                };
                match ports.allocate(protocols, Time::from_nanos(now)) {
                    Ok(port) => {
                        assert!(free(&port), "{port} given out twice");
                        assert!(fresh(&port) || !all().any(|port| fresh(&port)), "{port} rests");
                        let high = range.dynamic_band().contains(&port);
                        let highs =
                            |port: &Port| fresh(port) && range.dynamic_band().contains(port);
                        assert!(high || !fresh(&port) || !all().any(|port| highs(&port)));
                        let until = |port| pairs(port).filter_map(|pair| resting.get(&pair)).min();
                        let longest = all().filter(free).filter_map(until).min();
                        assert!(fresh(&port) || until(port) == longest, "has not rested longest");
                        take(&mut held, &mut resting, pairs(port));
                    }
                    Err(_) => assert_eq!(all().find(free), None, "not full"),
                }
            }
            4 => {
                let want = range.contains(port) && pairs(port).all(|pair| !held.contains(&pair));
                assert_eq!(ports.reserve(port, protocols).is_ok(), want, "reserve {port}");
                if want {
                    take(&mut held, &mut resting, pairs(port));
                }
            }
            op => {
                let back: Vec<_> = pairs(port).filter(|pair| held.remove(pair)).collect();
                let released = if op == 7 {
                    ports.cancel(port, protocols)
                } else {
                    resting
                        .extend(back.iter().filter(|_| rest > 0).map(|pair| (*pair, now + rest)));
                    ports.release(port, protocols, Time::from_nanos(now))
                };
                assert_eq!(released.is_some(), !back.is_empty(), "release {port}");
            }
        }
        let came = ports.held().flat_map(|(port, set)| set.iter().map(move |p| (port, p)));
        assert!(came.eq(held.iter().copied()), "{held:?}");
    }
}

fn take(
    held: &mut BTreeSet<(Port, Protocol)>,
    resting: &mut BTreeMap<(Port, Protocol), u64>,
    pairs: impl Iterator<Item = (Port, Protocol)>,
) {
    for pair in pairs {
        resting.remove(&pair);
        held.insert(pair);
    }
}
