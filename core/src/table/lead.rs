//! What an address leads to, in 8 bytes.
//!
//! ```text
//!            63    59 58       47 46          25 24         0
//! at once    way 5    endpoints   service port   first cell      way: 4 random, 5 in turn, 8 and more by a table
//! record     kind 5   0        …  service port 32                kind: 1 cluster IP, 2 external, 3 load balancer
//! nowhere    0
//! ```
//!
//! What doesn't fit (4,096 endpoints, 4 million service ports, 256 MiB of cells) leads to the record, which says the
//! same in more reads.

use super::record::{Kind, Record, Run, Way};
use crate::balance::Size;

const WAY: u32 = 59;
const LEN: u32 = 47;
const NUMBER: u32 = 25;

const RANDOM: u64 = 4;
const TURN: u64 = 5;
/// A table of the smallest size; the others follow.
const TABLE: u64 = 8;

/// What an address leads to; the default leads nowhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Lead(u64);

/// The same, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Led {
    /// To nobody.
    Nowhere,
    /// To endpoints.
    Endpoints(Choice),
    /// To a service port.
    Record(u32, Kind),
}

/// Endpoints, and how one of them is picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) number: u32,
    pub(super) run: Run,
    pub(super) way: Way,
}

impl Lead {
    /// To a number that means something to its owner.
    pub(super) const fn to_number(number: u32) -> Self {
        Self(1 << WAY | number as u64)
    }

    /// To the record of a service port.
    pub(super) const fn to_record(number: u32, kind: Kind) -> Self {
        Self((kind as u64) << WAY | number as u64)
    }

    /// To endpoints at once; `None` if it doesn't fit, or if the way needs more than that.
    pub(super) fn to_endpoints(number: u32, run: Run, way: Way) -> Option<Self> {
        let way = match (way, run.size()) {
            (Way::Random, _) => RANDOM,
            // It is always the only one's turn. To count that would keep reads that follow from running ahead.
            (Way::Turn, _) if run.len() == 1 => RANDOM,
            (Way::Turn, _) => TURN,
            (Way::Table, Some(size)) => TABLE + u64::from(size.number()),
            _ => return None,
        };
        let (at, len, number) = (u64::from(run.at), u64::from(run.len()), u64::from(number));
        let fits = !run.has_uppers()
            && at >> NUMBER == 0
            && number >> (LEN - NUMBER) == 0
            && len >> (WAY - LEN) == 0
            && way >> (u64::BITS - WAY) == 0;
        (fits && len > 0).then_some(Self(way << WAY | len << LEN | number << NUMBER | at))
    }

    #[inline]
    pub(super) const fn is_nowhere(self) -> bool {
        self.0 == 0
    }

    /// Whether it leads to endpoints of which any will do.
    #[inline]
    pub(super) const fn is_random(self) -> bool {
        self.0 >> WAY == RANDOM
    }

    /// Whether it leads to endpoints that take turns.
    #[inline]
    pub(super) const fn is_turn(self) -> bool {
        self.0 >> WAY == TURN
    }

    /// Whether it leads to endpoints that a table numbers.
    #[inline]
    pub(super) const fn is_table(self) -> bool {
        self.0 >> WAY >= TABLE
    }

    /// The number given to [`Self::to_number`] or [`Self::to_record`].
    #[inline]
    pub(super) const fn number(self) -> u32 {
        self.0 as u32
    }

    /// The endpoints, if it leads there.
    #[inline]
    pub(super) const fn len(self) -> u32 {
        (self.0 >> LEN) as u32 & ((1 << (WAY - LEN)) - 1)
    }

    /// Their first cell.
    #[inline]
    pub(super) const fn at(self) -> u32 {
        self.0 as u32 & ((1 << NUMBER) - 1)
    }

    /// Whose endpoints they are.
    #[inline]
    pub(super) const fn owner(self) -> u32 {
        (self.0 >> NUMBER) as u32 & ((1 << (LEN - NUMBER)) - 1)
    }

    /// `this` if `take`, else `other`, without a branch: to guess wrong would be to wait for memory twice.
    #[inline]
    pub(super) fn select(take: bool, this: Self, other: Self) -> Self {
        Self(core::hint::select_unpredictable(take, this.0, other.0))
    }

    #[inline]
    pub(super) fn led(self) -> Led {
        let kind = match self.0 >> WAY {
            0 => return Led::Nowhere,
            1 => Kind::ClusterIp,
            2 => Kind::External,
            3 => Kind::LoadBalancer,
            _ => return Led::Endpoints(self.choice()),
        };
        Led::Record(self.number(), kind)
    }

    #[inline]
    fn choice(self) -> Choice {
        let (way, size) = match self.0 >> WAY {
            RANDOM => (Way::Random, None),
            TURN => (Way::Turn, None),
            table => (Way::Table, Some(Size::from_number(table.saturating_sub(TABLE) as u8))),
        };
        Choice { number: self.owner(), run: Run::new(self.at(), self.len(), false, size), way }
    }
}

impl Record {
    /// What an address of this kind leads to: to the endpoints at once if neither the client nor anything else makes
    /// a difference, or else to the record.
    pub(super) fn lead(&self, number: u32, kind: Kind) -> Lead {
        let run = match kind {
            Kind::ClusterIp if self.internal_local => Some(self.local),
            Kind::External | Kind::LoadBalancer if self.external_local => None,
            Kind::LoadBalancer if self.restricted => None,
            _ => Some(self.cluster),
        };
        run.filter(|_| self.affinity == 0)
            .and_then(|run| Lead::to_endpoints(number, run, self.way))
            .unwrap_or_else(|| Lead::to_record(number, kind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leads_say_what_was_put_in_or_lead_to_the_record() {
        let size = Size::of(10, 0, None);
        let run = |at, len| Run::new(at, len, false, Some(size));
        for (at, len, number, way) in [
            (0, 1, 0, Way::Random),
            ((1 << 25) - 1, 4095, (1 << 22) - 1, Way::Turn),
            (77, 10, 3, Way::Table),
        ] {
            let lead = Lead::to_endpoints(number, run(at, len), way).unwrap();
            let Led::Endpoints(choice) = lead.led() else { panic!("{lead:?}") };
            let size = (way == Way::Table).then_some(size);
            assert_eq!(choice, Choice { number, run: Run::new(at, len, false, size), way });
            assert_eq!(lead.is_random(), way == Way::Random);
        }
        let too_much = [
            (0, 0, 1, Way::Random),
            (1 << 25, 1, 1, Way::Random),
            (0, 4096, 1, Way::Random),
            (0, 1, 1 << 22, Way::Random),
            (0, 1, 1, Way::Scheme),
        ];
        for (at, len, number, way) in too_much {
            assert_eq!(Lead::to_endpoints(number, run(at, len), way), None);
        }
        let far = Run::new(0, 1, true, None);
        assert_eq!(Lead::to_endpoints(1, far, Way::Random), None, "its ids stand elsewhere");
        for kind in [Kind::ClusterIp, Kind::External, Kind::LoadBalancer] {
            assert_eq!(Lead::to_record(u32::MAX, kind).led(), Led::Record(u32::MAX, kind));
        }
        assert_eq!(Lead::default().led(), Led::Nowhere);
        assert!(!Lead::to_number(0).is_nowhere());
    }
}
