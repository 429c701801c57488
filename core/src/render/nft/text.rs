//! The ruleset as text, in the words of nft.

use core::fmt::{self, Display, Formatter, Write};
use ipnet::IpNet;

use super::{
    rule::{Clause, MARK, OWNER_MASK, Part, SEED},
    set::{Data, Kind, STICKY_CLIENTS, Set},
    skeleton::Section,
};
use crate::model::Family;

/// Something in the words of one family.
pub(super) struct In<T>(pub(super) Family, pub(super) T);

/// The family's name, also that of its header.
pub(super) const fn ip(family: Family) -> &'static str {
    match family {
        Family::V4 => "ip",
        Family::V6 => "ip6",
    }
}

/// The type of its addresses.
const fn addr(family: Family) -> &'static str {
    match family {
        Family::V4 => "ipv4_addr",
        Family::V6 => "ipv6_addr",
    }
}

impl Display for In<&[Part]> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (n, part) in self.1.iter().enumerate() {
            write!(f, "{}{}", if n == 0 { "" } else { " . " }, In(self.0, *part))?;
        }
        Ok(())
    }
}

impl Display for In<Part> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let ip = ip(self.0);
        let slots = |f: &mut Formatter<'_>, how: &dyn Display, count, first| {
            write!(f, "{how} mod {count}")?;
            if matches!(self.1, Part::Hashed { .. }) {
                write!(f, " seed {SEED:#x}")?;
            }
            if first > 0 { write!(f, " offset {first}") } else { Ok(()) }
        };
        match (self.1, self.0) {
            (Part::Source, _) | (Part::Client, Family::V4) => write!(f, "{ip} saddr"),
            (Part::Client, Family::V6) => {
                write!(f, "jhash {ip} saddr mod {} seed {SEED:#x}", u32::MAX)
            }
            (Part::Destination, _) => write!(f, "{ip} daddr"),
            (Part::Protocol, _) => f.write_str("meta l4proto"),
            (Part::Port, _) => f.write_str("th dport"),
            (Part::Priority, _) => f.write_str("meta priority"),
            (Part::Owner, _) => write!(f, "(meta priority & {OWNER_MASK:#010x})"),
            (Part::Random { count, first }, _) => slots(f, &"numgen random", count, first),
            (Part::Turn { count, first }, _) => slots(f, &"numgen inc", count, first),
            (Part::Hashed { count, first }, _) => {
                slots(f, &format_args!("jhash {ip} saddr"), count, first)
            }
        }
    }
}

impl Display for In<&Clause> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(family, clause) = self;
        let ip = ip(*family);
        let key = |key| In::<&[Part]>(*family, key);
        let not = |not| if not { "!= " } else { "" };
        let loopback = if *family == Family::V4 { "127.0.0.0/8" } else { "::1" };
        match clause {
            Clause::In { key: k, set, not: n } => write!(f, "{} {}@{set}", key(k), not(*n)),
            Clause::Vmap { key: k, map } => write!(f, "{} vmap @{map}", key(k)),
            Clause::SetPriority { key: k, map } => {
                write!(f, "meta priority set {} map @{map}", key(k))
            }
            Clause::ClearPriority => f.write_str("meta priority set none"),
            Clause::Dnat { key: k, map } => write!(f, "dnat {ip} to {} map @{map}", key(k)),
            Clause::Remember { update, key: k, map, seconds } => {
                let verb = if *update { "update" } else { "add" };
                write!(f, "{verb} @{map} {{ {} timeout {seconds}s : meta priority }}", key(k))
            }
            Clause::Forget { key: k, map } => {
                write!(f, "delete @{map} {{ {} : meta priority }}", key(k))
            }
            Clause::StateNew => f.write_str("ct state new"),
            Clause::NotEstablished => f.write_str("ct state != established"),
            Clause::StatusDnat => f.write_str("ct status dnat"),
            Clause::ToLocal => f.write_str("fib daddr type local"),
            Clause::FromLocal => f.write_str("fib saddr type local"),
            Clause::ToLoopback { not: n } => write!(f, "{ip} daddr {}{loopback}", not(*n)),
            Clause::NotFromLoopback => f.write_str("iifname != \"lo\""),
            Clause::Tcp => f.write_str("meta l4proto tcp"),
            Clause::Marked => write!(f, "meta mark & {MARK:#010x} != 0"),
            Clause::Mark => write!(f, "meta mark set meta mark | {MARK:#010x}"),
            Clause::Unmark => write!(f, "meta mark set meta mark ^ {MARK:#010x}"),
            Clause::Masquerade => f.write_str("masquerade fully-random"),
            Clause::Reset => f.write_str("reject with tcp reset"),
            Clause::Reject => f.write_str("reject"),
            Clause::Drop => f.write_str("drop"),
            Clause::Return => f.write_str("return"),
            Clause::Jump(to) => write!(f, "jump {to}"),
            Clause::Goto(to) => write!(f, "goto {to}"),
        }
    }
}

