//! Many messages at once.
//!
//! ```text
//! read  read  read …   the questions
//! find  find  find …   their Services, all one step deeper at a time
//! say   say   say  …   the replies
//! ```
//!
//! One look-up reads memory in steps of which each needs the one before. Those of different questions don't, so the
//! processor waits for all of them together.

use super::{
    Outcome, Peer, Snapshot, locate::Spoken, name::Folded, question::Question, table::Table,
};

/// Questions whose Services are looked for together: as many reads as a processor has under way.
const TOGETHER: usize = 16;

/// A message, who sent it, where its reply goes, and what is to be done about it.
type Item<'m, 'o> = (&'m [u8], Peer, &'o mut [u8], Outcome);

impl Snapshot {
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
        if self.config.searches {
            for (message, peer, out, outcome) in batch {
                *outcome = self.answer(message, *peer, out);
            }
            return;
        }
        let mut names = [const { Folded::new() }; TOGETHER];
        for part in batch.chunks_mut(TOGETHER) {
            self.answer_together(part, &mut names);
        }
    }

    fn answer_together(&self, part: &mut [Item<'_, '_>], names: &mut [Folded; TOGETHER]) {
        let mut items = part.iter().zip(names);
        let questions: [_; TOGETHER] = core::array::from_fn(|_| {
            items.next().map(|((message, ..), name)| Question::read(message, name))
        });
        let zones = questions.each_ref().map(|question| match question {
            Some(Ok(question)) => self.config.served.of(question.name),
            _ => None,
        });
        let mut places = questions.iter().zip(zones);
        let keys = core::array::from_fn(|_| match places.next() {
            Some((Some(Ok(question)), Some(zone))) => self.spoken_of(zone, question.name),
            _ => None,
        });
        let found: [_; TOGETHER] = Table::find_together(&self.config, keys);
        let findings = questions.iter().flatten().zip(zones).zip(found);
        for ((_, peer, out, outcome), ((question, zone), found)) in part.iter_mut().zip(findings) {
            *outcome = match question {
                Ok(question) => self.say(question, zone, Spoken::of(found), peer, out),
                Err(refusal) => refusal.say(out),
            };
        }
    }
}
