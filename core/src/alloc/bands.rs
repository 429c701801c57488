//! Numbers in two bands, of which draws prefer the upper one.

use super::bitmap::Bitmap;

/// Ranges up to this size have no static band.
const UNBANDED: u128 = 16;

/// How many service addresses the static band has, in a range of `size` addresses with the unusable ones.
pub(super) fn static_addresses(size: u128) -> u64 {
    if size <= UNBANDED { 0 } else { (size / 16).clamp(16, 256) as u64 }
}

/// How many ports the static band has, in a range of `size` ports.
pub(super) fn static_ports(size: u32) -> u64 {
    if u128::from(size) <= UNBANDED { 0 } else { u64::from(size / 32).clamp(16, 128) }
}

/// A set of numbers, the low ones of which are drawn last.
#[derive(Clone, Debug)]
pub(super) struct Bands {
    low: Bitmap,
    high: Bitmap,
}

impl Bands {
    /// No numbers, of those below `len`; the first `low` of them are the static band.
    pub(super) fn new(len: u64, low: u64, mut bitmap: impl FnMut(u64) -> Bitmap) -> Self {
        let low = low.min(len);
        Self { low: bitmap(low), high: bitmap(len - low) }
    }

    pub(super) const fn len(&self) -> u64 {
        self.low.len() + self.high.len()
    }

    /// The first number of the dynamic band.
    pub(super) const fn split(&self) -> u64 {
        self.low.len()
    }

    pub(super) const fn held(&self) -> u64 {
        self.low.held() + self.high.held()
    }

    pub(super) fn contains(&self, number: u64) -> bool {
        match number.checked_sub(self.split()) {
            Some(high) => self.high.contains(high),
            None => self.low.contains(number),
        }
    }

    /// Whether the number was free.
    pub(super) fn insert(&mut self, number: u64) -> bool {
        match number.checked_sub(self.split()) {
            Some(high) => self.high.insert(high),
            None => self.low.insert(number),
        }
    }

    /// Whether the number was held.
    pub(super) fn remove(&mut self, number: u64) -> bool {
        match number.checked_sub(self.split()) {
            Some(high) => self.high.remove(high),
            None => self.low.remove(number),
        }
    }

    /// A free number, from a place in its band that `random` decides.
    pub(super) fn draw(&self, random: u64) -> Option<u64> {
        match next(&self.high, random) {
            Some(high) => Some(self.split() + high),
            None => next(&self.low, random),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        self.low.iter().chain(self.high.iter().map(|high| self.split() + high))
    }
}

fn next(band: &Bitmap, random: u64) -> Option<u64> {
    let from = (u128::from(random) * u128::from(band.len())) >> 64;
    band.next_free_wrapping(from as u64)
}
