//! Any endpoint, heavier ones more often.

use std_alloc::{boxed::Box, vec, vec::Vec};

use super::{Balance, Draw};

/// Any endpoint, heavier ones more often: an alias table (Walker 1977, Vose 1991).
///
/// Costs one multiplication and one 16-byte read however many endpoints there are; O(n) to build. Probabilities are
/// exact to 2^-64.
///
/// ```
/// use svckit::balance::{Balance, Draw, Weighted};
///
/// let weighted = Weighted::new(&[3, 0, 1]);
/// let picks = [0, 1, 2, 3].map(|n| weighted.pick(Draw { entropy: n << 62, ..Draw::default() }).unwrap());
/// assert_eq!(picks.iter().filter(|pick| **pick == 0).count(), 3);
/// assert_eq!(picks.iter().filter(|pick| **pick == 2).count(), 1);
/// ```
#[derive(Clone, Debug)]
pub struct Weighted {
    columns: Box<[Column]>,
}

/// One of n columns of equal width: its own endpoint below the cut, another one above.
#[derive(Clone, Copy, Debug)]
struct Column {
    cut: u64,
    own: u32,
    other: u32,
}

impl Weighted {
    /// Picks by weight; weight 0 is never picked, and with no other weight nothing is.
    #[must_use]
    pub fn new(weights: &[u16]) -> Self {
        let sum: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
        let n = weights.iter().filter(|weight| **weight > 0).count() as u64;
        // In units of 1 / (sum × n): a column holds `sum` of them, an endpoint has weight × n.
        let (mut small, mut large): (Vec<(u32, u64)>, Vec<_>) = (0_u32..)
            .zip(weights)
            .filter(|(_, weight)| **weight > 0)
            .map(|(endpoint, weight)| (endpoint, u64::from(*weight) * n))
            .partition(|(_, units)| *units < sum);
        let mut columns = vec![];
        while let Some((own, units)) = small.pop() {
            let cut = ((u128::from(units) << 64) / u128::from(sum)) as u64;
            let Some((other, rest)) = large.pop() else { break };
            columns.push(Column { cut, own, other });
            let rest = rest - (sum - units);
            if rest < sum { small.push((other, rest)) } else { large.push((other, rest)) }
        }
        columns.extend(large.iter().map(|(own, _)| Column {
            cut: u64::MAX,
            own: *own,
            other: *own,
        }));
        Self { columns: columns.into() }
    }
}

impl Balance for Weighted {
    fn pick(&self, draw: Draw) -> Option<usize> {
        let product = u128::from(draw.entropy) * self.columns.len() as u128;
        let column = self.columns.get((product >> 64) as usize)?;
        // What the choice of the column left over is as random as what it used.
        let endpoint = if (product as u64) < column.cut { column.own } else { column.other };
        Some(endpoint as usize)
    }
}
