//! Writes a reply into the caller's buffer.
//!
//! ```text
//! 0       12             12 + question               limit    end of the buffer
//! header  name type class  answer authority additional │ OPT
//!         ^c00c     ^ every zone suffix is a place in here
//! ```
//!
//! All names of a reply end in a part of the question or of a target that stands before them, so each compression
//! pointer is known when it is written: there is no table of names, and nothing is searched. A record is written
//! whole or not at all. Room for the OPT record is kept free from the start.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{
    code::{self, Rcode},
    question::{Edns, HEADER, Header, Question},
};

/// Where the question's name stands.
pub(super) const ASKED: u16 = HEADER as u16;
/// Octets of an OPT record without options.
const OPT_RECORD: usize = 11;
/// The highest place a pointer can point to.
const POINTABLE: usize = 0x3fff;

/// A part of the reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Section {
    Answer,
    Authority,
    Additional,
}

/// A name to write: labels in wire form, then the rest.
#[derive(Clone, Copy)]
pub(super) struct Spelling<'a> {
    /// Up to four runs of labels, each in wire form without a root.
    pub(super) runs: [&'a [u8]; 4],
    pub(super) tail: Tail<'a>,
}

/// How a name ends.
#[derive(Clone, Copy)]
pub(super) enum Tail<'a> {
    /// At a place in the reply.
    At(u16),
    /// In full, with the root.
    Wire(&'a [u8]),
}

/// A reply that is being written.
pub(super) struct Reply<'o> {
    out: &'o mut [u8],
    at: usize,
    limit: usize,
    counts: [u16; 3],
    /// Something of the answer had no room.
    pub(super) truncated: bool,
    /// Something that clients can do without had no room.
    pub(super) curtailed: bool,
    header: Header,
    edns: Option<Edns>,
}

impl<'o> Reply<'o> {
    /// Starts with the question as it came. `None` if not even that fits `limit` octets.
    #[inline]
    pub(super) fn new(question: &Question<'_>, limit: usize, out: &'o mut [u8]) -> Option<Self> {
        let reserved = if question.edns.is_some() { OPT_RECORD } else { 0 };
        let limit = limit.min(out.len()).checked_sub(reserved)?;
        let mut reply = Self {
            out,
            at: HEADER,
            limit,
            counts: [0; 3],
            truncated: false,
            curtailed: false,
            header: question.header,
            edns: question.edns,
        };
        reply.put(question.wire)?;
        Some(reply)
    }

    /// A reply of the header alone.
    pub(super) fn bare(header: Header, rcode: Rcode, out: &mut [u8]) -> Option<usize> {
        let numbers = [header.id, header.reply_flags() | rcode.0, 0, 0, 0, 0];
        put_header(out, numbers)
    }

    /// Octets so far; where the next record starts.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Whether a section has records.
    pub(super) fn has(&self, section: Section) -> bool {
        self.counts.get(section as usize).is_some_and(|count| *count > 0)
    }

    /// Takes back everything after the question.
    pub(super) fn clear(&mut self, question: &Question<'_>) {
        self.at = HEADER + question.wire.len();
        self.counts = [0; 3];
        (self.truncated, self.curtailed) = (false, false);
    }

    /// One record; `data` writes what comes after the length. Returns where the data starts, `None` if it had no room.
    pub(super) fn record(
        &mut self,
        section: Section,
        owner: Spelling<'_>,
        (rtype, ttl): (u16, u32),
        data: impl FnOnce(&mut Self) -> Option<()>,
    ) -> Option<u16> {
        let start = self.at;
        let written = (|| {
            self.name(owner)?;
            self.put(&rtype.to_be_bytes())?;
            self.put(&code::IN.to_be_bytes())?;
            self.put(&ttl.to_be_bytes())?;
            self.put(&[0, 0])?;
            let start = self.at;
            data(self)?;
            let length = u16::try_from(self.at - start).ok()?;
            self.out.get_mut(start - 2..start)?.copy_from_slice(&length.to_be_bytes());
            Some(start as u16)
        })();
        if written.is_some() {
            self.count(section, 1);
        } else {
            self.at = start;
            self.overflow(section);
        }
        written
    }

    /// IPv4 addresses from `start` on and round; one copy of 16 octets each.
    #[inline]
    pub(super) fn v4(&mut self, owner: u16, ttl: u32, addresses: &[Ipv4Addr], start: usize) {
        let mut record = [0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0];
        fixed(&mut record, owner, ttl);
        self.addresses(record, addresses, start, |address| address.octets());
    }

    /// IPv6 addresses likewise.
    pub(super) fn v6(&mut self, owner: u16, ttl: u32, addresses: &[Ipv6Addr], start: usize) {
        let mut record = [0; 28];
        if let Some(head) = record.get_mut(..12) {
            head.copy_from_slice(&[0, 0, 0, 28, 0, 1, 0, 0, 0, 0, 0, 16]);
        }
        fixed(&mut record, owner, ttl);
        self.addresses(record, addresses, start, |address| address.octets());
    }

