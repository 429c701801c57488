//! The second half of an answer whose ExternalName leads out of the zones.

use super::{
    Message, Mode, Rcode, Snapshot, Transport, code,
    question::Question,
    reply::{Reply, Section, Spelling},
};

impl Snapshot {
    /// Finishes the reply to `message` that [`answer`](Self::answer) left at
    /// [`Outcome::NeedUpstream`](super::Outcome::NeedUpstream), with what somebody else said about its target;
    /// `None` when nobody could be asked. `out` is the buffer that holds the reply so far.
    ///
    /// The aliases stay, the upstream's records follow, and its code and truncation become the reply's. A failure
    /// is told as SERVFAIL. CoreDNS turns a failure into an empty answer, and a missing target into the bare alias;
    /// in its mode, so does this.
    ///
    /// Returns the reply's length; 0 if `message` is not the one that was answered.
    pub fn complete(
        &self,
        message: &[u8],
        transport: Transport,
        upstream: Option<&[u8]>,
        out: &mut [u8],
    ) -> usize {
        let Ok(question) = Question::read(message) else { return 0 };
        let upstream = upstream.and_then(|reply| Message::decode(reply).ok());
        let said = upstream
            .filter(|reply| reply.reply && matches!(reply.rcode, Rcode::NOERROR | Rcode::NXDOMAIN));
        let strict = self.config.options.mode == Mode::Strict;
        let so_far = Message::decode(out).map(|reply| reply.answer).unwrap_or_default();
        let limit = self.limit(&question, transport);
        let ceiling = self.advertised(&question);
        let Some(mut reply) = Reply::new(&question, limit, out) else { return 0 };
        let Some(said) = said else {
            let rcode = if strict { Rcode::SERVFAIL } else { Rcode::NOERROR };
            if strict {
                put_all(&so_far, &mut reply);
            } else {
                self.deny(&question, &mut reply);
            }
            return reply.finish(rcode, true, ceiling);
        };
        put_all(&so_far, &mut reply);
        put_all(&said.answer, &mut reply);
        reply.truncated |= said.truncated;
        let rcode = if strict { said.rcode } else { Rcode::NOERROR };
        reply.finish(rcode, true, ceiling)
    }
}

/// Records in full, as far as there is room.
fn put_all(records: &[super::Record], reply: &mut Reply<'_>) {
    for record in records {
        let mut wire = std_alloc::vec::Vec::new();
        record.encode(&mut wire);
        let data = wire.get(record.owner.as_wire().len() + 10..).unwrap_or_default();
        let owner = Spelling::wire(record.owner.as_wire());
        let kind = (record.data.rtype().0, record.ttl);
        if reply.record(Section::Answer, owner, kind, |reply| reply.put(data)).is_none() {
            return;
        }
    }
}

impl Snapshot {
    /// The SOA of the question's zone.
    fn deny(&self, question: &Question<'_>, reply: &mut Reply<'_>) {
        debug_assert!(question.qtype != code::SOA, "an SOA is never asked elsewhere");
        if let Some(zone) = self.config.served.of(&question.name) {
            self.soa(Section::Authority, &self.context(zone, question, 0), reply);
        }
    }
}
