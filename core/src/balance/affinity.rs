//! Which endpoint a client was given.
//!
//! ```text
//! 16 bytes for an IPv4 client:  service port 32 | address 32 | endpoint 32 | until 32
//! ```
//!
//! An open-addressed table whose searches end after [`WINDOW`] slots. Nothing is ever removed: a slot whose time is
//! up may be taken by whoever comes along, and counts as absent until then. No timers, no lists of what expires
//! when: nothing has to *happen* when a client is forgotten. When the table is as large as it may become and a
//! window is full, the client of it that has been silent longest makes room, so memory stays bounded whoever sends
//! what.
//!
//! Endpoints are numbers that their owner never gives out twice for one service port. One that goes and comes back
//! is another number, so its clients are let go the moment it leaves, without being looked for.

use core::{net::IpAddr, num::NonZeroU32, time::Duration};
use std_alloc::{vec, vec::Vec};

use ahash::RandomState;

use crate::{Seed, Time};

/// How far a search goes. Up to 5/8 full, runs of this many slots don't occur in practice; at the limit they do, and
/// bound what a search costs.
const WINDOW: usize = 128;

/// The smallest table.
const SMALLEST: usize = 64;

/// Ticks in a second. A tick is the precision of a timeout; 2^31 of them are 4 years.
const TICKS: u64 = 16;

/// An endpoint of one service port, as a number that is never used again for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndpointId(NonZeroU32);

impl EndpointId {
    /// The endpoint of this number; `None` for 0.
    #[must_use]
    pub const fn new(number: u32) -> Option<Self> {
        match NonZeroU32::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// Its number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0.get()
    }

    /// What [`Self::get`] said, read from an array: no 0 was written there, so there is no branch on it.
    #[inline]
    pub(crate) const fn from_number(number: u32) -> Self {
        Self(NonZeroU32::MIN.saturating_add(number.saturating_sub(1)))
    }
}

/// Remembers which endpoint each client of each service port was given (`sessionAffinity: ClientIP`).
///
/// kube-proxy's rule: a client is an address, whichever of the service port's addresses it connects to; each
/// connection starts its timer anew. Time is kept to 1/16 s, and a client is never remembered longer than asked.
///
/// ```
/// use std::time::Duration;
/// use svckit::{Seed, Time, balance::{Affinity, EndpointId}};
///
/// let mut affinity = Affinity::new(1000, Seed([1, 2, 3, 4]));
/// let (port, client, hour) = (7, "192.0.2.1".parse().unwrap(), Duration::from_secs(3600));
/// let at = |minutes: u64| Time::from_nanos(minutes * 60_000_000_000);
/// let mut connect = |now| affinity.endpoint(port, client, now, hour, |_| true, || EndpointId::new(now.as_nanos() as u32 | 1));
/// let first = connect(at(0));
/// assert_eq!(connect(at(59)), first, "within the hour");
/// assert_eq!(connect(at(118)), first, "the timer was started anew");
/// assert_ne!(connect(at(178)), first, "an hour of silence");
/// ```
#[derive(Debug)]
pub struct Affinity {
    v4: Clients<u32>,
    v6: Clients<u128>,
}

impl Affinity {
    /// An empty table that holds up to `limit` clients of each family at least, and twice as many at most.
    ///
    /// Memory: 16 bytes for a slot (IPv6: 32), and up to 3 slots per client while it grows.
    #[must_use]
    pub fn new(limit: usize, seed: Seed) -> Self {
        Self { v4: Clients::new(limit, seed.derive(4)), v6: Clients::new(limit, seed.derive(6)) }
    }

