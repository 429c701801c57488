//! Reads whole messages, and writes questions: for those who ask.

use core::net::{Ipv4Addr, Ipv6Addr};
use std_alloc::{boxed::Box, vec::Vec};

use super::{
    Data, Name, Rcode, Record, Soa, Srv, Type, code,
    name::{LONGEST, labels},
    question::{HEADER, header, number},
};

/// A message, taken apart.
///
/// ```
/// use svckit::dns::{Message, Type};
///
/// let wire = Message::question(7, &"cart.shop.svc.cluster.local".parse()?, Type(1));
/// let message = Message::decode(&wire)?;
/// assert_eq!((message.id, message.question.unwrap().1), (7, Type(1)));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// Which question a reply belongs to.
    pub id: u16,
    /// Whether it is a reply.
    pub reply: bool,
    /// Whether the server speaks for the zone.
    pub authoritative: bool,
    /// Whether records were left out.
    pub truncated: bool,
    /// Whether the client wants a resolver's work.
    pub recursion_desired: bool,
    /// Whether the server offers it.
    pub recursion_available: bool,
    /// Whether the client checks signatures itself.
    pub checking_disabled: bool,
    /// How it went, with the upper bits of an OPT record.
    pub rcode: Rcode,
    /// The question, if there is one.
    pub question: Option<(Name, Type)>,
    /// What was asked for.
    pub answer: Vec<Record>,
    /// Whose zone it is.
    pub authority: Vec<Record>,
    /// What goes with it, without the OPT record.
    pub additional: Vec<Record>,
    /// The size an OPT record tells, if there is one.
    pub edns_size: Option<u16>,
}

/// The octets are no whole message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the message ends early, or a name in it is not one")]
pub struct BadMessage;

impl Message {
    /// A recursive question without EDNS.
    #[must_use]
    pub fn question(id: u16, name: &Name, qtype: Type) -> Vec<u8> {
        let mut wire = Vec::with_capacity(HEADER + name.as_wire().len() + 4);
        for number in [id, 0x0100, 1, 0, 0, 0] {
            wire.extend(number.to_be_bytes());
        }
        wire.extend_from_slice(name.as_wire());
        wire.extend(qtype.0.to_be_bytes());
        wire.extend(code::IN.to_be_bytes());
        wire
    }

    /// A reply that says nothing.
    pub(super) const fn empty() -> Self {
        Self {
            id: 0,
            reply: true,
            authoritative: false,
            truncated: false,
            recursion_desired: false,
            recursion_available: false,
            checking_disabled: false,
            rcode: Rcode::NOERROR,
            question: None,
            answer: Vec::new(),
            authority: Vec::new(),
            additional: Vec::new(),
            edns_size: None,
        }
    }

    /// Takes a message apart; at most one question.
    ///
    /// # Errors
    ///
    /// The message ends before what its counts promise, a name is broken, or a pointer doesn't point back.
    pub fn decode(message: &[u8]) -> Result<Self, BadMessage> {
        read(message).ok_or(BadMessage)
    }
}

fn read(message: &[u8]) -> Option<Message> {
    let [id, flags, questions, answers, authorities, additionals] = header(message)?;
    let mut at = HEADER;
    let mut question = None;
    for _ in 0..questions {
        let (name, after) = name(message, at)?;
        question = Some((name, Type(number(message, after)?)));
        at = after + 4;
        if at > message.len() {
            return None;
        }
    }
    let mut decoded = Message {
        id,
        reply: flags & 0x8000 != 0,
        authoritative: flags & 0x0400 != 0,
        truncated: flags & 0x0200 != 0,
        recursion_desired: flags & 0x0100 != 0,
        recursion_available: flags & 0x0080 != 0,
        checking_disabled: flags & 0x0010 != 0,
        rcode: Rcode(flags & 15),
        question,
        ..Message::empty()
    };
    for (section, count) in [answers, authorities, additionals].into_iter().enumerate() {
        for _ in 0..count {
            let record = Raw::read(message, at)?;
            at = record.end;
            if record.rtype == code::OPT {
                decoded.edns_size = Some(record.class);
                decoded.rcode.0 |= ((record.ttl >> 24) as u16) << 4;
                continue;
            }
            let list = match section {
                0 => &mut decoded.answer,
                1 => &mut decoded.authority,
                _ => &mut decoded.additional,
            };
            list.push(record.decode(message)?);
        }
    }
    Some(decoded)
}

/// A record before its data is looked at.
struct Raw {
    owner: Name,
    rtype: u16,
    class: u16,
    ttl: u32,
    start: usize,
    end: usize,
}

impl Raw {
    fn read(message: &[u8], at: usize) -> Option<Self> {
        let (owner, fixed) = name(message, at)?;
        let start = fixed + 10;
        let end = start + usize::from(number(message, fixed + 8)?);
        message.get(start..end)?;
        Some(Self {
            owner,
            rtype: number(message, fixed)?,
            class: number(message, fixed + 2)?,
            ttl: long(message, fixed + 4)?,
            start,
            end,
        })
    }