    /// Records of `R` octets that only differ in the last `N`; sizes that are known make each copy a few instructions.
    #[inline]
    fn addresses<T: Copy, const R: usize, const N: usize>(
        &mut self,
        mut record: [u8; R],
        addresses: &[T],
        start: usize,
        octets: impl Fn(T) -> [u8; N],
    ) {
        let (head, tail) = addresses.split_at_checked(start).unwrap_or((&[], addresses));
        let room = self.out.get_mut(self.at..self.limit).unwrap_or_default();
        let (mut rooms, _) = room.as_chunks_mut::<R>();
        let mut written = 0;
        for part in [tail, head] {
            let fit = part.len().min(rooms.len());
            let (now, later) = rooms.split_at_mut(fit);
            for (room, address) in now.iter_mut().zip(part) {
                if let Some(last) = record.last_chunk_mut::<N>() {
                    *last = octets(*address);
                }
                *room = record;
            }
            written += fit;
            rooms = later;
        }
        self.at += written * R;
        self.count(Section::Answer, written as u16);
        self.truncated |= written < addresses.len();
    }

    /// One address record.
    pub(super) fn address(
        &mut self,
        section: Section,
        owner: Spelling<'_>,
        ttl: u32,
        address: IpAddr,
    ) -> Option<u16> {
        match address {
            IpAddr::V4(address) => {
                self.record(section, owner, (code::A, ttl), |reply| reply.put(&address.octets()))
            }
            IpAddr::V6(address) => {
                self.record(section, owner, (code::AAAA, ttl), |reply| reply.put(&address.octets()))
            }
        }
    }

    /// Octets as they are.
    #[inline]
    pub(super) fn put(&mut self, octets: &[u8]) -> Option<()> {
        let end = self.at + octets.len();
        if end > self.limit {
            return None;
        }
        self.out.get_mut(self.at..end)?.copy_from_slice(octets);
        self.at = end;
        Some(())
    }

    /// A name.
    pub(super) fn name(&mut self, name: Spelling<'_>) -> Option<()> {
        for run in name.runs {
            self.put(run)?;
        }
        match name.tail {
            Tail::At(place) => self.put(&(0xc000 | place).to_be_bytes()),
            Tail::Wire(wire) => self.put(wire),
        }
    }

    /// Header and OPT; returns the reply's length.
    #[inline]
    pub(super) fn finish(&mut self, rcode: Rcode, authoritative: bool, ceiling: u16) -> usize {
        let mut additionals = self.counts[2];
        if let Some(edns) = self.edns {
            let [high, low] = ceiling.to_be_bytes();
            let dnssec = if edns.dnssec() { 0x80 } else { 0 };
            self.limit += OPT_RECORD;
            // Its room was kept free.
            let _ = self.put(&[0, 0, 41, high, low, (rcode.0 >> 4) as u8, 0, dnssec, 0, 0, 0]);
            additionals += 1;
        }
        let aa = if authoritative { 0x0400 } else { 0 };
        let tc = if self.truncated { 0x0200 } else { 0 };
        let flags = self.header.reply_flags() | aa | tc | (rcode.0 & 15);
        let [answers, authorities, _] = self.counts;
        put_header(self.out, [self.header.id, flags, 1, answers, authorities, additionals]);
        self.at
    }

    /// What a pointer to `at` is, if one can reach it.
    pub(super) fn place(at: usize) -> Option<u16> {
        (at <= POINTABLE).then_some(at as u16)
    }

    fn count(&mut self, section: Section, records: u16) {
        if let Some(count) = self.counts.get_mut(section as usize) {
            *count += records;
        }
    }

    fn overflow(&mut self, section: Section) {
        match section {
            Section::Additional => self.curtailed = true,
            Section::Answer | Section::Authority => self.truncated = true,
        }
    }
}

impl<'a> Spelling<'a> {
    /// The name at a place in the reply.
    pub(super) const fn at(place: u16) -> Self {
        Self { runs: [&[]; 4], tail: Tail::At(place) }
    }

    /// A name in full.
    pub(super) const fn wire(wire: &'a [u8]) -> Self {
        Self { runs: [&[]; 4], tail: Tail::Wire(wire) }
    }

    /// Octets of the name if it is written in full.
    pub(super) fn length(&self) -> usize {
        let tail = match self.tail {
            Tail::At(_) => 2,
            Tail::Wire(wire) => wire.len(),
        };
        self.runs.iter().map(|run| run.len()).sum::<usize>() + tail
    }
}

/// Puts owner and TTL into a record template.
fn fixed(record: &mut [u8], owner: u16, ttl: u32) {
    if let Some(head) = record.get_mut(..2) {
        head.copy_from_slice(&(0xc000 | owner).to_be_bytes());
    }
    if let Some(field) = record.get_mut(6..10) {
        field.copy_from_slice(&ttl.to_be_bytes());
    }
}

fn put_header(out: &mut [u8], numbers: [u16; 6]) -> Option<usize> {
    let [[a, b], [c, d], [e, f], [g, h], [i, j], [k, l]] = numbers.map(u16::to_be_bytes);
    *out.first_chunk_mut::<HEADER>()? = [a, b, c, d, e, f, g, h, i, j, k, l];
    Some(HEADER)
}
