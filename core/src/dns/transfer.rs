//! Whole zones: for secondaries (AXFR, IXFR), and for zone text.
//!
//! ```text
//! SOA, NS and glue, version │ Service after Service, by name │ pods │ SOA
//! ```
//!
//! Strictly, a zone holds every name that a question could find, less those that are made of the question: pods by
//! unverified address, and topology zones. As CoreDNS it holds what CoreDNS transfers: no endpoints of Services with
//! cluster IPs, and an SRV record for each endpoint even where they are equal.

use std_alloc::{collections::VecDeque, vec::Vec};

use super::{
    Name, Outcome, Record, Snapshot,
    code::{self, Rcode},
    entry::Entry,
    name::Folded,
    question::{HEADER, Question},
    reply::Reply,
    served::Kind,
};

/// Octets of one message of a transfer; a little less than TCP can carry (CoreDNS).
const MESSAGE: usize = 63_000;

/// The records of a zone, one after the other; made as they are taken.
///
/// See [`Snapshot::transfer`].
#[derive(Debug)]
pub struct Transfer<'s> {
    pub(super) snapshot: &'s Snapshot,
    pub(super) zone: Name,
    pub(super) kind: Kind,
    pub(super) ttl: u32,
    pub(super) ready: VecDeque<Record>,
    /// Where answers are written.
    pub(super) buffer: Vec<u8>,
    rest: Rest<'s>,
}

/// What is still to come.
#[derive(Debug)]
enum Rest<'s> {
    Services(std_alloc::vec::IntoIter<&'s Entry>),
    Pods,
    End,
    Nothing,
}

impl Snapshot {
    /// The records of a zone, between two SOA records; or a single SOA when a client that has `serial` already has
    /// all of them. `None`: the zone isn't served here.
    ///
    /// ```
    /// use svckit::{Seed, dns::{Options, Zone}};
    ///
    /// let mut zone = Zone::new(Options::new("cluster.local".parse()?), Seed([1; 4]));
    /// let snapshot = zone.snapshot();
    /// let records: Vec<_> = snapshot.transfer(&"cluster.local".parse()?, None).unwrap().collect();
    /// assert_eq!(records.len(), 4, "SOA, NS, version, SOA");
    /// assert_eq!(snapshot.transfer(&"cluster.local".parse()?, Some(0)).unwrap().count(), 1);
    /// assert!(snapshot.transfer(&"example.com".parse()?, None).is_none());
    /// # Ok::<_, svckit::dns::BadName>(())
    /// ```
    #[must_use]
    pub fn transfer(&self, zone: &Name, serial: Option<u32>) -> Option<Transfer<'_>> {
        let served = self.config.served.named(zone)?;
        let mut transfer = Transfer {
            snapshot: self,
            zone: zone.clone(),
            kind: served.kind,
            ttl: served.ttl,
            ready: VecDeque::new(),
            buffer: Vec::new(),
            rest: Rest::Nothing,
        };
        transfer.ready.push_back(transfer.soa());
        // RFC 1995: a client that isn't behind gets the SOA alone.
        let behind = |client: u32| self.serial(served.kind).wrapping_sub(client) as i32 > 0;
        if serial.is_none_or(behind) {
            transfer.head();
            let table = match served.kind {
                Kind::Multicluster => &self.imports,
                _ => &self.services,
            };
            transfer.rest = Rest::Services(table.sorted().into_iter());
        }
        Some(transfer)
    }

    /// The transfer that a message asks for, if the client is allowed to. `Err` says what to answer instead.
    ///
    /// # Errors
    ///
    /// The message asks for something else, or for a zone that isn't served: what to do with `out`.
    pub fn transfer_for<'s>(
        &'s self,
        message: &[u8],
        out: &mut [u8],
    ) -> Result<Transfer<'s>, Outcome> {
        let refused = |out: &mut [u8]| {
            let mut name = Folded::new();
            let Ok(question) = Question::read(message, &mut name) else { return Outcome::Drop };
            let limit = out.len();
            let Some(mut reply) = Reply::new(&question, limit, out) else { return Outcome::Drop };
            Outcome::Reply(reply.finish(Rcode::REFUSED, false, 512))
        };
        let mut name = Folded::new();
        let Ok(question) = Question::read(message, &mut name) else { return Err(refused(out)) };
        let serial = match question.qtype {
            code::AXFR => None,
            code::IXFR => question.serial,
            _ => return Err(refused(out)),
        };
        let zone = Name::from_labels(super::name::labels(question.asked()));
        let transfer = zone.ok().and_then(|zone| self.transfer(&zone, serial));
        transfer.ok_or_else(|| refused(out))
    }

    /// Whether a message asks for a transfer.
    #[must_use]
    pub fn is_transfer(message: &[u8]) -> bool {
        Question::read(message, &mut Folded::new())
            .is_ok_and(|question| matches!(question.qtype, code::AXFR | code::IXFR))
    }
}

impl Transfer<'_> {
    /// The next message of the transfer that `question` asked for; `None` after the last.
    #[must_use]
    pub fn next_message(&mut self, question: &[u8]) -> Option<Vec<u8>> {
        let mut name = Folded::new();
        let asked = Question::read(question, &mut name).ok()?;
        let mut message = Vec::with_capacity(4_096);
        for number in [asked.header.id, asked.header.reply_flags() | 0x0400, 1, 0, 0, 0] {
            message.extend(number.to_be_bytes());
        }
        message.extend_from_slice(asked.wire);
        let mut count = 0_u16;
        while let Some(record) = self.next() {
            let before = message.len();
            record.encode(&mut message);
            if message.len() > MESSAGE && count > 0 {
                message.truncate(before);
                self.ready.push_front(record);
                break;
            }
            count += 1;
        }
        message.get_mut(6..8)?.copy_from_slice(&count.to_be_bytes());
        debug_assert!(message.len() > HEADER, "a question at least");
        (count > 0).then_some(message)
    }
}

impl Iterator for Transfer<'_> {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        while self.ready.is_empty() {
            match &mut self.rest {
                Rest::Services(entries) => match entries.next() {
                    Some(entry) => self.service(entry),
                    None => self.rest = Rest::Pods,
                },
                Rest::Pods => {
                    self.rest = Rest::End;
                    self.pods();
                }
                Rest::End => {
                    self.rest = Rest::Nothing;
                    let soa = self.soa();
                    self.ready.push_back(soa);
                }
                Rest::Nothing => return None,
            }
        }
        self.ready.pop_front()
    }
}
