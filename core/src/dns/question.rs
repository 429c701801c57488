//! What a client asks: the header, one question, and EDNS (RFC 1035, RFC 6891).
//!
//! Only what an answer needs is read; everything else is walked over with its bounds checked. What can't be
//! understood is sorted into what gets an error reply and what gets none.

use super::{
    code::{self, Rcode},
    name::Folded,
};

/// Octets of a message header.
pub(super) const HEADER: usize = 12;

/// Why a message is not a question that can be answered.
#[derive(Clone, Copy)]
pub(super) enum Refusal {
    /// No reply may be sent: it is a reply itself, or too short to be anything.
    Drop,
    /// It gets a reply of the header alone.
    Header(Header, Rcode),
}

/// What of a header comes back in the reply.
#[derive(Clone, Copy)]
pub(super) struct Header {
    pub(super) id: u16,
    /// As on the wire.
    flags: u16,
}

/// One question with what surrounds it.
pub(super) struct Question<'m> {
    pub(super) header: Header,
    /// From the name's first octet to the end of the class.
    pub(super) wire: &'m [u8],
    /// The name for looking up.
    pub(super) name: &'m Folded,
    pub(super) qtype: u16,
    pub(super) qclass: u16,
    pub(super) edns: Option<Edns>,
    /// The client's serial, of an IXFR question.
    pub(super) serial: Option<u32>,
}

/// The client's OPT record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Edns {
    /// The largest UDP message it takes.
    pub(super) size: u16,
    /// What stands in the TTL's place: a version and flags.
    flags: u32,
}

impl Edns {
    pub(super) const fn version(self) -> u8 {
        (self.flags >> 16) as u8
    }

    /// Whether the client wants signatures; copied back (RFC 3225).
    pub(super) const fn dnssec(self) -> bool {
        self.flags & 0x8000 != 0
    }
}

impl Header {
    /// Opcode, RD and CD as they came, QR on.
    pub(super) fn reply_flags(self) -> u16 {
        0x8000 | (self.flags & 0x7910)
    }
}

impl<'m> Question<'m> {
    /// Reads a message that a server got; `name` is room for the name asked for.
    #[inline]
    pub(super) fn read(message: &'m [u8], name: &'m mut Folded) -> Result<Self, Refusal> {
        let (head, body) = message.split_first_chunk::<HEADER>().ok_or(Refusal::Drop)?;
        let [id, flags, questions, counts @ ..] = numbers(*head);
        let header = Header { id, flags };
        if flags & 0x8000 != 0 {
            return Err(Refusal::Drop);
        }
        // QUERY and NOTIFY; the limits are those of a sane client (an IXFR brings an SOA, EDNS and TSIG add two).
        if !matches!((flags >> 11) & 15, 0 | 4) {
            return Err(Refusal::Header(header, Rcode::NOTIMP));
        }
        if questions != 1 || !matches!(counts, [0..=1, 0..=1, 0..=2]) {
            return Err(Refusal::Header(header, Rcode::FORMERR));
        }
        Self::read_body(body, name, header, counts).ok_or(Refusal::Header(header, Rcode::FORMERR))
    }

    #[inline]
    fn read_body(
        body: &'m [u8],
        name: &'m mut Folded,
        header: Header,
        [answers, authorities, additionals]: [u16; 3],
    ) -> Option<Self> {
        name.set(body)?;
        let name = &*name;
        let (wire, mut rest) = body.split_at_checked(name.len() + 4)?;
        let [a, b, c, d] = *wire.last_chunk()?;
        let (qtype, qclass) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        let mut question = Self { header, wire, name, qtype, qclass, edns: None, serial: None };
        for _ in 0..answers {
            (_, rest) = Record::split(rest)?;
        }
        for _ in 0..authorities {
            let (record, after) = Record::split(rest)?;
            question.note_authority(&record)?;
            rest = after;
        }
        for _ in 0..additionals {
            let (record, after) = Record::split(rest)?;
            question.note_additional(&record)?;
            rest = after;
        }
        Some(question)
    }

    /// Takes EDNS from a record. `None`: a second OPT, or one that isn't at the root.
    #[inline]
    fn note_additional(&mut self, record: &Record<'_>) -> Option<()> {
        if record.rtype == code::OPT {
            if self.edns.is_some() || !record.at_root {
                return None;
            }
            self.edns = Some(Edns { size: record.class, flags: record.ttl });
        }
        Some(())
    }

    /// Takes the client's serial from a record.
    fn note_authority(&mut self, record: &Record<'_>) -> Option<()> {
        if record.rtype == code::SOA {
            // Two names, then the serial first of five numbers.
            let [serial @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] =
                *record.data.last_chunk::<20>()?;
            self.serial = Some(u32::from_be_bytes(serial));
        }
        Some(())
    }

    /// What a question gets that nobody answers here: another version of EDNS, another class, a transfer.
    pub(super) fn refused(&self) -> Option<Rcode> {
        if self.edns.is_some_and(|edns| edns.version() != 0) {
            return Some(Rcode::BADVERS);
        }
        let refused = self.qclass != code::IN || matches!(self.qtype, code::AXFR | code::IXFR);
        refused.then_some(Rcode::REFUSED)
    }

    /// The name as it was asked, in wire form.
    pub(super) fn asked(&self) -> &'m [u8] {
        self.wire.get(..self.name.len()).unwrap_or_default()
    }

    /// The last `labels` labels of the name as it was asked, with the root.
    #[inline]
    pub(super) fn asked_suffix(&self, labels: usize) -> &'m [u8] {
        self.asked().get(usize::from(self.name.cut(labels))..).unwrap_or_default()
    }
}

