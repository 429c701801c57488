//! Many picks at once.

use core::net::IpAddr;

use super::{
    flow::{Flow, Outcome},
    index::Lead,
    record::Led,
    snapshot::Snapshot,
};
use crate::{Time, balance::Affinity, seed::mix};

/// Flows that are looked up together: enough to keep all of a core's outstanding reads busy.
const TOGETHER: usize = 64;

/// No service port has this lead.
const NOWHERE: Lead = (0, 0xffff);

impl Snapshot {
    /// Where many connections go: what [`Snapshot::pick`] says of each, at a fraction of the price.
    ///
    /// A look-up in a large table is a wait for memory. Here all keys are hashed first, then all slots are read, then all
    /// endpoints: the reads don't depend on each other, so they wait together. `out` is as long as `flows`, or else what
    /// is left over of the longer one isn't touched. `entropy` is one random number for all of them.
    ///
    /// ```
    /// use svckit::{Seed, Time, balance::Affinity, table::{Flow, Outcome, Publisher}, model::{Port, Protocol}};
    ///
    /// let snapshot = Publisher::new(Seed([1, 2, 3, 4])).publish();
    /// let flow = Flow {
    ///     source: "192.0.2.1:5000".parse().unwrap(),
    ///     address: "10.96.0.1".parse().unwrap(),
    ///     port: Port::new(80).unwrap(),
    ///     protocol: Protocol::Tcp,
    /// };
    /// let mut affinity = Affinity::new(1000, Seed([1, 2, 3, 4]));
    /// let mut out = [Outcome::Dropped; 2];
    /// snapshot.pick_batch(&[flow, flow], &mut affinity, Time::default(), 7, &mut out);
    /// assert_eq!(out, [Outcome::NotAService; 2]);
    /// ```
    pub fn pick_batch(
        &self,
        flows: &[Flow],
        affinity: &mut Affinity,
        now: Time,
        entropy: u64,
        out: &mut [Outcome],
    ) {
        let chunks = flows.chunks(TOGETHER).zip(out.chunks_mut(TOGETHER));
        for ((flows, out), n) in chunks.zip(0_u64..) {
            self.pick_chunk(flows, affinity, now, mix(entropy ^ n), out);
        }
    }

    fn pick_chunk(
        &self,
        flows: &[Flow],
        affinity: &mut Affinity,
        now: Time,
        entropy: u64,
        out: &mut [Outcome],
    ) {
        let mut hashes = [0_u64; TOGETHER];
        for (flow, hash) in flows.iter().zip(&mut hashes) {
            *hash = match flow.address {
                IpAddr::V4(ip) => self.v4.index.hash(key(ip, flow)),
                IpAddr::V6(ip) => self.v6.index.hash(key(ip, flow)),
            };
        }
        let mut leads = [NOWHERE; TOGETHER];
        for ((flow, hash), lead) in flows.iter().zip(&hashes).zip(&mut leads) {
            let found = match flow.address {
                IpAddr::V4(ip) => self.v4.index.find_hashed(key(ip, flow), *hash),
                IpAddr::V6(ip) => self.v6.index.find_hashed(key(ip, flow), *hash),
            };
            *lead = found.unwrap_or(NOWHERE);
        }
        let mut random = entropy;
        for ((flow, lead), out) in flows.iter().zip(&leads).zip(&mut *out) {
            random = random.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let entropy = mix(random);
            let martian = self.here.is_martian(&self.node, flow.source.ip(), flow.address);
            let led = Led::of(*lead);
            let picked = match flow.address {
                _ if martian => None,
                IpAddr::V4(_) => self.follow(&self.v4, led, flow.source, entropy),
                IpAddr::V6(_) => self.follow(&self.v6, led, flow.source, entropy),
            };
            *out = match picked {
                Some(pick) => Outcome::Backend(pick),
                None => self.pick_slowly(flow, affinity, now, entropy),
            };
        }
    }
}

#[inline]
fn key<A: super::address::Address>(address: A, flow: &Flow) -> A::Key {
    address.key(flow.protocol, flow.port)
}
