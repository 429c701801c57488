//! Domain names in wire form.
//!
//! ```text
//! cart.shop.svc   4 c a r t 4 s h o p 3 s v c 0
//! ```
//!
//! A [`Name`] owns its octets and keeps their letter case; comparing ignores it (RFC 4343). [`Folded`] is a name
//! taken apart for looking up: lower-cased, with the place of each label.

use core::{fmt, hash, str::FromStr};
use std_alloc::{boxed::Box, vec::Vec};

/// Octets in the longest name, root included (RFC 1035, 2.3.4).
pub(super) const LONGEST: usize = 255;
/// Octets in the longest label.
pub(super) const LONGEST_LABEL: usize = 63;

/// A domain name: complete, at most 255 octets, its labels at most 63.
///
/// ```
/// use svckit::dns::Name;
///
/// let name: Name = "Cart.shop.svc.cluster.local".parse()?;
/// assert_eq!(name.to_string(), "Cart.shop.svc.cluster.local.");
/// assert_eq!(name, "cart.SHOP.svc.cluster.local.".parse()?);
/// assert!(name.is_within(&"cluster.local".parse()?));
/// # Ok::<_, svckit::dns::BadName>(())
/// ```
#[derive(Clone)]
pub struct Name(Box<[u8]>);

/// The text is not a domain name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a domain name has labels of 1 to 63 octets and at most 255 octets in all")]
pub struct BadName;

impl Name {
    /// The root of all names: `.`.
    #[must_use]
    pub fn root() -> Self {
        Self(Box::new([0]))
    }

    /// The domain of a cluster whose administrator chose none: `cluster.local`.
    #[must_use]
    pub fn cluster_local() -> Self {
        Self(Box::from(*b"\x07cluster\x05local\0"))
    }

    /// The name of these labels, from left to right.
    ///
    /// # Errors
    ///
    /// A label is empty or longer than 63 octets, or all of them don't fit 255.
    pub fn from_labels<'a>(labels: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, BadName> {
        let mut wire = Vec::with_capacity(40);
        for label in labels {
            if label.is_empty() || label.len() > LONGEST_LABEL {
                return Err(BadName);
            }
            wire.push(label.len() as u8);
            wire.extend_from_slice(label);
        }
        wire.push(0);
        if wire.len() > LONGEST { Err(BadName) } else { Ok(Self(wire.into())) }
    }

    /// The name in wire form, closed by the root label.
    #[must_use]
    pub fn as_wire(&self) -> &[u8] {
        &self.0
    }

    /// Its labels from left to right, without the root.
    pub fn labels(&self) -> impl Iterator<Item = &[u8]> {
        labels(&self.0)
    }

    /// Whether it is `zone` or below it.
    #[must_use]
    pub fn is_within(&self, zone: &Self) -> bool {
        self.below(zone).is_some()
    }

    /// This name followed by `zone`: `cart` and `shop.example.` make `cart.shop.example.`.
    ///
    /// # Errors
    ///
    /// Both together are too long.
    pub fn join(&self, zone: &Self) -> Result<Self, BadName> {
        Self::from_labels(labels(&self.0).chain(labels(&zone.0)))
    }

    /// What stands left of `zone`; `None` when it isn't within.
    #[must_use]
    pub fn below(&self, zone: &Self) -> Option<Self> {
        let cut = self.0.len().checked_sub(zone.0.len())?;
        let (left, right) = self.0.split_at_checked(cut)?;
        if !right.eq_ignore_ascii_case(&zone.0) || !starts_label(&self.0, cut) {
            return None;
        }
        Some(Self(left.iter().copied().chain([0]).collect()))
    }
}

/// The labels of a checked wire form.
pub(super) fn labels(wire: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = wire;
    core::iter::from_fn(move || {
        let (length, after) = rest.split_first()?;
        let (label, after) = after.split_at_checked(usize::from(*length))?;
        rest = after;
        (!label.is_empty()).then_some(label)
    })
}

/// Whether a label of this wire form starts at `offset`.
fn starts_label(wire: &[u8], offset: usize) -> bool {
    let mut at = 0;
    while at < offset {
        at += 1 + wire.get(at).map_or(LONGEST, |length| usize::from(*length));
    }
    at == offset
}