/// A record as far as questions need it.
struct Record<'m> {
    at_root: bool,
    rtype: u16,
    class: u16,
    ttl: u32,
    data: &'m [u8],
}

impl<'m> Record<'m> {
    /// The record that `bytes` start with, and what follows it.
    #[inline]
    fn split(bytes: &'m [u8]) -> Option<(Self, &'m [u8])> {
        let fixed = skip_name(bytes, 0)?;
        let (head, rest) = bytes.get(fixed..)?.split_first_chunk::<10>()?;
        let [a, b, c, d, e, f, g, h, i, j] = *head;
        let (data, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes([i, j])))?;
        let record = Self {
            at_root: fixed == 1,
            rtype: u16::from_be_bytes([a, b]),
            class: u16::from_be_bytes([c, d]),
            ttl: u32::from_be_bytes([e, f, g, h]),
            data,
        };
        Some((record, rest))
    }
}

/// Where the name at `at` ends; pointers are not followed.
pub(super) fn skip_name(message: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let length = *message.get(at)?;
        match length {
            0 => return Some(at + 1),
            1..=63 => at += 1 + usize::from(length),
            0xc0.. => return message.get(at + 1).map(|_| at + 2),
            _ => return None,
        }
    }
}

/// The six numbers of a header.
pub(super) fn header(message: &[u8]) -> Option<[u16; 6]> {
    message.first_chunk().copied().map(numbers)
}

/// The same of exactly a header.
fn numbers([a, b, c, d, e, f, g, h, i, j, k, l]: [u8; HEADER]) -> [u16; 6] {
    [[a, b], [c, d], [e, f], [g, h], [i, j], [k, l]].map(u16::from_be_bytes)
}

/// The 16-bit number at `at`.
pub(super) fn number(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    const QUESTION: &[u8] = b"\x03svc\x00\x00\x01\x00\x01";
    const OPT: &[u8] = b"\x00\x00\x29\x04\xd0\x00\x00\x80\x00\x00\x00";

    fn message(flags: u16, counts: [u16; 4], body: &[&[u8]]) -> Vec<u8> {
        let mut message = Vec::from([0xab, 0xcd]);
        for number in [flags].into_iter().chain(counts) {
            message.extend(number.to_be_bytes());
        }
        body.iter().for_each(|part| message.extend(*part));
        message
    }

    fn sorted(message: &[u8]) -> &'static str {
        match Question::read(message, &mut Folded::new()) {
            Err(Refusal::Drop) => "drop",
            Err(Refusal::Header(_, Rcode::NOTIMP)) => "notimp",
            Err(Refusal::Header(..)) => "formerr",
            Ok(question) if question.edns.is_some() => "ask with edns",
            Ok(_) => "ask",
        }
    }

    #[test]
    fn messages_are_sorted() {
        type Case = (&'static str, u16, [u16; 4], &'static [&'static [u8]], &'static str);
        let cases: &[Case] = &[
            ("plain", 0x0100, [1, 0, 0, 0], &[QUESTION], "ask"),
            ("edns", 0x0100, [1, 0, 0, 1], &[QUESTION, OPT], "ask with edns"),
            ("two edns", 0, [1, 0, 0, 2], &[QUESTION, OPT, OPT], "formerr"),
            ("a reply", 0x8000, [1, 0, 0, 0], &[QUESTION], "drop"),
            ("update", 0x2800, [1, 0, 0, 0], &[QUESTION], "notimp"),
            ("notify", 0x2000, [1, 0, 0, 0], &[QUESTION], "ask"),
            ("no question", 0, [0, 0, 0, 0], &[], "formerr"),
            ("two questions", 0, [2, 0, 0, 0], &[QUESTION, QUESTION], "formerr"),
            ("too many records", 0, [1, 0, 0, 3], &[QUESTION, OPT, OPT, OPT], "formerr"),
            ("missing record", 0, [1, 0, 0, 1], &[QUESTION], "formerr"),
            ("cut question", 0, [1, 0, 0, 0], &[b"\x03svc\x00\x00\x01"], "formerr"),
            ("pointer in the question", 0, [1, 0, 0, 0], &[b"\xc0\x0c\x00\x01\x00\x01"], "formerr"),
        ];
        for (name, flags, counts, body, want) in cases {
            assert_eq!(sorted(&message(*flags, *counts, body)), *want, "{name}");
        }
        assert_eq!(sorted(b"short"), "drop");
    }

    #[test]
    fn what_is_read() {
        let soa = b"\x00\x00\x06\x00\x01\x00\x00\x00\x00\x00\x16\x00\x00\x00\x00\x00\x07\
            \x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00";
        let message = message(0x0110, [1, 0, 1, 1], &[b"\x03SvC\x00\x00\xfb\x00\x01", soa, OPT]);
        let mut name = Folded::new();
        let Ok(question) = Question::read(&message, &mut name) else { panic!("refused") };
        assert_eq!((question.header.id, question.header.reply_flags()), (0xabcd, 0x8110));
        assert_eq!((question.qtype, question.qclass, question.serial), (251, 1, Some(7)));
        assert_eq!(question.edns, Some(Edns { size: 1232, flags: 0x8000 }));
        assert_eq!((question.asked(), question.name.label(0)), (&b"\x03SvC\x00"[..], &b"svc"[..]));
        assert_eq!(question.asked_suffix(0), b"\x00");
    }
}
