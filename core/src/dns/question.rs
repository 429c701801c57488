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
    pub(super) version: u8,
    /// Whether it wants signatures; copied back (RFC 3225).
    pub(super) dnssec: bool,
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
        let [id, flags, questions, answers, authorities, additionals] =
            header(message).ok_or(Refusal::Drop)?;
        let header = Header { id, flags };
        if flags & 0x8000 != 0 {
            return Err(Refusal::Drop);
        }
        // QUERY and NOTIFY; the limits are those of a sane client (an IXFR brings an SOA, EDNS and TSIG add two).
        if !matches!((flags >> 11) & 15, 0 | 4) {
            return Err(Refusal::Header(header, Rcode::NOTIMP));
        }
        if questions != 1 || answers > 1 || authorities > 1 || additionals > 2 {
            return Err(Refusal::Header(header, Rcode::FORMERR));
        }
        Self::read_body(message, name, header, [answers, authorities, additionals])
            .ok_or(Refusal::Header(header, Rcode::FORMERR))
    }

    #[inline]
    fn read_body(
        message: &'m [u8],
        name: &'m mut Folded,
        header: Header,
        records: [u16; 3],
    ) -> Option<Self> {
        let body = message.get(HEADER..)?;
        name.set(body)?;
        let name = &*name;
        let wire = body.get(..name.len() + 4)?;
        let fixed = wire.get(name.len()..)?;
        let (qtype, qclass) = (number(fixed, 0)?, number(fixed, 2)?);
        let mut question = Self { header, wire, name, qtype, qclass, edns: None, serial: None };
        let mut at = HEADER + wire.len();
        for (section, count) in records.into_iter().enumerate() {
            for _ in 0..count {
                let record = Record::read(message, at)?;
                at = record.end;
                question.note(&record, section)?;
            }
        }
        Some(question)
    }

    /// Takes from a record what matters here. `None`: a second OPT, or one that isn't at the root.
    fn note(&mut self, record: &Record<'_>, section: usize) -> Option<()> {
        if record.rtype == super::code::OPT && section == 2 {
            if self.edns.is_some() || !record.at_root {
                return None;
            }
            self.edns = Some(Edns {
                size: record.class,
                version: (record.ttl >> 16) as u8,
                dnssec: record.ttl & 0x8000 != 0,
            });
        }
        if record.rtype == super::code::SOA && section == 1 {
            // Two names, then the serial first of five numbers.
            let at = record.data.len().checked_sub(20)?;
            let serial = record.data.get(at..at + 4)?;
            self.serial = Some(u32::from_be_bytes(serial.try_into().ok()?));
        }
        Some(())
    }

    /// What a question gets that nobody answers here: another version of EDNS, another class, a transfer.
    pub(super) fn refused(&self) -> Option<Rcode> {
        if self.edns.is_some_and(|edns| edns.version != 0) {
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
    pub(super) fn asked_suffix(&self, labels: usize) -> &'m [u8] {
        let start = self.name.start(self.name.count().saturating_sub(labels));
        self.asked().get(start..).unwrap_or_default()
    }
}

/// A record as far as questions need it.
struct Record<'m> {
    at_root: bool,
    rtype: u16,
    class: u16,
    ttl: u32,
    data: &'m [u8],
    end: usize,
}

impl<'m> Record<'m> {
    fn read(message: &'m [u8], at: usize) -> Option<Self> {
        let fixed = skip_name(message, at)?;
        let head = message.get(fixed..fixed + 10)?;
        let start = fixed + 10;
        let end = start + usize::from(number(head, 8)?);
        Some(Self {
            at_root: fixed == at + 1,
            rtype: number(head, 0)?,
            class: number(head, 2)?,
            ttl: (u32::from(number(head, 4)?) << 16) | u32::from(number(head, 6)?),
            data: message.get(start..end)?,
            end,
        })
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
    let [a, b, c, d, e, f, g, h, i, j, k, l] = *message.first_chunk::<HEADER>()?;
    Some([[a, b], [c, d], [e, f], [g, h], [i, j], [k, l]].map(u16::from_be_bytes))
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
        assert_eq!(question.edns, Some(Edns { size: 1232, version: 0, dnssec: true }));
        assert_eq!((question.asked(), question.name.label(0)), (&b"\x03SvC\x00"[..], &b"svc"[..]));
        assert_eq!(question.asked_suffix(0), b"\x00");
    }
}
