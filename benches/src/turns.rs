//! Sides that take turns.
//!
//! A machine in the cloud changes its pace within seconds, and criterion measures one side after the other. Here each
//! round runs every side once, so all of them meet the same pace; a ratio is the median of the rounds' ratios.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use crate::is_measuring;

/// Rounds when figures are wanted.
const ROUNDS: usize = 41;

/// Things to be compared; each returns a number, so that nothing of it can be left out.
///
/// ```
/// let mut turns = svckit_benches::turns::Turns::new("sums of 3", 3);
/// turns.side("by a loop", || (0..3).sum());
/// turns.side("by hand", || 3);
/// turns.run(); // prints nothing here, where nothing is measured
/// ```
pub struct Turns<'a> {
    name: String,
    items: u64,
    sides: Vec<Side<'a>>,
}

struct Side<'a> {
    name: &'static str,
    work: Box<dyn FnMut() -> u64 + 'a>,
    times: Vec<Duration>,
}

impl<'a> Turns<'a> {
    /// `items` is what each side goes through in a turn.
    #[must_use]
    pub fn new(name: impl Into<String>, items: u64) -> Self {
        Self { name: name.into(), items, sides: Vec::new() }
    }

    /// Adds a side; the others are compared with the first.
    pub fn side(&mut self, name: &'static str, work: impl FnMut() -> u64 + 'a) {
        self.sides.push(Side { name, work: Box::new(work), times: Vec::new() });
    }

    /// Runs all of them, and prints a line for each: nanoseconds per item, and the ratio to the first. Runs each once
    /// and prints nothing if no figures are wanted.
    pub fn run(mut self) {
        let rounds = if is_measuring() { ROUNDS } else { 1 };
        for _ in 0..rounds {
            for side in &mut self.sides {
                let start = Instant::now();
                black_box((side.work)());
                side.times.push(start.elapsed());
            }
        }
        if is_measuring() {
            self.print();
        }
    }

    fn print(&self) {
        let Some(first) = self.sides.first() else { return };
        for side in &self.sides {
            let per_item = |time: &Duration| time.as_secs_f64() * 1e9 / self.items as f64;
            let ratios = side.times.iter().zip(&first.times);
            println!(
                "{}: {:<28} {:>8.1} ns {:>6.2}x",
                self.name,
                side.name,
                median(side.times.iter().map(per_item)),
                median(ratios.map(|(time, first)| time.as_secs_f64() / first.as_secs_f64())),
            );
        }
    }
}

/// The middle one; of nothing, nothing.
///
/// ```
/// assert_eq!(svckit_benches::turns::median([3.0, 1.0, 2.0]), 2.0);
/// ```
#[must_use]
pub fn median(all: impl IntoIterator<Item = f64>) -> f64 {
    let mut all: Vec<_> = all.into_iter().collect();
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or_default()
}
