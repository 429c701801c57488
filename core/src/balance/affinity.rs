//! Which endpoint a client was given.
//!
//! ```text
//! 16 bytes for an IPv4 client:  service port 32 | address 32 | endpoint 32 | until 32
//! ```
//!
//! An open-addressed table whose searches begin with a line of four slots, which are compared without a branch: nearly
//! every client that comes back is there. They end after [`WINDOW`] slots. Nothing is ever removed: a slot whose time is
//! up may be taken by whoever comes along, and counts as absent until then. No timers, no lists of what expires
//! when: nothing has to *happen* when a client is forgotten. When the table is as large as it may become and a
//! window is full, the client of it that has been silent longest makes room, so memory stays bounded whoever sends
//! what.
//!
//! Endpoints are numbers that their owner never gives out twice for one service port. One that goes and comes back
//! is another number, so its clients are let go the moment it leaves, without being looked for.

use core::{hint::select_unpredictable, net::IpAddr, num::NonZeroU32, time::Duration};
use std_alloc::{vec, vec::Vec};

use crate::{Seed, Time, seed::Keyed};

/// How far a search goes. Up to 5/8 full, runs of this many slots don't occur in practice; at the limit they do, and
/// bound what a search costs.
const WINDOW: usize = 128;

/// Slots that are looked at together.
const LINE: usize = 4;

/// The smallest table.
const SMALLEST: usize = 64;

/// Ticks in a second. A tick is the precision of a timeout; 2^31 of them are 4 years.
const TICKS: u64 = 16;

/// Nanoseconds in a tick.
const TICK: u64 = 1_000_000_000 / TICKS;

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
    v4: Clients<u64>,
    v6: Clients<(u64, u64, u32)>,
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
    #[inline]
    pub fn endpoint(
        &mut self,
        service_port: u32,
        client: IpAddr,
        now: Time,
        timeout: Duration,
        still: impl FnOnce(EndpointId) -> bool,
        choose: impl FnOnce() -> Option<EndpointId>,
    ) -> Option<EndpointId> {
        let ask = Ask::new(now, timeout);
        match client {
            IpAddr::V4(ip) => self.v4.endpoint(v4(service_port, ip), ask, still, choose),
            IpAddr::V6(ip) => self.v6.endpoint(v6(service_port, ip), ask, still, choose),
        }
    }

    /// The endpoint `client` is remembered with at `now`; nothing is refreshed.
    #[must_use]
    pub fn get(&self, service_port: u32, client: IpAddr, now: Time) -> Option<EndpointId> {
        match client {
            IpAddr::V4(ip) => self.v4.get(v4(service_port, ip), tick(now)),
            IpAddr::V6(ip) => self.v6.get(v6(service_port, ip), tick(now)),
        }
    }

    /// Lets a client go; tells whether it was remembered.
    pub fn release(&mut self, service_port: u32, client: IpAddr, now: Time) -> bool {
        match client {
            IpAddr::V4(ip) => self.v4.release(v4(service_port, ip), tick(now)),
            IpAddr::V6(ip) => self.v6.release(v6(service_port, ip), tick(now)),
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
        self.v4.lines.capacity() * size_of::<Line<u64>>()
            + self.v6.lines.capacity() * size_of::<Line<(u64, u64, u32)>>()
    }
}

fn v4(service_port: u32, client: core::net::Ipv4Addr) -> u64 {
    u64::from(service_port) << 32 | u64::from(client.to_bits())
}

fn v6(service_port: u32, client: core::net::Ipv6Addr) -> (u64, u64, u32) {
    let bits = client.to_bits();
    ((bits >> 64) as u64, bits as u64, service_port)
}

/// One client of one service port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Slot<K> {
    key: K,
    /// `None`: never used.
    endpoint: Option<EndpointId>,
    until: u32,
}

/// Slots that share a cache line; IPv6 takes two.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
struct Line<K>([Slot<K>; LINE]);

const _: () = assert!(size_of::<Line<u64>>() == 64 && size_of::<Line<(u64, u64, u32)>>() == 128);

/// The times of one search, in ticks. They wrap after 8 years, so they are only compared by their distance.
#[derive(Clone, Copy)]
struct Ask {
    now: u32,
    until: u32,
}

impl Ask {
    /// A timeout is rounded down to ticks, and 4 years at most.
    #[inline]
    fn new(now: Time, timeout: Duration) -> Self {
        let whole = timeout.as_secs().min(i32::MAX as u64 / TICKS - 1) * TICKS;
        let ticks = whole + u64::from(timeout.subsec_nanos()) / TICK;
        let now = tick(now);
        Self { now, until: now.wrapping_add(ticks as u32) }
    }
}

/// The clients of one family.
#[derive(Debug)]
struct Clients<K> {
    lines: Vec<Line<K>>,
    used: usize,
    /// Slots at most.
    most: usize,
    seed: [u64; 2],
}

impl<K: Keyed> Line<K> {
    /// The place of a client; [`LINE`] if it isn't here.
    #[inline]
    fn find(&self, key: K) -> usize {
        let places = (0..LINE).zip(&self.0);
        places.fold(LINE, |found, (n, slot)| select_unpredictable(slot.key == key, n, found))
    }
}

