//! Many picks at once.

use super::{
    address::Address,
    flow::{Flow, Outcome, Pick},
    index::Lead,
    plane::Plane,
    record::Led,
    snapshot::{Snapshot, pick},
};
use crate::{
    Time,
    balance::{Affinity, identity},
    seed::mix,
};

/// Flows that are looked up together: enough to keep all of a core's outstanding reads busy.
const TOGETHER: usize = 64;

/// No service port has this lead.
const NOWHERE: Lead = (0, 0xffff);

/// No cell has this number.
const NOBODY: u32 = u32::MAX;

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
        let mut found = [None; TOGETHER];
        let random = |n: u64| mix(entropy.wrapping_add(n));
        // One family after the other: each loop stays small enough for a core to run far ahead in it.
        self.look_up(&self.v4, flows, &random, &mut found);
        if flows.iter().any(|flow| flow.address.is_ipv6()) {
            self.look_up(&self.v6, flows, &random, &mut found);
        }
        for (((flow, found), out), n) in flows.iter().zip(&found).zip(&mut *out).zip(0_u64..) {
            let martian = self.here.is_martian(&self.node, flow.source.ip(), flow.address);
            *out = match found {
                Some(pick) if !martian => Outcome::Backend(*pick),
                _ => self.pick_slowly(flow, affinity, now, random(n)),
            };
        }
    }

    /// Finds what the index alone can tell of flows of one family; hash, read slots, read cells.
    #[inline]
    fn look_up<A: Address>(
        &self,
        plane: &Plane<A>,
        flows: &[Flow],
        random: &impl Fn(u64) -> u64,
        found: &mut [Option<Pick>; TOGETHER],
    ) {
        let mut asked = [(A::Key::default(), 0_u64); TOGETHER];
        for (flow, asked) in flows.iter().zip(&mut asked) {
            if let Some(address) = A::of(flow.address) {
                let key = address.key(flow.protocol, flow.port);
                *asked = (key, plane.index.hash(key));
            }
        }
        let mut leads = [NOWHERE; TOGETHER];
        for ((key, hash), lead) in asked.iter().zip(&mut leads).take(flows.len()) {
            *lead = plane.index.find_hashed(*key, *hash).unwrap_or(NOWHERE);
        }
        let mut cells = [NOBODY; TOGETHER];
        for (((flow, lead), at), n) in flows.iter().zip(&leads).zip(&mut cells).zip(0_u64..) {
            if let Led::Endpoints(choice) = Led::of(*lead) {
                let key = || identity(flow.source, self.hashing_key);
                let place = plane.choose(choice, &self.cursors, random(n), key);
                *at = place.map_or(NOBODY, |n| choice.at + (n * A::CELLS) as u32);
            }
        }
        for (at, found) in cells.iter().zip(found).take(flows.len()) {
            if *at != NOBODY {
                *found = plane.endpoint(*at, 0).map(pick);
            }
        }
    }
}
