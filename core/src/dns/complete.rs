//! The second half of an answer that somebody else has to be asked for.

use std_alloc::vec::Vec;

use super::{
    Data, Message, Mode, Name, Outcome, Peer, Rcode, Record, Snapshot, Upstream,
    answer::Context,
    code,
    name::Folded,
    question::Question,
    reply::{ASKED, Reply, Section, Spelling},
    size::Sizes,
};

impl Snapshot {
    /// Goes on with the reply to `message` that [`answer`](Self::answer) left at
    /// [`Outcome::NeedUpstream`], with what somebody else said about its target;
    /// `None` when nobody could be asked. `out` is the buffer that holds the reply so far.
    ///
    /// The aliases stay, the upstream's records follow, and its code and truncation become the reply's. A failure
    /// is told as SERVFAIL. CoreDNS turns a failure into an empty answer, and a missing target into the bare alias;
    /// in its mode, so does this. A search that found nothing there goes on, and may need somebody else again.
    pub fn complete(
        &self,
        message: &[u8],
        peer: Peer,
        need: &Upstream,
        said: Option<&[u8]>,
        out: &mut [u8],
    ) -> Outcome {
        let mut name = Folded::new();
        let Ok(question) = Question::read(message, &mut name) else { return Outcome::Drop };
        if let Some(walk) = &need.walk {
            return self.walk_on((**walk).clone(), &question, peer, said, out);
        }
        let completion = Completion { sizes: self.sizes(), question: &question, peer };
        completion.alias(need, said, out, |reply| self.deny(&question, reply))
    }

    /// The SOA of the question's zone.
    pub(super) fn deny(&self, question: &Question<'_>, reply: &mut Reply<'_>) {
        debug_assert!(question.qtype != code::SOA, "an SOA is never asked elsewhere");
        if let Some(zone) = self.config.served.of(question.name) {
            self.soa(Section::Authority, &Context::of(question, zone, 0), reply);
        }
    }
}

/// A reply that waits for somebody else.
pub(super) struct Completion<'q, 'm> {
    pub(super) sizes: Sizes,
    pub(super) question: &'q Question<'m>,
    pub(super) peer: Peer,
}

impl Completion<'_, '_> {
    /// Puts what was said about an alias's target behind the alias; `deny` writes the SOA of an empty answer.
    pub(super) fn alias(
        &self,
        need: &Upstream,
        said: Option<&[u8]>,
        out: &mut [u8],
        deny: impl FnOnce(&mut Reply<'_>),
    ) -> Outcome {
        let said = said.and_then(|reply| Message::decode(reply).ok()).filter(answers);
        let strict = self.sizes.mode == Mode::Strict;
        let so_far = out.get(..need.length).map(Message::decode);
        let so_far = so_far.and_then(Result::ok).map(|reply| reply.answer).unwrap_or_default();
        let limit = self.sizes.limit(self.question, self.peer.transport);
        let ceiling = self.sizes.advertised(self.question);
        let Some(mut reply) = Reply::new(self.question, limit, out) else { return Outcome::Drop };
        let Some(said) = said else {
            let rcode = if strict { Rcode::SERVFAIL } else { Rcode::NOERROR };
            let kept = if strict { so_far } else { without_alias(so_far, &need.target) };
            put_all(Section::Answer, &kept, self.question, &mut reply);
            if kept.is_empty() {
                deny(&mut reply);
            }
            return Outcome::Reply(reply.finish(rcode, true, ceiling));
        };
        put_all(Section::Answer, &so_far, self.question, &mut reply);
        put_all(Section::Answer, &said.answer, self.question, &mut reply);
        reply.truncated |= said.truncated;
        let rcode = if strict { said.rcode } else { Rcode::NOERROR };
        Outcome::Reply(reply.finish(rcode, true, ceiling))
    }
}

/// Records without the aliases that lead to `target` and to nothing else.
fn without_alias(mut records: Vec<Record>, target: &Name) -> Vec<Record> {
    let mut target = target.clone();
    loop {
        let leads = |record: &Record| matches!(&record.data, Data::Cname(to) if *to == target);
        let Some(at) = records.iter().position(leads) else { return records };
        let owner = records.remove(at).owner;
        if records.iter().any(|record| record.owner == owner) {
            return records;
        }
        target = owner;
    }
}

/// Whether a message is a reply that says something.
pub(super) fn answers(reply: &Message) -> bool {
    reply.reply && matches!(reply.rcode, Rcode::NOERROR | Rcode::NXDOMAIN)
}

/// Records, as far as there is room; names in full, but for those that are the question's.
pub(super) fn put_all(
    section: Section,
    records: &[Record],
    question: &Question<'_>,
    reply: &mut Reply<'_>,
) {
    for record in records {
        let mut wire = Vec::new();
        record.encode(&mut wire);
        let data = wire.get(record.owner.as_wire().len() + 10..).unwrap_or_default();
        let owner = match record.owner.as_wire() == question.asked() {
            true => Spelling::at(ASKED),
            false => Spelling::wire(record.owner.as_wire()),
        };
        let kind = (record.data.rtype().0, record.ttl);
        if reply.record(section, owner, kind, |reply| reply.put(data)).is_none() {
            return;
        }
    }
}
