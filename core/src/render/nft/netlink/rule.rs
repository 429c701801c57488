//! Rules as the kernel's expressions: small programs over registers of four bytes each.

use std_alloc::{string::ToString, vec::Vec};

use super::buffer::{bytes, nest, number, text};
use crate::{
    model::Family,
    render::nft::rule::{Clause, MARK, OWNER_MASK, Part, SEED, Target},
};

/// The first register; keys, and what is found by them, begin here.
const FIRST: u32 = 8;
/// A register that no key reaches.
const SCRATCH: u32 = FIRST + 12;
/// Where verdicts go.
const VERDICT: u32 = 0;

/// Comparisons.
const EQUAL: u32 = 0;
const NOT_EQUAL: u32 = 1;

/// Fields of a packet's metadata.
mod meta {
    pub(super) const PRIORITY: u32 = 2;
    pub(super) const MARK: u32 = 3;
    pub(super) const INPUT_NAME: u32 = 6;
    pub(super) const PROTOCOL: u32 = 16;
}

/// Codes of verdicts.
pub(super) mod verdict {
    pub(in super::super) const DROP: i32 = 0;
    pub(in super::super) const JUMP: i32 = -3;
    pub(in super::super) const GOTO: i32 = -4;
    pub(in super::super) const RETURN: i32 = -5;
}

/// Bits of a connection's state and status.
const NEW: u32 = 8;
const ESTABLISHED: u32 = 2;
const DNATED: u32 = 1 << 5;

/// Writes the expressions of a rule.
pub(super) fn expressions(out: &mut Vec<u8>, family: Family, rule: &[Clause]) {
    let mut program = Program { out, family };
    rule.iter().for_each(|clause| program.clause(clause));
}

/// Writes a verdict.
pub(super) fn verdict(out: &mut Vec<u8>, code: i32, chain: Option<&str>) {
    nest(out, 2, |out| {
        bytes(out, 1, &code.to_be_bytes());
        if let Some(chain) = chain {
            text(out, 2, chain);
        }
    });
}

struct Program<'a> {
    out: &'a mut Vec<u8>,
    family: Family,
}

