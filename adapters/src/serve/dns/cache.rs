//! Replies of others, kept as long as they say.
//!
//! What is kept is the whole reply. Who gets it sees the own number and the own spelling of the name, and TTLs that
//! have gone down by the time it was kept. Truncated replies and failures aren't kept.

use super::{Metrics, upstream::Upstream};
use crate::clock;
use quick_cache::sync::Cache as Replies;
use std::sync::Arc;
use svckit::{
    Time,
    dns::{Message, Transport},
};

/// The longest time, in seconds, that anything is kept: an answer, and a denial.
const LONGEST: [u32; 2] = [3_600, 300];

/// See the module.
#[derive(Debug)]
pub(super) struct Cache {
    replies: Replies<Vec<u8>, Kept>,
}

/// One reply.
#[derive(Clone, Debug)]
struct Kept {
    reply: Arc<[u8]>,
    since: Time,
    seconds: u32,
}

impl Cache {
    pub(super) fn new(replies: usize) -> Self {
        Self { replies: Replies::new(replies) }
    }

    /// The reply to `question`: the one that is kept, or the one that an upstream gives now.
    pub(super) async fn ask(
        &self,
        upstream: &Upstream,
        question: &[u8],
        transport: Transport,
        metrics: &Metrics,
    ) -> Option<Vec<u8>> {
        let asked = Message::forwarded(question)?;
        let key = key(&asked, transport)?;
        if let Some(reply) = self.kept(&key, question) {
            Metrics::count(&metrics.cached);
            return Some(reply);
        }
        let reply = upstream.relay(&asked, transport).await?;
        if let Some(seconds) = worth(&reply) {
            let kept = Kept { reply: reply.as_slice().into(), since: clock::now(), seconds };
            self.replies.insert(key, kept);
        }
        Some(reply)
    }

    /// What is kept under `key`, as an answer to `question`.
    fn kept(&self, key: &Vec<u8>, question: &[u8]) -> Option<Vec<u8>> {
        let kept = self.replies.get(key)?;
        let age = clock::now().saturating_since(kept.since).as_secs();
        let age = u32::try_from(age).ok().filter(|age| *age < kept.seconds)?;
        let mut reply = kept.reply.to_vec();
        Message::answer_again(&mut reply, question, age).then_some(reply)
    }
}

/// What makes questions alike: everything after the number, with the name in lower case.
fn key(question: &[u8], transport: Transport) -> Option<Vec<u8>> {
    let mut key = question.get(2..)?.to_vec();
    let name = key.get_mut(10..)?;
    let mut at = 0;
    // Up to the name's end; what follows is no text.
    while let Some(length) = name.get(at).copied().filter(|length| (1..64).contains(length)) {
        name.get_mut(at + 1..at + 1 + usize::from(length))?.make_ascii_lowercase();
        at += 1 + usize::from(length);
    }
    key.push(u8::from(transport == Transport::Tcp));
    Some(key)
}

/// How many seconds a reply may be kept; `None`: it may not.
fn worth(reply: &[u8]) -> Option<u32> {
    let message = Message::decode(reply).ok()?;
    let denied = match message.rcode {
        svckit::dns::Rcode::NOERROR => message.answer.is_empty(),
        svckit::dns::Rcode::NXDOMAIN => true,
        _ => return None,
    };
    if message.truncated {
        return None;
    }
    let all = message.answer.iter().chain(&message.authority).chain(&message.additional);
    let least = all.map(|record| record.ttl).min()?;
    let minimum = message.authority.iter().find_map(|record| match &record.data {
        svckit::dns::Data::Soa(soa) => Some(soa.minimum),
        _ => None,
    });
    // RFC 2308: a denial without an SOA isn't kept.
    let least = if denied { least.min(minimum?) } else { least };
    let [longest, denial] = LONGEST;
    let seconds = least.min(if denied { denial } else { longest });
    (seconds > 0).then_some(seconds)
}
