//! Many picks at once.

use super::{
    address::Address,
    flow::{Flow, Outcome},
    lead::Lead,
    plane::Plane,
    snapshot::{Snapshot, pick},
};
use crate::{
    Time,
    balance::{Affinity, identity},
    seed::mix,
};

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
        let flows = flows.get(..out.len()).unwrap_or(flows);
        let put = |n: usize, outcome| {
            if let Some(place) = out.get_mut(n) {
                *place = outcome;
            }
        };
        self.pick_each(flows, |flow| Some(*flow), affinity, now, entropy, put);
    }

    /// The same for callers that hold connections in a form of their own, which is read where it stands.
    ///
    /// `flow` says what an item asks for, and is called as often as there is something to be known about it; `None` is no
    /// service's. `put` gets the outcome of each item once, by its place, in any order.
    ///
    /// ```
    /// use svckit::{Seed, Time, balance::Affinity, table::{Flow, Outcome, Publisher}, model::{Port, Protocol}};
    ///
    /// let snapshot = Publisher::new(Seed([1, 2, 3, 4])).publish();
    /// let flow = |to: &([u8; 4], u16)| Some(Flow {
    ///     source: "192.0.2.1:5000".parse().ok()?,
    ///     address: to.0.into(),
    ///     port: Port::new(to.1)?,
    ///     protocol: Protocol::Tcp,
    /// });
    /// let mut affinity = Affinity::new(1000, Seed([1, 2, 3, 4]));
    /// let asked = [([10, 96, 0, 1], 80), ([10, 96, 0, 1], 0)];
    /// let mut out = [Outcome::Dropped; 2];
    /// snapshot.pick_each(&asked, flow, &mut affinity, Time::default(), 7, |n, outcome| out[n] = outcome);
    /// assert_eq!(out, [Outcome::NotAService; 2]);
    /// ```
    #[inline]
    pub fn pick_each<Q>(
        &self,
        asked: &[Q],
        flow: impl Fn(&Q) -> Option<Flow>,
        affinity: &mut Affinity,
        now: Time,
        entropy: u64,
        mut put: impl FnMut(usize, Outcome),
    ) {
        for (asked, n) in asked.chunks(TOGETHER).zip(0_usize..) {
            let entropy = mix(entropy ^ n as u64);
            let first = n * TOGETHER;
            let mut put = |n: usize, outcome| put(first + n, outcome);
            // One family after the other: each loop stays small enough for a core to run far ahead in it.
            let mut left = self.pick_from(&self.v4, asked, &flow, entropy, &mut put);
            if left > 0 && asked.iter().any(|asked| is_ipv6(flow(asked))) {
                left &= self.pick_from(&self.v6, asked, &flow, entropy, &mut put);
            }
            while left > 0 {
                let n = left.trailing_zeros() as usize;
                left &= left - 1;
                let outcome = asked
                    .get(n)
                    .and_then(&flow)
                    .map(|flow| self.pick_slowly(flow, affinity, now, random(entropy, n as u64)));
                put(n, outcome.unwrap_or(Outcome::NotAService));
            }
        }
    }

    /// Picks what the index alone can tell of flows of one family; hash, read slots, read cells. Says for whom it couldn't,
    /// in a bit for each.
    #[inline(always)]
    fn pick_from<A: Address, Q>(
        &self,
        plane: &Plane<A>,
        asked: &[Q],
        flow: impl Fn(&Q) -> Option<Flow>,
        entropy: u64,
        mut put: impl FnMut(usize, Outcome),
    ) -> u64 {
        let mut keys = [(A::Key::default(), 0_u64); TOGETHER];
        for (asked, key) in asked.iter().zip(&mut keys) {
            if let Some(flow) = flow(asked)
                && let Some(address) = A::of(flow.address)
            {
                let asked = address.key(flow.protocol, flow.port);
                *key = (asked, plane.index.hash(asked));
            }
        }
        let mut leads = [Lead::default(); TOGETHER];
        for ((key, hash), lead) in keys.iter().zip(&mut leads).take(asked.len()) {
            *lead = plane.index.find_first(*key, *hash);
        }
        let mut places = [NOBODY; TOGETHER];
        let all = keys.iter().zip(&mut leads).zip(asked).zip(&mut places).zip(0..);
        for (((((key, hash), lead), asked), place), n) in all {
            if lead.is_nowhere() && *key != A::Key::default() {
                *lead = plane.index.find_further(*key, *hash);
            }
            let client = || flow(asked).map_or(0, |flow| identity(flow.source, self.hashing_key));
            let found = self.place(plane, *lead, client, random(entropy, n));
            *place = found.map_or(NOBODY, |n| n as u32);
        }
        // In a loop of its own, because turns that are counted keep reads behind them from running ahead.
        let mut left = 0;
        for ((lead, place), n) in leads.into_iter().zip(places).zip(0..asked.len()) {
            match plane.led_to(lead, place as usize) {
                Some(endpoint) if place != NOBODY => {
                    put(n, Outcome::Backend(pick(lead.owner(), endpoint)));
                }
                _ => left |= 1 << n,
            }
        }
        left
    }
}

fn is_ipv6(flow: Option<Flow>) -> bool {
    flow.is_some_and(|flow| flow.address.is_ipv6())
}

/// A number for each flow of a batch, made from one: steps of the golden ratio, then one multiplication that carries
/// what differs to the upper bits.
#[inline]
const fn random(entropy: u64, n: u64) -> u64 {
    let x = entropy.wrapping_add(n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    (x ^ x >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93)
}
