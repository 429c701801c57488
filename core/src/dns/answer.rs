//! From a question to a reply.
//!
//! ```text
//! message ─ read ─▶ Question ─ zone ─ locate ─▶ Node ─ emit ─▶ records, or the zone's SOA
//!              └ errors: header alone            └ alias: CNAME, and again for its target
//! ```
//!
//! No allocation, unless an ExternalName leads out of the zones.

use core::net::IpAddr;
use std_alloc::boxed::Box;

use super::{
    Mode, Name, Rcode, Snapshot, Type, Walk, code,
    locate::{Node, Spoken, as_coredns},
    name::Folded,
    question::{Question, Refusal},
    reply::{ASKED, Reply, Section, Tail},
    served::{Kind, Served},
    size::Sizes,
};
use crate::seed::mix;

/// Names followed behind one ExternalName.
const LONGEST_CHAIN: usize = 10;

/// Who asks, and how.
///
/// ```
/// use svckit::dns::Peer;
///
/// let peer = Peer { address: Some([10, 244, 0, 7].into()), ..Peer::udp(0x5eed) };
/// assert_ne!(peer, Peer::tcp(0x5eed));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// What carries the reply.
    pub transport: Transport,
    /// The client's address, for search lists that depend on its pod.
    pub address: Option<IpAddr>,
    /// Any number, another one each time: it turns the order of addresses, so that clients spread.
    pub entropy: u64,
}

/// What carries a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// At most what client and server agree on, 512 octets without EDNS.
    Udp,
    /// At most 65,535 octets.
    Tcp,
}

impl Peer {
    /// An unknown client over UDP.
    #[must_use]
    pub const fn udp(entropy: u64) -> Self {
        Self { transport: Transport::Udp, address: None, entropy }
    }

    /// An unknown client over TCP.
    #[must_use]
    pub const fn tcp(entropy: u64) -> Self {
        Self { transport: Transport::Tcp, address: None, entropy }
    }
}

/// What is to be done about a message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "the reply isn't sent yet"]
pub enum Outcome {
    /// Send so many octets of the buffer.
    Reply(usize),
    /// Send nothing.
    Drop,
    /// The name isn't ours. Ask somebody else and send what they say, or send so many octets of the buffer, which
    /// refuse.
    Foreign(usize),
    /// An ExternalName leads out of the zones. Resolve the target, then call
    /// [`Snapshot::complete`](super::Snapshot::complete).
    NeedUpstream(Upstream),
}

/// What has to be asked elsewhere before a reply is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Upstream {
    /// Octets of the buffer that hold the reply so far: the question, and the alias.
    pub length: usize,
    /// The name to resolve.
    pub target: Name,
    /// The type to ask for.
    pub qtype: Type,
    /// The search that the name is part of.
    pub(super) walk: Option<Box<Walk>>,
}

impl Upstream {
    /// The end of an alias.
    pub(super) const fn new(length: usize, target: Name, qtype: Type) -> Self {
        Self { length, target, qtype, walk: None }
    }
}

impl Outcome {
    /// Octets of the buffer to send when nobody else is asked; `None`: nothing.
    #[must_use]
    pub const fn length(&self) -> Option<usize> {
        match self {
            Self::Reply(length) | Self::Foreign(length) => Some(*length),
            Self::NeedUpstream(upstream) => Some(upstream.length),
            Self::Drop => None,
        }
    }
}

/// What is needed to write records below one zone.
#[derive(Clone, Copy)]
pub(super) struct Context<'c> {
    /// The place of the name whose records these are.
    pub(super) owner: u16,
    /// That name, as the question or the alias spells it.
    name: &'c [u8],
    /// Where in it the zone starts.
    cut: u8,
    pub(super) kind: Kind,
    pub(super) ttl: u32,
    pub(super) qtype: u16,
    /// Turns the order of records.
    entropy: u64,
}

impl<'c> Context<'c> {
    /// That of a question about a name in `zone`.
    #[inline]
    pub(super) fn of(question: &Question<'c>, zone: &Served, entropy: u64) -> Self {
        Context {
            owner: ASKED,
            name: question.asked(),
            cut: question.name.cut(zone.labels),
            kind: zone.kind,
            ttl: zone.ttl,
            qtype: question.qtype,
            entropy,
        }
    }

