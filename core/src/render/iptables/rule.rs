//! One rule as text, in the words and the order in which `iptables-save` prints it, so that the two can be compared.

use core::{
    fmt::{self, Write},
    net::IpAddr,
};
use ipnet::IpNet;
use std_alloc::string::String;

use super::ChainName;
use crate::model::{Port, Protocol};

/// Characters of a comment that kernels keep.
const LONGEST_COMMENT: usize = 255;

/// What a rule looks at, and where it leads.
#[derive(Clone, Copy, Default)]
pub(super) struct Rule<'a> {
    /// Whom it is about.
    pub(super) from: Option<Range>,
    /// Where packets go.
    pub(super) to: Option<Range>,
    /// The protocol, and, unless any will do, the port.
    pub(super) port: Option<(Protocol, Option<Port>)>,
    /// For people.
    pub(super) comment: Option<Comment<'a>>,
    /// More matches, as they are written.
    pub(super) when: Option<fmt::Arguments<'a>>,
    /// What becomes of the packet.
    pub(super) then: Option<Then<'a>>,
}

/// Addresses, or all others.
#[derive(Clone, Copy)]
pub(super) enum Range {
    In(IpNet),
    NotIn(IpNet),
}

/// What becomes of a packet.
#[derive(Clone, Copy)]
pub(super) enum Then<'a> {
    /// It goes through this chain.
    Jump(ChainName),
    /// A target with its options, as it is written.
    Target(fmt::Arguments<'a>),
}

/// Of what, and what is said about it.
#[derive(Clone, Copy)]
pub(super) struct Comment<'a>(pub(super) &'a dyn fmt::Display, pub(super) &'static str);

impl Range {
    /// One address.
    pub(super) fn only(addr: IpAddr) -> Self {
        Self::In(addr.into())
    }

    fn write(self, option: &str, out: &mut impl Write) -> fmt::Result {
        match self {
            Self::In(range) => write!(out, " {option} {range}"),
            Self::NotIn(range) => write!(out, " ! {option} {range}"),
        }
    }
}

impl Rule<'_> {
    /// Writes it as a line.
    pub(super) fn write(&self, chain: ChainName, out: &mut impl Write) -> fmt::Result {
        write!(out, "-A {chain}")?;
        if let Some(from) = self.from {
            from.write("-s", out)?;
        }
        if let Some(to) = self.to {
            to.write("-d", out)?;
        }
        if let Some((protocol, _)) = self.port {
            write!(out, " -p {}", protocol.as_lower())?;
        }
        if let Some(comment) = self.comment {
            write!(out, " -m comment --comment {comment}")?;
        }
        if let Some(when) = self.when {
            write!(out, " {when}")?;
        }
        if let Some((protocol, Some(port))) = self.port {
            write!(out, " -m {} --dport {port}", protocol.as_lower())?;
        }
        match self.then {
            Some(Then::Jump(to)) => write!(out, " -j {to}")?,
            Some(Then::Target(target)) => write!(out, " -j {target}")?,
            None => {}
        }
        out.write_char('\n')
    }
}

/// In quotes. Names come from outside: what could end the quotes, or the line, is left out.
impl fmt::Display for Comment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        write!(text, "{}", self.0)?;
        if !self.1.is_empty() {
            write!(text, " {}", self.1)?;
        }
        let plain = |letter: &char| letter.is_ascii_alphanumeric() || " ./:-_;,".contains(*letter);
        f.write_char('"')?;
        text.chars()
            .filter(plain)
            .take(LONGEST_COMMENT)
            .try_for_each(|letter| f.write_char(letter))?;
        f.write_char('"')
    }
}