impl Program<'_> {
    fn expression(&mut self, name: &str, body: impl FnOnce(&mut Vec<u8>)) {
        nest(self.out, 1, |out| {
            text(out, 1, name);
            nest(out, 2, body);
        });
    }

    /// An expression of numbers only.
    fn numbers(&mut self, name: &str, attributes: &[(u16, u32)]) {
        self.expression(name, |out| {
            attributes.iter().for_each(|(kind, value)| number(out, *kind, *value));
        });
    }

    fn clause(&mut self, clause: &Clause) {
        match clause {
            Clause::In { key, set, not } => {
                self.key(key);
                self.lookup(set, None, *not);
            }
            Clause::Vmap { key, map } => {
                self.key(key);
                self.lookup(map, Some(VERDICT), false);
            }
            Clause::SetPriority { key, map } => {
                self.key(key);
                self.lookup(map, Some(FIRST), false);
                self.set_meta(meta::PRIORITY);
            }
            Clause::ClearPriority => {
                self.immediate(&[0; 4]);
                self.set_meta(meta::PRIORITY);
            }
            Clause::Dnat { key, map } => {
                self.key(key);
                self.lookup(map, Some(FIRST), false);
                let port = FIRST + self.address() / 4;
                let family = u32::from(number_of(self.family));
                self.numbers("nat", &[(1, 1), (2, family), (3, FIRST), (5, port)]);
            }
            Clause::Remember { update, key, map, seconds } => {
                let timeout = Some(u64::from(*seconds) * 1_000);
                self.dynamic(u32::from(*update), key, map, timeout);
            }
            Clause::Forget { key, map } => self.dynamic(2, key, map, None),
            Clause::Mark => self.change_mark(!MARK, MARK),
            Clause::Unmark => self.change_mark(u32::MAX, MARK),
            Clause::Masquerade => self.numbers("masq", &[(1, 1 << 4)]),
            Clause::Reset | Clause::Reject => self.reject(*clause == Clause::Reset),
            Clause::Drop => self.goes(verdict::DROP, None),
            Clause::Return => self.goes(verdict::RETURN, None),
            Clause::Jump(to) => self.goes(verdict::JUMP, Some(to)),
            Clause::Goto(to) => self.goes(verdict::GOTO, Some(to)),
            _ => self.test(clause),
        }
    }

    /// Clauses that only ask.
    fn test(&mut self, clause: &Clause) {
        match clause {
            Clause::StateNew => self.connection(0, NEW),
            Clause::StatusDnat => self.connection(2, DNATED),
            Clause::NotEstablished => {
                self.numbers("ct", &[(1, FIRST), (2, 0)]);
                self.compare(NOT_EQUAL, &ESTABLISHED.to_ne_bytes());
            }
            Clause::ToLocal => self.is_local(2),
            Clause::FromLocal => self.is_local(1),
            Clause::ToLoopback { not } => self.loopback(if *not { NOT_EQUAL } else { EQUAL }),
            Clause::NotFromLoopback => {
                self.numbers("meta", &[(2, meta::INPUT_NAME), (1, FIRST)]);
                let mut name = [0; 16];
                name.iter_mut().zip(b"lo").for_each(|(to, from)| *to = *from);
                self.compare(NOT_EQUAL, &name);
            }
            Clause::Tcp => {
                self.numbers("meta", &[(2, meta::PROTOCOL), (1, FIRST)]);
                self.compare(EQUAL, &[6]);
            }
            Clause::Marked => {
                self.numbers("meta", &[(2, meta::MARK), (1, FIRST)]);
                self.bits(FIRST, MARK, 0);
                self.compare(NOT_EQUAL, &[0; 4]);
            }
            _ => {}
        }
    }

    /// Loads a key into the registers from the first one on.
    fn key(&mut self, key: &[Part]) -> u32 {
        let mut register = FIRST;
        for part in key {
            self.part(*part, register);
            register += self.width(*part).div_ceil(4);
        }
        register
    }

    fn part(&mut self, part: Part, register: u32) {
        let source = if self.family == Family::V4 { 12 } else { 8 };
        match part {
            Part::Source => self.payload(register, 1, source, self.address()),
            Part::Client if self.family == Family::V4 => self.payload(register, 1, source, 4),
            Part::Client => self.hash(register, u32::MAX, 0),
            Part::Destination => {
                self.payload(register, 1, source + self.address(), self.address());
            }
            Part::Protocol => self.numbers("meta", &[(2, meta::PROTOCOL), (1, register)]),
            Part::Port => self.payload(register, 2, 2, 2),
            Part::Priority => self.numbers("meta", &[(2, meta::PRIORITY), (1, register)]),
            Part::Owner => {
                self.numbers("meta", &[(2, meta::PRIORITY), (1, register)]);
                self.bits(register, OWNER_MASK, 0);
            }
            Part::Random { count, first } => self.slot(register, count, 1, first),
            Part::Turn { count, first } => self.slot(register, count, 0, first),
            Part::Hashed { count, first } => self.hash(register, count, first),
        }
    }

    /// How many bytes a part has.
    const fn width(&self, part: Part) -> u32 {
        match part {
            Part::Source | Part::Destination => self.address(),
            _ => 4,
        }
    }

    /// How many bytes an address has.
    const fn address(&self) -> u32 {
        match self.family {
            Family::V4 => 4,
            Family::V6 => 16,
        }
    }

    fn payload(&mut self, register: u32, base: u32, offset: u32, length: u32) {
        self.numbers("payload", &[(1, register), (2, base), (3, offset), (4, length)]);
    }

    fn slot(&mut self, register: u32, count: u32, random: u32, first: u32) {
        self.numbers("numgen", &[(1, register), (2, count), (3, random), (4, first)]);
    }

    fn hash(&mut self, register: u32, count: u32, first: u32) {
        let source = if self.family == Family::V4 { 12 } else { 8 };
        self.payload(SCRATCH, 1, source, self.address());
        let sized = [(1, SCRATCH), (2, register), (3, self.address()), (4, count)];
        let [a, b, c, d] = sized;
        self.numbers("hash", &[a, b, c, d, (5, SEED), (6, first), (7, 0)]);
    }

    fn lookup(&mut self, set: &str, to: Option<u32>, not: bool) {
        self.expression("lookup", |out| {
            text(out, 1, set);
            number(out, 2, FIRST);
            if let Some(to) = to {
                number(out, 3, to);
            }
            if not {
                number(out, 5, 1);
            }
        });
    }

    fn dynamic(&mut self, operation: u32, key: &[Part], map: &str, timeout: Option<u64>) {
        let data = self.key(key);
        self.part(Part::Priority, data);
        self.expression("dynset", |out| {
            text(out, 1, map);
            number(out, 3, operation);
            number(out, 4, FIRST);
            number(out, 5, data);
            if let Some(timeout) = timeout {
                bytes(out, 6, &timeout.to_be_bytes());
            }
        });
    }

    /// Whether any of these bits of a connection is set.
    fn connection(&mut self, key: u32, mask: u32) {
        self.numbers("ct", &[(1, FIRST), (2, key)]);
        self.bits(FIRST, mask, 0);
        self.compare(NOT_EQUAL, &[0; 4]);
    }

    fn is_local(&mut self, which: u32) {
        self.numbers("fib", &[(1, FIRST), (2, 3), (3, which)]);
        // The kernel's number for local addresses.
        self.compare(EQUAL, &2_u32.to_ne_bytes());
    }

    fn loopback(&mut self, comparison: u32) {
        if self.family == Family::V4 {
            self.payload(FIRST, 1, 16, 1);
            return self.compare(comparison, &[127]);
        }
        self.part(Part::Destination, FIRST);
        self.compare(comparison, &core::net::Ipv6Addr::LOCALHOST.octets());
    }

    fn compare(&mut self, comparison: u32, value: &[u8]) {
        self.expression("cmp", |out| {
            number(out, 1, FIRST);
            number(out, 2, comparison);
            nest(out, 3, |out| bytes(out, 1, value));
        });
    }

    /// Keeps the bits of `mask`, then flips those of `flip`.
    fn bits(&mut self, register: u32, mask: u32, flip: u32) {
        self.expression("bitwise", |out| {
            number(out, 1, register);
            number(out, 2, register);
            number(out, 3, 4);
            nest(out, 4, |out| bytes(out, 1, &mask.to_ne_bytes()));
            nest(out, 5, |out| bytes(out, 1, &flip.to_ne_bytes()));
        });
    }

    fn change_mark(&mut self, mask: u32, flip: u32) {
        self.numbers("meta", &[(2, meta::MARK), (1, FIRST)]);
        self.bits(FIRST, mask, flip);
        self.set_meta(meta::MARK);
    }

    fn set_meta(&mut self, key: u32) {
        self.numbers("meta", &[(2, key), (3, FIRST)]);
    }

    fn immediate(&mut self, value: &[u8]) {
        self.expression("immediate", |out| {
            number(out, 1, FIRST);
            nest(out, 2, |out| bytes(out, 1, value));
        });
    }

    fn goes(&mut self, code: i32, to: Option<&Target>) {
        let name = to.map(ToString::to_string);
        self.expression("immediate", |out| {
            number(out, 1, VERDICT);
            nest(out, 2, |out| verdict(out, code, name.as_deref()));
        });
    }

    fn reject(&mut self, reset: bool) {
        let unreachable = if self.family == Family::V4 { 3 } else { 4 };
        self.expression("reject", |out| {
            number(out, 1, u32::from(reset));
            if !reset {
                bytes(out, 2, &[unreachable]);
            }
        });
    }
}

/// The kernel's number of a family.
pub(super) const fn number_of(family: Family) -> u8 {
    match family {
        Family::V4 => 2,
        Family::V6 => 10,
    }
}