/// Presentation form; `\.` and `\065` stand for octets that mean something else there. The last dot may be missing.
impl FromStr for Name {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        if text == "." {
            return Ok(Self::root());
        }
        let mut done: Vec<Vec<u8>> = Vec::new();
        let mut label = Vec::new();
        let mut rest =
            text.strip_suffix('.').filter(|cut| !cut.ends_with('\\')).unwrap_or(text).bytes();
        while let Some(byte) = rest.next() {
            match byte {
                b'.' => done.push(core::mem::take(&mut label)),
                b'\\' => label.push(escaped(&mut rest)?),
                byte => label.push(byte),
            }
        }
        done.push(label);
        Self::from_labels(done.iter().map(Vec::as_slice))
    }
}

/// What follows a backslash: three digits, or the octet itself.
fn escaped(rest: &mut impl Iterator<Item = u8>) -> Result<u8, BadName> {
    let first = rest.next().ok_or(BadName)?;
    if !first.is_ascii_digit() {
        return Ok(first);
    }
    let mut number = u16::from(first - b'0');
    for _ in 0..2 {
        let digit = rest.next().filter(u8::is_ascii_digit).ok_or(BadName)?;
        number = number * 10 + u16::from(digit - b'0');
    }
    u8::try_from(number).map_err(|_| BadName)
}

/// Presentation form, with the last dot; the alternate form `{:#}` leaves that dot out.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self.0 == [0] {
            return f.write_str(".");
        }
        for (n, label) in labels(&self.0).enumerate() {
            if n > 0 {
                f.write_str(".")?;
            }
            for byte in label {
                match byte {
                    b'.' | b'\\' | b'"' | b'(' | b')' | b';' | b'@' | b'$' => {
                        write!(f, "\\{}", char::from(*byte))?;
                    }
                    b'!'..=b'~' => write!(f, "{}", char::from(*byte))?,
                    byte => write!(f, "\\{byte:03}")?,
                }
            }
        }
        if f.alternate() { Ok(()) } else { f.write_str(".") }
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Name {}

impl hash::Hash for Name {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.0.iter().for_each(|byte| state.write_u8(byte.to_ascii_lowercase()));
    }
}

/// A name for looking up: lower-cased, and taken apart.
pub(super) struct Folded {
    bytes: [u8; LONGEST + 1],
    len: u8,
    /// Where each label starts; the root label too.
    starts: [u8; 128],
    count: u8,
}

impl Folded {
    /// Takes apart the name at the start of `wire`. `None` when it doesn't end there, is too long, or has a
    /// pointer or another unknown label form.
    pub(super) fn read(wire: &[u8]) -> Option<Self> {
        let mut name = Self::new();
        name.set(wire)?;
        Some(name)
    }

    /// Room for a name: it is too large to be handed around.
    pub(super) const fn new() -> Self {
        Self { bytes: [0; LONGEST + 1], len: 0, starts: [0; 128], count: 0 }
    }

    /// The same as [`read`](Self::read), into this room.
    #[inline]
    pub(super) fn set(&mut self, wire: &[u8]) -> Option<()> {
        // No name goes further, so each place in it fits an octet, and there are less than 128 labels.
        let wire = wire.get(..LONGEST).unwrap_or(wire);
        let (mut at, mut count) = (0_usize, 0_usize);
        let last = loop {
            let length = usize::from(*wire.get(at)?);
            *self.starts.get_mut(count & 127)? = at as u8;
            at += 1 + length;
            if !(1..=LONGEST_LABEL).contains(&length) {
                break length;
            }
            count += 1;
        };
        // Else it's a pointer, or another form that was once thought of.
        if last != 0 {
            return None;
        }
        (self.len, self.count) = (at as u8, count as u8);
        self.fold(wire, at)
    }

    /// Takes over the first `len` octets of `wire`. Lengths are below 64, so folding the letters leaves them alone.
    #[inline]
    fn fold(&mut self, wire: &[u8], len: usize) -> Option<()> {
        // Blocks are folded at once, the last one with what follows the name: nobody looks beyond its end.
        let (rooms, _) = self.bytes.as_chunks_mut::<16>();
        let (blocks, rest) = wire.as_chunks::<16>();
        for (room, block) in rooms.iter_mut().zip(blocks).take(len.div_ceil(16)) {
            let mut folded = *block;
            folded.make_ascii_lowercase();
            *room = folded;
        }
        let whole = wire.len() - rest.len();
        if len > whole {
            let room = self.bytes.get_mut(whole..len)?;
            room.copy_from_slice(rest.get(..len - whole)?);
            room.make_ascii_lowercase();
        }
        Some(())
    }

