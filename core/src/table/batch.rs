//! Many picks at once.

use super::{
    address::Address,
    flow::{Flow, Outcome},
    lead::Lead,
    plane::Plane,
    snapshot::{Snapshot, pick},
};
use crate::{Time, balance::Affinity, seed::mix};

/// Flows that are looked up together: enough to keep all of a core's outstanding reads busy.
const TOGETHER: usize = 64;

/// No set has an endpoint of this number.
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
        // One family after the other: each loop stays small enough for a core to run far ahead in it.
        let mut found = self.look_up(&self.v4, flows, entropy, out);
        if flows.iter().any(|flow| flow.address.is_ipv6()) {
            found |= self.look_up(&self.v6, flows, entropy, out);
        }
        for ((flow, out), n) in flows.iter().zip(out).zip(0..) {
            if found >> n & 1 == 0 {
                *out = self.pick_slowly(*flow, affinity, now, random(entropy, n));
            }
        }
    }

    /// Finds what the index alone can tell of flows of one family; hash, read slots, read cells. Tells of which it could,
    /// in a bit for each.
    #[inline]
    fn look_up<A: Address>(
        &self,
        plane: &Plane<A>,
        flows: &[Flow],
        entropy: u64,
        out: &mut [Outcome],
    ) -> u64 {
        let mut asked = [(A::Key::default(), 0_u64); TOGETHER];
        for (flow, asked) in flows.iter().zip(&mut asked) {
            if let Some(address) = A::of(flow.address) {
                let key = address.key(flow.protocol, flow.port);
                *asked = (key, plane.index.hash(key));
            }
        }
        let mut leads = [Lead::default(); TOGETHER];
        for ((key, hash), lead) in asked.iter().zip(&mut leads).take(flows.len()) {
            *lead = plane.index.find_first(*key, *hash);
        }
        let mut places = [NOBODY; TOGETHER];
        let all = flows.iter().zip(&asked).zip(&mut leads).zip(&mut places).zip(0..);
        for ((((flow, (key, hash)), lead), place), n) in all {
            if lead.is_nowhere() && *key != A::Key::default() {
                *lead = plane.index.find_further(*key, *hash);
            }
            let found = self.place(plane, *lead, flow.source, random(entropy, n));
            *place = found.map_or(NOBODY, |n| n as u32);
        }
        let mut found = 0;
        for (((lead, place), out), n) in leads.iter().zip(&places).zip(out).zip(0_u64..) {
            if *place != NOBODY
                && let Some(endpoint) = plane.led_to(*lead, *place as usize)
            {
                *out = Outcome::Backend(pick(lead.owner(), endpoint));
                found |= 1 << n;
            }
        }
        found
    }
}

/// A number for each flow of a batch, made from one: steps of the golden ratio, then one multiplication that carries
/// what differs to the upper bits.
#[inline]
const fn random(entropy: u64, n: u64) -> u64 {
    let x = entropy.wrapping_add(n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    (x ^ x >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93)
}
