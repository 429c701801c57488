//! A range of node ports.

use core::{fmt, ops::RangeInclusive, str::FromStr};

use super::static_band;
use crate::model::Port;

/// A range of node ports, both ends included; `30000-32767` by default.
///
/// ```
/// use svckit::alloc::PortRange;
///
/// let range: PortRange = "30000+2767".parse()?;
/// assert_eq!(range, PortRange::default());
/// assert_eq!((range.len(), range.static_band_len()), (2768, 86));
/// # Ok::<(), svckit::alloc::BadPortRange>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PortRange {
    first: Port,
    last: Port,
}

/// The text is no range of ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a range of ports is first-last or first+more, such as 30000-32767")]
pub struct BadPortRange;

impl PortRange {
    /// The ports from `first` to `last`; `None` when there are none.
    #[must_use]
    pub fn new(first: Port, last: Port) -> Option<Self> {
        (first <= last).then_some(Self { first, last })
    }

    /// The lowest port.
    #[must_use]
    pub const fn first(self) -> Port {
        self.first
    }

    /// The highest port.
    #[must_use]
    pub const fn last(self) -> Port {
        self.last
    }

    /// How many ports there are; never none.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a range is never empty")]
    pub const fn len(self) -> usize {
        self.last.get() as usize - self.first.get() as usize + 1
    }

    /// How many ports at the low end are for people to pick.
    #[must_use]
    pub const fn static_band_len(self) -> usize {
        static_band(self.len() as u64, 32, 128) as usize
    }

    /// The ports for people to pick; `None` when the range is too small to have any.
    #[must_use]
    pub fn static_band(self) -> Option<RangeInclusive<u16>> {
        let end = self.first.get() as usize + self.static_band_len();
        (self.static_band_len() > 0).then(|| self.first.get()..=(end - 1) as u16)
    }

    /// The ports that draws prefer.
    #[must_use]
    pub fn dynamic_band(self) -> RangeInclusive<u16> {
        (self.first.get() as usize + self.static_band_len()) as u16..=self.last.get()
    }

    /// Whether `port` is one of them.
    #[must_use]
    pub fn contains(self, port: Port) -> bool {
        (self.first..=self.last).contains(&port)
    }

    /// The place of `port` in the range.
    pub(super) fn slot(self, port: Port) -> Option<usize> {
        self.contains(port).then(|| usize::from(port.get() - self.first.get()))
    }

    /// The port in a place of the range.
    pub(super) fn port(self, slot: usize) -> Option<Port> {
        let number = usize::from(self.first.get()).checked_add(slot)?;
        Port::new(u16::try_from(number).ok()?).filter(|port| self.contains(*port))
    }
}

impl Default for PortRange {
    fn default() -> Self {
        let port = |number| Port::new(number).unwrap_or_else(|| unreachable!("not zero"));
        Self { first: port(30_000), last: port(32_767) }
    }
}

impl FromStr for PortRange {
    type Err = BadPortRange;

    fn from_str(text: &str) -> Result<Self, BadPortRange> {
        let port = |text: &str| text.trim().parse::<Port>().map_err(|_| BadPortRange);
        if let Some((first, more)) = text.split_once('+') {
            let first = port(first)?;
            let more: u16 = more.trim().parse().map_err(|_| BadPortRange)?;
            let last = first.get().checked_add(more).and_then(Port::new).ok_or(BadPortRange)?;
            return Ok(Self { first, last });
        }
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        Self::new(port(first)?, port(last)?).ok_or(BadPortRange)
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}