    /// Octets in wire form.
    pub(super) fn len(&self) -> usize {
        usize::from(self.len)
    }

    /// How many labels there are, without the root.
    pub(super) fn count(&self) -> usize {
        usize::from(self.count)
    }

    /// Where label `index` starts.
    pub(super) fn start(&self, index: usize) -> usize {
        self.starts.get(index).map_or(0, |start| usize::from(*start))
    }

    /// Where the last `labels` labels start; all of them, if there aren't as many.
    pub(super) fn cut(&self, labels: usize) -> u8 {
        let index = self.count().saturating_sub(labels);
        self.starts.get(index).copied().unwrap_or_default()
    }

    /// Label `index` without its length.
    pub(super) fn label(&self, index: usize) -> &[u8] {
        let start = self.start(index);
        let length = self.bytes.get(start).map_or(0, |length| usize::from(*length));
        self.bytes.get(start + 1..start + 1 + length).unwrap_or_default()
    }

    /// Whether `wire`, a label with its length, is label `index`.
    #[inline]
    pub(super) fn is_at<const N: usize>(&self, index: usize, wire: &[u8; N]) -> bool {
        self.bytes.get(self.start(index)..).and_then(<[u8]>::first_chunk) == Some(wire)
    }

    /// Labels `from` up to `to` in wire form, without a root label.
    pub(super) fn span(&self, from: usize, to: usize) -> &[u8] {
        self.bytes.get(self.start(from)..self.start(to)).unwrap_or_default()
    }

    /// Labels from `index` to the root.
    pub(super) fn suffix(&self, index: usize) -> &[u8] {
        self.bytes.get(self.start(index)..self.len()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn text_and_back() {
        for (text, want) in [
            (".", Ok(".")),
            ("cart", Ok("cart.")),
            ("cart.shop.", Ok("cart.shop.")),
            ("a\\.b.c", Ok("a\\.b.c.")),
            ("a\\046b", Ok("a\\.b.")),
            ("a\\000.", Ok("a\\000.")),
            ("a\\.", Ok("a\\..")),
            ("", Err(BadName)),
            ("a..b", Err(BadName)),
            ("a\\25", Err(BadName)),
            ("a\\256", Err(BadName)),
        ] {
            let came = text.parse::<Name>().map(|name| name.to_string());
            assert_eq!(came, want.map(ToString::to_string), "{text:?}");
        }
        assert!("a".repeat(63).parse::<Name>().is_ok());
        assert!("a".repeat(64).parse::<Name>().is_err());
        assert!("a.".repeat(127).parse::<Name>().is_ok());
        assert!("a.".repeat(128).parse::<Name>().is_err());
    }

    #[test]
    fn below_a_zone() {
        let name = |text: &str| text.parse::<Name>().unwrap();
        for (text, zone, want) in [
            ("a.b.c", "B.c", Some("a.")),
            ("b.c", "b.c", Some(".")),
            ("ab.c", "b.c", None),
            ("c", "b.c", None),
            ("a.b", ".", Some("a.b.")),
        ] {
            assert_eq!(name(text).below(&name(zone)), want.map(name), "{text} below {zone}");
        }
        // The octets of the zone, though not at the start of a label.
        let tricky = Name::from_labels([b"x\x01b\x01c".as_slice()]).unwrap();
        assert!(!tricky.is_within(&name("b.c")));
    }

    #[test]
    fn folding_finds_labels() {
        let folded = Folded::read(b"\x04CarT\x04shop\x00rest").unwrap();
        assert_eq!((folded.len(), folded.count()), (11, 2));
        assert_eq!((folded.label(0), folded.label(1)), (&b"cart"[..], &b"shop"[..]));
        assert_eq!(folded.span(0, 1), b"\x04cart");
        assert_eq!(folded.suffix(1), b"\x04shop\x00");
        for bad in [&b""[..], b"\x04car", b"\xc0\x0c", b"\x41", &[1; 300]] {
            assert!(Folded::read(bad).is_none(), "{bad:?}");
        }
    }
}
