//! How many requests a client has under way.

use core::net::IpAddr;

use ahash::RandomState;
use hashbrown::{HashMap, hash_map::Entry};

use crate::{Seed, model::NamespacedName};

/// How many requests each client has under way, Ingress by Ingress. Clients without any cost nothing.
///
/// ```
/// use svckit::{Seed, ingress::Busy, model::NamespacedName};
///
/// let mut busy = Busy::new(Seed([1, 2, 3, 4]));
/// let (web, client) = (NamespacedName::new("shop", "web"), "192.0.2.1".parse().unwrap());
/// let seat = busy.enter(&web, client, 1).unwrap();
/// assert!(busy.enter(&web, client, 1).is_none(), "one at a time");
/// busy.leave(seat);
/// assert!(busy.enter(&web, client, 1).is_some());
/// ```
#[derive(Debug)]
pub struct Busy {
    /// By client and Ingress.
    counts: HashMap<u64, u32, RandomState>,
}

/// A request that is under way; give it back to [`Busy::leave`].
#[derive(Debug)]
#[must_use = "a seat that is lost is never free again"]
pub struct Seat(u64);

impl Busy {
    /// Nobody has anything under way.
    #[must_use]
    pub fn new(seed: Seed) -> Self {
        Self { counts: HashMap::with_hasher(seed.hasher()) }
    }

    /// A request of a client starts; `None`: the client has `most` of them under way already.
    pub fn enter(&mut self, ingress: &NamespacedName, client: IpAddr, most: u32) -> Option<Seat> {
        let key = self.counts.hasher().hash_one((ingress, client.to_canonical()));
        if self.counts.get(&key).is_some_and(|count| *count >= most) || most == 0 {
            return None;
        }
        let count = self.counts.entry(key).or_insert(0);
        *count += 1;
        Some(Seat(key))
    }

    /// The request is over.
    pub fn leave(&mut self, seat: Seat) {
        let Entry::Occupied(mut count) = self.counts.entry(seat.0) else { return };
        if *count.get() <= 1 {
            count.remove();
        } else {
            *count.get_mut() -= 1;
        }
    }
}