    /// The zone as the question or the alias spells it.
    pub(super) fn zone(&self) -> &'c [u8] {
        self.name.get(usize::from(self.cut)..).unwrap_or_default()
    }

    /// The zone, as short as it can be.
    pub(super) fn tail(&self) -> Tail<'c> {
        let place = Reply::place(usize::from(self.owner) + usize::from(self.cut));
        place.map_or_else(|| Tail::Wire(self.zone()), Tail::At)
    }

    /// Where to start in a list of `count`.
    #[inline]
    pub(super) fn start(&self, count: usize) -> usize {
        // Most Services have one address.
        if count < 2 {
            return 0;
        }
        ((u128::from(mix(self.entropy)) * count as u128) >> 64) as usize
    }

    /// The label between namespace and zone.
    pub(super) fn class(&self) -> &'static [u8] {
        if self.kind.is_outside() { b"" } else { b"\x03svc" }
    }
}

impl Refusal {
    /// What is done about a message that isn't a question to answer.
    #[cold]
    pub(super) fn say(&self, out: &mut [u8]) -> Outcome {
        match *self {
            Self::Drop => Outcome::Drop,
            Self::Header(header, rcode) => {
                Reply::bare(header, rcode, out).map_or(Outcome::Drop, Outcome::Reply)
            }
        }
    }
}

impl Reply<'_> {
    /// Refuses a question: it is in no zone, unless something else is wrong with it.
    #[cold]
    fn refuse(&mut self, question: &Question<'_>, ceiling: u16) -> Outcome {
        match question.refused() {
            Some(rcode) => Outcome::Reply(self.finish(rcode, false, ceiling)),
            None => Outcome::Foreign(self.finish(Rcode::REFUSED, false, ceiling)),
        }
    }
}

impl Snapshot {
    /// Answers one message into `out`.
    ///
    /// Never fails for what a stranger sent: what can't be read gets FORMERR, what isn't ours REFUSED, and a reply
    /// gets nothing. A buffer of 512 octets is enough for any truncated answer, one of 65,535 for any at all.
    /// Costs about the name's length and the records written.
    pub fn answer(&self, message: &[u8], peer: Peer, out: &mut [u8]) -> Outcome {
        match self.config.searches {
            true => self.answer_or_search(message, peer, out),
            false => self.answer_plainly(message, &peer, out),
        }
    }

    #[inline(never)]
    fn answer_or_search(&self, message: &[u8], peer: Peer, out: &mut [u8]) -> Outcome {
        let outcome = self.answer_plainly(message, &peer, out);
        match outcome {
            Outcome::Reply(length) | Outcome::Foreign(length) if is_denied(out.get(..length)) => {
                self.searched(message, peer, out).unwrap_or(outcome)
            }
            outcome => outcome,
        }
    }

    /// What a search that a denied question is part of finds.
    fn searched(&self, message: &[u8], peer: Peer, out: &mut [u8]) -> Option<Outcome> {
        let mut name = Folded::new();
        let question = Question::read(message, &mut name).ok()?;
        let zone = self.config.served.of(question.name)?;
        let walk = match Self::is_search(zone) {
            true => self.search_walk(zone, &question)?,
            false if self.config.options.autopath => self.autopath(&question, peer.address?)?,
            false => return None,
        };
        Some(self.walk(walk, &question, peer, out))
    }

    /// Answers a message from the zones alone.
    #[inline]
    pub(super) fn answer_plainly(&self, message: &[u8], peer: &Peer, out: &mut [u8]) -> Outcome {
        let mut name = Folded::new();
        let read = Question::read(message, &mut name);
        let question = match &read {
            Ok(question) => question,
            Err(refusal) => return refusal.say(out),
        };
        let zone = self.config.served.of(question.name);
        let key = zone.and_then(|zone| self.spoken_of(zone, question.name));
        let found = key.map(|(table, key)| table.find(&self.config, key));
        self.say(question, zone, Spoken::of(found), peer, out)
    }

    /// Writes what is to be said to a question about a name in `zone`.
    #[inline]
    pub(super) fn say(
        &self,
        question: &Question<'_>,
        zone: Option<&Served>,
        spoken: Spoken<'_>,
        peer: &Peer,
        out: &mut [u8],
    ) -> Outcome {
        let sizes = self.sizes();
        let limit = sizes.limit(question, peer.transport);
        let ceiling = sizes.advertised(question);
        let Some(mut reply) = Reply::new(question, limit, out) else { return Outcome::Drop };
        let (Some(zone), None) = (zone, question.refused()) else {
            return reply.refuse(question, ceiling);
        };
        let entropy = peer.entropy ^ (u64::from(question.header.id) << 48);
        let context = Context::of(question, zone, entropy);
        let node = self.locate(zone, question.name, spoken);
        self.say_in(zone, question, node, &context, &mut reply, ceiling)
    }

