//! Walks on behalf of clients: those whose pod is known by its address (autopath), and those who ask below the
//! search zone, whose names say it all.
//!
//! ```text
//! cart.search.shop.cluster.local.ap.k8s.io   one search domain for all of a namespace (KEP-2009)
//! ```

use core::net::IpAddr;
use std_alloc::{boxed::Box, vec, vec::Vec};

use super::{
    Message, Mode, Name, Outcome, Peer, Rcode, Snapshot, Transport, Type, Upstream, Walk, Walked,
    complete::{answers, put_all},
    locate::Node,
    name::{Folded, labels},
    question::Question,
    reply::{Reply, Section},
    served::{Kind, Served},
};

/// The label between a user's name and the namespace, in the search zone.
const SEARCH: &[u8] = b"search";

impl Snapshot {
    /// The search list of a namespace's pods, the root last.
    fn search_list(&self, namespace: &[u8], zone: &Name) -> Vec<Name> {
        let own = [&[namespace, b"svc"][..], &[b"svc"], &[]];
        let own = own
            .into_iter()
            .filter_map(|left| Name::from_labels(left.iter().copied().chain(zone.labels())).ok());
        own.chain(self.config.options.host_search.iter().cloned()).chain([Name::root()]).collect()
    }

    /// The walk of a question that a pod's resolver made of its search list: the client's address is that of pods
    /// of one namespace, and the name is below that namespace's own domain.
    pub(super) fn autopath(&self, question: &Question<'_>, client: IpAddr) -> Option<Walk> {
        let mut namespaces = self.pods.get(client).map(|pod| &pod.namespace);
        let namespace = namespaces.next()?;
        // Pods on a node's network share its address; whose question it is can't be told then.
        if namespaces.any(|other| other != namespace) {
            return None;
        }
        let asked = Name::from_labels(labels(question.asked())).ok()?;
        let zone = self.config.served.cluster_of(question.name)?;
        let search = self.search_list(namespace.as_bytes(), &zone);
        let walk = Walk::new(&asked, &search)?;
        // The domain itself is nobody's search.
        (asked != *search.first()?).then_some(walk)
    }

    /// The walk that a name of the search zone spells.
    pub(super) fn search_walk(&self, served: &Served, question: &Question<'_>) -> Option<Walk> {
        let folded = &question.name;
        let (base, namespace, zone) = self.search_parts(served, folded)?;
        let namespace = folded.label(namespace);
        if base == 0 || !self.has_namespace(namespace) {
            return None;
        }
        let asked = Name::from_labels(labels(question.asked())).ok()?;
        let base = Name::from_labels(asked.labels().take(base)).ok()?;
        let zone = Name::from_labels(
            (zone..folded.count() - served.labels).map(|index| folded.label(index)),
        );
        Some(Walk::of(&asked, &base, &self.search_list(namespace, &zone.ok()?)))
    }

    /// How many labels the user wrote, and where namespace and cluster domain start.
    fn search_parts(&self, served: &Served, name: &Folded) -> Option<(usize, usize, usize)> {
        let left = name.count() - served.labels;
        let zone =
            (0..left).find(|index| self.config.served.is_cluster(name.span(*index, left)))?;
        let word = zone.checked_sub(2)?;
        (name.label(word) == SEARCH).then_some((word, word + 1, zone))
    }

    /// What a name of the search zone is by itself.
    #[inline(never)]
    pub(super) fn locate_search(&self, served: &Served, name: &Folded) -> Node<'static, 'static> {
        match self.search_parts(served, name) {
            Some((0, namespace, _)) if self.has_namespace(name.label(namespace)) => Node::Hollow,
            _ => Node::Missing,
        }
    }

    /// Starts a walk.
    pub(super) fn walk(
        &self,
        walk: Walk,
        question: &Question<'_>,
        peer: Peer,
        out: &mut [u8],
    ) -> Outcome {
        self.walked(walk, None, question, peer, out)
    }

