//! Ranges of ports.

use super::bands::static_ports;
use crate::model::Port;
use core::{fmt, ops::RangeInclusive, str::FromStr};

/// Ports from one to another, both included.
///
/// ```
/// use svckit::alloc::PortRange;
///
/// let range: PortRange = "30000-32767".parse()?;
/// assert_eq!(range, "30000+2767".parse()?);
/// assert_eq!(range.size(), 2768);
/// assert_eq!(range.static_band().map(|band| band.end().get()), Some(30085));
/// # Ok::<(), svckit::alloc::BadPortRange>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PortRange {
    first: Port,
    last: Port,
}

/// The text is not `a-b`, `a+n` or `a`, or not from a lower port to a higher one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a port range is a-b, a+n or a, with ports from 1 to 65535 and the lower one first")]
pub struct BadPortRange;

impl PortRange {
    /// What a Kubernetes API server uses unless it is told otherwise: 30000 to 32767.
    pub const DEFAULT: Self = match (Port::new(30_000), Port::new(32_767)) {
        (Some(first), Some(last)) => Self { first, last },
        _ => unreachable!(),
    };

    /// The ports from `first` to `last`, both included.
    ///
    /// # Errors
    ///
    /// When `last` is below `first`.
    pub fn new(first: Port, last: Port) -> Result<Self, BadPortRange> {
        if first <= last { Ok(Self { first, last }) } else { Err(BadPortRange) }
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

    /// How many ports there are.
    #[must_use]
    pub const fn size(self) -> u32 {
        self.last.get() as u32 - self.first.get() as u32 + 1
    }

    /// Whether the port is one of them.
    #[must_use]
    pub fn contains(self, port: Port) -> bool {
        (self.first..=self.last).contains(&port)
    }

    /// The ports that are drawn last, left to people who choose themselves: the lowest 1/32, at least 16 and at most
    /// 128 of them (KEP-3668). `None` for ranges of 16 ports or fewer.
    #[must_use]
    pub fn static_band(self) -> Option<RangeInclusive<Port>> {
        let last = self.static_band_len().checked_sub(1)?;
        Some(self.first..=self.port(last)?)
    }

    /// How many ports the static band has.
    #[must_use]
    pub fn static_band_len(self) -> u64 {
        static_ports(self.size())
    }

    /// The ports that are drawn first.
    #[must_use]
    pub fn dynamic_band(self) -> RangeInclusive<Port> {
        self.port(self.static_band_len()).unwrap_or(self.first)..=self.last
    }

    /// The port `number` after the first.
    pub(super) fn port(self, number: u64) -> Option<Port> {
        let port = u64::from(self.first.get()).checked_add(number)?;
        u16::try_from(port).ok().and_then(Port::new).filter(|port| *port <= self.last)
    }

    /// How many ports are before this one.
    pub(super) fn number(self, port: Port) -> Option<u64> {
        let number = u64::from(port.get()).checked_sub(u64::from(self.first.get()))?;
        (port <= self.last).then_some(number)
    }
}

/// `a-b`; `a+n`, which is `n` ports more than `a`; or `a` alone. Blanks around it are ignored.
impl FromStr for PortRange {
    type Err = BadPortRange;

    fn from_str(text: &str) -> Result<Self, BadPortRange> {
        let text = text.trim();
        if let Some((first, last)) = text.split_once('-') {
            return Self::new(port(number(first)?)?, port(number(last)?)?);
        }
        let (first, more) = text.split_once('+').unwrap_or((text, "0"));
        let (first, more) = (number(first)?, number(more)?);
        Self::new(port(first)?, port(first.checked_add(more).ok_or(BadPortRange)?)?)
    }
}

fn port(number: u16) -> Result<Port, BadPortRange> {
    Port::new(number).ok_or(BadPortRange)
}

/// Digits only: Rust would take a sign as well.
fn number(text: &str) -> Result<u16, BadPortRange> {
    if text.starts_with('+') { Err(BadPortRange) } else { text.parse().map_err(|_| BadPortRange) }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn reads() {
        let cases = [
            ("two ports", "30000-32767", Some("30000-32767")),
            ("and some more", "30000+2767", Some("30000-32767")),
            ("no more", "8081+0", Some("8081-8081")),
            ("one port", " 8081 ", Some("8081-8081")),
            ("everything", "1-65535", Some("1-65535")),
            ("zero", "0-100", None),
            ("backwards", "200-100", None),
            ("too high", "1-65536", None),
            ("more than there are", "65000+536", None),
            ("empty", "", None),
            ("half", "30000-", None),
            ("both", "1-2+3", None),
            ("signs", "+1-+5", None),
            ("plus and sign", "1++5", None),
            ("blanks inside", "1 - 5", None),
        ];
        for (name, text, want) in cases {
            let came = text.parse::<PortRange>().ok().map(|range| range.to_string());
            assert_eq!(came.as_deref(), want, "{name}: {text:?}");
        }
    }
}