    /// The endpoint `client` is remembered with, or else the one that `choose` picks; its timer starts anew.
    ///
    /// `still` tells whether a remembered endpoint may be used. One search in all, O(1); a table that has to grow
    /// costs O(clients) once.
    pub fn endpoint(
        &mut self,
        service_port: u32,
        client: IpAddr,
        now: Time,
        timeout: Duration,
        still: impl FnOnce(EndpointId) -> bool,
        choose: impl FnOnce() -> Option<EndpointId>,
    ) -> Option<EndpointId> {
        let ask = Ask { now: tick(now), until: until(now, timeout) };
        match client {
            IpAddr::V4(ip) => self.v4.endpoint((service_port, ip.to_bits()), ask, still, choose),
            IpAddr::V6(ip) => self.v6.endpoint((service_port, ip.to_bits()), ask, still, choose),
        }
    }

    /// The endpoint `client` is remembered with at `now`; nothing is refreshed.
    #[must_use]
    pub fn get(&self, service_port: u32, client: IpAddr, now: Time) -> Option<EndpointId> {
        match client {
            IpAddr::V4(ip) => self.v4.get((service_port, ip.to_bits()), tick(now)),
            IpAddr::V6(ip) => self.v6.get((service_port, ip.to_bits()), tick(now)),
        }
    }

    /// Lets a client go; tells whether it was remembered.
    pub fn release(&mut self, service_port: u32, client: IpAddr, now: Time) -> bool {
        match client {
            IpAddr::V4(ip) => self.v4.release((service_port, ip.to_bits()), tick(now)),
            IpAddr::V6(ip) => self.v6.release((service_port, ip.to_bits()), tick(now)),
        }
    }

    /// Clients remembered at `now`. Costs O(slots).
    #[must_use]
    pub fn len(&self, now: Time) -> usize {
        self.v4.live(tick(now)) + self.v6.live(tick(now))
    }

    /// Whether nobody is remembered at `now`. Costs O(slots).
    #[must_use]
    pub fn is_empty(&self, now: Time) -> bool {
        self.len(now) == 0
    }

    /// The memory of the table in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.v4.slots.capacity() * size_of::<Slot<u32>>()
            + self.v6.slots.capacity() * size_of::<Slot<u128>>()
    }
}

/// One client of one service port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Slot<A> {
    address: A,
    service_port: u32,
    /// `None`: never used.
    endpoint: Option<EndpointId>,
    until: u32,
}

const _: () = assert!(size_of::<Slot<u32>>() == 16 && size_of::<Slot<u128>>() == 32);

/// The times of one search.
#[derive(Clone, Copy)]
struct Ask {
    now: u32,
    until: u32,
}

/// The clients of one family.
#[derive(Debug)]
struct Clients<A> {
    slots: Vec<Slot<A>>,
    used: usize,
    most: usize,
    hasher: RandomState,
}

impl<A: Copy + Eq + Default + core::hash::Hash> Clients<A> {
    fn new(limit: usize, seed: Seed) -> Self {
        let most = limit.saturating_mul(3).div_ceil(2).max(SMALLEST).checked_next_power_of_two();
        Self {
            slots: Vec::new(),
            used: 0,
            most: most.unwrap_or(1 << (usize::BITS - 1)),
            hasher: seed.hasher(),
        }
    }

    /// The slots a client may be in, in the order they are searched.
    fn window(&self, key: (u32, A)) -> impl Iterator<Item = usize> + use<A> {
        let mask = self.slots.len().wrapping_sub(1);
        let start = self.hasher.hash_one(key) as usize;
        (0..WINDOW.min(self.slots.len())).map(move |step| start.wrapping_add(step) & mask)
    }

    fn get(&self, key: (u32, A), now: u32) -> Option<EndpointId> {
        self.window(key)
            .map_while(|at| self.slots.get(at).filter(|slot| slot.endpoint.is_some()))
            .find(|slot| (slot.service_port, slot.address) == key && !expired(slot.until, now))
            .and_then(|slot| slot.endpoint)
    }