    /// How large replies may be.
    pub(super) fn sizes(&self) -> Sizes {
        let options = &self.config.options;
        Sizes { mode: options.mode, ceiling: options.udp_ceiling }
    }

    #[inline]
    fn say_in<'s>(
        &'s self,
        zone: &Served,
        question: &Question<'_>,
        mut node: Node<'s, '_>,
        context: &Context<'_>,
        reply: &mut Reply<'_>,
        ceiling: u16,
    ) -> Outcome {
        let strict = self.config.options.mode == Mode::Strict;
        if !strict && !zone.kind.is_outside() {
            node = as_coredns(node, question.qtype);
        }
        let (rcode, leaves) = match node {
            Node::Missing => (self.missing(), None),
            Node::Alias(target) => match self.follow(target, question, context, reply) {
                Chain::Ends(rcode) => (rcode, None),
                Chain::Leaves(target) => (Rcode::NOERROR, Some(target)),
            },
            node => (Rcode::NOERROR, self.emit(node, question.name, context, reply).cloned()),
        };
        let denied = rcode != Rcode::NOERROR || !reply.has(Section::Answer) && !reply.truncated;
        if denied && !reply.has(Section::Authority) {
            self.soa(Section::Authority, context, reply);
        }
        if !strict && reply.curtailed {
            reply.truncated = true;
        }
        let length = reply.finish(rcode, true, ceiling);
        match leaves {
            Some(target) => {
                Outcome::NeedUpstream(Upstream::new(length, target, Type(question.qtype)))
            }
            None if rcode == Rcode::NXDOMAIN && zone.fallthrough => Outcome::Foreign(length),
            None => Outcome::Reply(length),
        }
    }

    /// The verdict on a name that nothing is known of.
    fn missing(&self) -> Rcode {
        if self.synced { Rcode::NXDOMAIN } else { Rcode::SERVFAIL }
    }

    /// Writes an ExternalName's alias and, as far as it leads inside, what it stands for.
    #[inline(never)]
    fn follow<'s>(
        &'s self,
        target: &'s Name,
        question: &Question<'_>,
        asked: &Context<'_>,
        reply: &mut Reply<'_>,
    ) -> Chain {
        match question.qtype {
            code::CNAME => {
                Self::emit_alias(target, asked, reply);
                return Chain::Ends(Rcode::NOERROR);
            }
            code::A | code::AAAA => {}
            // Only addresses are looked for behind an alias (CoreDNS).
            _ => return Chain::Ends(Rcode::NOERROR),
        }
        let (mut context, mut target) = (*asked, target);
        let strict = self.config.options.mode == Mode::Strict;
        for _ in 0..LONGEST_CHAIN {
            let Some(place) = Self::emit_alias(target, &context, reply) else {
                return Chain::Ends(Rcode::NOERROR);
            };
            let folded = Folded::read(target.as_wire());
            let Some((folded, zone)) =
                folded.and_then(|folded| self.config.served.of(&folded).map(|zone| (folded, zone)))
            else {
                return Chain::Leaves(target.clone());
            };
            context = Context {
                owner: place,
                name: target.as_wire(),
                cut: folded.cut(zone.labels),
                kind: zone.kind,
                ..*asked
            };
            let before = reply.at();
            let key = self.spoken_of(zone, &folded);
            let found = key.map(|(table, key)| table.find(&self.config, key));
            let rcode = match self.locate(zone, &folded, Spoken::of(found)) {
                Node::Alias(next) => {
                    target = next;
                    continue;
                }
                Node::Missing => self.missing(),
                node => {
                    if let Some(target) = self.emit(node, &folded, &context, reply) {
                        return Chain::Leaves(target.clone());
                    }
                    Rcode::NOERROR
                }
            };
            if reply.at() > before || reply.truncated {
                return Chain::Ends(rcode);
            }
            if !strict {
                break;
            }
            // RFC 6604: the code is that of the chain's end, and so is the zone that denies.
            self.soa(Section::Authority, &context, reply);
            return Chain::Ends(rcode);
        }
        reply.clear(question);
        Chain::Ends(if strict { Rcode::SERVFAIL } else { Rcode::NOERROR })
    }
}

/// Whether a reply says that the name doesn't exist.
fn is_denied(reply: Option<&[u8]>) -> bool {
    reply
        .and_then(|reply| reply.get(3))
        .is_some_and(|flags| u16::from(flags & 15) == Rcode::NXDOMAIN.0)
}

/// Where an alias leads.
enum Chain {
    /// The reply has all there is.
    Ends(Rcode),
    /// The rest is elsewhere.
    Leaves(Name),
}