impl<K: Keyed> Clients<K> {
    fn new(limit: usize, Seed([a, b, ..]): Seed) -> Self {
        let most = limit.saturating_mul(3).div_ceil(2).max(SMALLEST).checked_next_power_of_two();
        Self {
            lines: Vec::new(),
            used: 0,
            most: most.unwrap_or(1 << (usize::BITS - 1)),
            // Even multipliers would lose bits.
            seed: [a, b | 1],
        }
    }

    /// The line where a client's search begins.
    #[inline]
    fn start(&self, key: K) -> usize {
        key.hash(self.seed) as usize & self.lines.len().wrapping_sub(1)
    }

    fn slot(&self, at: usize) -> Option<&Slot<K>> {
        self.lines.get(at / LINE)?.0.get(at % LINE)
    }

    fn slot_mut(&mut self, at: usize) -> Option<&mut Slot<K>> {
        self.lines.get_mut(at / LINE)?.0.get_mut(at % LINE)
    }

    /// The slots a client may be in, in the order they are searched.
    fn window(&self, key: K) -> impl Iterator<Item = usize> + use<K> {
        let slots = self.lines.len() * LINE;
        let mask = slots.wrapping_sub(1);
        let start = self.start(key) * LINE;
        (0..WINDOW.min(slots)).map(move |step| start.wrapping_add(step) & mask)
    }

    fn get(&self, key: K, now: u32) -> Option<EndpointId> {
        self.window(key)
            .map_while(|at| self.slot(at).filter(|slot| slot.endpoint.is_some()))
            .find(|slot| slot.key == key && !expired(slot.until, now))
            .and_then(|slot| slot.endpoint)
    }

    /// The slot stays, with its time up: to empty it would cut other clients' searches short.
    fn release(&mut self, key: K, now: u32) -> bool {
        let mut window = self.window(key);
        let is_it = |slot: &Slot<K>| slot.key == key && slot.endpoint.is_some();
        let found = window.find(|at| self.slot(*at).is_some_and(is_it));
        let Some(slot) = found.and_then(|at| self.slot_mut(at)) else { return false };
        let was_live = !expired(slot.until, now);
        slot.until = now;
        was_live
    }

    #[inline]
    fn endpoint(
        &mut self,
        key: K,
        ask: Ask,
        still: impl FnOnce(EndpointId) -> bool,
        choose: impl FnOnce() -> Option<EndpointId>,
    ) -> Option<EndpointId> {
        let start = self.start(key);
        if let Some(line) = self.lines.get_mut(start)
            && let found = line.find(key)
            && let Some(slot) = line.0.get_mut(found)
            && let Some(endpoint) = slot.endpoint
            && !expired(slot.until, ask.now)
        {
            if still(endpoint) {
                slot.until = ask.until;
                return Some(endpoint);
            }
            let chosen = choose()?;
            *slot = Slot { endpoint: Some(chosen), until: ask.until, ..*slot };
            return Some(chosen);
        }
        self.search(key, ask, still, choose)
    }

    /// The same if the client isn't in the first line, or its time is up.
    #[cold]
    #[inline(never)]
    fn search(
        &mut self,
        key: K,
        ask: Ask,
        still: impl FnOnce(EndpointId) -> bool,
        choose: impl FnOnce() -> Option<EndpointId>,
    ) -> Option<EndpointId> {
        let slots = self.lines.len() * LINE;
        if self.used * 8 >= slots * 5 && slots < self.most {
            self.grow(ask.now);
        }
        // Where the client is, or else the best place for it: a free slot, or the one that expires first.
        let (mut place, mut soonest) = (None, u32::MAX);
        for at in self.window(key) {
            let Some(slot) = self.slot_mut(at) else { break };
            if slot.key == key
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
        if let Some(slot) = place.and_then(|at| self.slot_mut(at)) {
            let fresh = slot.endpoint.is_none();
            *slot = Slot { key, endpoint: Some(endpoint), until: ask.until };
            self.used += usize::from(fresh);
        }
        Some(endpoint)
    }

    /// Makes room: drops who is expired, and doubles if that is not enough.
    fn grow(&mut self, now: u32) {
        let live = self.live(now);
        let size = (live * 2 + 1).next_power_of_two().clamp(SMALLEST, self.most);
        let old = core::mem::replace(&mut self.lines, vec![Line::default(); size / LINE]);
        self.used = 0;
        for slot in old.iter().flat_map(|line| &line.0).filter(|slot| !expired(slot.until, now)) {
            if slot.endpoint.is_some() {
                self.place(*slot);
            }
        }
    }

    /// Puts in a client that isn't there.
    fn place(&mut self, new: Slot<K>) {
        let mut window = self.window(new.key);
        let free = window.find(|at| self.slot(*at).is_some_and(|slot| slot.endpoint.is_none()));
        if let Some(slot) = free.and_then(|at| self.slot_mut(at)) {
            *slot = new;
            self.used += 1;
        }
    }

    fn live(&self, now: u32) -> usize {
        let live = |slot: &&Slot<K>| slot.endpoint.is_some() && !expired(slot.until, now);
        self.lines.iter().flat_map(|line| &line.0).filter(live).count()
    }
}

#[inline]
const fn tick(now: Time) -> u32 {
    (now.as_nanos() / TICK) as u32
}

#[inline]
const fn expired(until: u32, now: u32) -> bool {
    until.wrapping_sub(now) as i32 <= 0
}
