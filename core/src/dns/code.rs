//! Numbers of record types and response codes (IANA, DNS parameters).

use core::{fmt, str::FromStr};

pub(super) const A: u16 = 1;
pub(super) const NS: u16 = 2;
pub(super) const CNAME: u16 = 5;
pub(super) const SOA: u16 = 6;
pub(super) const PTR: u16 = 12;
pub(super) const MX: u16 = 15;
pub(super) const TXT: u16 = 16;
pub(super) const AAAA: u16 = 28;
pub(super) const SRV: u16 = 33;
pub(super) const OPT: u16 = 41;
pub(super) const IXFR: u16 = 251;
pub(super) const AXFR: u16 = 252;
/// The class of everything here: Internet.
pub(super) const IN: u16 = 1;

/// Types that have a name of their own here.
const TYPES: &[(u16, &str)] = &[
    (A, "A"),
    (NS, "NS"),
    (CNAME, "CNAME"),
    (SOA, "SOA"),
    (PTR, "PTR"),
    (13, "HINFO"),
    (MX, "MX"),
    (TXT, "TXT"),
    (AAAA, "AAAA"),
    (SRV, "SRV"),
    (35, "NAPTR"),
    (OPT, "OPT"),
    (43, "DS"),
    (48, "DNSKEY"),
    (64, "SVCB"),
    (65, "HTTPS"),
    (IXFR, "IXFR"),
    (AXFR, "AXFR"),
    (255, "ANY"),
    (257, "CAA"),
];

/// A record type, by number.
///
/// ```
/// use svckit::dns::Type;
///
/// assert_eq!("aaaa".parse(), Ok(Type(28)));
/// assert_eq!(Type(65_280).to_string(), "TYPE65280");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Type(pub u16);

impl Type {
    /// An IPv4 address.
    pub const A: Self = Self(A);
    /// An IPv6 address.
    pub const AAAA: Self = Self(AAAA);
    /// Another name for the same.
    pub const CNAME: Self = Self(CNAME);
    /// The name of an address.
    pub const PTR: Self = Self(PTR);
    /// Ports and the names behind them.
    pub const SRV: Self = Self(SRV);
    /// Free text.
    pub const TXT: Self = Self(TXT);
}

/// The text names no record type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a record type is a known name such as AAAA, or TYPE and a number")]
pub struct BadType;

/// RFC 3597's `TYPE65280` for those without a name.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match TYPES.iter().find(|(number, _)| *number == self.0) {
            Some((_, name)) => f.write_str(name),
            None => write!(f, "TYPE{}", self.0),
        }
    }
}

/// Case doesn't count.
impl FromStr for Type {
    type Err = BadType;

    fn from_str(text: &str) -> Result<Self, BadType> {
        if let Some((number, _)) = TYPES.iter().find(|(_, name)| name.eq_ignore_ascii_case(text)) {
            return Ok(Self(*number));
        }
        let (word, number) = text.split_at_checked(4).ok_or(BadType)?;
        if !word.eq_ignore_ascii_case("TYPE") {
            return Err(BadType);
        }
        number.parse().map(Self).map_err(|_| BadType)
    }
}

/// How a question went, by number.
///
/// ```
/// assert_eq!(svckit::dns::Rcode::NXDOMAIN.to_string(), "NXDOMAIN");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rcode(pub u16);

impl Rcode {
    /// The name exists.
    pub const NOERROR: Self = Self(0);
    /// The message could not be read.
    pub const FORMERR: Self = Self(1);
    /// No answer can be had for now.
    pub const SERVFAIL: Self = Self(2);
    /// The name doesn't exist, whatever the type.
    pub const NXDOMAIN: Self = Self(3);
    /// This kind of message isn't known.
    pub const NOTIMP: Self = Self(4);
    /// Not ours to answer.
    pub const REFUSED: Self = Self(5);
    /// This version of EDNS isn't known.
    pub const BADVERS: Self = Self(16);
}

/// `NXDOMAIN`; `RCODE9` for those without a name here.
impl fmt::Display for Rcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match *self {
            Self::NOERROR => "NOERROR",
            Self::FORMERR => "FORMERR",
            Self::SERVFAIL => "SERVFAIL",
            Self::NXDOMAIN => "NXDOMAIN",
            Self::NOTIMP => "NOTIMP",
            Self::REFUSED => "REFUSED",
            Self::BADVERS => "BADVERS",
            Self(number) => return write!(f, "RCODE{number}"),
        };
        f.write_str(name)
    }
}
