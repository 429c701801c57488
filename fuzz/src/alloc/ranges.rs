//! Several ranges of addresses against plain sets.

use ipnet::IpNet;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};
use svckit::{
    Seed, Time,
    alloc::{AllocError, ClusterIpRanges},
    model::Family,
};

/// Ranges that come and go, against what each of them has and what is held.
struct Cluster {
    ranges: ClusterIpRanges,
    cidrs: [IpNet; 5],
    /// The ranges that are there, by number, and whether they drain.
    known: BTreeMap<usize, bool>,
    held: BTreeSet<IpAddr>,
}

/// Ranges that overlap, come and go hand out each address once, and only from those that are open.
pub(crate) fn alloc_ranges(data: &[u8]) {
    let cidrs = ["10.0.0.0/29", "10.0.0.0/28", "10.0.0.8/29", "10.0.1.0/30", "fd00::/125"];
    let cidrs = cidrs.map(|cidr| cidr.parse().unwrap());
    let ranges = ClusterIpRanges::new(&cidrs[..1], Seed([9, 10, 11, 12])).unwrap();
    let known = BTreeMap::from([(0, false)]);
    let mut cluster = Cluster { ranges, cidrs, known, held: BTreeSet::new() };
    for step in data.chunks_exact(2) {
        match step[0] % 8 {
            0..=2 => cluster.change(step[0] % 8, usize::from(step[1]) % cidrs.len()),
            3 | 4 => {
                let addr = IpAddr::from([10, 0, step[1] >> 7, step[1] % 20]);
                cluster.ask(step[0] % 8 == 3, addr, step[1]);
            }
            _ => cluster.allocate(if step[0] > 240 { Family::V6 } else { Family::V4 }, step[1]),
        }
        assert_eq!(cluster.ranges.held().count(), cluster.held.len());
    }
    assert_eq!(cluster.ranges.held().collect::<BTreeSet<_>>(), cluster.held);
}

impl Cluster {
    /// Whether the range of this number has the address.
    fn has(&self, n: usize, addr: IpAddr) -> bool {
        let (first, last) = (self.cidrs[n].network(), self.cidrs[n].broadcast());
        self.cidrs[n].contains(&addr) && addr != first && (addr.is_ipv6() || addr != last)
    }

    /// Adds, drains or removes a range.
    fn change(&mut self, op: u8, n: usize) {
        let cidr = self.cidrs[n];
        match op {
            0 => {
                assert_eq!(self.ranges.add(cidr).is_ok(), self.known.get(&n) != Some(&false));
                self.known.insert(n, false);
            }
            1 => {
                assert_eq!(self.ranges.drain(cidr).is_ok(), self.known.contains_key(&n));
                self.known.entry(n).and_modify(|draining| *draining = true);
            }
            _ => {
                let elsewhere = |addr| self.known.keys().any(|k| *k != n && self.has(*k, addr));
                let keeps = |addr: &IpAddr| self.has(n, *addr) && !elsewhere(*addr);
                let want = self.known.get(&n) == Some(&true) && !self.held.iter().any(keeps);
                assert_eq!(self.ranges.remove(cidr).is_ok(), want, "remove {cidr}");
                if want {
                    self.known.remove(&n);
                }
            }
        }
    }

    /// Reserves or releases an address.
    fn ask(&mut self, reserve: bool, addr: IpAddr, now: u8) {
        if reserve {
            let known = self.known.keys().any(|n| self.has(*n, addr));
            let want = known && !self.held.contains(&addr);
            assert_eq!(self.ranges.reserve(addr).is_ok(), want, "reserve {addr}");
            self.held.extend(want.then_some(addr));
        } else {
            let released = self.ranges.release(addr, Time::from_nanos(now.into()));
            assert_eq!(released, self.held.remove(&addr), "release {addr}");
        }
    }

    fn allocate(&mut self, family: Family, now: u8) {
        let open = self.known.iter().filter(|(_, draining)| !**draining).map(|(n, _)| *n);
        let open: Vec<_> = open.filter(|n| Family::of(self.cidrs[*n].addr()) == family).collect();
        match self.ranges.allocate(family, Time::from_nanos(now.into())) {
            Ok(addr) => {
                assert!(open.iter().any(|n| self.has(*n, addr)), "{addr} is not open");
                assert!(self.held.insert(addr), "{addr} given out twice");
            }
            Err(AllocError::NoRange { .. }) => assert!(open.is_empty()),
            Err(_) => {
                let all = open.iter().flat_map(|n| self.cidrs[*n].hosts().map(move |a| (*n, a)));
                let mut usable = all.filter(|(n, addr)| self.has(*n, *addr));
                assert!(usable.all(|(_, addr)| self.held.contains(&addr)), "not full");
            }
        }
    }
}
