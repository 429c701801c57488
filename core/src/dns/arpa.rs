//! Names of addresses: `7.0.244.10.in-addr.arpa`, and nibbles below `ip6.arpa`.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use ipnet::IpNet;
use std_alloc::{format, string::String, vec::Vec};

use super::{Name, name::Folded};

/// The tree of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Root {
    V4,
    V6,
}

/// What a name below one of the trees stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arpa {
    Address(IpAddr),
    /// The start of addresses: as many nibbles of `bits`, from the top, as are known.
    Prefix4 {
        bits: u32,
        nibbles: u32,
    },
    Prefix6 {
        bits: u128,
        nibbles: u32,
    },
    /// No address at all.
    Other,
}

impl Root {
    /// The tree this zone is part of.
    pub(super) fn of(zone: &Name) -> Option<Self> {
        let within = |tree: &[&str]| {
            Name::from_labels(tree.iter().map(|label| label.as_bytes()))
                .is_ok_and(|tree| zone.is_within(&tree))
        };
        if within(&["in-addr", "arpa"]) {
            return Some(Self::V4);
        }
        within(&["ip6", "arpa"]).then_some(Self::V6)
    }

    /// What `name`, which is below this tree, stands for.
    pub(super) fn read(self, name: &Folded) -> Arpa {
        let left = name.count().saturating_sub(2);
        match self {
            Self::V4 => read4(name, left),
            Self::V6 => read6(name, left),
        }
    }
}

fn read4(name: &Folded, left: usize) -> Arpa {
    if left > 4 {
        return Arpa::Other;
    }
    let mut bits = 0_u32;
    for index in 0..4 {
        let octet = match left.checked_sub(index + 1) {
            Some(label) => match octet(name.label(label)) {
                Some(octet) => octet,
                None => return Arpa::Other,
            },
            None => 0,
        };
        bits = (bits << 8) | u32::from(octet);
    }
    match left {
        4 => Arpa::Address(Ipv4Addr::from_bits(bits).into()),
        octets => Arpa::Prefix4 { bits, nibbles: 2 * octets as u32 },
    }
}

/// A decimal octet as arpa names have it: no sign, no leading zero.
fn octet(label: &[u8]) -> Option<u8> {
    if label.len() > 1 && label.first() == Some(&b'0') || !label.iter().all(u8::is_ascii_digit) {
        return None;
    }
    core::str::from_utf8(label).ok()?.parse().ok()
}

fn read6(name: &Folded, left: usize) -> Arpa {
    if left > 32 {
        return Arpa::Other;
    }
    let mut bits = 0_u128;
    for index in 0..left {
        let nibble = match name.label(left - 1 - index) {
            [digit] => char::from(*digit).to_digit(16),
            _ => None,
        };
        let Some(nibble) = nibble else { return Arpa::Other };
        bits |= u128::from(nibble) << (124 - 4 * index);
    }
    match left {
        32 => Arpa::Address(Ipv6Addr::from_bits(bits).into()),
        nibbles => Arpa::Prefix6 { bits, nibbles: nibbles as u32 },
    }
}

/// The name of an address.
///
/// ```
/// let name = svckit::dns::pointer_name("10.244.0.7".parse()?);
/// assert_eq!(name.to_string(), "7.0.244.10.in-addr.arpa.");
/// # Ok::<_, core::net::AddrParseError>(())
/// ```
#[must_use]
pub fn pointer_name(address: IpAddr) -> Name {
    match address {
        IpAddr::V4(address) => arpa4(&address.octets()),
        IpAddr::V6(address) => arpa6(address.to_bits(), 32),
    }
}