    /// Goes on with a walk after somebody else was asked.
    pub(super) fn walk_on(
        &self,
        mut walk: Walk,
        question: &Question<'_>,
        peer: Peer,
        said: Option<&[u8]>,
        out: &mut [u8],
    ) -> Outcome {
        let said = said.and_then(|reply| Message::decode(reply).ok()).filter(answers);
        if said.is_none() && self.config.options.mode == Mode::Strict {
            // Whether the name exists isn't known, so nothing may be said about those after it.
            let failed = Message { rcode: Rcode::SERVFAIL, ..Message::empty() };
            return self.found(&failed, question, peer, out);
        }
        let ended = walk.take(said);
        self.walked(walk, ended, question, peer, out)
    }

    fn walked(
        &self,
        mut walk: Walk,
        mut ended: Option<Walked>,
        question: &Question<'_>,
        peer: Peer,
        out: &mut [u8],
    ) -> Outcome {
        let mut scratch = vec![0; usize::from(u16::MAX)];
        let inside = Peer { transport: Transport::Tcp, address: None, ..peer };
        loop {
            match ended {
                Some(Walked::Found(message)) => return self.found(&message, question, peer, out),
                Some(Walked::Nothing(_)) => return self.nothing(question, peer, out),
                None => {}
            }
            let Some(name) = walk.next() else { return self.nothing(question, peer, out) };
            let (id, qtype) = (question.header.id, Type(question.qtype));
            let asked = Message::question(id, name, qtype);
            let said = match self.answer_plainly(&asked, &inside, &mut scratch) {
                Outcome::Reply(length) => scratch.get(..length).map(Message::decode),
                Outcome::Drop => None,
                Outcome::Foreign(_) => {
                    let need = Upstream::new(0, name.clone(), qtype);
                    return Outcome::NeedUpstream(Upstream { walk: Some(Box::new(walk)), ..need });
                }
                Outcome::NeedUpstream(need) => {
                    // An alias in the cluster was found; only its end is missing.
                    let so_far = scratch.get(..need.length).map(Message::decode);
                    let Some(Walked::Found(message)) = walk.take(so_far.and_then(Result::ok))
                    else {
                        return self.nothing(question, peer, out);
                    };
                    let length = self.found(&message, question, peer, out).length().unwrap_or(0);
                    return Outcome::NeedUpstream(Upstream { length, ..need });
                }
            };
            ended = walk.take(said.and_then(Result::ok));
        }
    }

    /// Writes what a walk found.
    fn found(
        &self,
        message: &Message,
        question: &Question<'_>,
        peer: Peer,
        out: &mut [u8],
    ) -> Outcome {
        let sizes = self.sizes();
        let limit = sizes.limit(question, peer.transport);
        let Some(mut reply) = Reply::new(question, limit, out) else { return Outcome::Drop };
        for (section, records) in [
            (Section::Answer, &message.answer),
            (Section::Authority, &message.authority),
            (Section::Additional, &message.additional),
        ] {
            put_all(section, records, question, &mut reply);
        }
        reply.truncated |= message.truncated;
        Outcome::Reply(reply.finish(message.rcode, true, sizes.advertised(question)))
    }

    /// Denies the name that was asked.
    fn nothing(&self, question: &Question<'_>, peer: Peer, out: &mut [u8]) -> Outcome {
        let sizes = self.sizes();
        let limit = sizes.limit(question, peer.transport);
        let Some(mut reply) = Reply::new(question, limit, out) else { return Outcome::Drop };
        self.deny(question, &mut reply);
        let rcode = if self.synced { Rcode::NXDOMAIN } else { Rcode::SERVFAIL };
        let length = reply.finish(rcode, true, sizes.advertised(question));
        match self.config.served.of(question.name) {
            Some(zone) if zone.fallthrough => Outcome::Foreign(length),
            _ => Outcome::Reply(length),
        }
    }

    /// Whether a zone only holds searches.
    pub(super) fn is_search(zone: &Served) -> bool {
        zone.kind == Kind::Search
    }
}