    /// The slot stays, with its time up: to empty it would cut other clients' searches short.
    fn release(&mut self, key: (u32, A), now: u32) -> bool {
        let mut window = self.window(key);
        let found = window.find(|at| {
            let slot = self.slots.get(*at);
            slot.is_some_and(|slot| {
                (slot.service_port, slot.address) == key && slot.endpoint.is_some()
            })
        });
        let Some(slot) = found.and_then(|at| self.slots.get_mut(at)) else { return false };
        let was_live = !expired(slot.until, now);
        slot.until = now;
        was_live
    }

    fn endpoint(
        &mut self,
        key: (u32, A),
        ask: Ask,
        still: impl FnOnce(EndpointId) -> bool,
        choose: impl FnOnce() -> Option<EndpointId>,
    ) -> Option<EndpointId> {
        if self.used * 8 >= self.slots.len() * 5 && self.slots.len() < self.most {
            self.grow(ask.now);
        }
        // Where the client is, or else the best place for it: a free slot, or the one that expires first.
        let (mut place, mut soonest) = (None, u32::MAX);
        for at in self.window(key) {
            let Some(slot) = self.slots.get_mut(at) else { break };
            if (slot.service_port, slot.address) == key
                && let Some(endpoint) = slot.endpoint
            {
                place = Some(at);
                if !expired(slot.until, ask.now) && still(endpoint) {
                    slot.until = ask.until;
                    return Some(endpoint);
                }
                break;
            }
            let left = match slot.endpoint {
                Some(_) if !expired(slot.until, ask.now) => slot.until.wrapping_sub(ask.now),
                _ => 0,
            };
            if left < soonest {
                (place, soonest) = (Some(at), left);
            }
            if slot.endpoint.is_none() {
                break;
            }
        }
        let endpoint = choose()?;
        if let Some(slot) = place.and_then(|at| self.slots.get_mut(at)) {
            self.used += usize::from(slot.endpoint.is_none());
            let (service_port, address) = key;
            *slot = Slot { address, service_port, endpoint: Some(endpoint), until: ask.until };
        }
        Some(endpoint)
    }

    /// Makes room: drops who is expired, and doubles if that is not enough.
    fn grow(&mut self, now: u32) {
        let live = self.live(now);
        let size = (live * 2 + 1).next_power_of_two().clamp(SMALLEST, self.most);
        let empty = Slot { address: A::default(), service_port: 0, endpoint: None, until: 0 };
        let old = core::mem::replace(&mut self.slots, vec![empty; size]);
        self.used = 0;
        for slot in old.into_iter().filter(|slot| !expired(slot.until, now)) {
            let Some(endpoint) = slot.endpoint else { continue };
            let ask = Ask { now, until: slot.until };
            self.place((slot.service_port, slot.address), ask, endpoint);
        }
    }

    /// Puts in a client that isn't there.
    fn place(&mut self, key: (u32, A), ask: Ask, endpoint: EndpointId) {
        let free = self
            .window(key)
            .find(|at| self.slots.get(*at).is_some_and(|slot| slot.endpoint.is_none()));
        if let Some(slot) = free.and_then(|at| self.slots.get_mut(at)) {
            let (service_port, address) = key;
            *slot = Slot { address, service_port, endpoint: Some(endpoint), until: ask.until };
            self.used += 1;
        }
    }

    fn live(&self, now: u32) -> usize {
        let live = |slot: &&Slot<A>| slot.endpoint.is_some() && !expired(slot.until, now);
        self.slots.iter().filter(live).count()
    }
}

/// The tick of a time; it wraps after 8 years, so ticks are only compared by their distance.
fn tick(now: Time) -> u32 {
    (now.as_nanos() / (1_000_000_000 / TICKS)) as u32
}

/// The tick at which `timeout` has passed, rounded down; at most 4 years ahead.
fn until(now: Time, timeout: Duration) -> u32 {
    let longest = Duration::from_secs((i32::MAX as u64) / TICKS);
    tick(now.saturating_add(timeout.min(longest)))
}

fn expired(until: u32, now: u32) -> bool {
    until.wrapping_sub(now) as i32 <= 0
}