/// The reverse zones that hold exactly the addresses of `net`: one where its prefix ends at a label, else up to
/// 128 (IPv4) or 8 (IPv6).
///
/// ```
/// let zones = svckit::dns::reverse_zones("10.96.0.0/12".parse()?);
/// assert_eq!(zones.len(), 16);
/// assert_eq!(zones[1].to_string(), "97.10.in-addr.arpa.");
/// # Ok::<_, ipnet::AddrParseError>(())
/// ```
#[must_use]
pub fn reverse_zones(net: IpNet) -> Vec<Name> {
    let length = u32::from(net.prefix_len());
    match net.trunc() {
        IpNet::V4(net) => {
            let octets = length.div_ceil(8);
            let first = net.addr().to_bits();
            (0..1_u32 << (octets * 8 - length))
                .filter_map(|n| {
                    let bits = first | n.checked_shl(32 - octets * 8).unwrap_or(0);
                    bits.to_be_bytes().get(..octets as usize).map(arpa4)
                })
                .collect()
        }
        IpNet::V6(net) => {
            let nibbles = length.div_ceil(4);
            let first = net.addr().to_bits();
            (0..1_u128 << (nibbles * 4 - length))
                .map(|n| arpa6(first | n.checked_shl(128 - nibbles * 4).unwrap_or(0), nibbles))
                .collect()
        }
    }
}

/// The name of these leading octets.
fn arpa4(octets: &[u8]) -> Name {
    let labels: Vec<String> = octets.iter().rev().map(|octet| format!("{octet}")).collect();
    below(&labels, "in-addr")
}

/// The name of these leading nibbles.
fn arpa6(bits: u128, nibbles: u32) -> Name {
    let digit = |n: u32| format!("{:x}", (bits >> (124 - 4 * n)) & 15);
    let labels: Vec<String> = (0..nibbles).rev().map(digit).collect();
    below(&labels, "ip6")
}

fn below(labels: &[String], tree: &str) -> Name {
    let labels = labels.iter().map(String::as_str).chain([tree, "arpa"]);
    // At most 34 labels of at most 7 octets.
    Name::from_labels(labels.map(str::as_bytes)).unwrap_or_else(|_| Name::root())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    fn read(root: Root, text: &str) -> Arpa {
        root.read(&Folded::read(text.parse::<Name>().unwrap().as_wire()).unwrap())
    }

    #[test]
    fn names_of_addresses() {
        for text in ["0.0.0.0", "10.244.0.7", "255.255.255.255", "::", "fd00:77:30::2:9ba6"] {
            let address: IpAddr = text.parse().unwrap();
            let root = if address.is_ipv4() { Root::V4 } else { Root::V6 };
            let name = pointer_name(address);
            assert_eq!(Root::of(&name), Some(root), "{text}");
            assert_eq!(read(root, &name.to_string()), Arpa::Address(address), "{text}");
        }
    }

    #[test]
    fn partial_and_broken_names() {
        let cases = [
            (Root::V4, "in-addr.arpa", Arpa::Prefix4 { bits: 0, nibbles: 0 }),
            (Root::V4, "244.10.in-addr.arpa", Arpa::Prefix4 { bits: 0x0af4_0000, nibbles: 4 }),
            (Root::V4, "07.0.0.10.in-addr.arpa", Arpa::Other),
            (Root::V4, "256.0.0.10.in-addr.arpa", Arpa::Other),
            (Root::V4, "1.7.0.0.10.in-addr.arpa", Arpa::Other),
            (Root::V4, "x.in-addr.arpa", Arpa::Other),
            (Root::V6, "d.f.ip6.arpa", Arpa::Prefix6 { bits: 0xfd << 120, nibbles: 2 }),
            (Root::V6, "10.ip6.arpa", Arpa::Other),
            (Root::V6, "g.ip6.arpa", Arpa::Other),
        ];
        for (root, text, want) in cases {
            assert_eq!(read(root, text), want, "{text}");
        }
    }

    #[test]
    fn zones_of_networks() {
        for (net, count, first) in [
            ("10.0.0.0/8", 1, "10.in-addr.arpa."),
            ("10.96.0.0/12", 16, "96.10.in-addr.arpa."),
            ("10.1.2.3/32", 1, "3.2.1.10.in-addr.arpa."),
            ("0.0.0.0/0", 1, "in-addr.arpa."),
            ("fd00::/7", 2, "c.f.ip6.arpa."),
            (
                "fd00:10:96::/112",
                1,
                "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.1.0.0.0.0.d.f.ip6.arpa.",
            ),
        ] {
            let zones = reverse_zones(net.parse().unwrap());
            assert_eq!((zones.len(), zones[0].to_string().as_str()), (count, first), "{net}");
        }
    }
}
