//! Addresses and ranges as text.
//!
//! Kubernetes reads them at three levels (KEP-4858). The older fields once took whatever Go's parser took, and
//! objects written then are still stored:
//!
//! ```text
//!                    canonical   strict   lenient
//! 10.9.8.7               x          x         x
//! 2001:DB8::1                       x         x      not as it prints
//! 010.009.8.7                                 x      leading zeros, read as decimal
//! ::ffff:10.9.8.7                             x      an IPv4 address in disguise
//! 10.9.8.7/24                                 x      host bits in a range
//! ```
//!
//! Zones, brackets and ports are none of the three.

use core::{fmt, net::IpAddr};
use ipnet::IpNet;

use super::Problem;

/// How much of what Kubernetes once took is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The text must be what the value prints as: newer fields.
    Canonical,
    /// Odd IPv6 spellings pass: older fields with `StrictIPCIDRValidation`.
    Strict,
    /// Leading zeros, IPv4-mapped addresses and host bits pass: older fields without it.
    Lenient,
}

const BAD_IP: Problem = Problem::Shape("must be an IP address, such as 10.9.8.7 or 2001:db8::ffff");
const BAD_CIDR: Problem =
    Problem::Shape("must be an address range in CIDR form, such as 10.9.8.0/24 or 2001:db8::/64");
const ZEROS: Problem = Problem::Shape("must not have leading zeros");
const MAPPED: Problem = Problem::Shape("must not be an IPv4 address written as an IPv6 one");
const HOST_BITS: Problem = Problem::Shape("must not have bits set beyond the prefix length");
const CANONICAL: Problem = Problem::Shape("must be in canonical form: lower case, shortest");

/// Reads an address. IPv4-mapped IPv6 addresses become the IPv4 addresses they are.
///
/// # Errors
///
/// The one problem the text has at this level.
///
/// ```
/// use svckit::admit::syntax::{Level, ip};
///
/// assert!(ip("010.0.0.1", Level::Strict).is_err());
/// assert_eq!(ip("010.0.0.1", Level::Lenient).unwrap().to_string(), "10.0.0.1");
/// ```
pub fn ip(text: &str, level: Level) -> Result<IpAddr, Problem> {
    let (addr, zeros) = lenient_ip(text).ok_or(BAD_IP)?;
    if level == Level::Lenient {
        return Ok(addr.to_canonical());
    }
    if zeros {
        return Err(ZEROS);
    }
    if addr != addr.to_canonical() {
        return Err(MAPPED);
    }
    if level == Level::Canonical && !prints_as(&addr, text) {
        return Err(CANONICAL);
    }
    Ok(addr)
}

/// Reads a range; bits beyond the prefix are cut.
///
/// # Errors
///
/// The one problem the text has at this level.
pub fn cidr(text: &str, level: Level) -> Result<IpNet, Problem> {
    let (net, zeros) = lenient_cidr(text).ok_or(BAD_CIDR)?;
    if level == Level::Lenient {
        return Ok(unmapped(net.trunc()));
    }
    if zeros {
        return Err(ZEROS);
    }
    if net.addr() != net.addr().to_canonical() {
        return Err(MAPPED);
    }
    if net != net.trunc() {
        return Err(HOST_BITS);
    }
    if level == Level::Canonical && !prints_as(&net, text) {
        return Err(CANONICAL);
    }
    Ok(net)
}

/// An address with the length of its network: `10.9.8.7/24`. Prints in canonical form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InterfaceAddress {
    /// The address; bits beyond the prefix stay.
    pub addr: IpAddr,
    /// How many of its bits name the network.
    pub prefix: u8,
}

/// Reads an address with the length of its network, at the lenient level. It is right where newer fields want one
/// if it prints as it was written.
///
/// ```
/// use svckit::admit::syntax::interface_address;
///
/// assert_eq!(interface_address("::ffff:1.1.1.1/120").unwrap().to_string(), "1.1.1.1/24");
/// ```
#[must_use]
pub fn interface_address(text: &str) -> Option<InterfaceAddress> {
    let (net, _) = lenient_cidr(text)?;
    let addr = net.addr().to_canonical();
    let prefix = net.prefix_len();
    // ::ffff:1.1.1.1/120 counts the 96 bits of the disguise; prefixes up to /32 are taken for IPv4 ones.
    let disguised = addr.is_ipv4() && prefix > 32;
    Some(InterfaceAddress {
        addr,
        prefix: if disguised { prefix.saturating_sub(96) } else { prefix },
    })
}

impl fmt::Display for InterfaceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.addr, self.prefix)
    }
}