    fn decode(self, message: &[u8]) -> Option<Record> {
        let octets = message.get(self.start..self.end)?;
        let target = |at: usize| {
            let (name, end) = name(message, self.start + at)?;
            (end == self.end).then_some(name)
        };
        let data = match self.rtype {
            code::A => Data::A(Ipv4Addr::from(<[u8; 4]>::try_from(octets).ok()?)),
            code::AAAA => Data::Aaaa(Ipv6Addr::from(<[u8; 16]>::try_from(octets).ok()?)),
            code::CNAME => Data::Cname(target(0)?),
            code::PTR => Data::Ptr(target(0)?),
            code::NS => Data::Ns(target(0)?),
            code::MX => Data::Mx(number(octets, 0)?, target(2)?),
            code::TXT => Data::Txt(texts(octets)?),
            code::SRV => Data::Srv(Srv {
                priority: number(octets, 0)?,
                weight: number(octets, 2)?,
                port: number(octets, 4)?,
                target: target(6)?,
            }),
            code::SOA => Data::Soa(soa(message, self.start, self.end)?),
            other => Data::Other(Type(other), octets.into()),
        };
        Some(Record { owner: self.owner, ttl: self.ttl, data })
    }
}

fn soa(message: &[u8], start: usize, end: usize) -> Option<Soa> {
    let (mname, at) = name(message, start)?;
    let (rname, at) = name(message, at)?;
    let number = |index: usize| long(message, at + 4 * index);
    (at + 20 == end).then_some(())?;
    Some(Soa {
        mname,
        rname,
        serial: number(0)?,
        refresh: number(1)?,
        retry: number(2)?,
        expire: number(3)?,
        minimum: number(4)?,
    })
}

fn texts(mut octets: &[u8]) -> Option<Vec<Box<[u8]>>> {
    let mut texts = Vec::new();
    while let Some((length, rest)) = octets.split_first() {
        let (text, rest) = rest.split_at_checked(usize::from(*length))?;
        texts.push(text.into());
        octets = rest;
    }
    Some(texts)
}

/// The name at `at` and where it ends there. Pointers must point further back each time, so this ends.
fn name(message: &[u8], at: usize) -> Option<(Name, usize)> {
    let mut wire = Vec::with_capacity(40);
    let (mut at, mut end, mut before) = (at, None, at);
    loop {
        let length = *message.get(at)?;
        match length {
            0 => break,
            1..=63 => {
                wire.extend_from_slice(message.get(at..=at + usize::from(length))?);
                at += 1 + usize::from(length);
            }
            0xc0.. => {
                let to = usize::from(number(message, at)? & 0x3fff);
                end = end.or(Some(at + 2));
                if to >= before {
                    return None;
                }
                (at, before) = (to, to);
            }
            _ => return None,
        }
        if wire.len() >= LONGEST {
            return None;
        }
    }
    Name::from_labels(labels(&wire)).ok().map(|name| (name, end.unwrap_or(at + 1)))
}

fn long(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_survive_the_wire() {
        let name = |text: &str| text.parse::<Name>().unwrap();
        let soa = Soa {
            mname: name("ns.dns.z"),
            rname: name("hostmaster.z"),
            serial: 1,
            refresh: 2,
            retry: 3,
            expire: 4,
            minimum: 5,
        };
        let srv = Srv { priority: 1, weight: 2, port: 3, target: name("t.z") };
        let all = [
            Data::A([10, 0, 0, 1].into()),
            Data::Aaaa("fd00::1".parse().unwrap()),
            Data::Cname(name("c.z")),
            Data::Ptr(name("p.z")),
            Data::Ns(name("ns.z")),
            Data::Txt([b"one".as_slice().into(), b"two".as_slice().into()].into()),
            Data::Srv(srv),
            Data::Mx(10, name("mx.z")),
            Data::Soa(soa),
            Data::Other(Type(257), b"\x00\x05issue".as_slice().into()),
        ];
        let mut wire = Message::question(9, &name("q.z"), Type(255));
        wire[7] = all.len() as u8;
        let records: Vec<_> = all.map(|data| Record { owner: name("o.z"), ttl: 30, data }).into();
        records.iter().for_each(|record| record.encode(&mut wire));
        assert_eq!(Message::decode(&wire).unwrap().answer, records);
        for cut in 0..wire.len() {
            assert_eq!(Message::decode(&wire[..cut]), Err(BadMessage), "{cut} octets");
        }
    }

    #[test]
    fn pointers_only_point_back() {
        let mut wire = Message::question(9, &Name::root(), Type(1));
        wire[7] = 1;
        // The owner points to itself.
        wire.extend(b"\xc0\x11\x00\x01\x00\x01\x00\x00\x00\x00\x00\x04\x0a\x00\x00\x01");
        assert_eq!(Message::decode(&wire), Err(BadMessage));
        wire[18] = 12;
        assert!(Message::decode(&wire).is_ok());
    }
}
