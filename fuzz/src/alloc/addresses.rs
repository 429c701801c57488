//! One range of addresses against plain sets of what is held and what rests.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};
use svckit::{Seed, Time, alloc::AddressRange};

use super::RESTS;

const SEED: Seed = Seed([11, 12, 13, 14]);

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
pub(crate) fn alloc_addresses(data: &[u8]) {
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
