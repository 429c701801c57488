//! Loopback addresses that stand for addresses which can't be bound here.

use ipnet::{IpNet, Ipv4Net};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr},
};

/// Where load balancers' addresses and external IPs are served.
pub(super) const OUTSIDE: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(127, 98, 0, 0), 16);
/// Where Ingresses are served: an address of their own, since the node's ports belong to pods and node ports.
pub(super) const EDGE: Ipv4Addr = Ipv4Addr::new(127, 98, 0, 1);

/// The addresses of one range, each standing for at most one other address.
pub(super) struct StandIns {
    range: IpNet,
    mapped: BTreeMap<IpAddr, IpAddr>,
    taken: BTreeSet<IpAddr>,
}

impl StandIns {
    /// None of the range's addresses is in use.
    pub(super) fn new(range: impl Into<IpNet>) -> Self {
        Self { range: range.into(), mapped: BTreeMap::new(), taken: BTreeSet::new() }
    }

    /// Whose addresses they are.
    pub(super) const fn range(&self) -> IpNet {
        self.range
    }

    /// Keeps an address of the range from standing for another one.
    pub(super) fn take(&mut self, addr: IpAddr) {
        if self.range.contains(&addr) {
            self.taken.insert(addr);
        }
    }

    /// What stands for an address: itself when it can be bound, else an address that looks like it, always the same.
    pub(super) fn of(&mut self, addr: IpAddr) -> IpAddr {
        if self.range.contains(&addr) || addr.is_loopback() {
            return addr;
        }
        if let Some(mapped) = self.mapped.get(&addr) {
            return *mapped;
        }
        let (IpAddr::V4(base), IpAddr::V4(like)) = (self.range.network(), addr) else {
            return addr;
        };
        let hosts = u32::MAX.checked_shr(self.range.prefix_len().into()).unwrap_or(0);
        let like = u32::from(like) & hosts;
        let candidates = (0..hosts)
            .map(|step| like.wrapping_add(step) & hosts)
            .filter(|host| (1..hosts).contains(host));
        let address = |host: u32| IpAddr::V4((u32::from(base) + host).into());
        let free = candidates.map(address).find(|free| !self.taken.contains(free)).unwrap_or(addr);
        self.taken.insert(free);
        self.mapped.insert(addr, free);
        free
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use svckit::cluster::Settings;

    #[test]
    fn stand_ins_look_like_what_they_stand_for() {
        let mut stand_ins = StandIns::new(Settings::loopback().service_cidrs[0]);
        let mut of = |addr: &str| stand_ins.of(addr.parse().unwrap()).to_string();
        assert_eq!(of("169.169.0.100"), "127.96.0.100");
        assert_eq!(of("169.169.0.100"), "127.96.0.100", "one address stands for one");
        assert_eq!(of("10.0.0.100"), "127.96.0.101", "the next free one");
        assert_eq!(of("127.96.7.7"), "127.96.7.7");
        assert_eq!(of("10.9.255.255"), "127.96.0.1", "never a broadcast address");
    }
}