/// Why a well-formed address can't be an endpoint or external IP: it is unspecified, loopback or link-local.
#[must_use]
pub fn endpoint_address(addr: IpAddr) -> Option<Problem> {
    let (link_local, link_local_multicast) = match addr {
        IpAddr::V4(addr) => (addr.is_link_local(), matches!(addr.octets(), [224, 0, 0, _])),
        IpAddr::V6(addr) => (
            addr.is_unicast_link_local(),
            matches!(addr.octets(), [0xff, scope, ..] if scope & 15 == 2),
        ),
    };
    Some(Problem::Shape(match addr {
        _ if addr.is_unspecified() => "must not be unspecified (0.0.0.0 or ::)",
        _ if addr.is_loopback() => "must not be a loopback address (127.0.0.0/8 or ::1)",
        _ if link_local => "must not be a link-local address (169.254.0.0/16 or fe80::/10)",
        _ if link_local_multicast => {
            "must not be a link-local multicast address (224.0.0.0/24 or ff02::/16)"
        }
        _ => return None,
    }))
}

/// What is odd about an address that an older field takes all the same.
#[must_use]
pub fn ip_warning(text: &str) -> Option<&'static str> {
    ip(text, Level::Lenient).ok()?;
    match (ip(text, Level::Strict), ip(text, Level::Canonical)) {
        (Err(_), _) => Some(
            "leading zeros and IPv4-mapped addresses will be refused in future; write it without",
        ),
        (_, Err(_)) => Some("IPv6 addresses should be written in the form of RFC 5952"),
        _ => None,
    }
}

/// What is odd about a range that an older field takes all the same.
#[must_use]
pub fn cidr_warning(text: &str) -> Option<&'static str> {
    cidr(text, Level::Lenient).ok()?;
    match (cidr(text, Level::Strict), cidr(text, Level::Canonical)) {
        (Err(HOST_BITS), _) => Some("ambiguous: a network or a single address?"),
        (Err(_), _) => Some(
            "leading zeros and IPv4-mapped addresses will be refused in future; write it without",
        ),
        (_, Err(_)) => Some("IPv6 ranges should be written in the form of RFC 5952"),
        _ => None,
    }
}

/// What Go's older parser makes of a text, and whether it has leading zeros.
fn lenient_ip(text: &str) -> Option<(IpAddr, bool)> {
    if let Ok(addr) = text.parse() {
        return Some((addr, false));
    }
    // The same text without them, which is at most as long as an address can be.
    let mut room = [0; LONGEST];
    let short = without_zeros(text, &mut room)?;
    Some((short.parse().ok()?, true))
}

/// `ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255`.
const LONGEST: usize = 45;

/// Cuts the leading zeros of each number; `None` when the rest is longer than any address.
fn without_zeros<'a>(text: &str, room: &'a mut [u8; LONGEST]) -> Option<&'a str> {
    let mut length = 0;
    let mut in_number = false;
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next() {
        let more = bytes.peek().is_some_and(u8::is_ascii_hexdigit);
        if byte == b'0' && !in_number && more {
            continue;
        }
        in_number = byte.is_ascii_hexdigit();
        *room.get_mut(length)? = byte;
        length += 1;
    }
    core::str::from_utf8(room.get(..length)?).ok()
}

/// What Go's older parser makes of a range, host bits and all, and whether it has leading zeros.
fn lenient_cidr(text: &str) -> Option<(IpNet, bool)> {
    let (addr, length) = text.split_once('/')?;
    let (addr, zeros) = lenient_ip(addr)?;
    if length.is_empty() || !length.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let digits = length.trim_start_matches('0');
    let prefix = if digits.is_empty() { 0 } else { digits.parse().ok()? };
    let padded = length.len() > 1 && length.starts_with('0');
    Some((IpNet::new(addr, prefix).ok()?, zeros || padded))
}

/// `::ffff:1.1.1.0/120` as the IPv4 range it is.
fn unmapped(net: IpNet) -> IpNet {
    match (net.addr().to_canonical(), net.prefix_len().checked_sub(96)) {
        (addr @ IpAddr::V4(_), Some(prefix)) => IpNet::new(addr, prefix).unwrap_or(net),
        _ => net,
    }
}

/// Whether a value prints as `text`; compares while printing.
fn prints_as(value: &impl fmt::Display, text: &str) -> bool {
    struct Rest<'a>(&'a str);
    impl fmt::Write for Rest<'_> {
        fn write_str(&mut self, part: &str) -> fmt::Result {
            self.0 = self.0.strip_prefix(part).ok_or(fmt::Error)?;
            Ok(())
        }
    }
    let mut rest = Rest(text);
    fmt::write(&mut rest, format_args!("{value}")).is_ok() && rest.0.is_empty()
}
