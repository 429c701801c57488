//! Reads whole messages, and writes questions: for those who ask.

use core::net::{Ipv4Addr, Ipv6Addr};
use std_alloc::{boxed::Box, vec::Vec};

use super::{
    Data, Name, Rcode, Record, Soa, Srv, Type, code,
    name::{LONGEST, labels},
    question::{HEADER, Question, header, number, skip_name},
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

    /// A question as it is passed on to another resolver: the name, its type, and whether signatures are wanted. What
    /// is between two neighbours only, such as cookies (RFC 7873), stays behind. `None` if it is none.
    ///
    /// ```
    /// use svckit::dns::{Message, Type};
    ///
    /// let question = Message::question(1, &"example.com".parse()?, Type(1));
    /// assert_eq!(Message::forwarded(&question), Some(question));
    /// # Ok::<_, svckit::dns::BadName>(())
    /// ```
    #[must_use]
    pub fn forwarded(question: &[u8]) -> Option<Vec<u8>> {
        let mut name = super::name::Folded::new();
        let asked = Question::read(question, &mut name).ok()?;
        let mut wire = Vec::with_capacity(HEADER + asked.wire.len() + 11);
        let flags = asked.header.reply_flags() & 0x0110;
        for number in [asked.header.id, flags, 1, 0, 0, asked.edns.is_some().into()] {
            wire.extend(number.to_be_bytes());
        }
        wire.extend_from_slice(asked.wire);
        if let Some(edns) = asked.edns {
            let [high, low] = edns.size.to_be_bytes();
            let dnssec = if edns.dnssec() { 0x80 } else { 0 };
            wire.extend([0, 0, 41, high, low, 0, 0, dnssec, 0, 0, 0]);
        }
        Some(wire)
    }

    /// Makes a reply that was kept for `age` seconds one to another `question` of the same name, type and class: with
    /// its number and spelling, and with TTLs that have gone down. Returns whether that could be done; if not, `reply`
    /// may be anything.
    ///
    /// ```
    /// use svckit::dns::{Message, Type};
    ///
    /// let name = "example.com".parse()?;
    /// let mut reply = Message::question(1, &name, Type(1));
    /// assert!(Message::answer_again(&mut reply, &Message::question(2, &name, Type(1)), 5));
    /// assert_eq!(Message::decode(&reply)?.id, 2);
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn answer_again(reply: &mut [u8], question: &[u8], age: u32) -> bool {
        again(reply, question, age).is_some()
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

fn again(reply: &mut [u8], question: &[u8], age: u32) -> Option<()> {
    let [_, _, questions, answers, authorities, additionals] = header(reply)?;
    let end = skip_name(question, HEADER)? + 4;
    let (kept, asked) = (reply.get_mut(HEADER..end)?, question.get(HEADER..end)?);
    if questions != 1 || !kept.eq_ignore_ascii_case(asked) {
        return None;
    }
    kept.copy_from_slice(asked);
    reply.get_mut(..2)?.copy_from_slice(question.get(..2)?);
    let mut at = end;
    for _ in 0..u32::from(answers) + u32::from(authorities) + u32::from(additionals) {
        at = skip_name(reply, at)?;
        // An OPT record's TTL is none.
        if number(reply, at)? != code::OPT {
            let ttl = long(reply, at + 4)?.saturating_sub(age);
            reply.get_mut(at + 4..at + 8)?.copy_from_slice(&ttl.to_be_bytes());
        }
        at += 10 + usize::from(number(reply, at + 8)?);
    }
    (at <= reply.len()).then_some(())
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
    use std::string::ToString;

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
    fn kept_replies_answer_again() {
        let name = |text: &str| text.parse::<Name>().unwrap();
        let mut kept = Message::question(9, &name("q.z"), Type(1));
        (kept[7], kept[11]) = (1, 1);
        Record::address(name("q.z"), 30, [10, 0, 0, 1].into()).encode(&mut kept);
        kept.extend([0, 0, 41, 4, 208, 0, 0, 0x80, 0, 0, 0]);
        let asked = Message::question(7, &name("Q.z"), Type(1));
        let mut reply = kept.clone();
        assert!(Message::answer_again(&mut reply, &asked, 12));
        let came = Message::decode(&reply).unwrap();
        assert_eq!((came.id, came.answer[0].ttl, came.edns_size), (7, 18, Some(1232)));
        assert_eq!(came.question.unwrap().0.to_string(), "Q.z.");
        for other in [
            Message::question(7, &name("q.y"), Type(1)),
            Message::question(7, &name("q.z"), Type(2)),
        ] {
            assert!(!Message::answer_again(&mut kept.clone(), &other, 0));
        }
        for cut in 0..kept.len() {
            assert!(!Message::answer_again(&mut kept[..cut].to_vec(), &asked, 0), "{cut} octets");
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
