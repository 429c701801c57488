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
    locate::{Node, as_coredns},
    name::Folded,
    question::{Question, Refusal},
    reply::{ASKED, Reply, Section, Spelling, Tail},
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
    /// The zone as the question or the alias spells it.
    pub(super) zone: &'c [u8],
    /// The same as a place in the reply; `None` if it stands nowhere.
    pub(super) zone_at: Option<u16>,
    pub(super) kind: Kind,
    pub(super) ttl: u32,
    pub(super) qtype: u16,
    /// Turns the order of records.
    pub(super) turn: u64,
}

impl<'c> Context<'c> {
    /// The zone, as short as it can be.
    pub(super) fn tail(&self) -> Tail<'c> {
        self.zone_at.map_or(Tail::Wire(self.zone), Tail::At)
    }

    /// Where to start in a list of `count`.
    pub(super) fn start(&self, count: usize) -> usize {
        ((u128::from(self.turn) * count as u128) >> 64) as usize
    }

    /// The label between namespace and zone.
    pub(super) fn class(&self) -> &'static [u8] {
        match self.kind {
            Kind::External | Kind::ExternalReverse(_) => b"",
            _ => b"\x03svc",
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
        let outcome = self.answer_plainly(message, peer, out);
        if !self.config.searches {
            return outcome;
        }
        match outcome {
            Outcome::Reply(length) | Outcome::Foreign(length) if is_denied(out.get(..length)) => {
                self.searched(message, peer, out).unwrap_or(outcome)
            }
            outcome => outcome,
        }
    }

    /// Answers many messages, each into its own buffer; see [`answer`](Self::answer). The order of addresses turns
    /// from one to the next.
    ///
    /// ```
    /// # use svckit::{Seed, dns::{Message, Options, Outcome, Peer, Type, Zone}};
    /// # let mut zone = Zone::new(Options::new("cluster.local".parse()?), Seed([1; 4]));
    /// let question = Message::question(1, &"cluster.local".parse()?, Type(6));
    /// let (mut first, mut second) = ([0; 512], [0; 512]);
    /// let mut batch = [
    ///     (&question[..], Peer::udp(1), &mut first[..], Outcome::Drop),
    ///     (&question[..], Peer::udp(2), &mut second[..], Outcome::Drop),
    /// ];
    /// zone.snapshot().answer_batch(&mut batch);
    /// assert!(batch.iter().all(|(.., outcome)| matches!(outcome, Outcome::Reply(_))));
    /// # Ok::<_, svckit::dns::BadName>(())
    /// ```
    pub fn answer_batch(&self, batch: &mut [(&[u8], Peer, &mut [u8], Outcome)]) {
        for (message, peer, out, outcome) in batch {
            *outcome = self.answer(message, *peer, out);
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
    pub(super) fn answer_plainly(&self, message: &[u8], peer: Peer, out: &mut [u8]) -> Outcome {
        let mut name = Folded::new();
        let question = match Question::read(message, &mut name) {
            Ok(question) => question,
            Err(Refusal::Drop) => return Outcome::Drop,
            Err(Refusal::Header(header, rcode)) => {
                return Reply::bare(header, rcode, out).map_or(Outcome::Drop, Outcome::Reply);
            }
        };
        let sizes = self.sizes();
        let limit = sizes.limit(&question, peer.transport);
        let ceiling = sizes.advertised(&question);
        let Some(reply) = Reply::new(&question, limit, out) else { return Outcome::Drop };
        if let Some(rcode) = question.refused() {
            return Outcome::Reply(reply.finish(rcode, false, ceiling));
        }
        let Some(zone) = self.config.served.of(question.name) else {
            return Outcome::Foreign(reply.finish(Rcode::REFUSED, false, ceiling));
        };
        let turn = mix(peer.entropy ^ (u64::from(question.header.id) << 48));
        self.answer_in(zone, &question, turn, reply, ceiling)
    }

    /// How large replies may be.
    pub(super) fn sizes(&self) -> Sizes {
        let options = &self.config.options;
        Sizes { mode: options.mode, ceiling: options.udp_ceiling }
    }

    fn answer_in(
        &self,
        zone: &Served,
        question: &Question<'_>,
        turn: u64,
        mut reply: Reply<'_>,
        ceiling: u16,
    ) -> Outcome {
        let strict = self.config.options.mode == Mode::Strict;
        let mut node = self.locate(zone, question.name);
        if !strict && !matches!(zone.kind, Kind::External | Kind::ExternalReverse(_)) {
            node = as_coredns(node, question.qtype);
        }
        let context = self.context(zone, question, turn);
        let rcode = match node {
            Node::Missing => self.missing(),
            Node::Alias(target) => match self.follow(target, question, &context, &mut reply) {
                Chain::Ends(rcode) => rcode,
                Chain::Leaves(target) => {
                    let length = reply.finish(Rcode::NOERROR, true, ceiling);
                    let qtype = Type(question.qtype);
                    return Outcome::NeedUpstream(Upstream::new(length, target, qtype));
                }
            },
            node => {
                if let Some(target) = self.emit(node, question.name, &context, &mut reply) {
                    let length = reply.finish(Rcode::NOERROR, true, ceiling);
                    let (target, qtype) = (target.clone(), Type(question.qtype));
                    return Outcome::NeedUpstream(Upstream::new(length, target, qtype));
                }
                Rcode::NOERROR
            }
        };
        let denied = rcode != Rcode::NOERROR || !reply.has(Section::Answer) && !reply.truncated;
        if denied && !reply.has(Section::Authority) {
            self.soa(Section::Authority, &context, &mut reply);
        }
        if !strict && reply.curtailed {
            reply.truncated = true;
        }
        let length = reply.finish(rcode, true, ceiling);
        if rcode == Rcode::NXDOMAIN && zone.fallthrough {
            return Outcome::Foreign(length);
        }
        Outcome::Reply(length)
    }

    pub(super) fn context<'c>(
        &self,
        zone: &Served,
        question: &Question<'c>,
        turn: u64,
    ) -> Context<'c> {
        let start = question.name.start(question.name.count() - zone.labels);
        let outside = matches!(zone.kind, Kind::External | Kind::ExternalReverse(_));
        let external = self.config.options.external.as_ref().filter(|_| outside);
        Context {
            owner: ASKED,
            zone: question.asked_suffix(zone.labels),
            zone_at: Reply::place(usize::from(ASKED) + start),
            kind: zone.kind,
            ttl: external.map_or(self.config.options.ttl, |external| external.ttl),
            qtype: question.qtype,
            turn,
        }
    }

    /// The verdict on a name that nothing is known of.
    fn missing(&self) -> Rcode {
        if self.synced { Rcode::NXDOMAIN } else { Rcode::SERVFAIL }
    }

    /// Writes an ExternalName's alias and, as far as it leads inside, what it stands for.
    fn follow<'s>(
        &'s self,
        target: &'s Name,
        question: &Question<'_>,
        asked: &Context<'_>,
        reply: &mut Reply<'_>,
    ) -> Chain {
        let alias = |reply: &mut Reply<'_>, context: &Context<'_>, target: &Name| {
            let owner = Spelling::at(context.owner);
            let kind = (code::CNAME, context.ttl);
            reply.record(Section::Answer, owner, kind, |reply| reply.put(target.as_wire()))
        };
        match question.qtype {
            code::CNAME => {
                alias(reply, asked, target);
                return Chain::Ends(Rcode::NOERROR);
            }
            code::A | code::AAAA => {}
            // Only addresses are looked for behind an alias (CoreDNS).
            _ => return Chain::Ends(Rcode::NOERROR),
        }
        let (mut context, mut target) = (*asked, target);
        let strict = self.config.options.mode == Mode::Strict;
        for _ in 0..LONGEST_CHAIN {
            let Some(place) = alias(reply, &context, target) else {
                return Chain::Ends(Rcode::NOERROR);
            };
            let folded = Folded::read(target.as_wire());
            let Some((folded, zone)) =
                folded.and_then(|folded| self.config.served.of(&folded).map(|zone| (folded, zone)))
            else {
                return Chain::Leaves(target.clone());
            };
            let start = folded.start(folded.count() - zone.labels);
            context = Context {
                owner: place,
                zone: target.as_wire().get(start..).unwrap_or_default(),
                zone_at: Reply::place(usize::from(place) + start),
                kind: zone.kind,
                ..*asked
            };
            let before = reply.at();
            let rcode = match self.locate(zone, &folded) {
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
