//! How many slots a table of endpoints has.
//!
//! A table of another size gives every key another endpoint, so sizes are few, and a table keeps its own until it is
//! too small, or four times what it needs.

/// Primes, each about twice the one before; 65,537 for those who want what others have.
const SIZES: [u32; 16] = [
    251, 509, 1021, 2039, 4093, 8191, 16_381, 32_749, 65_521, 65_537, 131_071, 262_139, 524_287,
    1_048_573, 2_097_143, 4_194_301,
];

/// Slots per endpoint; the paper's figure for less than 1% imbalance.
const SLOTS_EACH: usize = 100;

/// A size by its place in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Size(u8);

impl Size {
    /// The size for a number of endpoints, of `least` slots at least; `before` is what the table has now.
    pub(crate) fn of(endpoints: usize, least: u32, before: Option<Self>) -> Self {
        let wanted = endpoints.saturating_mul(SLOTS_EACH).max(least as usize);
        let fits = SIZES.iter().position(|size| *size as usize >= wanted);
        let fits = Self(fits.unwrap_or(SIZES.len() - 1) as u8);
        match before {
            Some(before) if before >= fits && before.slots() < fits.slots().saturating_mul(4) => {
                before
            }
            _ => fits,
        }
    }

    /// The size that was written as this number.
    #[inline]
    pub(crate) const fn from_number(number: u8) -> Self {
        Self(number)
    }

    /// A number below 255.
    pub(crate) const fn number(self) -> u8 {
        self.0
    }

    /// How many slots that is.
    #[inline]
    pub(crate) fn slots(self) -> u32 {
        SIZES.get(usize::from(self.0)).copied().unwrap_or(0)
    }
}

/// The smallest prime that is not below `least`, within 2 and about 2^27. Walks along a table meet every slot only if
/// its size is prime.
pub(crate) fn prime(least: u32) -> u32 {
    let is_prime = |n: &u32| (2..).take_while(|d| d * d <= *n).all(|d| !n.is_multiple_of(d));
    (least.clamp(2, 1 << 27)..).find(is_prime).unwrap_or(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_stay_while_they_fit() {
        let slots = |n, least, before| Size::of(n, least, before).slots();
        assert_eq!(slots(10, 0, None), 1021);
        assert_eq!(slots(11, 0, None), 2039);
        assert_eq!(slots(2, 65_537, None), 65_537);
        assert_eq!(slots(700, 65_537, None), 131_071);
        let grown = Some(Size::of(11, 0, None));
        assert_eq!(slots(10, 0, grown), 2039, "it came back: no key moves again");
        assert_eq!(slots(6, 0, grown), 2039);
        assert_eq!(slots(5, 0, grown), 509, "four times too large");
        assert_eq!(slots(21, 0, grown), 4093);
        assert_eq!(slots(1_000_000, 0, None), 4_194_301, "the largest there is");
        assert!(SIZES.iter().all(|size| prime(*size) == *size));
        assert_eq!([0, 4, 1000, u32::MAX].map(prime), [2, 5, 1009, 134_217_757]);
    }
}