/// Writes what a set or map looks like: `type ipv4_addr; flags interval;`.
fn looks(set: &Set, family: Family, out: &mut impl Write) -> fmt::Result {
    let plain = |part: &Part| match part {
        Part::Source | Part::Destination => Some(addr(family)),
        Part::Protocol => Some("inet_proto"),
        Part::Port => Some("inet_service"),
        Part::Priority => Some("classid"),
        _ => None,
    };
    let typed = matches!(set.data, None | Some(Data::Verdict))
        && set.key.iter().all(|p| plain(p).is_some());
    if typed {
        write!(out, "type ")?;
        for (n, name) in set.key.iter().filter_map(plain).enumerate() {
            write!(out, "{}{name}", if n == 0 { "" } else { " . " })?;
        }
    } else {
        write!(out, "typeof ")?;
        for (n, part) in set.key.iter().enumerate() {
            // nft knows no type of hashes; they are numbers as slots are.
            let hashed = *part == Part::Client && family == Family::V6;
            let part = if hashed { Part::Random { count: 4, first: 0 } } else { *part };
            write!(out, "{}{}", if n == 0 { "" } else { " . " }, In(family, part))?;
        }
    }
    match set.data {
        None => {}
        Some(Data::Verdict) => write!(out, " : verdict")?,
        Some(Data::Endpoint) => write!(out, " : {} daddr . th dport", ip(family))?,
        Some(Data::Number) => write!(out, " : meta priority")?,
    }
    match set.kind {
        Kind::Plain => write!(out, ";"),
        Kind::Ranges => write!(out, "; flags interval;"),
        Kind::Clients => write!(out, "; flags dynamic,timeout; size {STICKY_CLIENTS};"),
    }
}

/// Writes a set or map; `elements` are those that are printed already.
pub(super) fn set(set: &Set, family: Family, elements: &str, out: &mut impl Write) -> fmt::Result {
    let word = if set.data.is_some() { "map" } else { "set" };
    write!(out, "  {word} {} {{\n    ", set.name)?;
    looks(set, family, out)?;
    writeln!(out)?;
    ranges(&set.ranges, out)?;
    if !elements.is_empty() {
        writeln!(out, "    elements = {{\n{elements}\n    }}")?;
    }
    writeln!(out, "  }}")
}

fn ranges(ranges: &[IpNet], out: &mut impl Write) -> fmt::Result {
    for (n, range) in ranges.iter().enumerate() {
        write!(out, "{}{range}", if n == 0 { "    elements = { " } else { ", " })?;
    }
    if ranges.is_empty() { Ok(()) } else { writeln!(out, " }}") }
}

/// Writes a chain with its rules.
pub(super) fn section(section: &Section, family: Family, out: &mut impl Write) -> fmt::Result {
    writeln!(out, "  chain {} {{", section.name)?;
    if let Some(base) = section.base {
        let (kind, hook, priority) = (base.kind, base.hook.as_str(), base.priority);
        writeln!(out, "    type {kind} hook {hook} priority {priority}; policy accept;")?;
    }
    for rule in &section.rules {
        write!(out, "   ")?;
        for clause in rule {
            write!(out, " {}", In(family, clause))?;
        }
        writeln!(out)?;
    }
    writeln!(out, "  }}")
}
