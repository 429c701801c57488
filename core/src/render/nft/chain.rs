//! Chains that elements lead to: one per number of endpoints, not per service.

use core::fmt::{self, Write};

use super::text::Words;

/// A chain that ends in one endpoint out of so many.
///
/// Its name says what it does: `n3` picks one of three, `c-n3` and `e-n3` masquerade first (`c`: who isn't a pod, `e`:
/// everybody), `l3` picks from the endpoints of this node, `n3-t60` remembers the client for 60 s, and a leading
/// `node-` looks things up by the node port alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Chain {
    /// Whose source is rewritten.
    pub mark: Mark,
    /// Whether the destination is a node port, at whichever address.
    pub node_port: bool,
    /// Whether to pick from the local set.
    pub local: bool,
    /// How many endpoints there are.
    pub count: u32,
    /// How many seconds a client is remembered; 0: it isn't.
    pub timeout: u32,
}

/// Whose source is rewritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mark {
    /// Nobody's (but hairpins).
    Nobody,
    /// That of everybody who isn't a pod.
    Outsiders,
    /// Everybody's.
    Everybody,
}

/// Slots from here on belong to local sets.
pub(super) const LOCAL_SLOTS: u32 = 1 << 16;

impl Chain {
    /// The same chain without a mark, to which one with a mark goes on.
    pub(super) const fn unmarked(self) -> Self {
        Self { mark: Mark::Nobody, ..self }
    }

    /// Writes its rules, one per line.
    pub(super) fn rules(self, words: Words, out: &mut impl Write) -> fmt::Result {
        match self.mark {
            Mark::Nobody if self.timeout == 0 => self.pick(words, out),
            Mark::Nobody => self.pick_again(words, out),
            Mark::Outsiders => {
                writeln!(out, "    {} saddr != @pod-cidrs {MARK}", words.ip)?;
                writeln!(out, "    goto {}", self.unmarked())
            }
            Mark::Everybody => {
                writeln!(out, "    {MARK}")?;
                writeln!(out, "    goto {}", self.unmarked())
            }
        }
    }

    /// Any one of them.
    fn pick(self, words: Words, out: &mut impl Write) -> fmt::Result {
        let at = words.at(self.node_port);
        let (ip, maps) = (words.ip, words.maps(self.node_port));
        writeln!(out, "    dnat {ip} to {at} . {} map @{maps}eps", self.slot())
    }

    /// The one the client met last, if it is still there; else any one, which is then remembered.
    ///
    /// The packet's priority carries the endpoint's number from rule to rule: a lookup can't feed another one. The
    /// last rule is for a full table.
    fn pick_again(self, words: Words, out: &mut impl Write) -> fmt::Result {
        let at = words.at(self.node_port);
        let (ip, maps) = (words.ip, words.maps(self.node_port));
        let table = if self.local { "local-sticky" } else { "sticky" };
        let client = format_args!("{ip} saddr . {at}");
        let entry = format_args!("{client} timeout {}s : meta priority", self.timeout);
        let endpoint = format_args!("dnat {ip} to {at} . meta priority map @{maps}by-id");
        writeln!(
            out,
            "    meta priority set {client} map @{maps}{table} update @{maps}{table} {{ {entry} }} {endpoint}"
        )?;
        writeln!(out, "    delete @{maps}{table} {{ {client} : meta priority }}")?;
        writeln!(
            out,
            "    meta priority set {at} . {} map @{maps}ids add @{maps}{table} {{ {entry} }} {endpoint}",
            self.slot()
        )?;
        writeln!(out, "    goto {}", Self { timeout: 0, ..self })
    }

    /// The chains that its rules go on to.
    pub(super) fn next(self) -> Option<Self> {
        match self {
            Self { mark: Mark::Nobody, timeout: 0, .. } => None,
            Self { mark: Mark::Nobody, .. } => Some(Self { timeout: 0, ..self }),
            _ => Some(self.unmarked()),
        }
    }

    fn slot(self) -> impl fmt::Display {
        let offset = if self.local { LOCAL_SLOTS } else { 0 };
        Slot { count: self.count, offset }
    }
}

/// What marks a packet for masquerading; kube-proxy's default bit.
pub(super) const MARK: &str = "meta mark set meta mark | 0x00004000";

struct Slot {
    count: u32,
    offset: u32,
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "numgen random mod {}", self.count)?;
        if self.offset > 0 {
            write!(f, " offset {}", self.offset)?;
        }
        Ok(())
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.node_port { "node-" } else { "" })?;
        f.write_str(match self.mark {
            Mark::Nobody => "",
            Mark::Outsiders => "c-",
            Mark::Everybody => "e-",
        })?;
        write!(f, "{}{}", if self.local { 'l' } else { 'n' }, self.count)?;
        if self.timeout > 0 {
            write!(f, "-t{}", self.timeout)?;
        }
        Ok(())
    }
}
